package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"text/tabwriter"
	"time"

	jsoniter "github.com/json-iterator/go"
	"github.com/spf13/cobra"

	"millrace/codecs/rubydebug"
	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

// tapOptions are the flags of millrace tap.
type tapOptions struct {
	api      apiFlags
	pipeline string
	at       string
	cond     string
	sample   int
	limit    int
	count    int
	format   string
	metadata bool
	points   bool
	wait     time.Duration
}

func (p *program) tapCommand() *cobra.Command {
	var o tapOptions
	cmd := &cobra.Command{
		Use:   "tap",
		Short: "Follow the events that pass a point of a running pipeline",
		Long: `Follow the events that pass a point of a running pipeline: behind an input, behind a filter, before an output.

The pipeline never waits for a follower: what he has no room for passes unseen, and is counted.`,
		Example: `  millrace tap                                    what leaves the filters
  millrace tap --points                           where events can be followed
  millrace tap --at filter:g --if '"_grokparsefailure" in [tags]' --format rubydebug
  millrace tap --at input --sample 1000 -n 10`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return p.tap(commandContext(cmd), cmd, &o) },
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.StringVar(&o.at, "at", "output", "point to follow: input:ID, filter:ID, output:ID, or input and output for all")
	f.StringVar(&o.cond, "if", "", `condition in the language of the pipeline: '[level] == "error"'`)
	f.IntVar(&o.sample, "sample", 1, "show one of so many events that meet the condition")
	f.IntVar(&o.limit, "limit", 100, "show no more than so many events a second")
	f.IntVarP(&o.count, "count", "n", 0, "end after so many events (default: never)")
	f.StringVar(&o.format, "format", "json", "json, rubydebug, or line: the time and the message")
	f.BoolVar(&o.metadata, "metadata", false, "show @metadata too")
	f.BoolVar(&o.points, "points", false, "list the points and end")
	f.StringVar(&o.pipeline, "pipeline", "", "id of the pipeline, where there are several")
	f.DurationVar(&o.wait, "wait", 30*time.Second, "how long to look for a pipeline that has ended to come again, as it does when its configuration is reloaded")
	o.api.connection(f)
	o.api.settings(f)
	return cmd
}

func (p *program) tap(ctx context.Context, cmd *cobra.Command, o *tapOptions) error {
	client, err := o.api.client(cmd.Flags())
	if err != nil {
		return err
	}
	if o.points {
		return p.printPoints(ctx, client, o)
	}
	f := &follower{p: p, client: client, o: o}
	if f.print, err = f.printer(o.format); err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	err = f.follow(ctx)
	if ctx.Err() != nil || errors.Is(err, syscall.EPIPE) {
		return nil // asked to end, or nobody reads any more
	}
	var answer *apiError
	if errors.As(err, &answer) && answer.Status == http.StatusNotFound {
		return fmt.Errorf("%w (millrace tap --points lists them)", err)
	}
	return err
}

// printPoints lists where events can be followed.
func (p *program) printPoints(ctx context.Context, client *apiClient, o *tapOptions) error {
	var points []struct {
		Pipeline, ID, Plugin, File string
		Line                       int
		Conditions                 []string
	}
	if err := client.getJSON(ctx, "/_millrace/tap/points?pipeline="+url.QueryEscape(o.pipeline), &points); err != nil {
		return err
	}
	w := tabwriter.NewWriter(p.out, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(w, "PIPELINE\tPOINT\tPLUGIN\tPLACE\tCONDITION") // errors come back from Flush
	for _, pt := range points {
		place := ""
		if pt.File != "" {
			place = pt.File + ":" + strconv.Itoa(pt.Line)
		}
		line := strings.Join([]string{pt.Pipeline, pt.ID, pt.Plugin, place, strings.Join(pt.Conditions, " > ")}, "\t")
		_, _ = fmt.Fprintln(w, string(appendVisible(nil, []byte(line))))
	}
	return w.Flush()
}

// follower follows one point, over reloads of the configuration.
type follower struct {
	p      *program
	client *apiClient
	o      *tapOptions
	print  func(*tapped) error
	seen   int
	buf    []byte
}

// tapped is one message of the stream.
type tapped struct {
	At        string
	Time      string
	Event     jsoniter.RawMessage
	Metadata  jsoniter.RawMessage
	Truncated bool
	Size      int
	Text      string
}

// tellf tells what is no event.
func (f *follower) tellf(format string, args ...any) {
	_, _ = fmt.Fprintf(f.p.err, format+"\n", args...)
}

// pauseBetween is how long a follower waits before he tries again.
const pauseBetween = 250 * time.Millisecond

// follow prints events until ctx ends, there were enough, or the pipeline has been away for too long.
func (f *follower) follow(ctx context.Context) error {
	attached := false
	var away time.Time // since when the pipeline is
	for {
		was, err := f.stream(ctx)
		attached = attached || was
		switch {
		case errors.Is(err, errEnough):
			return nil
		case ctx.Err() != nil || !attached || !comesAgain(err):
			return err
		case was:
			away = time.Now()
			f.tellf("# the pipeline has ended; waiting for it to come again")
		case time.Since(away) > f.o.wait:
			return fmt.Errorf("the pipeline did not come again in %s: %w", f.o.wait, err)
		}
		select {
		case <-time.After(pauseBetween):
		case <-ctx.Done():
			return nil
		}
	}
}

// errEnough tells that as many events were printed as were asked for.
var errEnough = errors.New("enough events")

// comesAgain reports whether it makes sense to try again after err: the program was away, or the pipeline between two configurations.
func comesAgain(err error) bool {
	var answer *apiError
	if errors.As(err, &answer) {
		return answer.Status == http.StatusServiceUnavailable
	}
	return !errors.Is(err, syscall.EPIPE)
}

// stream follows one stream to its end, and reports whether it began.
func (f *follower) stream(ctx context.Context) (attached bool, err error) {
	q := url.Values{"at": {f.o.at}, "sample": {strconv.Itoa(f.o.sample)}, "limit": {strconv.Itoa(f.o.limit)}}
	if f.o.cond != "" {
		q.Set("if", f.o.cond)
	}
	if f.o.pipeline != "" {
		q.Set("pipeline", f.o.pipeline)
	}
	if f.o.metadata {
		q.Set("metadata", "true")
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	resp, err := f.client.get(ctx, "/_millrace/tap?"+q.Encode())
	if err != nil {
		return false, err
	}
	defer func() { _ = resp.Body.Close() }()
	// A heartbeat comes every 15 seconds: a peer that is silent for three of them is gone.
	quiet := time.AfterFunc(silence, cancel)
	defer quiet.Stop()
	r := newSSEReader(readerFunc(func(b []byte) (int, error) {
		quiet.Reset(silence)
		return resp.Body.Read(b)
	}))
	for {
		m, err := r.next()
		if err != nil {
			return attached, err
		}
		attached = true
		if err := f.message(m); err != nil {
			return true, err
		}
	}
}

// silence is after how long a stream without heartbeats counts as broken.
const silence = 45 * time.Second

type readerFunc func([]byte) (int, error)

// Read implements io.Reader.
func (f readerFunc) Read(b []byte) (int, error) { return f(b) }

func (f *follower) message(m sseMessage) error {
	switch m.kind {
	case "attached":
		var v struct{ Pipeline, At string }
		if err := jsoniter.Unmarshal(m.data, &v); err != nil {
			return fmt.Errorf("reading the stream: %w", err)
		}
		f.tellf("# following %s of pipeline %s", v.At, v.Pipeline)
	case "dropped":
		var v struct{ Dropped, Total int64 }
		if err := jsoniter.Unmarshal(m.data, &v); err != nil {
			return fmt.Errorf("reading the stream: %w", err)
		}
		f.tellf("# %d events passed unseen, %d so far; --if, --sample and --limit choose which are seen", v.Dropped, v.Total)
	case "end":
		return io.EOF
	case "message":
		var v tapped
		if err := jsoniter.Unmarshal(m.data, &v); err != nil {
			return fmt.Errorf("reading the stream: %w", err)
		}
		if err := f.print(&v); err != nil {
			return err
		}
		if f.seen++; f.seen == f.o.count {
			return errEnough
		}
	}
	return nil
}

// printer returns what prints an event in a format.
func (f *follower) printer(format string) (func(*tapped) error, error) {
	switch format {
	case "json":
		return f.printJSON, nil
	case "line":
		return f.printLine, nil
	case "rubydebug":
		codec, err := rubydebug.New(rubydebug.Options{Metadata: f.o.metadata}, nil)
		if err != nil {
			return nil, err
		}
		enc := codec.NewEncoder()
		return func(t *tapped) error { return f.printEncoded(t, enc) }, nil
	}
	return nil, fmt.Errorf("--format: expected json, rubydebug or line, not %q", format)
}

// write prints text and a line break, if it has none.
func (f *follower) write(text []byte) error {
	f.buf = appendVisible(f.buf[:0], text)
	if len(f.buf) == 0 || f.buf[len(f.buf)-1] != '\n' {
		f.buf = append(f.buf, '\n')
	}
	_, err := f.p.out.Write(f.buf)
	return err
}

// printCut prints what is shown of an event that is too large: the beginning of its JSON.
func (f *follower) printCut(t *tapped) error {
	f.tellf("# an event of %d bytes is shown in part", t.Size)
	return f.write([]byte(strings.ReplaceAll(t.Text, "\n", " ")))
}

// printJSON prints the document, with @metadata as its last field if that was asked for.
func (f *follower) printJSON(t *tapped) error {
	if t.Truncated {
		return f.printCut(t)
	}
	doc := []byte(t.Event)
	if f.o.metadata && t.Metadata != nil && len(doc) > 1 && doc[len(doc)-1] == '}' {
		doc = append([]byte(nil), doc[:len(doc)-1]...)
		if len(doc) > 1 {
			doc = append(doc, ',')
		}
		doc = append(append(append(doc, `"@metadata":`...), t.Metadata...), '}')
	}
	return f.write(doc)
}

func (f *follower) printLine(t *tapped) error {
	if t.Truncated {
		return f.printCut(t)
	}
	var v struct {
		Time    string `json:"@timestamp"`
		Message *any   `json:"message"`
	}
	if err := jsoniter.Unmarshal(t.Event, &v); err != nil {
		return fmt.Errorf("reading an event: %w", err)
	}
	if v.Message == nil {
		return f.write(append([]byte(v.Time+" "), t.Event...))
	}
	text, ok := (*v.Message).(string)
	if !ok {
		text = fmt.Sprint(*v.Message)
	}
	return f.write([]byte(v.Time + " " + strings.NewReplacer("\r", `\r`, "\n", `\n`).Replace(text)))
}

// printEncoded prints an event as one of the program's codecs does.
func (f *follower) printEncoded(t *tapped, enc plugin.Encoder) error {
	if t.Truncated {
		return f.printCut(t)
	}
	e := event.New(nil)
	if err := fill(e, e.Root(), t.Event); err != nil {
		return err
	}
	if t.Metadata != nil {
		if err := fill(e, e.Metadata(), t.Metadata); err != nil {
			return err
		}
	}
	if v, ok := e.Root().Get(event.TimestampField); ok && v.Kind() == event.String {
		if at, err := time.Parse(time.RFC3339Nano, v.Str()); err == nil {
			e.SetTimestamp(at)
		}
	}
	text, err := enc.AppendEncode(nil, e)
	if err != nil {
		return err
	}
	return f.write(text)
}

// fill sets the fields of a JSON object in o.
func fill(e *event.Event, o *event.Object, doc []byte) error {
	v, _, ok, err := e.ParseJSON(string(doc))
	if err != nil || !ok || v.Kind() != event.KindObject {
		return fmt.Errorf("reading an event: %w", errors.Join(err, errors.New("expected a JSON object")))
	}
	for _, f := range v.Object().Fields() {
		o.Set(f.Key, f.Val)
	}
	return nil
}
