package queue

import (
	"cmp"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"millrace/pipeline/queue/vfs"
)

// EachDeadLetter calls f with every record of the queue in dir and its position, until f returns false.
func EachDeadLetter(dir string, fsys vfs.FS, f func(Position, DeadLetter) bool) error {
	segments, err := listSegments(fsys, dir)
	if err != nil {
		return fmt.Errorf("listing dead letter queue: %w", err)
	}
	for _, s := range segments {
		more := true
		err := eachFrame(fsys, s, func(fr *frame, l DeadLetter) error {
			if more = f(Position{s.number, fr.start}, l); !more {
				return errStop
			}
			return nil
		})
		if err != nil && !isNotExist(err) || !more {
			return err
		}
	}
	return nil
}

var errStop = errors.New("stop")

// eachFrame calls f with the records of a segment that were not purged.
func eachFrame(fsys vfs.FS, s *segment, f func(*frame, DeadLetter) error) error {
	file, err := fsys.Open(s.path)
	if err != nil {
		return err
	}
	defer file.Close()
	size, err := file.Size()
	if err != nil {
		return err
	}
	scan := newScanner(file, s.salt, 0, size)
	scan.keep = true
	for {
		fr, ok, err := scan.next()
		if !ok || err != nil {
			return err
		}
		if fr.flags&flagPurged != 0 {
			continue
		}
		l, err := parseLetter(&fr)
		if err != nil {
			continue
		}
		if err := f(&fr, l); err != nil {
			if errors.Is(err, errStop) {
				return nil
			}
			return err
		}
	}
}

// DeadLetterGroup is a set of records that failed alike.
type DeadLetterGroup struct {
	PluginType  string
	PluginID    string
	Reason      string // as ReasonKey gives it
	Count       int
	Bytes       int64 // of the events
	First, Last time.Time
	Example     Position // the first record
}

// GroupDeadLetters groups the records of a queue by plugin and kind of reason, largest group first.
func GroupDeadLetters(dir string, fsys vfs.FS) ([]DeadLetterGroup, error) {
	type key struct{ kind, id, reason string }
	groups := map[key]*DeadLetterGroup{}
	err := EachDeadLetter(dir, fsys, func(p Position, l DeadLetter) bool {
		k := key{l.PluginType, l.PluginID, ReasonKey(l.Reason)}
		g := groups[k]
		if g == nil {
			g = &DeadLetterGroup{
				PluginType: k.kind, PluginID: k.id, Reason: k.reason, First: l.EntryTime, Last: l.EntryTime, Example: p,
			}
			groups[k] = g
		}
		g.Count++
		g.Bytes += int64(len(l.Event))
		if l.EntryTime.Before(g.First) {
			g.First = l.EntryTime
		}
		if l.EntryTime.After(g.Last) {
			g.Last = l.EntryTime
		}
		return true
	})
	list := make([]DeadLetterGroup, 0, len(groups))
	for _, g := range groups {
		list = append(list, *g)
	}
	slices.SortFunc(list, func(a, b DeadLetterGroup) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), a.First.Compare(b.First), cmp.Compare(a.Reason, b.Reason))
	})
	return list, err
}

// ReasonKey returns what the reasons of records that failed alike have in common: texts in single quotes, which are ids
// and values of the document in Elasticsearch's messages, become '…', and numbers become N. Field names, which it puts
// in brackets, stay.
func ReasonKey(reason string) string {
	var b strings.Builder
	for i := 0; i < len(reason); {
		c := reason[i]
		if c == '\'' && (i == 0 || !wordByte(reason[i-1])) { // not the apostrophe of field's
			if end := strings.IndexByte(reason[i+1:], '\''); end >= 0 {
				b.WriteString("'…'")
				i += end + 2
				continue
			}
		}
		if '0' <= c && c <= '9' && (i == 0 || !wordByte(reason[i-1])) {
			end := i
			for end < len(reason) && (wordByte(reason[end]) || reason[end] == '.' && end+1 < len(reason) && wordByte(reason[end+1])) {
				end++
			}
			b.WriteByte('N')
			i = end
			continue
		}
		b.WriteByte(c)
		i++
	}
	return b.String()
}

func wordByte(c byte) bool {
	return c == '_' || '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'z'
}

// PurgeDeadLetters deletes the records for which match returns true, all if match is nil, and returns how many. It may
// run while a process writes the queue. Records are marked in place, so that positions stay valid; space is freed
// when nothing is left of a segment, except for the one that is being written.
func PurgeDeadLetters(dir string, fsys vfs.FS, match func(Position, DeadLetter) bool) (n int, err error) {
	lock, err := fsys.Lock(filepath.Join(dir, ".lock"))
	if err == nil {
		defer lock.Close()
	} else if !errors.Is(err, ErrLocked) {
		return 0, fmt.Errorf("purging dead letter queue: %w", err)
	}
	live := err != nil
	segments, err := listSegments(fsys, dir)
	if err != nil {
		return 0, fmt.Errorf("purging dead letter queue: %w", err)
	}
	for i, s := range segments {
		purged, left, err := purgeSegment(fsys, s, match)
		n += purged
		if err == nil && left == 0 && (!live || i < len(segments)-1) {
			err = fsys.Remove(s.path)
		}
		if err != nil && !isNotExist(err) {
			return n, fmt.Errorf("purging dead letter queue: %w", err)
		}
	}
	return n, nil
}

func purgeSegment(fsys vfs.FS, s *segment, match func(Position, DeadLetter) bool) (purged, left int, err error) {
	file, err := fsys.Open(s.path)
	if err != nil {
		return 0, 0, err
	}
	defer file.Close()
	err = eachFrame(fsys, s, func(f *frame, l DeadLetter) error {
		if match != nil && !match(Position{s.number, f.start}, l) {
			left++
			return nil
		}
		whole := appendHead(nil, len(f.payload), f.rawLen, f.headerLen, f.records, f.flags|flagPurged)
		whole = append(whole, f.payload...)
		stamp(whole, f.id, s.salt)
		if _, err := file.WriteAt(whole[:frameHead], f.start); err != nil {
			return err
		}
		purged++
		return nil
	})
	if err == nil && purged > 0 {
		err = file.Sync()
	}
	return purged, left, err
}

// RemoveConsumed deletes the segments before a position: clean_consumed. It returns how many.
func RemoveConsumed(dir string, fsys vfs.FS, p Position) (n int, err error) {
	segments, err := listSegments(fsys, dir)
	if err != nil {
		return 0, fmt.Errorf("cleaning dead letter queue: %w", err)
	}
	for _, s := range segments {
		if s.number >= p.Segment {
			break
		}
		if err := fsys.Remove(s.path); err != nil && !isNotExist(err) {
			return n, fmt.Errorf("cleaning dead letter queue: %w", err)
		}
		n++
	}
	return n, nil
}
