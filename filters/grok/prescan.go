package grok

import "strings"

// prescan tells which patterns of a list cannot match a text, because it lacks a literal that every match of theirs has.
// Patterns of a list often share their literals (the same prefix, the same " from "); each is looked for once a text.
type prescan struct {
	literals []string
	of       []int // by pattern: index into literals, -1 if the pattern has none
}

// minPatterns is the shortest list for which the answer is worth the asking: the engine looks for the literal too.
const minPatterns = 2

func newPrescan(patterns []compiled) *prescan {
	if len(patterns) < minPatterns {
		return nil
	}
	p := &prescan{of: make([]int, len(patterns))}
	index := make(map[string]int)
	for i := range patterns {
		literal := patterns[i].re.RequiredLiteral()
		if literal == "" {
			p.of[i] = -1
			continue
		}
		n, ok := index[literal]
		if !ok {
			n = len(p.literals)
			index[literal] = n
			p.literals = append(p.literals, literal)
		}
		p.of[i] = n
	}
	if len(p.literals) == 0 {
		return nil
	}
	return p
}

// scanState is a worker's memory of what the text at hand holds.
type scanState struct {
	seen []uint32 // by literal: turn<<1, plus one if the text holds it
	turn uint32
}

func (s *scanState) next() {
	if s.turn++; s.turn >= 1<<31 {
		clear(s.seen)
		s.turn = 1
	}
}

// possible reports whether pattern i of the list may match text.
func (p *prescan) possible(s *scanState, i int, text string) bool {
	n := p.of[i]
	if n < 0 {
		return true
	}
	if known := s.seen[n]; known>>1 == s.turn {
		return known&1 != 0
	}
	holds := strings.Contains(text, p.literals[n])
	s.seen[n] = s.turn << 1
	if holds {
		s.seen[n]++
	}
	return holds
}
