package date

import (
	"millrace/internal/joda"
	"millrace/pipeline/event"
)

// maxZones bounds how many names of zones a worker remembers: there are some 600 zones, and names come from events. A zone is a few
// kilobytes.
const maxZones = 1024

// zones are the time zones that one worker met, by the names that events gave. A name that is none has nil.
type zones struct {
	byName map[string]*joda.Zone
	name   []byte
}

func newZones() *zones { return &zones{byName: make(map[string]*joda.Zone)} }

// find gives the zone that the template names for e, nil if there is no such zone.
func (z *zones) find(t *event.Template, e *event.Event) *joda.Zone {
	var err error
	if z.name, err = t.Append(z.name[:0], e); err != nil {
		return nil
	}
	if zone, ok := z.byName[string(z.name)]; ok {
		return zone
	}
	if len(z.byName) >= maxZones {
		clear(z.byName)
	}
	name := string(z.name)
	zone, err := joda.LoadZone(name)
	if err != nil {
		zone = nil
	}
	z.byName[name] = zone
	return zone
}
