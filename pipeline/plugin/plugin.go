// Package plugin is the contract between the pipeline and its inputs, codecs, filters and outputs.
//
// A plugin is one folder with an Options struct that is the only truth about its options, and one line that defines it:
//
//	var Plugin = plugin.DefineFilter("truncate", Options{}, New)
//
//	type Options struct {
//		// Fields to shorten.
//		Fields []event.PathTemplate `opt:"fields"`
//	}
//
//	func New(o Options, env *plugin.Env) (plugin.Filter, error)
//
// The value given to Define holds the defaults. A constructor checks everything, so that `-t` is exact, and opens nothing, so that it
// is offline; its errors name options by [OptionError]. What runs (a listener, a connection) starts in Run, Start or with the first
// event. Options that every plugin of a kind has (add_field, add_tag, codec, id, type …) are decoded and applied by the pipeline.
package plugin

import (
	"context"
	"time"

	"millrace/pipeline/event"
)

// Kind is the kind of a plugin, as its section is called.
type Kind string

// The kinds of plugins.
const (
	InputKind  Kind = "input"
	CodecKind  Kind = "codec"
	FilterKind Kind = "filter"
	OutputKind Kind = "output"
)

// Input reads records and pushes them.
type Input interface {
	// Run reads until ctx ends or the source is exhausted, and returns nil then. It returns an error if it cannot go on; the pipeline
	// logs it and runs it again after a pause, unless it is [ErrFatal]. When Run returns, everything it read has been pushed.
	Run(ctx context.Context, out Sink) error
}

// Sink takes what an input read.
type Sink interface {
	// Push hands b to the queue, which owns it from then on, and returns nil; with a persistent queue b is on disk then. It blocks
	// while the queue is full: that is the back-pressure. Its error is that of ctx, or tells that the queue cannot take anything any
	// more; then b was not taken.
	Push(ctx context.Context, b *event.Batch) error
}

// Codec is what a codec's constructor makes; a nil part means that the codec has no such direction.
type Codec struct {
	// NewFramer returns what cuts a stream of bytes into records, one for each connection. Nil: a stream is one record a read.
	NewFramer func() Framer
	// NewDecoder returns what makes events of a record, one for each worker.
	NewDecoder func() Decoder
	// NewEncoder returns what writes events, one for each worker and output.
	NewEncoder func() Encoder
	// Streaming names the codec that takes this one's place where records have to be cut out of a stream first: json_lines for json,
	// line for plain (inputs/base.rb, fix_streaming_codecs). "" if none does.
	Streaming string

	// Name is the codec's name, Bare tells that the config gives it no options, Borrows that it is defined as [Borrowing]. The registry sets them.
	Name    string
	Bare    bool
	Borrows bool
}

// Framer is the stateful half of a codec: it finds where the records of one stream begin and end, and copies nothing.
type Framer interface {
	// Frame appends the records that data completes and returns what is left behind the last of them. The next call's data begins
	// with that rest. Records are parts of data.
	Frame(data string, records []event.Record) (_ []event.Record, rest string)
	// Flush appends what the end of the stream (or of an idle time) makes of the rest.
	Flush(rest string, records []event.Record) []event.Record
}

// SpanFramer is a Framer that can tell where records lie without making them.
type SpanFramer interface {
	Framer
	// FrameSpans is Frame for records that have no tag and no facts of their own. If data has others, ok is false and nothing was done.
	FrameSpans(data string, spans []event.Span) (_ []event.Span, rest string, ok bool)
}

// IdleFramer is a Framer whose rest is complete when nothing came for a while: the last lines of a multiline message.
type IdleFramer interface {
	Framer
	// IdleAfter returns that time; 0 means never.
	IdleAfter() time.Duration
}

// Decoder is the stateless half of a codec. It is used by one worker.
type Decoder interface {
	// Decode makes events of r. It calls next for each and fills what that returns before it calls next again: an empty event, whose
	// owner is the worker. The pipeline gives them @timestamp and @version and what the input adds afterwards. A record that cannot be
	// decoded becomes an event with its text and a failure tag; nothing is lost.
	Decode(r *event.Record, next func() *event.Event)
}

// SourceDecoder is a Decoder to which it matters who sent a record: what one sender said holds for its own records alone.
type SourceDecoder interface {
	Decoder
	// SetSource tells where the records of the next calls of Decode come from. It is called before the first of every batch.
	SetSource(s *event.Source)
}

// Encoder writes events as bytes.
type Encoder interface {
	// AppendEncode appends e, with the codec's delimiter if it has one. Its error says that this event cannot be encoded.
	AppendEncode(dst []byte, e *event.Event) ([]byte, error)
}

// Filter changes events.
type Filter interface {
	// Filter works on e, which it may change and Cancel, and must not keep. It reports whether it succeeded, in the sense of Logstash's
	// filter_matched: if so the pipeline applies add_field, remove_field, add_tag and remove_tag. Filter is called from several
	// workers at once unless the filter is PerWorker.
	Filter(e *event.Event) (matched bool)
}

// PerWorker is a Filter with scratch space or matchers: every worker gets one of its own, before the first event.
type PerWorker interface {
	Filter
	// ForWorker returns the filter for one worker. What workers share stays behind it, guarded.
	ForWorker() Filter
}

// Publisher is a filter of one worker that counts for itself: a counter that all workers write to with each event would cost them more than
// the work on some events.
type Publisher interface {
	// Publish adds what was counted since the last call to the counters of all workers. The worker calls it when it publishes its own counts
	// of the filter, behind each batch that had events for it.
	Publish()
}

// Multiplier is a Filter that makes further events (split, clone). The pipeline calls Multiply in place of Filter.
type Multiplier interface {
	Filter
	// Multiply does what Filter does; events it makes by out go on behind this filter, in the order in which they were made and
	// after e. What it returns concerns e alone.
	Multiply(e *event.Event, out Spawner) (matched bool)
}

// Flusher is a Filter that makes events of its own when time passes (aggregate, metrics).
type Flusher interface {
	Filter
	// FlushInterval returns how often Flush wants to be called; 0 stands for Logstash's 5 seconds.
	FlushInterval() time.Duration
	// Flush makes the events that are due at now, all that are left if final. It is called by one worker at a time.
	Flush(now time.Time, final bool, out Spawner)
}

// FailureTagger is a Filter whose failure to apply its common options is its own failure: mutate tags _mutate_error then. Filters
// without one tag _filter_error.
type FailureTagger interface{ FailureTag() string }

// Starter is a plugin that needs the running program before its first event: it opens what New only checked (files to watch,
// connections). Start returns when the plugin can work; its goroutines end with ctx.
type Starter interface {
	Start(ctx context.Context) error
}

// Closer is a filter or codec with something to save or close; Close is called after the last event.
type Closer interface{ Close() error }

// Spawner gives a filter new events.
type Spawner interface {
	// New returns an empty event, which goes on behind the filter when the call that made it returns, unless it is cancelled.
	New() *event.Event
	// Succeed applies the filter's common options to e, as for an event that matched.
	Succeed(e *event.Event)
}

// Output delivers events.
type Output interface {
	// NewWriter returns the writer of one worker.
	NewWriter() Writer
	// Close delivers what the writers flushed, until ctx ends, and frees what the output holds. No writer is used afterwards. What
	// could not be delivered in time stays unsettled and is counted as left.
	Close(ctx context.Context) error
}

// Writer is one worker's way into an output. Its batches may be settled later and in any order.
type Writer interface {
	// Append encodes e, which is free afterwards. Its error says that this event cannot be written; the writer has counted and
	// dead-lettered it then, and goes on.
	Append(e *event.Event) error
	// Flush ends a batch: b.Settle is called exactly once, when all that was appended since the last Flush is delivered, dead-lettered
	// or dropped by the output's own rules. It blocks while the output holds as much as it may. It returns an error only if ctx ended;
	// then b will not be settled.
	Flush(ctx context.Context, b *event.Batch) error
}
