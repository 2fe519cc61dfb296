package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"
)

// topOptions are the flags of millrace top.
type topOptions struct {
	api      apiFlags
	pipeline string
	interval time.Duration
	once     bool
}

func (p *program) topCommand() *cobra.Command {
	var o topOptions
	cmd := &cobra.Command{
		Use:   "top",
		Short: "Show what a running Millrace does: rates, back-pressure, the cost of each plugin, the balance of all events",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return p.top(commandContext(cmd), cmd, &o) },
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.DurationVar(&o.interval, "interval", 2*time.Second, "how often to look")
	f.BoolVar(&o.once, "once", false, "print one table and end, as it does where the output is no terminal")
	f.StringVar(&o.pipeline, "pipeline", "", "show this pipeline only")
	o.api.connection(f)
	o.api.settings(f)
	return cmd
}

// leastInterval keeps a terminal from becoming a load.
const leastInterval = 200 * time.Millisecond

func (p *program) top(ctx context.Context, cmd *cobra.Command, o *topOptions) error {
	client, err := o.api.client(cmd.Flags())
	if err != nil {
		return err
	}
	size, terminal := terminalSize(p.out)
	if o.once || !terminal {
		v, err := client.overview(ctx, o.pipeline)
		if err != nil {
			return err
		}
		_, err = io.WriteString(p.out, v.render(0, 0, false))
		return err
	}
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	return p.watch(ctx, client, o, size)
}

// The control sequences of an ANSI terminal that a screen needs.
const (
	enterScreen = "\x1b[?1049h\x1b[?25l"
	leaveScreen = "\x1b[?25h\x1b[?1049l"
	homeCursor  = "\x1b[H"
	clearLine   = "\x1b[K"
	clearBelow  = "\x1b[J"
)

// watch redraws the screen until ctx ends.
func (p *program) watch(ctx context.Context, client *apiClient, o *topOptions, size func() (width, height int)) error {
	if _, err := io.WriteString(p.out, enterScreen); err != nil {
		return err
	}
	defer func() { _, _ = io.WriteString(p.out, leaveScreen) }()
	resized := make(chan os.Signal, 1)
	signal.Notify(resized, syscall.SIGWINCH)
	defer signal.Stop(resized)
	tick := time.NewTicker(max(o.interval, leastInterval))
	defer tick.Stop()
	for {
		width, height := size()
		screen := ""
		v, err := client.overview(ctx, o.pipeline)
		var refused *apiError
		switch {
		case ctx.Err() != nil:
			return nil
		case errors.As(err, &refused):
			return err
		case err != nil:
			screen = fit([]string{"millrace top", "", err.Error(), "trying again every " + o.interval.String()}, width, height)
		default:
			screen = v.render(width, height, true)
		}
		screen = homeCursor + strings.ReplaceAll(screen, "\n", clearLine+"\r\n") + clearBelow
		if _, err := io.WriteString(p.out, screen); err != nil {
			return err
		}
		select {
		case <-tick.C:
		case <-resized:
		case <-ctx.Done():
			return nil
		}
	}
}

// terminalSize returns what tells the size of the terminal that w writes to; false if it is none.
func terminalSize(w io.Writer) (size func() (width, height int), ok bool) {
	f, ok := w.(*os.File)
	if !ok {
		return nil, false
	}
	size = func() (int, int) {
		ws, err := unix.IoctlGetWinsize(int(f.Fd()), unix.TIOCGWINSZ)
		if err != nil || ws.Col == 0 || ws.Row == 0 {
			return 80, 24
		}
		return int(ws.Col), int(ws.Row)
	}
	_, err := unix.IoctlGetWinsize(int(f.Fd()), unix.TIOCGWINSZ)
	return size, err == nil
}

// overview is the answer of /_millrace/overview. Durations are nanoseconds.
type overview struct {
	Name, Version string
	Uptime        time.Duration
	Pipelines     []pipelineOverview
}

type pipelineOverview struct {
	ID, State  string
	Workers    int
	Followers  int
	Account    struct{ Received, Made, Dropped, Unrouted, Routed, Processing int64 }
	Trouble    map[string]int64
	Rates      struct{ In, Out, Backpressure, Busy float64 }
	Work       time.Duration
	OutputWait time.Duration `json:"output_wait"`
	Queue      struct {
		Type          string
		Events, Bytes int64
		MaxBytes      int64 `json:"max_bytes"`
	}
	DeadLetters *struct {
		Written, Bytes, Dropped, Expired int64
		MaxBytes                         int64 `json:"max_bytes"`
	} `json:"dead_letters"`
	Plugins []pluginOverview
}

type pluginOverview struct {
	ID, Kind, Name, File, Condition string
	Line                            int
	In, Out, Matched, Failures      int64
	Bytes, Restarts                 int64
	Nanos                           time.Duration
	Rate                            float64
	RecentIn                        int64         `json:"recent_in"`
	RecentNanos                     time.Duration `json:"recent_nanos"`
	Account                         *outputOverview
	Own                             map[string]any
}

type outputOverview struct {
	Taken, Delivered, Dropped, Retried int64
	DeadLettered                       int64 `json:"dead_lettered"`
	InFlight                           int64 `json:"in_flight"`
}

// overview asks for the figures.
func (c *apiClient) overview(ctx context.Context, pipeline string) (*overview, error) {
	v := new(overview)
	if err := c.getJSON(ctx, "/_millrace/overview", v); err != nil {
		return nil, err
	}
	if pipeline != "" {
		v.Pipelines = slices.DeleteFunc(v.Pipelines, func(p pipelineOverview) bool { return p.ID != pipeline })
		if len(v.Pipelines) == 0 {
			return nil, &apiError{Message: fmt.Sprintf("there is no pipeline %q", pipeline)}
		}
	}
	return v, nil
}
