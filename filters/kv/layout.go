package kv

import (
	"encoding/binary"
	"math/bits"
	"unsafe"

	"millrace/pipeline/event"
)

// layout remembers keys and which of them follow which. The texts of a source have nearly always the same keys in the same order: the
// next key is compared with the one that stood here before, which takes a tenth of what looking for its end and for a field of its name
// does.
type layout struct {
	names  [256]name // from 1 on; names[0] stands for the beginning of a text
	used   int
	byMark [256]uint8 // the first name with a mark
	turn   uint32     // counts the texts

	// Texts whose keys are ever new must not pay for being learned: after two with more keys that were not expected than keys that were, one
	// is left out, then three, seven and so on.
	expected, others int // keys of these two
	trial            int // texts of these two that are still to come
	pause, rest      int // texts to leave out, and those of them that are still to come
}

const maxPause = 255

// name is a key of a layout. It holds no pointers and its bytes stand in it, so that learning one allocates nothing.
type name struct {
	word   [3]uint64 // the key and the byte that separates it from its value, as they stand in a text, and zeros
	ones   [3]uint64 // for the bytes of word
	next   [2]uint8  // the names that followed last
	same   uint8     // the next name with the same mark
	number uint8     // among the names
	size   uint8     // of the key; size and mark are copied as one to a part
	mark   byte
	bits   uint32 // one for each byte of word; runPairs, which looks at sixteen, never finds a longer key
	turn   uint32 // the last text that brought it with a value
}

// The longest key to learn has a byte less than the words of a name, and they are loaded whole.
const (
	nameBytes = 24
	wordBytes = 8
)

const (
	lows  = 0x0101010101010101
	highs = 0x8080808080808080
)

// wordAt returns the eight bytes of s that begin at i.
func wordAt(s string, i int) uint64 {
	return binary.LittleEndian.Uint64((*[wordBytes]byte)(unsafe.Add(unsafe.Pointer(unsafe.StringData(s)), i))[:])
}

// begin makes the layout ready for a text; false if the text is to be left out. A full one starts anew, but not before: a key must not
// become known in the middle of a text that has brought it already.
func (l *layout) begin() bool {
	if l.rest > 0 {
		l.rest--
		return false
	}
	if l.trial == 0 {
		pause := 0
		if l.others > l.expected {
			pause = min(2*l.pause+1, maxPause)
		}
		l.pause, l.rest, l.trial = pause, pause, 2
		l.expected, l.others = 0, 0
		if pause > 0 {
			l.rest--
			return false
		}
	}
	l.trial--
	if l.used == len(l.names)-1 {
		l.used, l.byMark, l.names[0].next = 0, [256]uint8{}, [2]uint8{} // the names are out of reach then
	}
	l.turn++
	l.names[0].turn = l.turn // so that it never stands in a text
	return true
}

// learn notes that a key with a separator behind it came after another, and returns its number; 0 if it cannot be kept.
func (l *layout) learn(after uint8, key string, separator byte) uint8 {
	i := l.number(key)
	if i == 0 {
		if len(key) >= nameBytes || l.used == len(l.names)-1 || event.Reserved(key) {
			return 0
		}
		l.used++
		i = uint8(l.used)
		mark := event.Mark(key)
		l.names[i] = name{word: wordsOf(key), number: i, size: uint8(len(key)), mark: mark, same: l.byMark[mark]}
		l.byMark[mark] = i
	}
	l.names[i].separate(separator)
	if from := &l.names[after]; from.next[0] != i {
		from.next = [2]uint8{i, from.next[0]}
	}
	return i
}

// number returns the number of a key, 0 if it was not learned.
func (l *layout) number(key string) uint8 {
	if len(key) >= nameBytes {
		return 0
	}
	word, size := wordsOf(key), uint8(len(key))
	for i := l.byMark[event.Mark(key)]; i != 0; i = l.names[i].same {
		old := l.names[i]
		if old.separate(0); old.size == size && old.word == word {
			return i
		}
	}
	return 0
}

// separate sets the byte behind the key.
func (n *name) separate(c byte) {
	at, shift := n.size/wordBytes, n.size%wordBytes*8
	n.bits = 2<<n.size - 1
	n.word[at] = n.word[at]&^(0xff<<shift) | uint64(c)<<shift
	for i := range n.ones {
		switch {
		case i < int(at):
			n.ones[i] = ^uint64(0)
		case i == int(at):
			n.ones[i] = ^uint64(0) >> (56 - shift)
		}
	}
}

// run goes over pairs whose keys are expected, as next would, and returns where they are: up to as many as there is room for, and to the
// first that needs a closer look: a key that did not follow the last one before or that this text has brought already, a backslash, a
// quote within a value. Pairs without a value are left out if skipEmpty is set: their keys may come again.
func (s *scanner) run(room []event.Part) []event.Part {
	text, p := s.text, s.pos
	if !s.learning || len(text) < wordBytes {
		return nil
	}
	n := 0
	if s.separator != 0 {
		var number uint64
		n, p, number = runPairs(s.grammar, &s.layout, unsafe.StringData(text), len(text), s.slash, p, uint64(s.last), &room[0], len(room), s.skipEmpty)
		s.last = uint8(number)
	}
	class, closer, separator, slash := &s.class, &s.closer, s.separator, s.slash
	names, turn := &s.layout.names, s.layout.turn
	last := &names[s.last]
	for n < len(room) && p < len(text) {
		w0, w1 := wordIn(text, p), wordIn(text, p+wordBytes)
		k := &names[last.next[0]]
		if !k.is(w0, w1) {
			if class[text[p]]&isSplit != 0 {
				p++
				continue
			}
			if k = &names[last.next[1]]; !k.is(w0, w1) {
				break
			}
		}
		if k.size >= 2*wordBytes && (wordIn(text, p+2*wordBytes)^k.word[2])&k.ones[2] != 0 {
			break
		}
		start := p + int(k.size) + 1
		if k.turn == turn || start >= len(text) {
			break
		}
		pattern, quote := separator, 0
		if c := closer[text[start]]; c != 0 {
			if c == ' ' {
				for start < len(text) && text[start] == ' ' {
					start++
				}
				if start == len(text) {
					break
				}
				c = closer[text[start]]
			}
			if c != 0 {
				pattern, quote = uint64(c)*lows, 1
				start++
			}
		}
		end := 0
		if pattern != 0 {
			end = indexByte(text, start, pattern)
		} else {
			end = s.skipTo(start, isField)
		}
		if end > slash {
			break
		}
		next := end + quote
		if quote != 0 && (end == len(text) || next < len(text) && class[text[next]]&isField == 0) {
			break
		}
		last = k
		if start < end || !s.skipEmpty {
			k.turn = turn
			r := &room[n]
			r.Name, r.NameLen, r.Text, r.TextLen, r.Mark = p, k.size, start, end-start, k.mark
			n++
		}
		p = next + 1
	}
	s.pos, s.last = p, last.number
	s.layout.expected += n
	return room[:n]
}

// is reports whether the name and its separator begin a text that begins with the words.
func (n *name) is(w0, w1 uint64) bool {
	return (w0^n.word[0])&n.ones[0]|(w1^n.word[1])&n.ones[1] == 0
}

// wordIn is wordAt with zeros behind the end of s.
func wordIn(s string, i int) uint64 {
	over := i + wordBytes - len(s)
	if over <= 0 {
		return wordAt(s, i)
	}
	return wordAt(s, len(s)-wordBytes) >> (over * 8)
}

// wordsOf returns the words that s begins with, and zeros behind its end.
func wordsOf(s string) (w [3]uint64) {
	var space [nameBytes]byte
	copy(space[:], s)
	for i := range w {
		w[i] = binary.LittleEndian.Uint64(space[i*wordBytes:])
	}
	return w
}

// indexByte returns where the byte that pattern repeats stands in s, at or behind p; len(s) if nowhere. The texts to search are short.
func indexByte(s string, p int, pattern uint64) int {
	for ; p+wordBytes <= len(s); p += wordBytes {
		w := wordAt(s, p) ^ pattern
		if w = (w - lows) &^ w & highs; w != 0 {
			return p + bits.TrailingZeros64(w)/8
		}
	}
	for p < len(s) && s[p] != byte(pattern) {
		p++
	}
	return p
}
