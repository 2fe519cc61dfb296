package pipeline

import (
	"strings"
	"sync"
	"time"

	"millrace/pipeline/cond"
	"millrace/pipeline/config"
	"millrace/pipeline/plugin"
)

// program is the compiled config that workers make their own programs of.
type program struct {
	filters []statement
	outputs []statement
	codecs  []*plugin.Codec // by Source.Codec
	decoded []*inputSlot    // whose codecs they are

	starters   []plugin.Starter
	closers    []plugin.Closer
	conditions []*cond.Condition

	hasFlushers bool
	flushEvery  time.Duration // the shortest interval of all flushers

	mu       sync.Mutex
	lastTime map[plugin.Flusher]time.Time // of its last flush, guarded by mu
}

// statement is one statement of a section: a filter, an output or an if.
type statement struct {
	filter   *filterSlot
	output   *outputSlot
	branches []armOf
	part     int // of a filter or output: its number in a profile
}

// armOf is one arm of an if; a nil cond always holds.
type armOf struct {
	branchHead
	cond       *cond.Condition
	statements []statement
	part       int // its number in a profile
}

// branchHead is what the config says of an arm.
type branchHead struct {
	place config.Place // of the arm with its body
	kind  string       // "if", "else if" or "else"
	text  string       // up to the brace, in one line
	last  bool         // no else follows: events for which it does not hold go past the whole if
}

func headOf(f *config.File, node *config.IfNode, i int) branchHead {
	br := node.Branches[i]
	h := branchHead{
		place: config.Place{File: f, Span: br.Span}, kind: "else if", text: headText(f, br), last: i == len(node.Branches)-1 && !br.Else,
	}
	switch {
	case i == 0:
		h.kind = "if"
	case br.Else:
		h.kind = "else"
	}
	return h
}

// headText is the text of an arm up to its brace, in one line.
func headText(f *config.File, br *config.Branch) string {
	return strings.Join(strings.Fields(f.Text[br.Start:max(br.Start, br.Open)]), " ")
}

// filterSlot is one filter of the config.
type filterSlot struct {
	filter plugin.Filter
	common *plugin.Common
	stats  *PluginStats
	place  config.Place
}

// filterErrorTag marks events that a filter matched but whose common options could not be applied, where the filter has no failure
// tag of its own for that.
const filterErrorTag = "_filter_error"

// due reports whether it is time for f, and if so makes now its last time.
func (p *program) due(f plugin.Flusher, now time.Time) bool {
	every := f.FlushInterval()
	if every == 0 {
		every = flushTick
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if last, ok := p.lastTime[f]; ok && now.Sub(last) < every-every/10 {
		return false
	}
	p.lastTime[f] = now
	return true
}

// newWorker makes a worker with a program, decoders and writers of its own.
func (p *Pipeline) newWorker() *worker {
	w := &worker{p: p}
	w.next = w.nextEvent
	for _, c := range p.program.codecs {
		w.decoders = append(w.decoders, c.NewDecoder())
	}
	slots := make(map[*outputSlot]*writerSlot, len(p.outputs))
	for _, o := range p.outputs {
		s := &writerSlot{writer: o.newWriter(), shared: o.stats}
		slots[o] = s
		w.writers = append(w.writers, s)
	}
	w.filters = w.instantiate(p.program.filters, slots)
	w.outputs = w.instantiate(p.program.outputs, slots)
	w.flushers = findFlushers(w.filters, nil)
	return w
}

func (w *worker) instantiate(statements []statement, slots map[*outputSlot]*writerSlot) []step {
	steps := make([]step, len(statements))
	for i := range statements {
		st, s := &statements[i], &steps[i]
		switch {
		case st.filter != nil:
			w.instantiateFilter(st.filter, s)
		case st.output != nil:
			s.writer = slots[st.output]
		default:
			s.branches = make([]branch, len(st.branches))
			for j := range st.branches {
				arm := &st.branches[j]
				if arm.cond != nil {
					s.branches[j].cond = arm.cond.ForWorker()
				}
				s.branches[j].steps = w.instantiate(arm.statements, slots)
			}
		}
	}
	return steps
}

func (w *worker) instantiateFilter(slot *filterSlot, s *step) {
	s.filter = slot.filter
	if pw, ok := slot.filter.(plugin.PerWorker); ok {
		s.filter = pw.ForWorker()
	}
	s.multiply, _ = s.filter.(plugin.Multiplier)
	s.common = slot.common
	s.stats = &filterCount{shared: slot.stats, failureTag: filterErrorTag}
	s.stats.own, _ = s.filter.(plugin.Publisher)
	if t, ok := s.filter.(plugin.FailureTagger); ok {
		s.stats.failureTag = t.FailureTag()
	}
	w.counts = append(w.counts, s.stats)
}
