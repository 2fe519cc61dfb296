package grok

import (
	"encoding/binary"
	"math"
	"unsafe"
)

// prescan tells which patterns of a list cannot match a text, because the text lacks one of the literals that every match of theirs has. Three bytes at every
// second place of the text are looked up at once for all patterns: of four bytes that stand in a text, either the first three or the last three are met. That costs
// three instructions a byte and four for each pattern, where looking for the literals one by one took 50 to 100 ns each: most of them begin with a space or another
// frequent character.
type prescan struct {
	marks [gramSlots]uint64 // by three bytes: what they are a sign of
	need  []uint64          // by pattern: the signs of its literals, none if it has no literal long enough
}

// minPatterns is the shortest list that is scanned: the engine looks for the literal too, and for a few patterns that is
// cheaper. The pattern that matched last is tried without a scan, if it is the first one: most lists begin with the most frequent.
const minPatterns = 4

const (
	gramSlots = 1024
	gramLen   = 3
	signLen   = gramLen + 1 // what a sign is taken from
	maxSigns  = 4           // of a pattern
	allSigns  = 64
)

// gram returns the slot of the lowest three bytes of w.
func gram(w uint64) uint32 { return uint32(w&0xFFFFFF) * 0x9E3779B1 >> 22 }

// gramOf returns the slot of the first three bytes of s.
func gramOf(s string) uint32 { return gram(uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16) }

func newPrescan(patterns []compiled) *prescan {
	if len(patterns) < minPatterns {
		return nil
	}
	shared := countGrams(patterns)
	p := &prescan{need: make([]uint64, len(patterns))}
	most := max(1, min(maxSigns, allSigns/len(patterns)))
	sign, useful := 0, false
	for i := range patterns {
		var taken []place
		for range most {
			at, ok := rarest(patterns[i].re.RequiredLiterals(), shared, taken)
			if !ok {
				break
			}
			taken = append(taken, at)
			bit := uint64(1) << (sign % allSigns) // in long lists patterns share signs
			sign++
			p.need[i] |= bit
			p.marks[gramOf(at.literal[at.offset:])] |= bit
			p.marks[gramOf(at.literal[at.offset+1:])] |= bit
		}
		useful = useful || i > 0 && p.need[i] != 0
	}
	if !useful {
		return nil
	}
	return p
}

// place is where a sign stands in a literal.
type place struct {
	number  int // of the literal
	literal string
	offset  int
}

// countGrams counts by slot the patterns that have its bytes in their literals.
func countGrams(patterns []compiled) *[gramSlots]int {
	var counts, last [gramSlots]int
	for i := range patterns {
		for _, literal := range patterns[i].re.RequiredLiterals() {
			for o := 0; o+gramLen <= len(literal); o++ {
				if g := gramOf(literal[o:]); last[g] != i+1 {
					last[g] = i + 1
					counts[g]++
				}
			}
		}
	}
	return &counts
}

// rarest returns the place in the literals, apart from those taken, that the fewest patterns have too: they describe what the texts look like.
func rarest(literals []string, shared *[gramSlots]int, taken []place) (best place, ok bool) {
	least := math.MaxInt
	for n, literal := range literals {
	next:
		for o := 0; o+signLen <= len(literal); o++ {
			for _, t := range taken {
				if t.number == n && o < t.offset+signLen && t.offset < o+signLen {
					continue next
				}
			}
			if count := shared[gramOf(literal[o:])] + shared[gramOf(literal[o+1:])]; count < least {
				least, best, ok = count, place{n, literal, o}, true
			}
		}
	}
	return best, ok
}

// scan returns the signs that a text has.
func (p *prescan) scan(text string) (seen uint64) {
	b := unsafe.Slice(unsafe.StringData(text), len(text))
	for len(b) >= 8 {
		w := binary.LittleEndian.Uint64(b)
		seen |= p.marks[gram(w)] | p.marks[gram(w>>16)] | p.marks[gram(w>>32)]
		b = b[6:]
	}
	for ; len(b) >= gramLen; b = b[2:] {
		seen |= p.marks[gram(uint64(b[0])|uint64(b[1])<<8|uint64(b[2])<<16)]
	}
	return seen
}

// scanState is what a worker notes of the text at hand.
type scanState struct {
	noted bool   // seen is that of this text
	seen  uint64 // signs
	last  int    // the pattern that matched last
}

// next returns the first pattern from i on that may match text, the length of the list if there is none.
func (p *prescan) next(s *scanState, i int, text string) int {
	if !s.noted {
		if i|s.last == 0 {
			return 0
		}
		s.seen, s.noted = p.scan(text), true
	}
	seen := s.seen
	for i < len(p.need) && p.need[i]&^seen != 0 {
		i++
	}
	return i
}

// expected reports whether a pattern that may match text is likely to.
func (p *prescan) expected(s *scanState, i int) bool { return s.noted && p.need[i] != 0 }
