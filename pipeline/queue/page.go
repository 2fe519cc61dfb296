package queue

import (
	"cmp"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"millrace/pipeline/queue/vfs"
)

// pageName is everything that must be known of a file before its first byte is read, and is kept in the name, where no
// damaged sector reaches it: the number of the page, the id of its first entry, and the salt of its checksums.
type pageName struct {
	number, first uint64
	salt          uint32
}

const pageSuffix = ".page"

func (n pageName) String() string {
	return fmt.Sprintf("%010d-%020d-%08x%s", n.number, n.first, n.salt, pageSuffix)
}

func parsePageName(s string) (n pageName, ok bool) {
	body, found := strings.CutSuffix(s, pageSuffix)
	parts := strings.Split(body, "-")
	if !found || len(parts) != 3 {
		return n, false
	}
	var err [3]error
	var salt uint64
	n.number, err[0] = strconv.ParseUint(parts[0], 10, 64)
	n.first, err[1] = strconv.ParseUint(parts[1], 10, 64)
	salt, err[2] = strconv.ParseUint(parts[2], 16, 32)
	n.salt = uint32(salt)
	return n, err == [3]error{} && n.first > 0 && n.String() == s
}

// page is one file of a queue. The fields below name are guarded by the queue's mutex.
type page struct {
	name pageName
	path string

	size    int64  // bytes of published frames
	last    uint64 // id of the last entry; below name.first when there is none
	entries uint64 // intact ones, acknowledged or not
	unacked uint64
	events  uint64 // records of the unacked entries
	// Of the unacked entries those that Next has not returned.
	unread, unreadEvents uint64
	damageSeen           int64 // up to where damage was reported
	sealed               bool  // nothing is appended any more
	broken               bool  // reading it failed: it is put aside instead of deleted
	removed              bool
	unsure               bool // not all of it was synced: the next start scans it
}

// whole reports whether the page's ids have no gap, that is, none was lost to damage.
func (p *page) whole() bool { return p.entries == p.last+1-p.name.first }

// listPages returns the pages in dir in the order of their numbers. Files of other names are not touched: a folder that
// Logstash left behind may hold its own page.N.
func listPages(fsys vfs.FS, dir string) ([]*page, error) {
	names, err := fsys.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var pages []*page
	for _, s := range names {
		if n, ok := parsePageName(s); ok {
			pages = append(pages, &page{name: n, path: filepath.Join(dir, s), last: n.first - 1, sealed: true})
		}
	}
	slices.SortFunc(pages, func(a, b *page) int { return cmp.Compare(a.name.number, b.name.number) })
	return pages, nil
}

// scanned is what a scan of a page found.
type scanned struct {
	entries, unacked, events uint64
	allEvents                uint64
	last                     uint64
	end                      int64 // where the last intact frame ends
	size                     int64 // of the file
	damage                   []Damage
	stale                    uint64 // frames that an append left behind which had failed
	compressed               uint64
	err                      error // reading failed at this point; what came before it counts
}

// scanPage reads a whole page. An entry counts as not acknowledged when pending says so. Entries at or above limit, the
// first id of the following page, belong to appends that failed and could not be taken back.
func scanPage(fsys vfs.FS, p *page, limit uint64, pending func(id uint64) bool) scanned {
	r := scanned{last: p.name.first - 1}
	f, err := fsys.Open(p.path)
	if err != nil && !isNotExist(err) {
		err = &openError{err}
	}
	if err != nil {
		r.err = err
		return r
	}
	defer f.Close()
	if r.size, r.err = f.Size(); r.err != nil {
		return r
	}
	s := newScanner(f, p.name.salt, 0, r.size)
	for {
		fr, ok, err := s.next()
		if !ok || err != nil {
			r.damage, r.err = s.damage, err
			return r
		}
		if fr.id <= r.last || fr.id >= limit {
			r.stale++
			continue
		}
		r.last, r.end = fr.id, fr.end()
		r.entries++
		r.allEvents += uint64(fr.records)
		if fr.flags&flagZstd != 0 {
			r.compressed++
		}
		if pending(fr.id) {
			r.unacked++
			r.events += uint64(fr.records)
		}
	}
}
