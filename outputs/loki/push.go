package loki

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"

	"millrace/internal/netout"
	"millrace/internal/web"
)

// pusher is the one goroutine that pushes, so that the lines of a stream arrive in their order.
type pusher struct {
	out     *output
	pending []ref
	bytes   int       // of their texts
	due     time.Time // when they are pushed whether they are many or not
	hurry   bool      // nothing is waited for
	body    []byte
}

// ref is a line of a turn.
type ref struct {
	t *turn
	i int
}

func (r ref) line() *line { return &r.t.lines[r.i] }

// run pushes until the output is closed.
func (p *pusher) run() {
	out := p.out
	closing := out.closing
	for {
		var due <-chan time.Time
		if len(p.pending) > 0 {
			due = time.After(time.Until(p.due))
		}
		select {
		case <-out.box.Ready:
			p.take()
		case <-due:
			p.push()
		case <-closing:
			closing, p.hurry = nil, true
			p.take()
		case <-out.box.Ctx.Done():
			return
		}
		if p.hurry {
			p.push()
		}
	}
}

// take enters the lines that were handed over, and pushes whenever they are as many as batch_size says.
func (p *pusher) take() {
	for _, t := range p.out.box.Take() {
		for i := range t.lines {
			size := t.lines[i].size
			if len(p.pending) > 0 && p.bytes+size > p.out.o.BatchSize {
				p.push()
			}
			if len(p.pending) == 0 {
				p.due = time.Now().Add(p.out.o.BatchWait)
			}
			p.pending, p.bytes = append(p.pending, ref{t, i}), p.bytes+size
		}
	}
}

// push pushes what is pending, and returns when it is taken or given up, or the time for that is over.
func (p *pusher) push() {
	lines := p.pending
	p.pending, p.bytes = nil, 0
	if len(lines) > 0 && p.out.box.Ctx.Err() == nil {
		tries := maxParts
		p.deliver(lines, &tries)
	}
}

// maxParts bounds the requests by which the lines are found that Loki refused of one push; what is left then is given up. It is enough for six bad
// lines among a thousand, and an event that can never be taken does not cost a request each when all are like it.
const maxParts = 128

// deliver pushes lines. If Loki refuses them it pushes their halves: it keeps what is right of a push that it refuses, and takes no line twice.
func (p *pusher) deliver(lines []ref, parts *int) {
	reason, again := p.attempts(lines)
	switch {
	case p.out.box.Ctx.Err() != nil && reason != nil:
		// They stay unsettled: whoever keeps the batches will bring them again.
	case reason == nil:
		p.out.env.Stats.Delivered.Add(int64(len(lines)))
		p.settle(lines)
	case again, len(lines) == 1, *parts <= 0:
		p.giveUp(lines, reason)
	default:
		*parts -= 2
		half := len(lines) / 2
		p.deliver(lines[:half:half], parts)
		p.deliver(lines[half:], parts)
	}
}

// attempts pushes lines until Loki takes or refuses them, or for as often as retries says: again tells that it might take them later.
func (p *pusher) attempts(lines []ref) (reason error, again bool) {
	out := p.out
	body := p.encode(lines)
	delay := max(out.o.MinDelay, leastDelay)
	for try := 1; ; try++ {
		again, err := out.post(body)
		if err == nil || !again || out.box.Ctx.Err() != nil {
			return err, false
		}
		if out.o.Retries > 0 && try >= out.o.Retries {
			return fmt.Errorf("giving up after %d attempts: %w", try, err), true
		}
		out.env.Stats.Retried.Add(int64(len(lines)))
		out.log.Error("Loki did not take lines; trying again", slog.Any("error", err))
		if err := netout.Pause(out.box.Ctx, delay); err != nil {
			return err, true
		}
		delay = min(2*delay, max(out.o.MaxDelay, leastDelay))
	}
}

// leastDelay is how long the output waits before it tries again where min_delay is nothing.
const leastDelay = 10 * time.Millisecond

// encode makes the body: a stream for each set of labels, in the order of their first lines, and in a stream the oldest line first.
func (p *pusher) encode(lines []ref) []byte {
	streams := make(map[string]int)
	var values [][]ref
	for _, r := range lines {
		l := r.line()
		labels := r.t.buf[l.start:l.value]
		at, known := streams[string(labels)]
		if !known {
			at = len(values)
			streams[string(labels)] = at
			values = append(values, nil)
		}
		values[at] = append(values[at], r)
	}
	body := append(p.body[:0], `{"streams":[`...)
	for i, refs := range values {
		slices.SortStableFunc(refs, func(a, b ref) int { return int(min(max(a.line().at-b.line().at, -1), 1)) })
		if i > 0 {
			body = append(body, ',')
		}
		first := refs[0].line()
		body = append(append(body, `{"stream":`...), refs[0].t.buf[first.start:first.value]...)
		body = append(body, `,"values":[`...)
		for j, r := range refs {
			if j > 0 {
				body = append(body, ',')
			}
			l := r.line()
			body = append(body, r.t.buf[l.value:l.document]...)
		}
		body = append(body, `]}`...)
	}
	p.body = append(body, `]}`...)
	return p.body
}

// post pushes once. again tells that an error may pass.
func (out *output) post(body []byte) (again bool, err error) {
	req, err := http.NewRequestWithContext(out.box.Ctx, http.MethodPost, out.o.URL, bytes.NewReader(body))
	if err != nil {
		return false, err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "millrace/"+out.env.Version)
	if out.o.TenantID != "" {
		req.Header.Set("X-Scope-OrgID", out.o.TenantID)
	}
	if out.o.Username != "" {
		req.SetBasicAuth(out.o.Username, out.o.Password.Reveal())
	}
	resp, err := out.http.Do(req)
	if err != nil {
		return true, web.WithoutSecret(err)
	}
	defer resp.Body.Close()
	text, _ := io.ReadAll(io.LimitReader(resp.Body, 1024)) // the status tells what became of the lines
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 1<<20))
	if resp.StatusCode >= 200 && resp.StatusCode <= 299 {
		return false, nil
	}
	return passing(resp.StatusCode), fmt.Errorf("the answer is %s: %s", resp.Status, strings.TrimSpace(string(text)))
}

// passing reports whether a status may pass: all but those that say that the lines are at fault. A login that is wrong is not their fault.
func passing(status int) bool {
	switch status {
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound, http.StatusProxyAuthRequired, http.StatusRequestTimeout,
		http.StatusTooManyRequests:
		return true
	}
	return status < 400 || status > 499
}

// giveUp makes dead letters of lines.
func (p *pusher) giveUp(lines []ref, reason error) {
	lost := 0
	for _, r := range lines {
		l := r.line()
		if !p.out.env.Bury(reason.Error(), r.t.buf[l.document:l.end], l.replayed) {
			lost++
		}
	}
	if lost > 0 {
		p.out.log.Error("lines that Loki does not take are dropped", slog.Any("error", reason), slog.Int("lines", lost))
	}
	p.settle(lines)
}

// settle is told that lines are taken or given up.
func (p *pusher) settle(lines []ref) {
	for _, r := range lines {
		t := r.t
		if t.left--; t.left > 0 {
			continue
		}
		b, size := t.b, len(t.buf)
		t.reset()
		p.out.box.Done(t, b, size)
	}
}
