package joda

import (
	_ "embed"
	"fmt"
	"sort"
	"strings"
	"time"
	_ "time/tzdata" // so that zone names mean the same on every machine, also on one without zone files
)

// zoneIDs are the names of zones that Joda-Time knows, sorted, a line each.
//
//go:embed zones.txt
var zoneIDs string

// Zone is a time zone made for quick questions: its changes of offset up to 2100 lie in a table with an index. It is immutable.
type Zone struct {
	id     string
	fixed  bool
	offset int64 // milliseconds, if fixed
	loc    *time.Location

	// Without them, the standard library is asked each time.
	spans []span
	index []uint16 // by (second-indexFrom)>>indexShift: the span at the start of that stretch of time
}

// span is a time during which a zone's offset stays the same.
type span struct {
	from, to int64 // seconds since 1970; to is excluded
	offset   int64 // seconds
}

const (
	indexFrom  = -2208988800 // 1900-01-01
	indexTo    = 4102444800  // 2100-01-01
	indexShift = 22          // 48 days, so that a stretch holds at most a few changes

	startOfTime = -1 << 62
	endOfTime   = 1 << 62
)

// UTC is the zone of Greenwich's time, without changes.
var UTC = &Zone{id: "UTC", fixed: true, loc: time.UTC}

// fixedZones are those that Joda-Time keeps as plain offsets, while newer tables of the world's zones link them to cities.
var fixedZones = map[string]int64{"EST": -5, "MST": -7, "HST": -10}

// LoadZone gives the zone of a name that Joda-Time knows (Europe/Berlin, EST5EDT, UTC), or of an offset (+01:00, -0330, UTC+2:00).
// Names are case-sensitive.
func LoadZone(id string) (*Zone, error) {
	if hours, ok := fixedZones[id]; ok {
		return fixedZone(id, hours*hourMillis), nil
	}
	if id == "UTC" || id == "UT" || id == "Z" {
		return UTC, nil
	}
	if knownZone(id) {
		loc, err := time.LoadLocation(id)
		if err != nil {
			return nil, fmt.Errorf("time zone %q: %w", id, err)
		}
		return newZone(id, loc), nil
	}
	rest := id
	if n := prefixExact(id, "UTC", "GMT", "UT"); n > 0 {
		rest = id[n:]
	}
	if rest != "" && (rest[0] == '+' || rest[0] == '-') {
		if offset, n := scanOffset(rest, 0); n == len(rest) {
			if offset == 0 {
				return UTC, nil
			}
			return fixedZone(id, int64(offset)), nil
		}
	}
	return nil, fmt.Errorf("unknown time zone %q", id)
}

// LocalZone gives the zone of the process, which TZ chooses.
func LocalZone() *Zone { return zoneOfLocation(time.Local) }

// ID is the name the zone was loaded by.
func (z *Zone) ID() string { return z.id }

// Location gives the zone as the standard library knows it.
func (z *Zone) Location() *time.Location { return z.loc }

func fixedZone(id string, offset int64) *Zone {
	return &Zone{id: id, fixed: true, offset: offset, loc: time.FixedZone(id, int(offset/1000))}
}

func zoneOfLocation(loc *time.Location) *Zone {
	if loc == time.UTC || loc.String() == "UTC" {
		return UTC
	}
	return newZone(loc.String(), loc)
}

// newZone reads the changes of a location into a table.
func newZone(id string, loc *time.Location) *Zone {
	z := &Zone{id: id, loc: loc}
	for at := int64(startOfTime); at < indexTo; {
		s := boundsAt(loc, at)
		if n := len(z.spans); n > 0 && z.spans[n-1].offset == s.offset {
			z.spans[n-1].to = s.to // only the name changed
		} else {
			z.spans = append(z.spans, s)
		}
		at = s.to
	}
	if len(z.spans) == 1 && z.spans[0].to == endOfTime {
		return &Zone{id: id, loc: loc, fixed: true, offset: z.spans[0].offset * secondMillis}
	}
	z.index = make([]uint16, (indexTo-indexFrom)>>indexShift+1)
	i := 0
	for n := range z.index {
		for z.spans[i].to <= indexFrom+int64(n)<<indexShift {
			i++
		}
		z.index[n] = uint16(i)
	}
	return z
}

// boundsAt asks the standard library for the span that holds a second.
func boundsAt(loc *time.Location, second int64) span {
	// The library loses its way beyond some 200 billion years, where no table has a change.
	t := time.Unix(max(second, -1<<52), 0).In(loc)
	_, offset := t.Zone()
	from, to := t.ZoneBounds()
	s := span{from: startOfTime, to: endOfTime, offset: int64(offset)}
	if !from.IsZero() {
		s.from = from.Unix()
	}
	if !to.IsZero() {
		s.to = to.Unix()
	}
	if s.to <= second {
		s.to = second + secondsPerDay // the library ends a leap year a day early, and gives that day a span of no length
	}
	return s
}

// spanAt finds the span that holds a second of UTC.
func (z *Zone) spanAt(second int64) span {
	switch {
	case z.fixed:
		return span{from: startOfTime, to: endOfTime, offset: z.offset / secondMillis}
	case second >= indexTo || z.index == nil:
		return boundsAt(z.loc, second)
	case second < indexFrom:
		i := sort.Search(len(z.spans), func(i int) bool { return z.spans[i].to > second })
		return z.spans[i]
	}
	i := z.index[uint64(second-indexFrom)>>indexShift]
	for z.spans[i].to <= second {
		i++
	}
	return z.spans[i]
}

// toUTC turns local milliseconds into UTC. A local time that comes twice is the earlier; one that is skipped fails.
func (z *Zone) toUTC(local int64) (millis int64, ok bool) {
	if z.fixed {
		return local - z.offset, true
	}
	second := floorDiv(local, secondMillis)
	s := z.spanAt(second)
	if utc := second - s.offset; utc-secondsPerDay >= s.from && utc+secondsPerDay < s.to {
		return local - s.offset*secondMillis, true // no change within a day: the usual case
	}
	before := s
	if s.from != startOfTime {
		before = z.spanAt(s.from - 1)
	}
	after := s
	if s.to != endOfTime {
		after = z.spanAt(s.to)
	}
	for _, s := range [...]span{before, s, after} {
		if utc := second - s.offset; s.from <= utc && utc < s.to {
			return local - s.offset*secondMillis, true
		}
	}
	return 0, false
}

// toLocal turns UTC milliseconds into local ones.
func (z *Zone) toLocal(millis int64) int64 {
	if z.fixed {
		return millis + z.offset
	}
	return millis + z.offsetAt(millis)
}

// offsetAt gives the offset in milliseconds at an instant.
func (z *Zone) offsetAt(millis int64) int64 {
	second := floorDiv(millis, secondMillis)
	if z.index != nil && uint64(second-indexFrom) < indexTo-indexFrom {
		i := z.index[uint64(second-indexFrom)>>indexShift]
		for z.spans[i].to <= second {
			i++
		}
		return z.spans[i].offset * secondMillis
	}
	return z.spanAt(second).offset * secondMillis
}

// toUTCNear turns local milliseconds into UTC as Joda-Time does when a field of an instant is changed: the offset of that instant
// is kept where it can be, and a skipped time moves on by the length of the gap.
func (z *Zone) toUTCNear(local, instant int64) int64 {
	if z.fixed {
		return local - z.offset
	}
	kept := z.offsetAt(instant)
	if z.offsetAt(local-kept) == kept {
		return local - kept
	}
	at := func(millis int64) span { return z.spanAt(floorDiv(millis, secondMillis)) }
	first := at(local).offset * secondMillis
	adjusted := at(local - first)
	offset := adjusted.offset * secondMillis
	if first != offset && first < 0 && adjusted.to != at(local-offset).to {
		offset = first
	}
	return local - offset
}

// offsetOfLocal gives the offset in seconds at a local second as java.time does: the earlier of two, and that before a gap.
func (z *Zone) offsetOfLocal(second int64) int64 {
	if utc, ok := z.toUTC(second * secondMillis); ok {
		return second - utc/secondMillis
	}
	// Only a skipped time comes here. It is behind the end of the span whose offset counts, by that offset.
	s := z.spanAt(second)
	if s.to != endOfTime && second >= s.to+s.offset {
		return s.offset
	}
	return z.spanAt(s.from - 1).offset
}

func knownZone(id string) bool {
	if id == "" || strings.Contains(id, "\n") {
		return false
	}
	return strings.HasPrefix(zoneIDs, id+"\n") || strings.Contains(zoneIDs, "\n"+id+"\n")
}

// longestZone gives the longest zone name that s begins with, in whatever case, as the table spells it.
func longestZone(s string) string {
	best := ""
	for id := range strings.Lines(zoneIDs) {
		id = id[:len(id)-1]
		if _, odd := fixedZones[id]; !odd && len(id) > len(best) && len(id) <= len(s) && strings.EqualFold(s[:len(id)], id) {
			best = id
		}
	}
	return best
}

func prefixExact(s string, prefixes ...string) int {
	for _, p := range prefixes {
		if strings.HasPrefix(s, p) {
			return len(p)
		}
	}
	return 0
}

func prefixFold(s string, prefixes ...string) int {
	for _, p := range prefixes {
		if len(s) >= len(p) && strings.EqualFold(s[:len(p)], p) {
			return len(p)
		}
	}
	return 0
}
