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
	"time"
)

const (
	readSize = 256 << 10
	// bodySize is where a body is sent; the last chunk may take it over.
	bodySize = 1 << 20
	// linger is how long a body that is not full waits for more lines.
	linger = 2 * time.Millisecond
	// bodiesPerConn lets one body fill while the other is on its way.
	bodiesPerConn = 2
)

// Serve copies what arrives on l to the Elasticsearch at host:port until ctx ends.
func Serve(ctx context.Context, l net.Listener, elasticsearch string) error {
	stop := context.AfterFunc(ctx, func() { l.Close() })
	defer stop()
	for {
		c, err := l.Accept()
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return fmt.Errorf("accepting a connection: %w", err)
		}
		go func() {
			if err := ship(c, elasticsearch); err != nil {
				fmt.Fprintln(os.Stderr, "floor:", err)
			}
		}()
	}
}

// ship copies one connection's lines; a goroutine of its own posts the bodies.
func ship(c net.Conn, elasticsearch string) error {
	defer c.Close()
	full, empty := make(chan []byte, bodiesPerConn), make(chan []byte, bodiesPerConn)
	for range bodiesPerConn {
		empty <- make([]byte, 0, bodySize+2*readSize)
	}
	posted := make(chan error, 1)
	go func() {
		err := post(elasticsearch, full, empty)
		if err != nil {
			c.Close() // ends fill
			for range full {
			}
		}
		posted <- err
	}()
	err := fill(c, full, empty)
	close(full)
	return errors.Join(err, <-posted)
}

// fill reads chunks and appends their lines to bodies.
func fill(c net.Conn, full chan<- []byte, empty <-chan []byte) error {
	chunk := make([]byte, readSize)
	kept := 0 // bytes of an unfinished line at the start of chunk
	body := <-empty
	for {
		deadline := time.Time{}
		if len(body) > 0 {
			deadline = time.Now().Add(linger)
		}
		if err := c.SetReadDeadline(deadline); err != nil {
			return err
		}
		n, err := c.Read(chunk[kept:])
		used := 0
		body, used = appendLines(body, chunk[:kept+n])
		kept = copy(chunk, chunk[used:kept+n])
		if kept == len(chunk) {
			return errors.New("a line is longer than the read buffer")
		}
		if len(body) >= bodySize || err != nil && len(body) > 0 {
			full <- body
			var ok bool
			if body, ok = <-empty; !ok {
				return nil
			}
		}
		if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
			if errors.Is(err, io.EOF) {
				return nil
			}
			return fmt.Errorf("reading lines: %w", err)
		}
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

// post sends bodies over one keep-alive connection. When it returns, empty is closed.
func post(elasticsearch string, full <-chan []byte, empty chan<- []byte) error {
	defer close(empty)
	var c net.Conn
	var br *bufio.Reader
	var head []byte
	for body := range full {
		if c == nil {
			var err error
			if c, err = net.Dial("tcp", elasticsearch); err != nil {
				return fmt.Errorf("reaching elasticsearch: %w", err)
			}
			defer c.Close()
			br = bufio.NewReader(c)
		}
		head = fmt.Appendf(head[:0], "POST /floor/_bulk?filter_path=errors,items.*.error HTTP/1.1\r\nHost: %s\r\n"+
			"Content-Type: application/x-ndjson\r\nContent-Length: %d\r\n\r\n", elasticsearch, len(body))
		if _, err := (&net.Buffers{head, body}).WriteTo(c); err != nil {
			return fmt.Errorf("sending a bulk request: %w", err)
		}
		if err := readAnswer(br); err != nil {
			return err
		}
		empty <- body[:0]
	}
	return nil
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
