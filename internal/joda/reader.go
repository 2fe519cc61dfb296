package joda

import (
	"strings"
	"time"
)

// Reader reads the texts of one format as its Parser does, one after the other. The dates of lines that follow each other are nearly always of one day: what
// stands in front of the time of day is compared with that of the text before, and only the time of day is read. One goroutine at a time may use a Reader.
type Reader struct {
	p     *Parser
	clock int // the item of the format that is the time of day; 0 if texts of the format are not remembered
	tail  tail

	// What is remembered.
	size   int // of the prefix, 0 if there is none
	prefix [maxPrefix]byte
	fails  bool     // a text with this prefix cannot be read
	start  int64    // of the day, in local milliseconds
	valid  [2]int64 // the seconds between which a yearless date is of this year

	suffix [maxSuffix]byte // what stands behind the time of day: an offset
	offLen int
	offset int64

	hits, pause int // texts that were known since the last one was remembered; texts not to be remembered

	_ [64]byte // a line of the cache between the readers of two workers, which write to them with each text
}

// Limits of what is remembered. The longest usual prefix is "Wednesday, September 10, 2026 ".
const (
	maxPrefix = 32
	maxSuffix = 8
	maxPause  = 63
)

// tail is what follows the time of day.
type tail uint8

const (
	tailNone tail = iota
	tailOffset
	tailISO
	tailItems
)

// clockLen is the length of HH:mm:ss; isoDateLen that of 2026-03-14T.
const (
	clockLen   = 8
	isoDateLen = 11
)

// NewReader makes a Reader.
func (p *Parser) NewReader() *Reader {
	r := &Reader{p: p}
	switch {
	case p.kind == kindISO8601:
		r.clock, r.tail = 1, tailISO
	case p.kind == kindPattern && p.plain && !(p.yearless && (p.hasWeekday || p.offsets)):
		for k := range p.ops {
			if p.ops[k].code == opClock && p.headRemembers(k) && p.tailRemembers(k+1+clockOps) {
				r.clock, r.tail = k, p.tailOf(k+1+clockOps)
			}
		}
	}
	return r
}

// headRemembers tells whether the items before the time of day read nothing but what stands before it, and that is followed by a byte none of them
// could go on with.
func (p *Parser) headRemembers(clock int) bool {
	for _, op := range p.ops[:clock] {
		switch op.code {
		case opByte, opTwo, opYear, opText:
		case opName:
			for _, n := range op.table.names {
				if strings.ContainsFunc(n.text, func(c rune) bool { return c < 'A' }) {
					return false
				}
			}
		default:
			return false
		}
	}
	if clock == 0 {
		return false
	}
	last := &p.ops[clock-1]
	return last.code == opByte && last.byte < 'A' && last.byte-'0' > 9
}

// tailRemembers tells whether the items behind the time of day have no part in the date.
func (p *Parser) tailRemembers(from int) bool {
	for _, op := range p.ops[from:] {
		switch op.code {
		case opByte, opText, opFraction:
		case opOffset, opZoneName, opZoneID:
			if p.yearless {
				return false
			}
		default:
			return false
		}
	}
	return true
}

func (p *Parser) tailOf(from int) tail {
	switch rest := p.ops[from:]; {
	case len(rest) == 0:
		return tailNone
	case len(rest) == 2 && rest[0].code == opByte && rest[1].code == opOffset:
		return tailOffset
	}
	return tailItems
}

// Parser gives the parser that r reads with.
func (r *Reader) Parser() *Parser { return r.p }

// Parse is Parser.Parse.
func (r *Reader) Parse(s string, now time.Time) (time.Time, bool) { return r.ParseIn(s, r.p.zone, now) }

// ParseIn is Parser.ParseIn.
func (r *Reader) ParseIn(s string, z *Zone, now time.Time) (time.Time, bool) {
	n := r.size
	if n == 0 || len(s) < n || s[:n] != string(r.prefix[:n]) {
		return r.learn(s, z, now)
	}
	if r.fails {
		r.hits++
		return time.Time{}, false
	}
	if ofDay := clockAt(s, n); ofDay >= 0 && (!r.p.yearless || r.holds(now)) {
		if millis, ok := r.finish(s, n+clockLen, r.start+ofDay, z); ok {
			r.hits++
			return timeOf(millis), true
		}
	}
	return r.p.ParseIn(s, z, now)
}

// holds tells whether a date without a year is still of the year that was found for it.
func (r *Reader) holds(now time.Time) bool {
	t := now.Unix()
	return t >= r.valid[0] && t < r.valid[1]
}

// clockAt reads HH:mm:ss and gives the milliseconds of the day, negative where something else stands.
func clockAt(s string, i int) int64 {
	if len(s) < i+clockLen {
		return -1
	}
	t := s[i : i+clockLen]
	w := uint64(t[0]) | uint64(t[1])<<8 | uint64(t[2])<<16 | uint64(t[3])<<24 | uint64(t[4])<<32 | uint64(t[5])<<40 | uint64(t[6])<<48 | uint64(t[7])<<56
	const (
		zeros  = 0x30303a30303a3030 // 00:00:00
		colons = 0x0000ff0000ff0000
		nines  = 0x7676007676007676 // what a digit can have added without reaching the highest bit
	)
	w ^= zeros
	if w&colons != 0 || (w+nines|w)&0x8080808080808080 != 0 {
		return -1
	}
	w = w*10 + w>>8 // in each first byte of two digits, their number
	hour, minute, second := w&0xff, w>>24&0xff, w>>48&0xff
	if hour > 23 || minute > 59 || second > 59 {
		return -1
	}
	return int64((hour*60+minute)*60+second) * secondMillis
}

// finish reads what follows the time of day, at i, and makes UTC of local milliseconds.
func (r *Reader) finish(s string, i int, local int64, z *Zone) (millis int64, ok bool) {
	switch r.tail {
	case tailNone:
		if i != len(s) {
			return 0, false
		}
		return z.toUTC(local)
	case tailOffset:
		if n := r.offLen; n > 0 && s[i:] == string(r.suffix[:n]) {
			return local - r.offset, true
		}
	case tailISO:
		return finishISO(s, i, local, z)
	}
	var f found
	v := r.p.defaults
	if end := r.p.scan(s, i, r.clock+1+clockOps, len(r.p.ops), &v, &f); end != len(s) {
		return 0, false
	}
	if r.tail == tailOffset && f.hasOffset && len(s)-i <= maxSuffix {
		r.offLen, r.offset = copy(r.suffix[:], s[i:]), int64(f.offset)
	}
	return f.toUTC(local+int64(v[slotMillis]), z)
}

// finishISO does so for ISO8601.
func finishISO(s string, i int, local int64, z *Zone) (millis int64, ok bool) {
	if i < len(s) && (s[i] == '.' || s[i] == ',') {
		fraction, next := threeDigits(s, i+1)
		if next == 0 || next < len(s) && s[next]-'0' <= 9 {
			fraction, next = scanFraction(s, i+1, 9, secondMillis)
		}
		if next == 0 {
			return 0, false
		}
		local += int64(fraction)
		i = next
	}
	if i == len(s) {
		return z.toUTC(local)
	}
	if i == len(s)-1 && s[i] == 'Z' {
		return local, true
	}
	var f found
	if f.scanOffset(s, i) != len(s) {
		return 0, false
	}
	return local - int64(f.offset), true
}

// threeDigits reads three digits, and gives where they end, 0 where something else stands.
func threeDigits(s string, i int) (n int32, next int) {
	if len(s) < i+3 {
		return 0, 0
	}
	a, b, c := s[i]-'0', s[i+1]-'0', s[i+2]-'0'
	if a > 9 || b > 9 || c > 9 {
		return 0, 0
	}
	return int32(a)*100 + int32(b)*10 + int32(c), i + 3
}

// learn reads a text whose beginning is not that of the last one, and remembers it.
func (r *Reader) learn(s string, z *Zone, now time.Time) (time.Time, bool) {
	t, ok := r.p.ParseIn(s, z, now)
	if r.clock == 0 {
		return t, ok
	}
	if r.pause > 0 {
		r.pause--
		return t, ok
	}
	// Where each text has another date, remembering is done now and then only.
	if r.hits == 0 && r.size > 0 {
		r.pause = maxPause
	}
	r.size, r.hits = 0, 0
	switch {
	case !ok && r.tail != tailISO:
		r.rememberFailure(s)
	case ok && r.tail == tailISO:
		if local, n := isoUsual(s); n > 0 {
			r.remember(s[:isoDateLen], local)
		}
	case ok:
		r.rememberDate(s, now)
	}
	return t, ok
}

func (r *Reader) remember(prefix string, local int64) {
	if len(prefix) <= maxPrefix {
		r.size, r.fails, r.start = copy(r.prefix[:], prefix), false, local-floorMod(local, dayMillis)
	}
}

// rememberDate remembers the date of a text that was read.
func (r *Reader) rememberDate(s string, now time.Time) {
	p := r.p
	v := p.defaults
	var f found
	n := p.scan(s, 0, 0, r.clock, &v, &f)
	if clockAt(s, n) < 0 {
		return
	}
	local, ok := p.local(&v, now)
	if !ok {
		return
	}
	if p.yearless {
		const ahead = 3600 // seconds
		later := now.Add(ahead * time.Second)
		if likelyYear(int(v[slotMonth]), now) != int64(v[slotYear]) || now.Month() != later.Month() {
			return
		}
		r.valid = [2]int64{now.Unix(), later.Unix()}
	}
	r.remember(s[:n], local)
}

// rememberFailure remembers the beginning of a text that a format cannot read whatever follows it: with a list of formats, most texts are of
// the second.
func (r *Reader) rememberFailure(s string) {
	i, looked := 0, 0
	for k := range r.p.ops[:r.clock] {
		op := &r.p.ops[k]
		next := -1
		switch op.code {
		case opByte:
			looked = i + 1
			if looked <= len(s) && s[i] == op.byte {
				next = i + 1
			}
		case opText:
			looked = i + len(op.text)
			if looked > len(s) || !isASCII(s[:looked]) || !isASCII(op.text) {
				return
			}
			next = literalAt(s, i, op.text)
		case opTwo, opName:
			var v values
			var f found
			next = r.p.scan(s, i, k, k+1, &v, &f)
			if looked = next + 1; next < 0 || looked > len(s) || s[next] >= 'A' {
				return // what was not there is not known
			}
		default:
			return
		}
		if looked > min(len(s), maxPrefix) {
			return
		}
		if next < 0 {
			r.size, r.fails = copy(r.prefix[:], s[:looked]), true
			return
		}
		i = next
	}
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}
