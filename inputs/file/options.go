// Package file reads files: it follows those that grow (mode tail), or reads each once to its end (mode read). How far each was
// delivered is kept in a sincedb file of Logstash's format.
package file

import (
	"crypto/md5"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"millrace/internal/fileglob"
	"millrace/internal/stream"
	"millrace/internal/throttle"
	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

// Plugin is the file input.
var Plugin = plugin.DefineInput("file", Options{
	StatInterval: seconds(time.Second), DiscoverInterval: 15, SincedbWriteInterval: seconds(15 * time.Second), StartPosition: "end",
	Delimiter: "\n", CloseOlder: seconds(time.Hour), MaxOpenFiles: 4095, Mode: "tail", FileCompletedAction: "delete",
	SincedbCleanAfter: days(14 * 24 * time.Hour), FileChunkSize: 128 << 10, FileChunkCount: math.MaxInt32, FileSortBy: "last_modified",
	FileSortDirection: "asc",
}, New)

// Options configures the input. Durations are seconds, or texts such as "750 ms", "5 min", "1 day".
type Options struct {
	// Files to read: absolute paths, which may hold *, ?, [a-z], {this,that} and ** for any folders. A * matches no leading dot.
	Path []string `opt:"path,required"`

	// Files not to read, by patterns for their names without the folder.
	Exclude []string `opt:"exclude"`

	// How often to look whether files have grown.
	StatInterval seconds `opt:"stat_interval"`

	// How often to look for new files, as a multiple of stat_interval.
	DiscoverInterval int `opt:"discover_interval"`

	// File that keeps how far each file was delivered; by default one in path.data, named by the option path. /dev/null keeps nothing.
	SincedbPath string `opt:"sincedb_path"`

	// How often the sincedb file is written while there is something new.
	SincedbWriteInterval seconds `opt:"sincedb_write_interval"`

	// Where to begin in files that are there at the start and that the sincedb does not know (mode tail). A file that appears later is
	// read from its beginning.
	StartPosition string `opt:"start_position,enum=beginning|end"`

	// What ends a record, where the codec does not cut the text by itself.
	Delimiter string `opt:"delimiter"`

	// Skip what is in files, when they are found, that were not changed for this long. What is written later is read.
	IgnoreOlder *seconds `opt:"ignore_older"`

	// Close a file that nothing was read from for this long; it is opened again when it grows (mode tail).
	CloseOlder seconds `opt:"close_older"`

	// Most files open at a time; others wait.
	MaxOpenFiles int `opt:"max_open_files"`

	// Whether files grow (tail), or are complete and read once (read). In mode read files that end in .gz or .gzip are unpacked.
	Mode string `opt:"mode,enum=tail|read"`

	// What to do with a file in mode read when all of it is delivered.
	FileCompletedAction string `opt:"file_completed_action,enum=delete|log|log_and_delete"`

	// File that paths of complete files are appended to.
	FileCompletedLogPath string `opt:"file_completed_log_path"`

	// How long the sincedb keeps files that do not change.
	SincedbCleanAfter days `opt:"sincedb_clean_after"`

	// Bytes to read at a time. Logstash reads 32768.
	FileChunkSize int `opt:"file_chunk_size"`

	// How many chunks to read of a file before it is the next one's turn. Unbounded by default: a file is read as far as it goes.
	FileChunkCount int `opt:"file_chunk_count"`

	// What decides which file is read first.
	FileSortBy string `opt:"file_sort_by,enum=last_modified|path"`

	// The order of that.
	FileSortDirection string `opt:"file_sort_direction,enum=asc|desc"`

	// End the input when all files are read and delivered (mode read). Files that appear later are not looked for.
	ExitAfterRead bool `opt:"exit_after_read"`

	// Look through a whole gzip file before any of it is read, and skip it if it is damaged.
	CheckArchiveValidity bool `opt:"check_archive_validity"`
}

// seconds is a duration whose unit is a second if it has none.
type seconds time.Duration

// UnmarshalText reads the duration.
func (d *seconds) UnmarshalText(text []byte) error {
	v, err := parseDuration(string(text), time.Second)
	*d = seconds(v)
	return err
}

// String writes the duration as the option may be written.
func (d seconds) String() string { return strconv.FormatFloat(time.Duration(d).Seconds(), 'f', -1, 64) }

// days is a duration whose unit is a day if it has none.
type days time.Duration

// UnmarshalText reads the duration.
func (d *days) UnmarshalText(text []byte) error {
	v, err := parseDuration(string(text), 24*time.Hour)
	*d = days(v)
	return err
}

// String writes the duration as the option may be written.
func (d days) String() string { return strconv.FormatFloat(time.Duration(d).Hours()/24, 'f', -1, 64) }

var duration = regexp.MustCompile(`^(\d+(?:\.\d+)?)\s?([a-z]*)$`)

var units = map[string]time.Duration{
	"us": time.Microsecond, "usec": time.Microsecond, "ms": time.Millisecond, "msec": time.Millisecond,
	"s": time.Second, "sec": time.Second, "second": time.Second, "m": time.Minute, "min": time.Minute, "minute": time.Minute,
	"h": time.Hour, "hour": time.Hour, "d": 24 * time.Hour, "day": 24 * time.Hour, "w": 7 * 24 * time.Hour, "week": 7 * 24 * time.Hour,
}

func parseDuration(text string, unit time.Duration) (time.Duration, error) {
	m := duration.FindStringSubmatch(strings.TrimSpace(text))
	if m != nil && m[2] != "" {
		u, ok := units[m[2]]
		if !ok {
			u, ok = units[strings.TrimSuffix(m[2], "s")]
		}
		if !ok {
			m = nil
		}
		unit = u
	}
	if m == nil {
		return 0, fmt.Errorf(`%q is not a duration such as 1.5, "250 ms", "60 sec", "18h" or "2 weeks"`, text)
	}
	n, err := strconv.ParseFloat(m[1], 64)
	if err != nil || n*float64(unit) > math.MaxInt64 {
		return 0, fmt.Errorf("%q is too long a duration", text)
	}
	return time.Duration(n * float64(unit)), nil
}

// New checks the options; nothing is opened.
func New(o Options, env *plugin.Env) (plugin.Input, error) {
	in := &input{
		o: o, env: env, log: throttle.New(env.Log, time.Minute), sincedb: o.SincedbPath,
		matched:   env.Counter("file_found", "Files found by the patterns of path."),
		opened:    env.Counter("file_opened", "Files opened."),
		completed: env.Counter("file_completed", "Files read to their end and delivered (mode read)."),
	}
	errs := o.check()
	for _, p := range o.Path {
		g, err := newGlob(p)
		if err != nil {
			errs = append(errs, plugin.OptionError("path", err))
		}
		in.globs = append(in.globs, g)
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	if o.Delimiter != "\n" && env.CutsStreams() {
		env.Warn("delimiter", "option \"delimiter\" has no effect: the codec finds the ends of records itself")
	}
	if in.sincedb == "" {
		name := fmt.Sprintf(".sincedb_%x", md5.Sum([]byte(strings.Join(o.Path, ","))))
		in.sincedb = filepath.Join(env.DataDir, "plugins", "inputs", "file", name)
	}
	if o.Mode == "read" && o.StartPosition == "end" {
		in.o.StartPosition = "beginning"
	}
	return in, nil
}

func (o *Options) check() (errs []error) {
	bad := func(option, format string, args ...any) {
		errs = append(errs, plugin.OptionError(option, fmt.Errorf(format, args...)))
	}
	if len(o.Path) == 0 {
		bad("path", "at least one path is needed")
	}
	if info, err := os.Stat(o.SincedbPath); o.SincedbPath != "" && err == nil && info.IsDir() {
		bad("sincedb_path", "%q is a folder, and has to be a file", o.SincedbPath)
	}
	if o.StatInterval <= 0 {
		bad("stat_interval", "the interval must be longer than nothing")
	}
	if o.DiscoverInterval < 1 {
		bad("discover_interval", "%d is less than 1", o.DiscoverInterval)
	}
	if o.MaxOpenFiles < 1 {
		bad("max_open_files", "%d is less than 1", o.MaxOpenFiles)
	}
	if o.FileChunkSize < 1 {
		bad("file_chunk_size", "%d is less than 1", o.FileChunkSize)
	}
	if o.FileChunkCount < 1 {
		bad("file_chunk_count", "%d is less than 1", o.FileChunkCount)
	}
	if o.Delimiter == "" {
		bad("delimiter", "a delimiter has at least one character")
	}
	if o.ExitAfterRead && o.Mode != "read" {
		bad("exit_after_read", "this needs mode => read")
	}
	if o.Mode == "read" && o.FileCompletedAction != "delete" && o.FileCompletedLogPath == "" {
		bad("file_completed_action", "%q needs file_completed_log_path", o.FileCompletedAction)
	}
	for _, e := range o.Exclude {
		if !fileglob.Valid(e) {
			bad("exclude", "malformed pattern %q", e)
		}
	}
	return errs
}

type input struct {
	o       Options
	env     *plugin.Env
	log     *throttle.Logger
	globs   []fileglob.Glob
	sincedb string

	matched, opened, completed *atomic.Int64
	pool                       stream.Pool
}

// source returns the source of a file's records.
func (in *input) source(path string) *event.Source {
	host, file := legacyHost, legacyPath
	if in.env.ECS.Enabled() {
		host, file = ecsHost, ecsPath
	}
	name, p := event.StringValue(in.env.Hostname), event.StringValue(path)
	return in.env.NewSource(
		event.SourceField{Path: metaPath, Value: p}, event.SourceField{Path: metaHost, Value: name},
		event.SourceField{Path: host, Value: name}, event.SourceField{Path: file, Value: p})
}

var (
	metaPath   = event.MustPath("[@metadata][path]")
	metaHost   = event.MustPath("[@metadata][host]")
	legacyHost = event.MustPath("host")
	legacyPath = event.MustPath("path")
	ecsHost    = event.MustPath("[host][name]")
	ecsPath    = event.MustPath("[log][file][path]")
)

func (in *input) warn(message, path string, err error) {
	in.log.Warn(message, slog.String("path", path), slog.Any("error", err))
}
