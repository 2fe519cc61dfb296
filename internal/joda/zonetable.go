package joda

import (
	"sort"
	"strings"
	"sync/atomic"
)

// zoneTable finds the zone whose name a text begins with. Zones are loaded when their name is first seen.
type zoneTable struct {
	names []string // sorted
	ids   []string // of the zones they mean
	zones []atomic.Pointer[Zone]

	slashed bool // names may have two parts
}

// longestRegion is the length of the longest first part of a name, with its slash: Antarctica/.
const longestRegion = 11

// newZoneTable is that of all zone ids, for ZZZ.
func newZoneTable() *zoneTable {
	ids := strings.Fields(zoneIDs)
	sort.Strings(ids)
	return &zoneTable{names: ids, ids: ids, zones: make([]atomic.Pointer[Zone], len(ids)), slashed: true}
}

// newZoneNames is that of the few abbreviations that Joda-Time reads for z. EST stands for New York's time, in summer too.
func newZoneNames() *zoneTable {
	t := &zoneTable{
		names: []string{"CDT", "CST", "EDT", "EST", "GMT", "MDT", "MST", "PDT", "PST", "UT", "UTC"},
		ids: []string{"America/Chicago", "America/Chicago", "America/New_York", "America/New_York", "UTC", "America/Denver",
			"America/Denver", "America/Los_Angeles", "America/Los_Angeles", "UTC", "UTC"},
	}
	t.zones = make([]atomic.Pointer[Zone], len(t.ids))
	return t
}

// lookup finds the longest name at i, and where it ends: 0 when there is none.
func (t *zoneTable) lookup(s string, i int) (z *Zone, next int) {
	rest := s[i:]
	if t.slashed {
		// A slash decides that the name is one of two parts, even one that belongs to a later item of the text.
		if k := strings.IndexByte(rest[:min(len(rest), longestRegion)], '/'); k >= 0 {
			if k = t.longestPrefix(rest, k+1); k < 0 {
				return nil, 0
			}
		}
	}
	k := t.longestPrefix(rest, 0)
	if k < 0 {
		return nil, 0
	}
	return t.zone(k), i + len(t.names[k])
}

// longestPrefix finds the longest name that s begins with, of at least some length, or gives -1.
func (t *zoneTable) longestPrefix(s string, least int) int {
	for s != "" {
		// In the order of names, those that s begins with are not behind s. If the nearest before s is none of them, they all are
		// within what it has in common with s.
		k := sort.SearchStrings(t.names, s)
		if k < len(t.names) && t.names[k] == s {
			return k
		}
		if k == 0 {
			return -1
		}
		name := t.names[k-1]
		n := 0
		for n < len(name) && n < len(s) && name[n] == s[n] {
			n++
		}
		if n < least {
			return -1
		}
		if n == len(name) {
			return k - 1
		}
		s = s[:n]
	}
	return -1
}

func (t *zoneTable) zone(k int) *Zone {
	if z := t.zones[k].Load(); z != nil {
		return z
	}
	z, err := LoadZone(t.ids[k])
	if err != nil {
		panic("BUG: joda: " + err.Error()) // a test loads every name of the table
	}
	t.zones[k].Store(z)
	return z
}
