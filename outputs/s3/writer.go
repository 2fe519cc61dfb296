package s3

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"millrace/internal/netout"
	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

// part is what a turn has for one prefix.
type part struct {
	prefix string
	buf    []byte
	n      int64
	file   *file // that has taken it in memory
}

type writer struct {
	o     *output
	enc   plugin.Encoder
	parts map[string]*part
	order []*part
}

// NewWriter implements plugin.Output.
func (o *output) NewWriter() plugin.Writer {
	return &writer{o: o, enc: o.env.NewEncoder(), parts: make(map[string]*part)}
}

// Append encodes e for its prefix. An event whose prefix can be none is given up.
func (w *writer) Append(e *event.Event) error {
	text, err := w.o.o.Prefix.Text(e)
	if err != nil {
		w.o.bury(e, err)
		return err
	}
	p := w.parts[text]
	if p == nil {
		prefix := normalize(text)
		if err := checkPrefix(prefix); err != nil {
			w.o.bury(e, err)
			return err
		}
		p = &part{prefix: prefix}
		w.parts[strings.Clone(text)] = p
	}
	buf, err := w.enc.AppendEncode(p.buf, e)
	if err != nil {
		w.o.bury(e, err)
		return err
	}
	if p.n == 0 {
		w.order = append(w.order, p)
	}
	p.buf = buf
	p.n++
	return nil
}

// bury gives an event up.
func (o *output) bury(e *event.Event, err error) {
	kept := o.env.Bury(err.Error(), e.AppendJSON(nil), plugin.Replayed(e))
	o.log.Error("an event cannot be written", errorAttr(err), slog.Bool("dead_letter", kept))
}

const (
	// maxKey is the most bytes that the name of an object may have, maxName of a file.
	maxKey, maxName = 1024, 255

	// maxTag is the most bytes that tags may add to a name.
	maxTag = 100

	// nameRoom is what a name takes behind the prefix at most: ls.s3., UUID, time, .tag_, tags, .part and a number, .txt.gz.
	nameRoom = 1 + 6 + 36 + 17 + 5 + maxTag + 25 + 7
)

// replaced are the characters that become underscores. A zero byte can be in no file's name.
var replaced = strings.NewReplacer("^", "_", "`", "_", ">", "_", "<", "_", "\x00", "_")

// normalize makes a prefix of what an event brought. Steps that would lead out of the temporary directory become underscores.
func normalize(text string) string {
	prefix := strings.Clone(replaced.Replace(text))
	if !strings.Contains(prefix, ".") {
		return prefix
	}
	steps := strings.Split(prefix, "/")
	for i, s := range steps {
		if s == "." || s == ".." {
			steps[i] = "_"
		}
	}
	return strings.Join(steps, "/")
}

// checkPrefix returns why a prefix cannot be one.
func checkPrefix(prefix string) error {
	if len(prefix)+nameRoom > maxKey {
		return fmt.Errorf("the prefix has %d bytes, and may have %d", len(prefix), maxKey-nameRoom)
	}
	for s := range strings.SplitSeq(prefix, "/") {
		if len(s) > maxName {
			return fmt.Errorf("a step of the prefix has %d bytes, and may have %d", len(s), maxName)
		}
	}
	return nil
}

// maxParts bounds the prefixes that a writer remembers, maxKept a buffer that is kept.
const (
	maxParts = 256
	maxKept  = 256 << 10
)

// retryPause is how long the output waits before it tries again to write to a file that refused.
const retryPause = time.Second

// Flush writes the turn to files. It waits while more files wait for their upload than may, and while a file cannot be written (the disk is full).
func (w *writer) Flush(ctx context.Context, b *event.Batch) error {
	if len(w.order) > 0 {
		if err := w.o.backlog.Room(ctx); err != nil {
			return err
		}
	}
	for _, p := range w.order {
		for p.n > 0 {
			err := w.o.write(p)
			if err == nil {
				if p.n, p.buf, p.file = 0, p.buf[:0], nil; cap(p.buf) > maxKept {
					p.buf = nil
				}
				break
			}
			w.o.env.Stats.Retried.Add(p.n)
			w.o.log.Error("a file cannot be written; trying again", errorAttr(err))
			if err := netout.Pause(ctx, retryPause); err != nil {
				return err
			}
		}
	}
	w.order = w.order[:0]
	if len(w.parts) > maxParts {
		clear(w.parts)
	}
	b.Settle()
	return nil
}
