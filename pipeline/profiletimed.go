package pipeline

import (
	"context"
	"strings"
	"time"

	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

// timedFilter stands before a filter. It applies the common options in the pipeline's place, so that they are the filter's cost.
type timedFilter struct {
	t        *timing
	w        *worker
	inner    plugin.Filter
	multiply plugin.Multiplier // inner, if it is one
	common   *step             // nil: there are no common options
	part     int32
	out      timedSpawner
}

// Filter implements plugin.Filter.
func (f *timedFilter) Filter(e *event.Event) (matched bool) {
	tags := tagsOf(e)
	was := f.t.enter(f.part)
	matched = f.inner.Filter(e)
	f.t.leave(was)
	f.note(e, matched, tags)
	return matched
}

// Multiply implements plugin.Multiplier.
func (f *timedFilter) Multiply(e *event.Event, out plugin.Spawner) (matched bool) {
	tags := tagsOf(e)
	f.out = timedSpawner{f, out}
	was := f.t.enter(f.part)
	matched = f.multiply.Multiply(e, &f.out)
	f.t.leave(was)
	f.note(e, matched, tags)
	return matched
}

func (f *timedFilter) note(e *event.Event, matched bool, tags int) {
	c := &f.t.cells[f.part]
	c.events++
	if e.Cancelled() {
		c.cancelled++
	}
	if tagsOf(e) > tags {
		f.noteTags(e, tags)
	}
	if matched {
		c.held++
		f.succeed(e)
	}
}

func (f *timedFilter) succeed(e *event.Event) {
	if f.common != nil {
		was := f.t.enter(f.part)
		f.w.succeed(f.common, e)
		f.t.leave(was)
	}
}

// maxProfileTags bounds the names of tags that are counted for one filter: a name may be made of what events hold.
const maxProfileTags = 16

func (f *timedFilter) noteTags(e *event.Event, from int) {
	counts := f.t.tags[f.part]
	if counts == nil {
		counts = make(map[string]int64)
		f.t.tags[f.part] = counts
	}
	v, _ := e.Root().Get(event.TagsField)
	items := v.List().Items()
	for _, tag := range items[min(from, len(items)):] {
		name := tag.Str()
		if _, ok := counts[name]; ok || len(counts) < maxProfileTags {
			counts[strings.Clone(name)]++
		}
	}
}

// tagsOf returns how many tags e has.
func tagsOf(e *event.Event) int {
	v, _ := e.Root().Get(event.TagsField)
	if l := v.List(); l != nil {
		return l.Len()
	}
	return 0
}

// timedSpawner counts what a filter makes, and applies its common options.
type timedSpawner struct {
	f   *timedFilter
	out plugin.Spawner
}

// New implements plugin.Spawner.
func (s *timedSpawner) New() *event.Event {
	s.f.t.cells[s.f.part].made++
	return s.out.New()
}

// Succeed implements plugin.Spawner.
func (s *timedSpawner) Succeed(e *event.Event) {
	s.out.Succeed(e)
	s.f.succeed(e)
}

// timedFlusher stands before a Flusher.
type timedFlusher struct {
	*timedFilter
	flusher plugin.Flusher
}

// FlushInterval implements plugin.Flusher.
func (f timedFlusher) FlushInterval() time.Duration { return f.flusher.FlushInterval() }

// Flush implements plugin.Flusher.
func (f timedFlusher) Flush(now time.Time, final bool, out plugin.Spawner) {
	f.out = timedSpawner{f.timedFilter, out}
	was := f.t.enter(f.part)
	f.flusher.Flush(now, final, &f.out)
	f.t.leave(was)
}

// timedDecoder stands before a decoder.
type timedDecoder struct {
	t     *timing
	inner plugin.Decoder
	part  int32
	next  func() *event.Event // of the call
	own   func() *event.Event // made once
}

func newTimedDecoder(t *timing, inner plugin.Decoder, part int32) *timedDecoder {
	d := &timedDecoder{t: t, inner: inner, part: part}
	d.own = d.timedNext
	return d
}

// Decode implements plugin.Decoder.
func (d *timedDecoder) Decode(r *event.Record, next func() *event.Event) {
	d.t.cells[d.part].records++
	d.next = next
	was := d.t.enter(d.part)
	d.inner.Decode(r, d.own)
	d.t.leave(was)
}

// SetSource implements plugin.SourceDecoder.
func (d *timedDecoder) SetSource(s *event.Source) {
	if inner, ok := d.inner.(plugin.SourceDecoder); ok {
		inner.SetSource(s)
	}
}

// timedNext carries the event before to its end, which is not the codec's work.
func (d *timedDecoder) timedNext() *event.Event {
	d.t.cells[d.part].events++
	was := d.t.enter(ownPart)
	e := d.next()
	d.t.leave(was)
	return e
}

// timedWriter stands before a writer.
type timedWriter struct {
	t     *timing
	inner plugin.Writer
	part  int32
}

// Append implements plugin.Writer.
func (w *timedWriter) Append(e *event.Event) error {
	w.t.cells[w.part].events++
	was := w.t.enter(w.part)
	err := w.inner.Append(e)
	w.t.leave(was)
	return err
}

// Flush implements plugin.Writer.
func (w *timedWriter) Flush(ctx context.Context, b *event.Batch) error {
	part := w.part + 1
	w.t.cells[part].events++
	was := w.t.enter(part)
	err := w.inner.Flush(ctx, b)
	w.t.leave(was)
	return err
}
