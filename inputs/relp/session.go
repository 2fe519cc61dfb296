package relp

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
	"unsafe"

	"millrace/internal/stream"
	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

// The limits of a frame, and of the messages in one batch.
const (
	maxMessage = stream.DefaultMaxRecord
	maxCommand = 32
	maxNumber  = 999_999_999 // of a transaction, and of bytes
	maxBatch   = 512
	readBuffer = 64 << 10
)

// What the server offers: the one command that carries messages, in the version that rsyslog speaks.
const offer = "200 OK\nrelp_version=0\nrelp_software=millrace\ncommands=syslog"

// session is one connection.
type session struct {
	in     *input
	out    plugin.Sink
	source *event.Source
	r      *bufio.Reader
	framer plugin.Framer // nil: a message is a record

	wmu sync.Mutex // held while a frame is written
	c   net.Conn

	mu      sync.Mutex // guards open
	open    int        // batches that are not settled
	settled *sync.Cond
}

func newSession(in *input, c net.Conn, out plugin.Sink, source *event.Source) *session {
	s := &session{in: in, c: c, out: out, source: source, r: bufio.NewReaderSize(c, readBuffer)}
	s.settled = sync.NewCond(&s.mu)
	if in.env.CutsStreams() {
		s.framer = in.env.NewFramer()
	}
	return s
}

// frame is what a sender says.
type frame struct {
	number  int
	command string
	data    string
}

// read reads a frame: number, command and length, separated by spaces, the data behind another space, and a newline.
func (s *session) read() (f frame, err error) {
	number, end, err := s.word(10)
	if err != nil {
		return f, err
	}
	if f.number, err = parse(number); err != nil || end != ' ' {
		return f, fmt.Errorf("no RELP frame: it begins with %q", number)
	}
	if f.command, end, err = s.word(maxCommand); err != nil {
		return f, unexpected(err)
	}
	if end != ' ' {
		return f, fmt.Errorf("no RELP frame: nothing follows the command %q", f.command)
	}
	text, end, err := s.word(10)
	if err != nil {
		return f, unexpected(err)
	}
	length, err := parse(text)
	if err != nil || length > maxMessage {
		return f, fmt.Errorf("a frame of %q bytes is none, or too long", text)
	}
	if end == '\n' && length == 0 {
		return f, nil
	}
	data := make([]byte, length)
	if length > 0 && end == ' ' {
		if _, err := io.ReadFull(s.r, data); err != nil {
			return f, unexpected(err)
		}
	}
	f.data = unsafe.String(unsafe.SliceData(data), len(data)) // it is not written any more
	if last, err := s.r.ReadByte(); err != nil || last != '\n' {
		return f, errors.Join(errors.New("a frame does not end with a newline"), err)
	}
	return f, nil
}

// word reads up to a space or newline, which it returns.
func (s *session) word(most int) (text string, end byte, err error) {
	var b []byte
	for len(b) <= most {
		c, err := s.r.ReadByte()
		if err != nil {
			return "", 0, err
		}
		if c == ' ' || c == '\n' {
			return string(b), c, nil
		}
		b = append(b, c)
	}
	return "", 0, fmt.Errorf("no RELP frame: %q goes on", b)
}

func parse(text string) (int, error) {
	n, err := strconv.ParseUint(text, 10, 32)
	if err != nil || n > maxNumber {
		return 0, fmt.Errorf("%q is no number", text)
	}
	return int(n), nil
}

// unexpected is the error of a frame that is not whole.
func unexpected(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// writeTimeout bounds how long a sender may take to listen.
const writeTimeout = 30 * time.Second

// write sends a frame. An error shows itself in the next read: the connection is closed.
func (s *session) write(b []byte) {
	s.wmu.Lock()
	defer s.wmu.Unlock()
	_ = s.c.SetWriteDeadline(time.Now().Add(writeTimeout))
	if _, err := s.c.Write(b); err != nil {
		_ = s.c.Close()
	}
}

// answer appends the frame that answers a transaction.
func answer(dst []byte, number int, text string) []byte {
	dst = append(strconv.AppendInt(dst, int64(number), 10), " rsp "...)
	dst = strconv.AppendInt(dst, int64(len(text)), 10)
	if text != "" {
		dst = append(append(dst, ' '), text...)
	}
	return append(dst, '\n')
}

// run reads frames until the sender closes the session or ctx ends.
func (s *session) run(ctx context.Context) error {
	if err := s.begin(); err != nil {
		return err
	}
	for {
		b, numbers, last, err := s.messages()
		if len(numbers) > 0 {
			if perr := s.push(ctx, b, numbers); perr != nil {
				return perr
			}
		}
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil:
			return err
		case last.command == "close":
			s.wait()
			s.write(answer(nil, last.number, ""))
			return nil
		case last.command != "":
			return fmt.Errorf("the command %q was not offered", last.command)
		}
	}
}

// begin answers the first frame, in which the sender says what it can.
func (s *session) begin() error {
	f, err := s.read()
	if err != nil {
		return err
	}
	if f.command != "open" {
		return fmt.Errorf("a session begins with open, not %q", f.command)
	}
	said := make(map[string]string)
	for line := range strings.SplitSeq(f.data, "\n") {
		name, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		said[name] = value
	}
	if said["relp_version"] == "" {
		s.write(answer(nil, f.number, "500 relp_version is missing"))
		return errors.New("the sender names no relp_version")
	}
	if !slices.Contains(strings.Split(said["commands"], ","), "syslog") {
		s.write(answer(nil, f.number, "500 Required command syslog not offered"))
		return fmt.Errorf("the sender has no command syslog, but %q", said["commands"])
	}
	s.write(answer(nil, f.number, offer))
	return nil
}

// messages reads a message and those that have arrived with it. last is the frame of another kind that ended them.
func (s *session) messages() (b *event.Batch, numbers []int, last frame, err error) {
	b = &event.Batch{Source: s.source}
	for len(numbers) == 0 || len(numbers) < maxBatch && s.r.Buffered() > 0 {
		f, err := s.read()
		if err != nil || f.command != "syslog" {
			return b, numbers, f, err
		}
		numbers = append(numbers, f.number)
		b.Bytes += len(f.data)
		if s.framer == nil {
			b.Records = append(b.Records, event.Record{Data: f.data})
			continue
		}
		var rest string
		b.Records, rest = s.framer.Frame(f.data, b.Records)
		b.Records = s.framer.Flush(rest, b.Records)
	}
	return b, numbers, frame{}, nil
}

// push hands a batch on, and answers its messages when it is settled.
func (s *session) push(ctx context.Context, b *event.Batch, numbers []int) error {
	s.mu.Lock()
	s.open++
	s.mu.Unlock()
	done := func(*event.Batch) {
		var text []byte
		for _, n := range numbers {
			text = answer(text, n, "200 OK")
		}
		s.write(text)
		s.mu.Lock()
		s.open--
		s.settled.Broadcast()
		s.mu.Unlock()
	}
	if len(b.Records) == 0 {
		done(nil)
		return nil
	}
	b.Time, b.Done = time.Now(), done
	err := s.out.Push(ctx, b)
	if err != nil { // it was not taken, and the sender keeps it
		s.mu.Lock()
		s.open--
		s.mu.Unlock()
	}
	return err
}

// wait waits until all messages are answered, within a limit.
func (s *session) wait() {
	late := false
	timer := time.AfterFunc(drainLimit, func() {
		s.mu.Lock()
		late = true
		s.settled.Broadcast()
		s.mu.Unlock()
	})
	defer timer.Stop()
	s.mu.Lock()
	defer s.mu.Unlock()
	for s.open > 0 && !late {
		s.settled.Wait()
	}
}

// end tells the sender that the session is over.
func (s *session) end() {
	s.wait()
	s.write([]byte("0 serverclose 0\n"))
}
