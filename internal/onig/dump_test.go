package onig

import (
	"fmt"
	"strings"
)

var opNames = [...]string{opMatch: "match", opFail: "fail", opByte: "byte", opLit: "lit", opSet: "set", opSpanFast: "span", opSpanGreedy: "span-greedy",
	opSpan: "spanchars", opSpanBack: "spanchars-greedy", opSpanLazy: "span-lazy", opBranch: "branch", opAlt: "alt", opSave: "save", opSaveBoth: "save-both",
	opBeginText: "\\A", opBeginLine: "^", opEndLine: "$", opEndText: "\\z", opSemiEnd: "\\Z", opWordBound: "\\b", opNotWordBound: "\\B", opStart: "\\G",
	opLookSet: "look-set", opMark: "mark", opCut: "cut", opLookEnd: "look-end", opNegLook: "neg-look", opNegEnd: "neg-end", opCall: "call"}

// dump lists the instructions reachable from the entry of a program.
func (re *Regexp) dump() string {
	var b strings.Builder
	seen := map[int32]bool{}
	var walk func(pc int32)
	walk = func(pc int32) {
		for !seen[pc] {
			seen[pc] = true
			in := &re.prog[pc]
			name := fmt.Sprint(in.op)
			if int(in.op) < len(opNames) && opNames[in.op] != "" {
				name = opNames[in.op]
			}
			fmt.Fprintf(&b, "%4d %-12s next %d alt %d reg %d {%d,%d} flags %x %q", pc, name, in.next, in.alt, in.reg, in.min, in.max, in.flags, in.lit)
			if in.cls != nil {
				fmt.Fprintf(&b, " %v", in.cls.set.r)
			}
			if in.op == opBranch {
				for v := byte(1); v <= 3; v++ {
					var s []byte
					for c := 32; c < 127; c++ {
						if in.tab[c] == v {
							s = append(s, byte(c))
						}
					}
					fmt.Fprintf(&b, " %d:%q", v, s)
				}
			}
			for i, l := range in.lists {
				var s []byte
				for c := 32; c < 127 && in.op == opAlt; c++ {
					if in.tab[c] == byte(i) {
						s = append(s, byte(c))
					}
				}
				fmt.Fprintf(&b, "\n        %q -> %v", s, l)
			}
			b.WriteByte('\n')
			if in.op == opAlt {
				for _, l := range in.lists {
					for _, t := range l {
						walk(t)
					}
				}
				return
			}
			if in.op == opBranch || in.op == opNegLook || in.op == opCond || in.op == opCall || in.op == opCountLoop || in.op == opAbsent {
				walk(in.alt)
			}
			pc = in.next
		}
	}
	walk(re.entry)
	return b.String()
}
