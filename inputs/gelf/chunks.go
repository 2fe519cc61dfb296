package gelf

import (
	"container/list"
	"strings"
	"sync/atomic"
	"time"

	"millrace/pipeline/event"
)

// A chunk begins with two bytes, the identity of its message, its number and how many there are.
const (
	chunkMagic  = "\x1e\x0f"
	chunkHeader = 12
	maxChunks   = 128
)

// The bounds of messages that wait for chunks. The time is that of the format's specification.
const (
	chunkLife   = 5 * time.Second
	maxWaiting  = 10_000
	maxAssembly = 64 << 20 // bytes
)

// assembly puts messages together. It is used by one goroutine.
type assembly struct {
	broken *atomic.Int64 // messages given up
	byID   map[string]*list.Element
	oldest *list.List // of *partial, in the order in which they began
	bytes  int
}

// partial is a message of which some chunks came.
type partial struct {
	id     string
	chunks []string
	left   int
	bytes  int
	began  time.Time
}

func newAssembly(broken *atomic.Int64) *assembly {
	return &assembly{broken: broken, byID: make(map[string]*list.Element), oldest: list.New()}
}

// add takes a chunk and returns the message that it completes.
func (a *assembly) add(data string, now time.Time) (message string, whole bool) {
	a.expire(now)
	if len(data) < chunkHeader {
		a.broken.Add(1)
		return "", false
	}
	id, number, count := data[2:10], int(data[10]), int(data[11])
	if count == 0 || count > maxChunks || number >= count {
		a.broken.Add(1)
		return "", false
	}
	el := a.byID[id]
	if el == nil {
		id = strings.Clone(id)
		el = a.oldest.PushBack(&partial{id: id, chunks: make([]string, count), left: count, began: now})
		a.byID[id] = el
	}
	p := el.Value.(*partial)
	if number >= len(p.chunks) || count != len(p.chunks) {
		a.drop(el)
		return "", false
	}
	if p.chunks[number] != "" {
		return "", false // it came twice
	}
	body := strings.Clone(data[chunkHeader:]) // it must not pin the memory that was read into
	if body == "" {
		a.drop(el)
		return "", false
	}
	p.chunks[number] = body
	p.left--
	p.bytes += len(body)
	a.bytes += len(body)
	if p.left > 0 {
		return "", false
	}
	a.remove(el)
	return strings.Join(p.chunks, ""), true
}

// expire gives up messages that have waited too long, and the oldest while there are too many.
func (a *assembly) expire(now time.Time) {
	for el := a.oldest.Front(); el != nil; el = a.oldest.Front() {
		p := el.Value.(*partial)
		if now.Sub(p.began) < chunkLife && a.oldest.Len() < maxWaiting && a.bytes < maxAssembly {
			return
		}
		a.drop(el)
	}
}

func (a *assembly) drop(el *list.Element) {
	a.broken.Add(1)
	a.remove(el)
}

func (a *assembly) remove(el *list.Element) {
	p := el.Value.(*partial)
	a.oldest.Remove(el)
	delete(a.byID, p.id)
	a.bytes -= p.bytes
}

// frames cuts at null bytes. Senders that end messages with a newline, too, are understood, as white space is no part of a message.
type frames struct{}

// Frame implements plugin.Framer.
func (frames) Frame(data string, records []event.Record) ([]event.Record, string) {
	for {
		i := strings.IndexByte(data, 0)
		if i < 0 {
			return records, data
		}
		records = frames{}.Flush(data[:i], records)
		data = data[i+1:]
	}
}

// Flush implements plugin.Framer.
func (frames) Flush(rest string, records []event.Record) []event.Record {
	if strings.TrimSpace(rest) == "" {
		return records
	}
	return append(records, event.Record{Data: rest})
}
