package faultproxy

import "time"

// Faults is what goes wrong at the moment; the zero value is a proxy that only forwards. Rates are probabilities from 0
// to 1. Of the faults of one request the first that strikes, in the order below, is the one that happens.
type Faults struct {
	// Refuse closes the listener and resets every connection: who dials is refused.
	Refuse bool

	// BlackHole accepts connections and requests and does nothing with them. When it ends they are reset, as by a
	// firewall that lost its state, so that recovery does not depend on the client's timeout.
	BlackHole bool

	// AcceptDelay is how long a new connection waits before its first byte is read.
	AcceptDelay time.Duration

	// BytesPerSecond limits each direction of each connection; 0 is no limit.
	BytesPerSecond int

	// Path restricts all that follows to requests whose path contains it, such as /_bulk.
	Path string

	// Times, if not 0, is how many requests the faults that follow may strike until the next Set.
	Times int

	// MaxBody answers 413 to a request whose body is longer; 0 is no limit. It is not counted by Times.
	MaxBody int

	// ResetRequest is the rate of requests that are reset when half of the body was read. The server never sees them.
	ResetRequest float64

	// Status is answered instead of forwarding, at StatusRate. StatusBody is its body, RetryAfter its header if not empty.
	Status     int
	StatusRate float64
	StatusBody string
	RetryAfter string

	// ResetResponse is the rate of answers that are reset half way. The server has done its work: the answer is lost.
	ResetResponse float64

	// CutResponse is the rate of answers that end, by an orderly close, after CutAfter bytes counted from the status
	// line. Lost too.
	CutResponse float64
	CutAfter    int

	// DropResponse is the rate of answers that are never sent, on a connection that stays open until the next Set. Lost too.
	DropResponse float64

	// Delay holds every answer back.
	Delay time.Duration
}

// perRequest says whether a fault is set that only a proxy which reads HTTP can do.
func (f Faults) perRequest() bool {
	return f.MaxBody > 0 || f.ResetRequest > 0 || f.StatusRate > 0 || f.ResetResponse > 0 || f.CutResponse > 0 ||
		f.DropResponse > 0 || f.Delay > 0
}

// Stats counts what the proxy did since it was started.
type Stats struct {
	// Connections accepted, Requests read to their end (or reset half way).
	Connections, Requests int
	// Forwarded to the server and answered by it; Delivered of these, whole, to the client.
	Forwarded, Delivered int
	// Lost answers: forwarded, done by the server, and not delivered whole, for whichever reason. A client that retries
	// these makes duplicates unless its requests are idempotent.
	Lost int
	// Unknown: the server went away before it answered, so whether it did its work cannot be told.
	Unknown int
	// By fault.
	RequestsReset, ResponsesReset, ResponsesCut, ResponsesDropped, StatusAnswers, TooLarge, BlackHoled int
}

// verdict is what happens to one request.
type verdict int

const (
	forward verdict = iota
	resetRequest
	answerStatus
	resetResponse
	cutResponse
	dropResponse
)

// decide draws the verdict of the nth request. It depends on the seed and on n alone, so that a run repeats as far as
// the client's requests do.
func (f Faults) decide(seed, n uint64) verdict {
	for i, c := range []struct {
		rate float64
		v    verdict
	}{
		{f.ResetRequest, resetRequest},
		{f.StatusRate, answerStatus},
		{f.ResetResponse, resetResponse},
		{f.CutResponse, cutResponse},
		{f.DropResponse, dropResponse},
	} {
		if c.rate > 0 && draw(seed, n, uint64(i)) < c.rate {
			return c.v
		}
	}
	return forward
}

// draw is a number in [0,1) made of its arguments by the finaliser of splitmix64.
func draw(seed, n, i uint64) float64 {
	x := seed*0x9e3779b97f4a7c15 + n*0xbf58476d1ce4e5b9 + (i+1)*0x94d049bb133111eb
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	x ^= x >> 31
	return float64(x>>11) / (1 << 53)
}
