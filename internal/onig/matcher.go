package onig

import (
	"math"
	"strings"
	"time"
	"unsafe"
)

// DefaultTimeout is how long a match may take where SetTimeout asked for nothing else.
const DefaultTimeout = 30 * time.Second

// A budget is counted in steps, one each time the machine goes back; after so many of them it looks at the clock.
const stepsPerLook = 4096

// frame is an entry of the backtracking stack: an instruction to resume (pc) with its position and a value of its own, or, where pc is negative, a
// register (^pc) to restore to pos.
type frame struct {
	pc  int32
	pos int32
	aux int32
}

// Matcher is the scratch space of one goroutine for one pattern, and holds the result of the last match.
type Matcher struct {
	make     func() *program
	re       *program // nil until the first match
	text     string
	start    int32 // where the search started
	regs     []int32
	stack    []frame
	memo     memo
	traces   []trace
	timeout  time.Duration
	deadline time.Time
	steps    int // until the next look at the clock
	looked   bool
	timedOut bool
	matched  bool
	guard    bool  // a stack that reaches its limit ends the match
	lucky    bool  // the last text matched
	within   int   // how far to the right a match may start, until reach is asked again
	limit    int32 // end of the text opAbsent looks at
	from     int32 // where the attempt under way started
	base     int   // the stack in use before the run under way
	resumed  int   // where it last went on from the stack
	filter   *filter
	misses   int // places tried in vain, until there is a filter
	credit   int // what the filter has gained, in bytes
	debug    bool
	progress int32 // debug: the most bytes an attempt got through
	furthest int32
	stopped  int32

	_ [cacheLine]byte
}

// cacheLine is what lies between the scratch space of one goroutine and that of the next: where both write to one line of the cache, each
// waits for the other's processor.
const cacheLine = 64

// NewMatcher returns scratch space for matching re.
func (re *Regexp) NewMatcher() *Matcher {
	return &Matcher{make: re.program}
}

// prepare makes the program and what it works on.
func (m *Matcher) prepare() {
	m.re = m.make()
	m.regs, m.stack, m.traces = make([]int32, m.re.regs, m.re.regs+cacheLine/4), make([]frame, 64), make([]trace, m.re.traces, m.re.traces+1)
}

// NewDebugMatcher returns a matcher that is slower and knows how far a failing match got: see Furthest.
func (re *Regexp) NewDebugMatcher() *Matcher {
	return &Matcher{make: re.debug, debug: true}
}

// Expect tells that the next text is likely to match, so that it need not be searched for what every match contains before an attempt has failed.
func (m *Matcher) Expect() { m.lucky = true }

// SetTimeout limits the time one match may take; 0 stands for DefaultTimeout.
func (m *Matcher) SetTimeout(d time.Duration) { m.timeout = d }

// TimedOut reports whether the last match was given up because its time was over.
func (m *Matcher) TimedOut() bool { return m.timedOut }

// Furthest tells, for a matcher made by NewDebugMatcher whose last match failed, how far into the text the attempt that got through most of it came, and the offset in the pattern of
// what did not match there.
func (m *Matcher) Furthest() (pos, patternOffset int) { return int(m.furthest), int(m.stopped) }

// Match searches s for the pattern.
func (m *Matcher) Match(s string) bool { return m.MatchAt(s, 0) }

// MatchAt searches s from start; look-behind, ^ and \b see what is before it, and \G matches there.
func (m *Matcher) MatchAt(s string, start int) bool {
	m.timedOut, m.matched = false, false
	if m.re == nil {
		m.prepare()
	}
	if uint(start) > uint(len(s)) {
		return false
	}
	if len(s) > math.MaxInt32-64 {
		m.timedOut = true // positions are 32 bits wide; a text of 2 GiB would not be searched in time either
		return false
	}
	m.text, m.start, m.limit = s, int32(start), int32(len(s))
	m.steps, m.looked, m.memo.on, m.memo.started, m.within = stepsPerLook, false, false, false, math.MaxInt32
	if m.debug {
		m.steps, m.progress, m.furthest, m.stopped = 0, -1, int32(start), 0
	}
	if m.re.ret >= 0 || len(s)*len(m.re.code) > maxStack/4 {
		m.matched = m.guarded(start)
	} else {
		m.matched = m.find(start)
	}
	m.lucky = m.matched
	m.text = "" // a kept matcher must not keep the text alive
	if len(m.stack) > keepStack {
		m.stack = make([]frame, 64)
	}
	if len(m.memo.seen) > keepMemo {
		m.memo.seen = nil
	}
	return m.matched
}

// Group returns where group i matched, -1, -1 if it took no part; group 0 is the whole match.
func (m *Matcher) Group(i int) (start, end int) {
	if !m.matched || uint(i) > uint(m.re.caps) {
		return -1, -1
	}
	a, b := m.regs[2*i], m.regs[2*i+1]
	if a < 0 || b < 0 {
		return -1, -1
	}
	return int(a), int(b)
}

// Places returns where the groups matched, the whole match first: where they start, below 0 if they took no part, and where they end. It is for reading, after a
// match that succeeded and until the next one.
func (m *Matcher) Places() [][2]int32 {
	return unsafe.Slice((*[2]int32)(unsafe.Pointer(unsafe.SliceData(m.regs))), len(m.re.blank)/2)
}

// note keeps the failure that came after the most progress.
func (m *Matcher) note(in *code, pos int32) {
	src := m.re.srcs[in.idx]
	if in.op == opLit || in.op == opWord {
		k, lit := 0, in.literal()
		for k < len(lit)-1 && int(pos)+k < len(m.text) && m.text[int(pos)+k] == lit[k] {
			k++
		}
		pos += int32(k)
		if strings.HasPrefix(m.re.src[src:], lit[:k]) {
			src += int32(k)
		}
	}
	if pos-m.from > m.progress && in.op != opAbsentEnd && in.op != opNegEnd {
		m.progress, m.furthest, m.stopped = pos-m.from, pos, src
	}
}

// look is called when the steps are used up, and reports whether the match may go on. In the debug variant it is called for each step.
func (m *Matcher) look(in *code, pos int32) bool {
	if m.debug {
		m.note(in, pos)
		if m.steps--; m.steps > -stepsPerLook {
			return true
		}
	}
	m.steps = stepsPerLook
	if m.debug {
		m.steps = 0
	}
	if !m.memo.started {
		m.memo.start(m.re.memos, len(m.text))
	}
	m.timedOut = m.late()
	return !m.timedOut
}

// late reports whether the time of the match is over. It begins when it is asked for first, so that most matches need no clock.
func (m *Matcher) late() bool {
	now := time.Now()
	if m.looked {
		return now.After(m.deadline)
	}
	m.looked = true
	d := m.timeout
	if d == 0 {
		d = DefaultTimeout
	}
	m.deadline = now.Add(d)
	return false
}
