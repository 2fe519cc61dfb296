package plugin

import (
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync/atomic"
	"time"

	"millrace/pipeline/config"
	"millrace/pipeline/event"
)

// ECS is a plugin's ecs_compatibility.
type ECS string

// The modes of ecs_compatibility. Plugins that know only one ECS form treat v1 and v8 alike.
const (
	ECSDisabled ECS = "disabled"
	ECSv1       ECS = "v1"
	ECSv8       ECS = "v8"
)

// Enabled reports whether fields are named by the Elastic Common Schema.
func (m ECS) Enabled() bool { return m != ECSDisabled }

// Env is what a constructor is told about its surroundings. It is valid for the life of the plugin.
type Env struct {
	Pipeline string // id of the pipeline
	ID       string // id of the plugin: the option id, or a name made of its place
	Name     string // of the plugin: "mutate"
	ECS      ECS    // ecs_compatibility: the plugin's own option or the pipeline's
	Workers  int    // how many workers the pipeline has
	Hostname string // of this machine
	DataDir  string // path.data, for what a plugin keeps over a restart
	Version  string // of the program
	Log      *slog.Logger

	// DeadLetters takes events that an output can never deliver; nil if the dead letter queue is off.
	DeadLetters DeadLetters

	// Bus is what the pipelines of one process exchange events by, for the plugins that do. It is theirs to know what it is; nil outside
	// of a program.
	Bus any

	// Shared is what the plugins of the pipeline have in common.
	Shared *Shared

	// Process is what the plugins of all pipelines of the process have in common, from one configuration to the next.
	Process *Shared

	// Stats are the plugin's own counts beyond what the pipeline counts for every plugin.
	Stats *Stats

	codec   *Codec
	further func(ref config.PluginRef) *Codec
	source  event.Source
	warn    func(option, message string)
	warnAt  func(place config.Place, message string)
	given   func(prefix string) []string // names of options
	counter func(name, help string) *atomic.Int64
	clock   func() time.Time
}

// Now returns the time, by the clock that tests give the pipeline or the real one: what a filter has to take for the present, such as
// the year of dates without one.
func (env *Env) Now() time.Time {
	if env.clock != nil {
		return env.clock()
	}
	return time.Now()
}

// Stats are the delivery counts of an output, in events, and the failures of a filter. Whatever is appended to an output ends in
// exactly one of Delivered, DeadLettered and Dropped.
type Stats struct {
	Delivered    atomic.Int64
	DeadLettered atomic.Int64
	Dropped      atomic.Int64 // by a rule of the output (a 409 on create), counted and logged
	Retried      atomic.Int64
	Failures     atomic.Int64
}

// DeadLetters keeps what cannot be delivered.
type DeadLetters interface {
	// Write stores one event. It returns an error if the event was not stored; the caller counts it as dropped then.
	Write(l DeadLetter) error
}

// DeadLetter is one event that cannot be delivered, and why.
type DeadLetter struct {
	Time       time.Time
	PluginType string // name of the plugin
	PluginID   string
	Reason     string
	Document   []byte // the event as JSON; Write does not keep it

	// Replayed tells that the event comes from a dead letter queue ([Replayed]). As in Logstash it does not go there again, where it would
	// come back for ever.
	Replayed bool
}

// WriteDeadLetter writes an event that cannot be delivered to the dead letter queue of env, which must have one; see [DeadLetter] for what is given.
func (env *Env) WriteDeadLetter(reason string, document []byte, replayed bool) error {
	return env.DeadLetters.Write(DeadLetter{
		Time: time.Now(), PluginType: env.Name, PluginID: env.ID, Reason: reason, Document: document, Replayed: replayed,
	})
}

// Bury gives an event up: it is written to the dead letter queue and counted as that or, where there is none or it takes nothing, counted as dropped. It reports
// whether the event is kept; if not, the output should say so in its log.
func (env *Env) Bury(reason string, document []byte, replayed bool) (kept bool) {
	if env.DeadLetters != nil && env.WriteDeadLetter(reason, document, replayed) == nil {
		env.Stats.DeadLettered.Add(1)
		return true
	}
	env.Stats.Dropped.Add(1)
	return false
}

var fromDeadLetters = event.MustPath("[@metadata][dead_letter_queue]")

// Replayed reports whether e comes from a dead letter queue, by what the input dead_letter_queue tells of it. An output that writes dead
// letters passes it on in [DeadLetter].
func Replayed(e *event.Event) bool { return e.Has(fromDeadLetters) }

// NewSource returns a Source with what the input's common options add (type, tags, add_field, the codec) and the given facts.
func (env *Env) NewSource(fields ...event.SourceField) *event.Source {
	s := env.source
	s.Fields = fields
	return s.Seal()
}

// NewFramer returns a framer of the input's codec for one stream.
func (env *Env) NewFramer() Framer {
	if env.codec == nil || env.codec.NewFramer == nil {
		return wholeFramer{}
	}
	return env.codec.NewFramer()
}

// Codec returns the codec of an input or output.
func (env *Env) Codec() *Codec { return env.codec }

// CodecNamed returns a further codec with its default options, for an input that chooses among several. It is for constructors only. Nil
// says that there is no such codec, which is reported at place.
func (env *Env) CodecNamed(name string, place config.Place) *Codec {
	return env.CodecOf(config.PluginRef{Name: name, Place: place})
}

// CodecOf is CodecNamed for a codec that may be written out with options.
func (env *Env) CodecOf(ref config.PluginRef) *Codec {
	if env.further == nil {
		return nil
	}
	return env.further(ref)
}

// CutsStreams reports whether the input's codec finds records in a stream of bytes; else whatever is read is one record.
func (env *Env) CutsStreams() bool { return env.codec != nil && env.codec.NewFramer != nil }

// NewEncoder returns an encoder of the output's codec for one worker.
func (env *Env) NewEncoder() Encoder { return env.codec.NewEncoder() }

// WarnIdle warns of each option given whose name begins with prefix, but for some, as it has no effect without another option, which is told as
// it would be written. It is for constructors only.
func (env *Env) WarnIdle(prefix, without string, but ...string) {
	if env.given == nil {
		return
	}
	for _, name := range env.given(prefix) {
		if !slices.Contains(but, name) {
			env.Warn(name, "option %q has no effect without %s", name, without)
		}
	}
}

// Warn adds a warning about an option to the diagnostics of the config, at the option's place ("" is the plugin's). It is for
// constructors only.
func (env *Env) Warn(option, format string, args ...any) {
	if env.warn != nil {
		env.warn(option, fmt.Sprintf(format, args...))
	}
}

// WarnAt is Warn for a place inside an option, such as an entry of a hash.
func (env *Env) WarnAt(place config.Place, format string, args ...any) {
	if env.warnAt != nil {
		env.warnAt(place, fmt.Sprintf(format, args...))
	}
}

// Counter returns a counter of the plugin's own for the metrics endpoint: millrace_plugin_<name>_total with the plugin's labels. It
// is for constructors; the same name gives the same counter.
func (env *Env) Counter(name, help string) *atomic.Int64 {
	if env.counter == nil {
		return new(atomic.Int64)
	}
	return env.counter(name, help)
}

// wholeFramer takes every read as one record: the codec has no notion of a stream.
type wholeFramer struct{}

func (wholeFramer) Frame(data string, records []event.Record) ([]event.Record, string) {
	return append(records, event.Record{Data: data}), ""
}

func (wholeFramer) Flush(rest string, records []event.Record) []event.Record {
	if rest == "" {
		return records
	}
	return append(records, event.Record{Data: rest})
}

// ErrFatal is wrapped by an input's error that no second attempt can mend.
var ErrFatal = errors.New("the input cannot run")

// optionError is an error that a constructor found in one option.
type optionError struct {
	option string
	key    string // of a hash entry, "" for the option as a whole
	hint   string
	err    error
}

func (e *optionError) Error() string { return e.err.Error() }
func (e *optionError) Unwrap() error { return e.err }

// OptionError tells that err is the fault of the named option, so that it is reported there. If err or one it wraps has an integer field Offset,
// a byte inside the option's text, the report points at that place; an error with a method ErrorPlace() config.Place names its place itself. Several go
// back joined by errors.Join.
func OptionError(option string, err error) error { return &optionError{option: option, err: err} }

// EntryError is OptionError for the value of one key of a hash option.
func EntryError(option, key string, err error) error {
	return &optionError{option: option, key: key, err: err}
}

// Hinted adds a hint (did you mean …) to an error of OptionError or EntryError.
func Hinted(err error, format string, args ...any) error {
	var oe *optionError
	if errors.As(err, &oe) {
		c := *oe
		c.hint = fmt.Sprintf(format, args...)
		return &c
	}
	return err
}
