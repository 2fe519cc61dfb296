package joda

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Parser reads the texts of one format. It is immutable: any number of goroutines may use one.
type Parser struct {
	format string
	kind   kind
	zone   *Zone

	ops    []parseOp
	fields []field // what a text sets, in the order of setting it; unused if plain

	// plain tells that the fields are a date and a time of day such as most formats hold, each once. Their values lie in the slots
	// named below, and an instant is made of them without setting field after field.
	plain      bool
	defaults   values
	hasWeekday bool
	hasHalf    bool
	leastYear  int64

	yearless bool // the pattern has no y or Y: the year is guessed
	undated  bool // a plain pattern has months or days, but no year
	year     int  // of texts that tell none, unless the year is guessed
	offsets  bool // the pattern has a Z: a yearless text counts as in the zone of the text

	casual []*Parser // for ISO8601: what is tried after it
}

type kind uint8

const (
	kindPattern kind = iota
	kindISO8601
	kindUnix
	kindUnixMillis
	kindTAI64N
)

// maxFields is how many fields a format may hold. No date has more than a dozen.
const maxFields = 24

// values are the numbers a text gives to the fields of a format.
type values [maxFields]int32

// The slots of a plain format.
const (
	slotYear = iota
	slotMonth
	slotDay
	slotHour
	slotMinute
	slotSecond
	slotMillis
	slotWeekday
	slotHalfday
	slotHalfHour
)

// parseOp reads one item of a format.
type parseOp struct {
	code   parseCode
	slot   uint8
	max    uint8 // digits
	byte   byte
	signed bool
	low    int32 // of two-digit years: the first year of the century in which they lie
	text   string
	table  *textTable
	zones  *zoneTable
}

type parseCode uint8

const (
	opByte        parseCode = iota // one byte that is no letter
	opText                         // literal text, in whatever case
	opTwo                          // one or two digits
	opNumber                       // up to max digits
	opYear                         // up to max digits, after a sign if signed; most likely four
	opTwoYear                      // two digits mean a year near now, other numbers are taken as they are
	opTwoYearOnly                  // two digits, because a number follows
	opClock                        // HH:mm:ss in one step; where the text is shorter, the items after it read it
	opName                         // a month, a day, a half of the day, an era
	opFraction                     // of a second
	opOffset
	opZoneName
	opZoneID
)

// Options are what a format alone does not say.
type Options struct {
	// Locale is the language tag of month and day names; English where empty.
	Locale string

	// Zone is that of texts that do not tell theirs; that of the process where nil.
	Zone *Zone

	// Now is the time two-digit years are near to; that of the call where zero.
	Now time.Time
}

// programYear is a year that no clock which was ever set is behind: one that is counts from 1970 or 2000 because nobody set it, and
// must not put two-digit years into the last century.
const programYear = 2026

// NewParser compiles a format: ISO8601, UNIX, UNIX_MS, TAI64N, or a Joda-Time pattern. The error is a *PatternError.
func NewParser(format string, o Options) (*Parser, error) {
	if o.Zone == nil {
		o.Zone = LocalZone()
	}
	if o.Now.IsZero() {
		if o.Now = time.Now(); o.Now.Year() < programYear {
			o.Now = time.Date(programYear, time.January, 4, 0, 0, 0, 0, time.UTC)
		}
	}
	p := &Parser{format: format, zone: o.Zone}
	switch format {
	case "UNIX":
		p.kind = kindUnix
	case "UNIX_MS":
		p.kind = kindUnixMillis
	case "TAI64N":
		p.kind = kindTAI64N
	case "ISO8601":
		p.kind = kindISO8601
		for _, pattern := range [...]string{"yyyy-MM-dd HH:mm:ss.SSSZ", "yyyy-MM-dd HH:mm:ss.SSS", "yyyy-MM-dd HH:mm:ss,SSSZ", "yyyy-MM-dd HH:mm:ss,SSS"} {
			c, err := NewParser(pattern, o)
			if err != nil {
				panic("BUG: joda: " + err.Error())
			}
			p.casual = append(p.casual, c)
		}
	default:
		return p, p.compile(o)
	}
	return p, nil
}

// Format is what the parser was made of.
func (p *Parser) Format() string { return p.format }

// Numeric tells whether the format reads numbers (UNIX, UNIX_MS), or text that needs no zone (TAI64N).
func (p *Parser) Numeric() bool { return p.kind >= kindUnix }

// NeedsNow tells whether Parse looks at now: the format has no year.
func (p *Parser) NeedsNow() bool { return p.kind == kindPattern && p.yearless }

func (p *Parser) compile(o Options) error {
	tokens, err := parsePattern(p.format)
	if err != nil {
		return err
	}
	p.yearless = !strings.ContainsAny(p.format, "yY") // also in a quoted text, as in Logstash
	p.year = o.Now.Year()
	p.offsets = strings.Contains(p.format, "Z")
	var fields []field
	for i, t := range tokens {
		numberFollows := i+1 < len(tokens) && tokens[i+1].numeric()
		op, f, set := parseOpOf(t, numberFollows, o)
		if t.letter == 'z' && t.count >= 4 {
			return patternErrorf(p.format, t.offset, "long zone names (%s) can be written, but not read", strings.Repeat("z", t.count))
		}
		if t.letter == 0 && t.text == "" {
			continue
		}
		if set {
			op.slot = uint8(len(fields))
			fields = append(fields, f)
		}
		if len(fields) > maxFields {
			return patternErrorf(p.format, t.offset, "more than %d fields", maxFields)
		}
		p.ops = append(p.ops, op)
	}
	p.order(fields)
	return nil
}

// numeric tells whether a number stands here, which a number before it must not run into.
func (t token) numeric() bool {
	return t.letter != 0 && isOneOf(t.letter, "CxyYdhHmsSeDwkK") || t.letter == 'M' && t.count <= 2
}

// order gives each field its slot: that of a plain format, or its place by rank.
func (p *Parser) order(fields []field) {
	slots := make([]uint8, len(fields))
	if p.plainSlots(fields, slots) {
		p.plain = true
		p.setSlots(slots)
		p.joinClock()
		return
	}
	p.orderByRank(fields)
}

// clockOps is how many items opClock stands for.
const clockOps = 5

// joinClock puts an opClock before the items of each HH:mm:ss.
func (p *Parser) joinClock() {
	for k := 0; k+clockOps <= len(p.ops); k++ {
		h, c1, m, c2, s := p.ops[k], p.ops[k+1], p.ops[k+2], p.ops[k+3], p.ops[k+4]
		two := func(op parseOp, slot uint8) bool { return op.code == opTwo && op.slot == slot }
		colon := func(op parseOp) bool { return op.code == opByte && op.byte == ':' }
		if two(h, slotHour) && colon(c1) && two(m, slotMinute) && colon(c2) && two(s, slotSecond) {
			p.ops = slices.Insert(p.ops, k, parseOp{code: opClock})
			return
		}
	}
}

// orderByRank sorts the fields by size, equal ones as they came.
func (p *Parser) orderByRank(fields []field) {
	order := make([]int, len(fields))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(rank[fields[a]], rank[fields[b]]) })
	slots := make([]uint8, len(fields))
	p.fields = nil
	for place, i := range order {
		slots[i] = uint8(place)
		p.fields = append(p.fields, fields[i])
	}
	p.setSlots(slots)
}

// setSlots replaces the number of a field by its slot.
func (p *Parser) setSlots(slots []uint8) {
	for i := range p.ops {
		if op := &p.ops[i]; op.sets() {
			op.slot = slots[op.slot]
		}
	}
}

func (op *parseOp) sets() bool {
	return op.code > opText && op.code < opOffset && op.code != opClock
}

// plainSlots tells whether the fields make a plain format, and which slot each has.
func (p *Parser) plainSlots(fields []field, slots []uint8) bool {
	var seen [slotHalfHour + 1]bool
	for i, f := range fields {
		slot, ok := plainSlot(f)
		if !ok || seen[slot] {
			return false
		}
		seen[slot] = true
		slots[i] = uint8(slot)
	}
	switch {
	case seen[slotWeekday] && !(seen[slotDay] && seen[slotMonth]):
		return false // the weekday moves a date of which something is only assumed
	case seen[slotHalfday] != seen[slotHalfHour] || seen[slotHour] && seen[slotHalfHour]:
		return false
	}
	p.hasWeekday, p.hasHalf = seen[slotWeekday], seen[slotHalfHour]
	p.leastYear = minYear
	if slices.Contains(fields, fieldYearOfEra) {
		p.leastYear = 1
	}
	p.defaults = values{slotYear: 1970, slotMonth: 1, slotDay: 1}
	p.undated = !seen[slotYear] && (seen[slotMonth] || seen[slotDay])
	return true
}

func plainSlot(f field) (int, bool) {
	switch f {
	case fieldYear, fieldYearOfEra:
		return slotYear, true
	case fieldMonth:
		return slotMonth, true
	case fieldDay:
		return slotDay, true
	case fieldWeekday:
		return slotWeekday, true
	case fieldHour:
		return slotHour, true
	case fieldHalfday:
		return slotHalfday, true
	case fieldClockHalfHour:
		return slotHalfHour, true
	case fieldMinute:
		return slotMinute, true
	case fieldSecond:
		return slotSecond, true
	case fieldFraction:
		return slotMillis, true
	}
	return 0, false
}

// parseOpOf is the table of Joda's letters for reading. set tells that the item sets field f.
func parseOpOf(t token, numberFollows bool, o Options) (op parseOp, f field, set bool) {
	digits := func(most int, f field) (parseOp, field, bool) {
		if most = max(most, t.count); most == 2 {
			return parseOp{code: opTwo}, f, true
		}
		return parseOp{code: opNumber, max: digitLimit(most)}, f, true
	}
	switch t.letter {
	case 0:
		if len(t.text) == 1 && !isLetter(t.text[0]) {
			return parseOp{code: opByte, byte: t.text[0]}, 0, false
		}
		return parseOp{code: opText, text: t.text}, 0, false
	case 'x', 'y', 'Y':
		op, f = yearOp(t, numberFollows, o)
		return op, f, true
	case 'C':
		return parseOp{code: opNumber, max: digitLimit(t.count), signed: true}, fieldCentury, true
	case 'G':
		return parseOp{code: opName, table: eraTable(o.locale())}, fieldEra, true
	case 'M':
		if t.count >= 3 {
			return parseOp{code: opName, table: monthTable(o.locale())}, fieldMonth, true
		}
		return digits(2, fieldMonth)
	case 'E':
		return parseOp{code: opName, table: weekdayTable(o.locale())}, fieldWeekday, true
	case 'a':
		return parseOp{code: opName, table: halfdayTable(o.locale())}, fieldHalfday, true
	case 'S':
		return parseOp{code: opFraction, max: uint8(min(t.count, 18))}, fieldFraction, true
	case 'z':
		return parseOp{code: opZoneName, zones: newZoneNames()}, 0, false
	case 'Z':
		if t.count >= 3 {
			return parseOp{code: opZoneID, zones: newZoneTable()}, 0, false
		}
		return parseOp{code: opOffset}, 0, false
	}
	switch t.letter {
	case 'd':
		return digits(2, fieldDay)
	case 'e':
		return digits(1, fieldWeekday)
	case 'D':
		return digits(3, fieldDayOfYear)
	case 'w':
		return digits(2, fieldWeek)
	case 'H':
		return digits(2, fieldHour)
	case 'k':
		return digits(2, fieldClockHour)
	case 'K':
		return digits(2, fieldHalfHour)
	case 'h':
		return digits(2, fieldClockHalfHour)
	case 'm':
		return digits(2, fieldMinute)
	case 's':
		return digits(2, fieldSecond)
	}
	panic(fmt.Sprintf("BUG: joda: letter %q was not refused", t.letter))
}

func digitLimit(n int) uint8 { return uint8(min(n, 255)) }

func (o Options) locale() string {
	if o.Locale == "" {
		return "en-US"
	}
	return o.Locale
}

// yearOp makes the item for a year of some kind: as long as it likes, unless a number follows.
func yearOp(t token, numberFollows bool, o Options) (parseOp, field) {
	f := map[byte]field{'x': fieldWeekYear, 'y': fieldYear, 'Y': fieldYearOfEra}[t.letter]
	if t.count == 2 {
		now := int64(o.Now.Year())
		if t.letter == 'x' {
			y, _ := o.Now.ISOWeek()
			now = int64(y)
		} else {
			f = fieldYear
		}
		op := parseOp{code: opTwoYear, low: int32(now - 80)}
		if numberFollows {
			op.code = opTwoYearOnly
		}
		return op, f
	}
	most := max(t.count, 9)
	if numberFollows {
		most = t.count
	}
	return parseOp{code: opYear, max: digitLimit(most), signed: t.letter != 'Y'}, f
}
