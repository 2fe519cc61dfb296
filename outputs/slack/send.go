package slack

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"millrace/internal/netout"
)

// The pauses before a message is posted again.
const (
	firstPause   = time.Second // as often as Slack takes a message
	longestPause = time.Minute
)

// run posts one message after the other, until the output is closed.
func (out *output) run() {
	for {
		select {
		case <-out.box.Ready:
		case <-out.box.Ctx.Done():
			return
		}
		for _, t := range out.box.Take() {
			for i := range t.messages {
				if !out.deliver(t, &t.messages[i]) {
					return // what is left stays unsettled: whoever keeps the batches will bring it again
				}
			}
			b, size := t.b, len(t.buf)
			t.reset()
			out.box.Done(t, b, size)
		}
	}
}

// deliver posts a message until it is taken or refused. It returns false if the time for that is over.
func (out *output) deliver(t *turn, m *message) bool {
	pause := firstPause
	for {
		wait, again, err := out.post(m.url, t.buf[m.start:m.doc])
		switch {
		case err == nil:
			out.env.Stats.Delivered.Add(1)
			return true
		case out.box.Ctx.Err() != nil:
			return false
		case !again:
			out.bury(err, t.buf[m.doc:m.end], m.replayed)
			return true
		}
		out.env.Stats.Retried.Add(1)
		out.log.Warn("a message was not taken; posting it again", slog.Any("error", err))
		if netout.Pause(out.box.Ctx, max(pause, wait)) != nil {
			return false
		}
		pause = min(2*pause, longestPause)
	}
}

// post posts once. again tells that an error may pass, and wait how long the service wants to be left alone.
func (out *output) post(to string, body []byte) (wait time.Duration, again bool, err error) {
	req, err := http.NewRequestWithContext(out.box.Ctx, http.MethodPost, to, bytes.NewReader(body))
	if err != nil {
		return 0, false, errAddress
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", "millrace/"+out.env.Version+" (output slack)")
	resp, err := out.http.Do(req)
	if err != nil {
		var ue *url.Error
		if errors.As(err, &ue) {
			err = ue.Err // without the address
		}
		return 0, true, err
	}
	defer resp.Body.Close()
	text, _ := io.ReadAll(io.LimitReader(resp.Body, 1024)) // the status tells what became of the message
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 1<<20))
	if resp.StatusCode >= 200 && resp.StatusCode <= 299 {
		return 0, false, nil
	}
	seconds, _ := strconv.Atoi(resp.Header.Get("Retry-After"))
	wait = min(max(time.Duration(seconds)*time.Second, 0), longestPause)
	again = resp.StatusCode == http.StatusTooManyRequests || resp.StatusCode == http.StatusRequestTimeout || resp.StatusCode >= 500
	return wait, again, fmt.Errorf("the answer is %s: %s", resp.Status, strings.TrimSpace(string(text)))
}
