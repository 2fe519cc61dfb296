package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"text/tabwriter"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"millrace/internal/settings"
	"millrace/pipeline/queue"
	"millrace/pipeline/queue/vfs"
)

// storageFlags declares the flags by which commands on stored data find it.
func (o *runOptions) storageFlags(f *pflag.FlagSet) {
	f.SortFlags = false
	f.String("path.settings", "", "folder of logstash.yml and pipelines.yml")
	f.String("path.data", "", "folder of what survives a restart")
	f.StringArrayVarP(&o.set, "setting", "S", nil, "any setting, as name=value")
}

// checkFormat refuses formats that there are not.
func checkFormat(format string) error {
	if format != "text" && format != "json" {
		return fmt.Errorf("--format is text or json, not %q", format)
	}
	return nil
}

// queueCommand looks after persistent queues.
func (p *program) queueCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "queue", Short: "Inspect, check and repair persistent queues",
		Args: cobra.NoArgs, RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	add := func(name, short, long string, look func(string, vfs.FS) (*queue.Report, error), strict bool) {
		var o runOptions
		var format string
		sub := &cobra.Command{
			Use: name + " [PIPELINE or FOLDER]", Short: short, Long: short + ".\n\n" + long, Args: cobra.MaximumNArgs(1),
			RunE: func(cmd *cobra.Command, args []string) error {
				if err := checkFormat(format); err != nil {
					return err
				}
				l, err := load(cmd.Flags(), &o)
				if err != nil {
					return err
				}
				dir, err := queueFolder(l, args)
				if err != nil {
					return err
				}
				r, err := look(dir, vfs.OS{})
				if errors.Is(err, queue.ErrLocked) {
					return fmt.Errorf("the queue in %q is in use: end the process that has it open first (millrace queue inspect works beside it)", dir)
				}
				if err != nil {
					return err
				}
				if err := p.printQueue(r, format, name == "repair"); err != nil {
					return err
				}
				if strict && len(r.Problems) > 0 {
					return exitError(1)
				}
				return nil
			},
		}
		o.storageFlags(sub.Flags())
		sub.Flags().StringVar(&format, "format", "text", "text or json")
		cmd.AddCommand(sub)
	}
	add("inspect", "Show what a persistent queue holds", "It changes nothing and works beside a process that has the queue open.", queue.Inspect, false)
	add("check", "Look for damage in a persistent queue", "It changes nothing. Nobody may have the queue open. The exit code is 1 if there is damage.", queue.Check, true)
	add("repair", "Take damage out of a persistent queue",
		"A queue with damage works all the same: what cannot be read is left out. After a repair it does not show up any more; the damaged\nbytes are kept beside their page as .damaged. Nobody may have the queue open.", queue.Repair, false)
	return cmd
}

// settingsOf returns the settings of a pipeline of l, or the common ones if there is none of that id.
func settingsOf(l *loaded, id string) *settings.Settings {
	for _, s := range l.pipelines {
		if s.Get("pipeline.id") == id {
			return s
		}
	}
	return l.settings
}

// storedFolder returns the folder that a command's argument means: a folder, or that of a pipeline below a root; without an argument
// that of the only pipeline.
func storedFolder(l *loaded, args []string, what string, root func(*settings.Settings) string) (string, error) {
	if len(args) > 0 {
		if info, err := os.Stat(args[0]); err == nil && info.IsDir() {
			return args[0], nil
		}
		dir := filepath.Join(root(settingsOf(l, args[0])), folderOf(args[0]))
		if _, err := os.Stat(dir); err != nil {
			return "", fmt.Errorf("there is no %s %q: neither a folder of that name, nor %q", what, args[0], dir)
		}
		return dir, nil
	}
	base := root(l.settings)
	entries, err := os.ReadDir(base)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return "", err
	}
	var names []string
	for _, e := range entries {
		if e.IsDir() {
			names = append(names, e.Name())
		}
	}
	switch len(names) {
	case 0:
		return "", fmt.Errorf("there is no %s in %q", what, base)
	case 1:
		return filepath.Join(base, names[0]), nil
	}
	return "", fmt.Errorf("there are several in %q: say which one of %q", base, names)
}

func queueFolder(l *loaded, args []string) (string, error) {
	dir, err := storedFolder(l, args, "persistent queue", queueRoot)
	if err != nil {
		return "", err
	}
	for _, pattern := range []string{"*.page", "checkpoint*", ".lock"} {
		if found, _ := filepath.Glob(filepath.Join(dir, pattern)); len(found) > 0 {
			return dir, nil
		}
	}
	return "", fmt.Errorf("%q holds no persistent queue", dir)
}

// printQueue prints a report.
func (p *program) printQueue(r *queue.Report, format string, repaired bool) error {
	if format == "json" {
		return printJSON(p.out, queueJSON(r))
	}
	w := tabwriter.NewWriter(p.out, 0, 0, 2, ' ', tabwriter.AlignRight)
	row(w, "PAGE", "ENTRIES", "EVENTS", "UNDELIVERED", "BYTES", "DAMAGED")
	for _, pg := range r.Pages {
		row(w, pg.Name, pg.Entries, pg.Events, pg.Unacked, pg.Bytes, pg.DamagedBytes)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	state := "nobody has it open"
	if r.InUse {
		state = "a process has it open: the figures are those of a moment"
	}
	if _, err := fmt.Fprintf(p.out, "\n%s: %d undelivered events in %d batches, %d pages, %d bytes; %s\n",
		r.Dir, r.Events, r.Entries, len(r.Pages), r.Bytes, state); err != nil {
		return err
	}
	for _, pr := range r.Problems {
		note := ""
		if repaired {
			note = " (taken out)"
		}
		if _, err := fmt.Fprintf(p.out, "problem: %s%s\n", pr, note); err != nil {
			return err
		}
	}
	if len(r.Problems) == 0 {
		_, err := io.WriteString(p.out, "no damage\n")
		return err
	}
	return nil
}

// row prints a line of a table.
func row(w io.Writer, cells ...any) {
	for _, c := range cells {
		_, _ = fmt.Fprintf(w, "%v\t", c) // tabwriter keeps the error for Flush
	}
	_, _ = io.WriteString(w, "\n")
}

type pageJSON struct {
	Name         string `json:"name"`
	FirstID      uint64 `json:"first_id"`
	LastID       uint64 `json:"last_id"`
	Entries      uint64 `json:"batches"`
	Events       uint64 `json:"events"`
	Undelivered  uint64 `json:"undelivered_batches"`
	Compressed   uint64 `json:"compressed_batches"`
	Bytes        int64  `json:"bytes"`
	DamagedBytes int64  `json:"damaged_bytes"`
}

type problemJSON struct {
	File   string `json:"file"`
	Offset int64  `json:"offset"`
	Bytes  int64  `json:"bytes"`
	What   string `json:"what"`
}

type reportJSON struct {
	Folder   string        `json:"folder"`
	InUse    bool          `json:"in_use"`
	Events   uint64        `json:"undelivered_events"`
	Entries  uint64        `json:"undelivered_batches"`
	Bytes    int64         `json:"bytes"`
	Pages    []pageJSON    `json:"pages"`
	Problems []problemJSON `json:"problems"`
}

func queueJSON(r *queue.Report) reportJSON {
	j := reportJSON{Folder: r.Dir, InUse: r.InUse, Events: r.Events, Entries: r.Entries, Bytes: r.Bytes, Pages: []pageJSON{}, Problems: []problemJSON{}}
	for _, pg := range r.Pages {
		j.Pages = append(j.Pages, pageJSON{pg.Name, pg.FirstID, pg.LastID, pg.Entries, pg.Events, pg.Unacked, pg.Compressed, pg.Bytes, pg.DamagedBytes})
	}
	for _, pr := range r.Problems {
		j.Problems = append(j.Problems, problemJSON(pr))
	}
	return j
}
