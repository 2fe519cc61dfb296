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

	"millrace/internal/stream"
	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

// The limits of a frame, of the messages in one batch, and of the answers that a sender does not listen to: no more is read from it then.
const (
	maxMessage = stream.DefaultMaxRecord
	maxCommand = 32
	maxNumber  = 999_999_999 // of a transaction, and of bytes
	maxBatch   = 512
	batchBytes = 512 << 10
	maxAnswers = 256 << 10 // bytes
	readBuffer = 64 << 10
)

// What the server offers: the one command that carries messages, in the version that rsyslog speaks.
const offer = "200 OK\nrelp_version=0\nrelp_software=millrace\ncommands=syslog"

// session is one connection. One goroutine reads; another writes the answers to what is delivered, so that a sender that does not listen
// holds up itself and not those who deliver.
type session struct {
	in     *input
	out    plugin.Sink
	source *event.Source
	r      *bufio.Reader
	framer plugin.Framer // nil: a message is a record

	wmu sync.Mutex // held while a frame is written
	c   net.Conn

	mu       sync.Mutex // guards what follows
	changed  *sync.Cond
	open     int    // batches that are not settled
	answers  []byte // that are not written
	writing  bool
	broken   bool // nothing can be written any more
	stopping bool // nothing more is to be read
	over     bool // no more answers come
	answered chan struct{}
}

func newSession(in *input, c net.Conn, out plugin.Sink, source *event.Source) *session {
	s := &session{in: in, c: c, out: out, source: source, r: bufio.NewReaderSize(c, readBuffer), answered: make(chan struct{})}
	s.changed = sync.NewCond(&s.mu)
	if in.env.CutsStreams() {
		s.framer = in.env.NewFramer()
	}
	go s.answer()
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
	if length > 0 && end == ' ' {
		if f.data, err = stream.ReadString(s.r, length); err != nil {
			return f, err
		}
	}
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

// write sends frames. An error shows itself in the next read: the connection is closed.
func (s *session) write(b []byte) error {
	s.wmu.Lock()
	defer s.wmu.Unlock()
	_ = s.c.SetWriteDeadline(time.Now().Add(writeTimeout))
	_, err := s.c.Write(b)
	if err != nil {
		_ = s.c.Close()
	}
	return err
}

// answer writes answers as they come until the session is over.
func (s *session) answer() {
	defer close(s.answered)
	var spare []byte
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		for len(s.answers) == 0 && !s.over {
			s.changed.Wait()
		}
		text := s.answers
		if len(text) == 0 || s.broken {
			return
		}
		s.answers, s.writing = spare[:0], true
		s.mu.Unlock()
		err := s.write(text)
		s.mu.Lock()
		spare, s.writing, s.broken = text, false, err != nil
		s.changed.Broadcast()
	}
}

// appendAnswer appends the frame that answers a transaction.
func appendAnswer(dst []byte, number int, text string) []byte {
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
			return s.write(appendAnswer(nil, last.number, ""))
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
		return errors.Join(errors.New("the sender names no relp_version"), s.write(appendAnswer(nil, f.number, "500 relp_version is missing")))
	}
	if !slices.Contains(strings.Split(said["commands"], ","), "syslog") {
		return errors.Join(fmt.Errorf("the sender has no command syslog, but %q", said["commands"]),
			s.write(appendAnswer(nil, f.number, "500 Required command syslog not offered")))
	}
	return s.write(appendAnswer(nil, f.number, offer))
}

// messages reads a message and those that have arrived with it. last is the frame of another kind that ended them.
func (s *session) messages() (b *event.Batch, numbers []int, last frame, err error) {
	b = &event.Batch{Source: s.source}
	for len(numbers) == 0 || len(numbers) < maxBatch && b.Bytes < batchBytes && s.r.Buffered() > 0 {
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
	for len(s.answers) > maxAnswers && !s.broken && !s.stopping {
		s.changed.Wait()
	}
	s.open++
	s.mu.Unlock()
	done := func(*event.Batch) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.open--
		for _, n := range numbers {
			s.answers = appendAnswer(s.answers, n, "200 OK")
		}
		s.changed.Broadcast()
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

// stop has the reader end.
func (s *session) stop() {
	_ = s.c.SetReadDeadline(time.Unix(1, 0))
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stopping = true
	s.changed.Broadcast()
}

// wait waits until all messages are answered, within a limit, and reports whether they are.
func (s *session) wait() bool {
	late := false
	timer := time.AfterFunc(drainLimit, func() {
		s.mu.Lock()
		late = true
		s.changed.Broadcast()
		s.mu.Unlock()
	})
	defer timer.Stop()
	s.mu.Lock()
	defer s.mu.Unlock()
	for (s.open > 0 || len(s.answers) > 0 || s.writing) && !late && !s.broken {
		s.changed.Wait()
	}
	return !late && !s.broken
}

// end tells the sender that the session is over, unless it does not listen, and closes the connection.
func (s *session) end() {
	if s.wait() {
		_ = s.write([]byte("0 serverclose 0\n")) // it may be gone
	}
	s.mu.Lock()
	s.over = true
	s.changed.Broadcast()
	s.mu.Unlock()
	_ = s.c.Close()
	<-s.answered
}
