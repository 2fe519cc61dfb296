package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"
	"unicode/utf8"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"millrace/internal/joda"
	"millrace/pipeline/queue"
	"millrace/pipeline/queue/vfs"
)

// dlqCommand works on dead letter queues.
func (p *program) dlqCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "dlq", Short: "List, show, group, replay and purge dead letters",
		Long: `List, show, group, replay and purge dead letters: events that an output could not deliver.

All but replay work beside a process that writes the queue, and on the queue of any pipeline or folder.`,
		Args: cobra.NoArgs, RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(p.dlqList(), p.dlqShow(), p.dlqGroup(), p.dlqReplay(), p.dlqPurge())
	return cmd
}

// letterFilter chooses dead letters.
type letterFilter struct {
	plugin, reason string
	since, until   string

	from, to time.Time
}

func (f *letterFilter) flags(fs *pflag.FlagSet) {
	fs.StringVar(&f.plugin, "plugin", "", "only letters of the plugin with this id or name")
	fs.StringVar(&f.reason, "reason", "", "only letters whose reason contains this text, in any case, or is alike (see dlq group)")
	fs.StringVar(&f.since, "since", "", "only letters from this time on: 2024-01-31T13:00:00Z, or an age such as 2h or 3d")
	fs.StringVar(&f.until, "until", "", "only letters before this time, or older than this age")
}

// prepare reads the times.
func (f *letterFilter) prepare(now time.Time) (err error) {
	if f.from, err = moment("since", f.since, now); err != nil {
		return err
	}
	f.to, err = moment("until", f.until, now)
	return err
}

// moment reads a time or an age.
func moment(flag, text string, now time.Time) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	if t, ok := joda.ParseTimestamp(text); ok && strings.Contains(text, "-") {
		return t, nil
	}
	if days, ok := strings.CutSuffix(text, "d"); ok {
		if n, err := strconv.ParseUint(days, 10, 16); err == nil {
			return now.Add(-time.Duration(n) * 24 * time.Hour), nil
		}
	}
	age, err := time.ParseDuration(text)
	if err != nil || age < 0 {
		return time.Time{}, fmt.Errorf("--%s: expected a time such as 2024-01-31T13:00:00Z or an age such as 2h, not %q", flag, text)
	}
	return now.Add(-age), nil
}

func (f *letterFilter) given() bool { return *f != letterFilter{} }

func (f *letterFilter) match(l *queue.DeadLetter) bool {
	switch {
	case f.plugin != "" && f.plugin != l.PluginID && f.plugin != l.PluginType,
		!f.from.IsZero() && l.EntryTime.Before(f.from),
		!f.to.IsZero() && !l.EntryTime.Before(f.to):
		return false
	}
	return f.reason == "" || strings.Contains(strings.ToLower(l.Reason), strings.ToLower(f.reason)) || queue.ReasonKey(l.Reason) == f.reason
}

// dlqOptions are the flags of all commands below dlq.
type dlqOptions struct {
	run    runOptions
	filter letterFilter
	format string
}

func (o *dlqOptions) flags(fs *pflag.FlagSet) {
	o.run.storageFlags(fs)
	o.filter.flags(fs)
	fs.StringVar(&o.format, "format", "text", "text or json")
}

// open reads flags and settings.
func (o *dlqOptions) open(cmd *cobra.Command) (*loaded, error) {
	if err := errors.Join(checkFormat(o.format), o.filter.prepare(time.Now())); err != nil {
		return nil, err
	}
	return load(cmd.Flags(), &o.run)
}

// letterFolder returns the dead letter queue that an argument means.
func letterFolder(l *loaded, args []string) (string, error) {
	return storedFolder(l, args, "dead letter queue", deadLetterRoot)
}

// letterFolders returns the dead letter queue that an argument means, or all of them without one.
func letterFolders(l *loaded, args []string) ([]string, error) {
	if len(args) > 0 {
		dir, err := letterFolder(l, args)
		return []string{dir}, err
	}
	dirs, err := filepath.Glob(filepath.Join(deadLetterRoot(l.settings), "*", "*.dlq"))
	if err != nil {
		return nil, err
	}
	var out []string
	for _, segment := range dirs {
		if dir := filepath.Dir(segment); len(out) == 0 || out[len(out)-1] != dir {
			out = append(out, dir)
		}
	}
	return out, nil
}

// letterJSON is a dead letter as --format json shows it.
type letterJSON struct {
	Position   string          `json:"position"`
	Pipeline   string          `json:"pipeline"`
	Time       time.Time       `json:"entry_time"`
	PluginType string          `json:"plugin_type"`
	PluginID   string          `json:"plugin_id"`
	Reason     string          `json:"reason"`
	Event      json.RawMessage `json:"event"`
}

func toJSON(pos queue.Position, l *queue.DeadLetter) letterJSON {
	j := letterJSON{place(pos), l.Pipeline, l.EntryTime, l.PluginType, l.PluginID, l.Reason, l.Event}
	if !json.Valid(l.Event) {
		j.Event, _ = json.Marshal(string(l.Event)) // a string can always be written
	}
	return j
}

// place writes a position as one word: what show takes.
func place(p queue.Position) string { return fmt.Sprintf("%d:%d", p.Segment, p.Offset) }

func parsePlace(text string) (p queue.Position, ok bool) {
	segment, offset, found := strings.Cut(text, ":")
	s, err1 := strconv.ParseUint(segment, 10, 64)
	o, err2 := strconv.ParseInt(offset, 10, 64)
	return queue.Position{Segment: s, Offset: o}, found && err1 == nil && err2 == nil
}

// clip shortens text to n characters of one line.
func clip(text string, n int) string {
	text = strings.Join(strings.Fields(text), " ")
	if utf8.RuneCountInString(text) <= n {
		return text
	}
	return string([]rune(text)[:n-1]) + "…"
}

func (p *program) dlqList() *cobra.Command {
	var o dlqOptions
	var limit int
	cmd := &cobra.Command{
		Use: "list [PIPELINE or FOLDER]", Short: "List dead letters, one a line", Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			l, err := o.open(cmd)
			if err != nil {
				return err
			}
			dirs, err := letterFolders(l, args)
			if err != nil {
				return err
			}
			return p.listLetters(dirs, &o, limit)
		},
	}
	o.flags(cmd.Flags())
	cmd.Flags().IntVar(&limit, "limit", 100, "how many to show; 0 is all")
	return cmd
}

func (p *program) listLetters(dirs []string, o *dlqOptions, limit int) error {
	w := tabwriter.NewWriter(p.out, 0, 0, 2, ' ', 0)
	all := []letterJSON{}
	if o.format == "text" {
		row(w, "POSITION", "TIME", "PIPELINE", "PLUGIN", "REASON")
	}
	found := 0
	for _, dir := range dirs {
		err := queue.EachDeadLetter(dir, vfs.OS{}, func(pos queue.Position, l queue.DeadLetter) bool {
			if !o.filter.match(&l) {
				return true
			}
			found++
			switch {
			case limit > 0 && found > limit:
			case o.format == "json":
				all = append(all, toJSON(pos, &l))
			default:
				row(w, place(pos), l.EntryTime.Format(time.RFC3339), l.Pipeline, pluginName(l.PluginType, l.PluginID), clip(l.Reason, 100))
			}
			return true
		})
		if err != nil {
			return err
		}
	}
	if o.format == "json" {
		return printJSON(p.out, all)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	more := ""
	if limit > 0 && found > limit {
		more = fmt.Sprintf(", of which the first %d are shown (--limit)", limit)
	}
	_, err := fmt.Fprintf(p.out, "%d dead letters%s\n", found, more)
	return err
}

func pluginName(kind, id string) string {
	if id == "" || id == kind {
		return kind
	}
	return kind + " " + id
}

func (p *program) dlqShow() *cobra.Command {
	var o dlqOptions
	cmd := &cobra.Command{
		Use: "show [PIPELINE or FOLDER] [POSITION…]", Short: "Show dead letters with their events",
		Long: "Show dead letters with their events: those at the positions that dlq list gives, or all that the flags choose.",
		RunE: func(cmd *cobra.Command, args []string) error {
			l, err := o.open(cmd)
			if err != nil {
				return err
			}
			wanted := map[queue.Position]bool{}
			var rest []string
			for _, a := range args {
				if pos, ok := parsePlace(a); ok {
					wanted[pos] = true
				} else {
					rest = append(rest, a)
				}
			}
			if len(rest) > 1 {
				return fmt.Errorf("%q is no position: positions are those that millrace dlq list shows, such as 0:0", rest[1])
			}
			dir, err := letterFolder(l, rest)
			if err != nil {
				return err
			}
			return p.showLetters(dir, &o, wanted)
		},
	}
	o.flags(cmd.Flags())
	return cmd
}

func (p *program) showLetters(dir string, o *dlqOptions, wanted map[queue.Position]bool) error {
	all := []letterJSON{}
	some := len(wanted) > 0
	var failed error
	err := queue.EachDeadLetter(dir, vfs.OS{}, func(pos queue.Position, l queue.DeadLetter) bool {
		if some && !wanted[pos] || !o.filter.match(&l) {
			return true
		}
		delete(wanted, pos)
		if o.format == "json" {
			all = append(all, toJSON(pos, &l))
			return true
		}
		failed = showLetter(p.out, pos, &l)
		return failed == nil
	})
	if err = errors.Join(err, failed); err != nil {
		return err
	}
	for pos := range wanted {
		return fmt.Errorf("there is no dead letter at %s in %q", place(pos), dir)
	}
	if o.format == "json" {
		return printJSON(p.out, all)
	}
	return nil
}

func showLetter(w io.Writer, pos queue.Position, l *queue.DeadLetter) error {
	j := toJSON(pos, l)
	text, err := json.MarshalIndent(j.Event, "", "  ")
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, "position:  %s\ntime:      %s\npipeline:  %s\nplugin:    %s\nreason:    %s\n%s\n\n",
		j.Position, l.EntryTime.Format(time.RFC3339Nano), l.Pipeline, pluginName(l.PluginType, l.PluginID), l.Reason, text)
	return err
}

// groupJSON is a group as --format json shows it.
type groupJSON struct {
	Folder     string    `json:"folder"`
	PluginType string    `json:"plugin_type"`
	PluginID   string    `json:"plugin_id"`
	Reason     string    `json:"reason"`
	Count      int       `json:"count"`
	Bytes      int64     `json:"bytes"`
	First      time.Time `json:"first"`
	Last       time.Time `json:"last"`
	Example    string    `json:"example"`
}

func (p *program) dlqGroup() *cobra.Command {
	var o runOptions
	var format string
	cmd := &cobra.Command{
		Use: "group [PIPELINE or FOLDER]", Short: "Group dead letters by what went wrong, most frequent first",
		Long: `Group dead letters by what went wrong, most frequent first.

Reasons are alike if they differ only in numbers and in values of the documents. EXAMPLE is the position of a letter for dlq show.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := checkFormat(format); err != nil {
				return err
			}
			l, err := load(cmd.Flags(), &o)
			if err != nil {
				return err
			}
			dirs, err := letterFolders(l, args)
			if err != nil {
				return err
			}
			return p.groupLetters(dirs, format)
		},
	}
	o.storageFlags(cmd.Flags())
	cmd.Flags().StringVar(&format, "format", "text", "text or json")
	return cmd
}

func (p *program) groupLetters(dirs []string, format string) error {
	all := []groupJSON{}
	for _, dir := range dirs {
		groups, err := queue.GroupDeadLetters(dir, vfs.OS{})
		if err != nil {
			return err
		}
		for _, g := range groups {
			all = append(all, groupJSON{dir, g.PluginType, g.PluginID, g.Reason, g.Count, g.Bytes, g.First, g.Last, place(g.Example)})
		}
	}
	if format == "json" {
		return printJSON(p.out, all)
	}
	w := tabwriter.NewWriter(p.out, 0, 0, 2, ' ', 0)
	row(w, "COUNT", "BYTES", "FIRST", "LAST", "QUEUE", "PLUGIN", "EXAMPLE", "REASON")
	for _, g := range all {
		row(w, g.Count, g.Bytes, g.First.Format(time.RFC3339), g.Last.Format(time.RFC3339), filepath.Base(g.Folder),
			pluginName(g.PluginType, g.PluginID), g.Example, clip(g.Reason, 120))
	}
	return w.Flush()
}

func (p *program) dlqPurge() *cobra.Command {
	var o dlqOptions
	var all, dry bool
	cmd := &cobra.Command{
		Use: "purge [PIPELINE or FOLDER]", Short: "Delete dead letters",
		Long:    "Delete the dead letters that the flags choose, or all with --all. --dry-run tells how many that would be.",
		Example: "  millrace dlq purge main --until 30d\n  millrace dlq purge main --reason mapper_parsing_exception --dry-run",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			l, err := o.open(cmd)
			if err != nil {
				return err
			}
			if o.filter.given() == all {
				return errors.New("say what to delete: by --plugin, --reason, --since or --until, or everything by --all")
			}
			dir, err := letterFolder(l, args)
			if err != nil {
				return err
			}
			return p.purgeLetters(dir, &o, dry)
		},
	}
	o.flags(cmd.Flags())
	cmd.Flags().BoolVar(&all, "all", false, "delete all")
	cmd.Flags().BoolVar(&dry, "dry-run", false, "delete nothing")
	return cmd
}

func (p *program) purgeLetters(dir string, o *dlqOptions, dry bool) (err error) {
	if _, err := os.Stat(dir); err != nil {
		return err
	}
	n, verb := 0, "deleted"
	if dry {
		verb = "would be deleted"
		err = queue.EachDeadLetter(dir, vfs.OS{}, func(_ queue.Position, l queue.DeadLetter) bool {
			if o.filter.match(&l) {
				n++
			}
			return true
		})
	} else {
		n, err = queue.PurgeDeadLetters(dir, vfs.OS{}, func(_ queue.Position, l queue.DeadLetter) bool { return o.filter.match(&l) })
	}
	if err != nil {
		return err
	}
	if o.format == "json" {
		return printJSON(p.out, map[string]any{"folder": dir, "deleted": n, "dry_run": dry})
	}
	_, err = fmt.Fprintf(p.out, "%d dead letters of %s %s\n", n, dir, verb)
	return err
}
