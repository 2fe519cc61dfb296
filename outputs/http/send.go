package http

import (
	"bytes"
	"errors"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/klauspost/compress/gzip"

	"millrace/internal/web"
)

// send works on jobs, one after the other, until there are no more.
func (o *output) send(j job) {
	for ok := true; ok; j, ok = <-o.jobs {
		if o.deliver(&j) && j.turn.left.Add(-1) == 0 {
			j.turn.batch.Settle()
		}
	}
}

// errStatus says that a request was answered by a status that is no success.
var errStatus = errors.New("the answer is no success")

// deliver sends until the request succeeded or failed for good. It returns false if the time for that is over.
func (o *output) deliver(j *job) bool {
	body := j.body
	if o.o.Compression {
		body = compress(body)
	}
	for attempt := 1; ; attempt++ {
		pause, again, err := o.try(j, body)
		switch {
		case err == nil:
			o.env.Stats.Delivered.Add(j.events)
			return true
		case o.ctx.Err() != nil:
			return false
		case !again || !o.o.RetryFailed:
			o.env.Stats.Dropped.Add(j.events)
			return true
		}
		o.env.Stats.Retried.Add(j.events)
		select {
		case <-time.After(max(pause, backOff(attempt))):
		case <-o.ctx.Done():
			return false
		}
	}
}

// longestPause bounds the pause before a request is sent again.
const longestPause = time.Minute

// backOff is the pause before a request is sent for the nth time again: the square of n in seconds, of which the second half is left to chance.
func backOff(n int) time.Duration {
	half := min(time.Duration(n*n)*time.Second, longestPause) / 2
	return half + rand.N(half)
}

// try sends once. An error says that it failed, again that it may succeed later, pause how long the server wants to be left alone.
func (o *output) try(j *job, body []byte) (pause time.Duration, again bool, err error) {
	req, err := o.request(j)
	if err != nil {
		o.log.Error("an event was dropped: its url is no address of a web service", slog.Any("error", web.WithoutSecret(err)))
		return 0, false, err
	}
	if req.Method == http.MethodHead {
		body = nil
	}
	resp, _, err := o.http.Do(req, body)
	if err != nil {
		if o.ctx.Err() == nil {
			o.log.Error("a request brought no answer", slog.Any("error", web.WithoutSecret(err)), slog.Bool("will_retry", o.o.RetryFailed))
		}
		return 0, true, err
	}
	defer resp.Body.Close()
	text, err := excerpt(resp.Body)
	switch code := resp.StatusCode; {
	case code >= 200 && code <= 299 || slices.Contains(o.o.IgnorableCodes, code):
		return 0, false, nil // the status tells what became of the event, whether the rest of the answer arrives or not
	case slices.Contains(o.o.RetryableCodes, code):
		if code != http.StatusTooManyRequests || !o.o.RetryFailed {
			o.log.Warn("a request failed", slog.Int("status", code), slog.String("answer", text), slog.Bool("will_retry", o.o.RetryFailed))
		}
		return retryAfter(resp), true, errStatus
	default:
		o.log.Error("events were dropped: the request was refused", slog.Int("status", code), slog.String("url", place(req)), slog.String("answer", text))
		return 0, false, errors.Join(errStatus, err)
	}
}

// place is the address of a request without what may be secret.
func place(req *http.Request) string {
	u := *req.URL
	u.User, u.RawQuery = nil, ""
	return u.String()
}

func (o *output) request(j *job) (*http.Request, error) {
	req, err := http.NewRequestWithContext(o.ctx, o.method, j.url, nil)
	switch {
	case err != nil:
		return nil, err
	case req.URL.Scheme != "http" && req.URL.Scheme != "https" || req.URL.Host == "":
		return nil, errors.New("it is neither http nor https, or names no host")
	}
	req.Header = j.header
	if host := j.header.Get("Host"); host != "" {
		req.Host = host
	}
	return req, nil
}

// What is read of an answer, so that the connection can be used again, and what of that is logged.
const (
	mostRead   = 256 << 10
	mostLogged = 512
)

// excerpt reads an answer and returns its beginning.
func excerpt(body io.Reader) (string, error) {
	var text strings.Builder
	_, err := io.CopyN(&text, body, mostLogged)
	if err == nil {
		_, err = io.CopyN(io.Discard, body, mostRead)
	}
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return strings.ToValidUTF8(text.String(), "\uFFFD"), err
}

// retryAfter is how long the server wants to be left alone, if it says so in seconds.
func retryAfter(resp *http.Response) time.Duration {
	seconds, err := strconv.Atoi(resp.Header.Get("Retry-After"))
	if err != nil || seconds < 0 {
		return 0
	}
	return min(time.Duration(seconds)*time.Second, longestPause)
}

func compress(body []byte) []byte {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = z.Write(body) // a buffer takes everything
	_ = z.Close()
	return b.Bytes()
}
