// Package floor is the limit against which shippers are measured: it copies TCP lines into the bulk bodies of
// Elasticsearch with the least work that is possible in plain Go. It parses nothing, retries nothing and keeps no promise.
package floor

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"runtime"
	"sync"
	"time"
)

const (
	// A connection's chunk starts small and grows while its reads fill it.
	minChunk, maxChunk = 4 << 10, 256 << 10
	// bodySize is where a body is sent; the last chunk may take it over.
	bodySize = 1 << 20
	// linger is how long a body waits for more lines, from its first one on.
	linger = 4 * time.Millisecond
	// bodiesPerLane lets one body fill while the other is on its way.
	bodiesPerLane = 2
)

// Serve copies what arrives on l to the Elasticsearch at host:port until ctx ends.
func Serve(ctx context.Context, l net.Listener, elasticsearch string) error {
	stop := context.AfterFunc(ctx, func() { l.Close() })
	defer stop()
	lanes := make([]*lane, 2*runtime.GOMAXPROCS(0))
	for i := range lanes {
		lanes[i] = newLane(elasticsearch)
	}
	for i := 0; ; i++ {
		c, err := l.Accept()
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return fmt.Errorf("accepting a connection: %w", err)
		}
		go func() {
			defer c.Close()
			if err := lanes[i%len(lanes)].fill(c); err != nil {
				fmt.Fprintln(os.Stderr, "floor:", err)
			}
		}()
	}
}

// lane is a body being filled by some of the connections, and a goroutine that posts it.
type lane struct {
	full, empty chan []byte
	begun       chan struct{} // a body has got its first lines
	failed      chan struct{} // closed when the lane's goroutine has ended with err
	err         error

	mu   sync.Mutex
	body []byte
}

func newLane(elasticsearch string) *lane {
	l := &lane{
		full: make(chan []byte, bodiesPerLane), empty: make(chan []byte, bodiesPerLane),
		begun: make(chan struct{}, 1), failed: make(chan struct{}),
	}
	for range bodiesPerLane {
		l.empty <- nil
	}
	l.body = <-l.empty
	go func() {
		l.err = l.post(elasticsearch)
		fmt.Fprintln(os.Stderr, "floor:", l.err)
		close(l.failed)
	}()
	return l
}

// fill reads chunks and appends their lines to the lane's body.
func (l *lane) fill(c net.Conn) error {
	chunk := make([]byte, minChunk)
	kept := 0 // bytes of an unfinished line at the start of chunk
	for {
		n, err := c.Read(chunk[kept:])
		have := kept + n
		used, lerr := l.add(chunk[:have])
		if lerr != nil {
			return lerr
		}
		kept = copy(chunk, chunk[used:have])
		if err != nil {
			if errors.Is(err, io.EOF) {
				return nil
			}
			return fmt.Errorf("reading lines: %w", err)
		}
		if have == len(chunk) && have < maxChunk {
			chunk = append(make([]byte, 0, 2*have), chunk[:kept]...)[:2*have]
		}
		if kept == len(chunk) {
			return errors.New("a line is longer than the read buffer")
		}
	}
}

// add appends the whole lines of a chunk, and waits for the sender where a body is full.
func (l *lane) add(chunk []byte) (used int, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	before := len(l.body)
	l.body, used = appendLines(l.body, chunk)
	if before == 0 && len(l.body) > 0 {
		select {
		case l.begun <- struct{}{}:
		default:
		}
	}
	if len(l.body) < bodySize {
		return used, nil
	}
	// The lock is held while this waits, which holds the lane's other connections back too.
	select {
	case l.full <- l.body:
	case <-l.failed:
		return used, l.err
	}
	select {
	case l.body = <-l.empty:
		return used, nil
	case <-l.failed:
		return used, l.err
	}
}

// take returns a body that has lingered, or nil where there is none. busy says that a connection holds the lane, perhaps
// until this goroutine gives a body back.
func (l *lane) take() (body []byte, busy bool) {
	if !l.mu.TryLock() {
		return nil, true
	}
	defer l.mu.Unlock()
	if len(l.body) == 0 {
		return nil, false
	}
	select {
	case spare := <-l.empty:
		body, l.body = l.body, spare
		return body, false
	default:
		return nil, true
	}
}

// appendLines appends an action and a document for every whole line and returns how many bytes those were.
func appendLines(body, chunk []byte) ([]byte, int) {
	used := 0
	for {
		i := bytes.IndexByte(chunk[used:], '\n')
		if i < 0 {
			return body, used
		}
		body = append(body, "{\"index\":{}}\n{\"message\":\""...)
		body = appendEscaped(body, chunk[used:used+i])
		body = append(body, "\"}\n"...)
		used += i + 1
	}
}

// escape is 0 for a byte that stands for itself in a JSON string, 'u' for one written in hexadecimal, or the letter
// after the backslash.
var escape = func() (t [256]byte) {
	for i := range 0x20 {
		t[i] = 'u'
	}
	for c, letter := range map[byte]byte{'"': '"', '\\': '\\', '\n': 'n', '\r': 'r', '\t': 't', '\b': 'b', '\f': 'f'} {
		t[c] = letter
	}
	return t
}()

func appendEscaped(dst, s []byte) []byte {
	const hex = "0123456789abcdef"
	start := 0
	for i, c := range s {
		e := escape[c]
		if e == 0 {
			continue
		}
		dst = append(dst, s[start:i]...)
		dst = append(dst, '\\', e)
		if e == 'u' {
			dst = append(dst, '0', '0', hex[c>>4], hex[c&15])
		}
		start = i + 1
	}
	return append(dst, s[start:]...)
}

// post sends full bodies, and those that have lingered, over one keep-alive connection.
func (l *lane) post(elasticsearch string) error {
	var c net.Conn
	var br *bufio.Reader
	timer := time.NewTimer(time.Hour)
	for {
		var body []byte
		select {
		case body = <-l.full:
		case <-l.begun:
			timer.Reset(linger)
			continue
		case <-timer.C:
			var busy bool
			if body, busy = l.take(); busy {
				timer.Reset(linger / 4)
			}
			if body == nil {
				continue
			}
		}
		if c == nil {
			var err error
			if c, err = net.Dial("tcp", elasticsearch); err != nil {
				return fmt.Errorf("reaching elasticsearch: %w", err)
			}
			defer c.Close()
			br = bufio.NewReader(c)
		}
		head := fmt.Appendf(nil, "POST /floor/_bulk?filter_path=errors,items.*.error HTTP/1.1\r\nHost: %s\r\n"+
			"Content-Type: application/x-ndjson\r\nContent-Length: %d\r\n\r\n", elasticsearch, len(body))
		if _, err := (&net.Buffers{head, body}).WriteTo(c); err != nil {
			return fmt.Errorf("sending a bulk request: %w", err)
		}
		if err := readAnswer(br); err != nil {
			return err
		}
		l.empty <- body[:0]
	}
}

func readAnswer(br *bufio.Reader) error {
	resp, err := http.ReadResponse(br, nil)
	if err != nil {
		return fmt.Errorf("reading the answer to a bulk request: %w", err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		return fmt.Errorf("reading the answer to a bulk request: %w", err)
	}
	if resp.StatusCode != http.StatusOK || !bytes.HasPrefix(data, []byte(`{"errors":false`)) {
		return fmt.Errorf("a bulk request was answered %d: %.200s", resp.StatusCode, data)
	}
	return nil
}
