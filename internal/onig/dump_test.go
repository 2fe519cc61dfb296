package onig

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var opNames = [...]string{opMatch: "match", opFail: "fail", opJump: "jump", opByte: "byte", opLit: "lit", opWord: "word", opSeq: "seq", opTable: "table", opTraced: "traced", opLongest: "longest", opSetByte: "set-byte",
	opSpanStops: "span-stops", opSpanEscaped: "span-escaped", opSpanAll: "span-all", opSet: "set", opSpanFast: "span", opSpanGraph: "span-graph", opSpanGreedy: "span-greedy", opSpan: "span-chars",
	opSpanBack: "span-chars-greedy", opSpanLazy: "span-lazy", opBranch: "branch", opPeek: "peek", opAlt: "alt", opSave: "save", opSaveBoth: "save-both",
	opBeginText: "begin-text", opBeginLine: "begin-line", opEndLine: "end-line", opEndText: "end-text", opSemiEnd: "semi-end", opWordBound: "bound",
	opNotWordBound: "not-bound", opStart: "start", opLookByte: "look-byte", opLookSet: "look-set", opMark: "mark", opCut: "cut", opLookEnd: "look-end",
	opNegLook: "neg-look", opNegEnd: "neg-end", opStepBack: "step-back", opAtMark: "at-mark", opBackref: "backref", opCall: "call", opReturn: "return",
	opCond: "cond", opCluster: "cluster", opAbsent: "absent", opAbsentEnd: "absent-end", opCountInit: "count-init", opCountLoop: "count-loop",
	opEmptyMark: "empty-mark", opEmptyCheck: "empty-check"}

// dump lists the operations that can be reached from the entry of a program, a line each.
func (re *Regexp) dump() string {
	var b strings.Builder
	seen := map[*code]bool{}
	var walk func(k *code)
	walk = func(k *code) {
		for k != nil && !seen[k] {
			seen[k] = true
			fmt.Fprintf(&b, "%d %s pre %d post %d {%d,%d}", k.idx, opNames[k.op], k.pre, k.post, k.min, k.max)
			if k.op == opMatch || k.op == opFail || k.op == opNegEnd {
				b.WriteByte('\n')
				return
			}
			if k.op == opAlt {
				fmt.Fprintf(&b, " %d lists\n", len(k.x.lists))
				for _, l := range k.x.lists {
					for _, t := range l {
						walk(t)
					}
				}
				return
			}
			if k.alt != nil && k.op != opCall {
				fmt.Fprintf(&b, " alt %d", k.alt.idx)
			}
			fmt.Fprintf(&b, " next %d\n", k.next.idx)
			switch k.op {
			case opBranch, opPeek, opNegLook, opCond, opCall, opCountLoop, opAbsent, opEmptyCheck:
				walk(k.alt)
			}
			k = k.next
		}
	}
	p := re.program()
	walk(&p.code[p.entry])
	return b.String()
}

// TestCompilesTo states which operations a pattern needs, and which the compiler must have proved to be useless.
func TestCompilesTo(t *testing.T) {
	f := func(pattern, with, without string) {
		t.Helper()
		d := MustCompile(pattern).dump()
		for _, op := range strings.Fields(with) {
			require.Contains(t, d, " "+op+" pre", "%q:\n%s", pattern, d)
		}
		for _, op := range strings.Fields(without) {
			require.NotContains(t, d, " "+op+" pre", "%q:\n%s", pattern, d)
		}
	}
	f(`\w+ x`, "span", "span-greedy")        // a space is no word character: never given back
	f(`\w+a`, "span-greedy", "span")         // here it may have to be
	f(`"[^"]*?"`, "span-stops", "span-lazy") // lazy or not, it ends at the quote
	f(`\b\w+\b `, "bound", "span-greedy")    // the second boundary is certain, the first is not
	f(` \b[a-z]+\b/`, "span", "bound")       // both are
	f(` (?<![0-9])[0-9]`, "", "look-byte")   // so is this
	f(`(?>[0-9]+(?:\.[0-9]+|,[0-9]+)?)`, "longest", "mark cut branch")
	f(`"(?>\\.|[^\\"]+)+"`, "span-escaped", "branch mark")
	f(`(?>a|ab)c`, "byte", "longest")                        // the first, not the longest
	f(`(?>\w+(?:\.[0-9]+)?)`, "peek", "mark cut")            // two bytes decide
	f(`Jan|Jun|Feb`, "table", "alt branch")                  // bytes decide
	f(`(?:x{1,9}:){2}a|(?:x{1,9}:)b`, "branch", "alt table") // one common beginning
	f(`(?:x{1,4}:){2}a|(?:x{1,4}:)b`, "table", "branch")     // short runs are counted by an automaton
	f(`[0-2][0-9]:[0-5][0-9]`, "seq", "set-byte branch")     // fixed bytes in one go
}
