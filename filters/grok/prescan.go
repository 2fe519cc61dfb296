package grok

import "slices"

// prescan tells which patterns of a list cannot match a text, because the text lacks one of the literals that every match of
// theirs has. The pairs of neighbouring bytes of the text are noted once; a literal can only be in it if all its pairs are. That
// costs some half a nanosecond a byte and two for each pattern that is ruled out, where looking for the literals one by
// one took 50 to 100 ns each: most of them begin with a space or another frequent character.
type prescan struct {
	pairs [][]uint16 // by pattern: the pairs of its literals, none if it has no literal
}

// minPatterns is the shortest list that is scanned: the engine looks for the literal too, and for a few patterns that is
// cheaper. The first pattern is tried without a scan in any case, because it is the one that matches most often.
const minPatterns = 4

func newPrescan(patterns []compiled) *prescan {
	if len(patterns) < minPatterns {
		return nil
	}
	p := &prescan{pairs: make([][]uint16, len(patterns))}
	useful := false
	for i := range patterns {
		for _, literal := range patterns[i].re.RequiredLiterals() {
			for j := 1; j < len(literal); j++ {
				if pair := pairOf(literal[j-1], literal[j]); !slices.Contains(p.pairs[i], pair) {
					p.pairs[i] = append(p.pairs[i], pair)
				}
			}
		}
		useful = useful || i > 0 && len(p.pairs[i]) > 0
	}
	if !useful {
		return nil
	}
	return p
}

// pairSlots is the number of places for pairs. With the few hundred pairs of a line about one in twenty is taken for
// another one; a literal of three bytes is let through by mistake once in 400 lines, which costs time only.
const pairSlots = 4096

func pairOf(a, b byte) uint16 { return (uint16(a)<<5 ^ uint16(b)) % pairSlots }

// scanState is what a worker notes of the text at hand.
type scanState struct {
	noted bool // of this text
	turn  uint8
	marks *[pairSlots]uint8 // by pair: the turn in which it was last seen
}

// note notes the pairs of a text.
func (s *scanState) note(text string) {
	s.noted = true
	if s.turn++; s.turn == 0 {
		clear(s.marks[:])
		s.turn = 1
	}
	marks, turn := s.marks, s.turn
	if text == "" {
		return
	}
	last := text[0]
	for i := 1; i < len(text); i++ {
		marks[pairOf(last, text[i])] = turn
		last = text[i]
	}
}

// possible reports whether pattern i of the list may match text.
func (p *prescan) possible(s *scanState, i int, text string) bool {
	if i == 0 || len(p.pairs[i]) == 0 {
		return true
	}
	if !s.noted {
		s.note(text)
	}
	for _, pair := range p.pairs[i] {
		if s.marks[pair] != s.turn {
			return false
		}
	}
	return true
}
