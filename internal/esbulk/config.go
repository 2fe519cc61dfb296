package esbulk

import (
	"context"
	"io"
	"slices"
	"sync/atomic"
	"time"

	"millrace/internal/throttle"
)

// Transport carries bulk bodies to the cluster.
type Transport interface {
	// Bulk sends one body and returns the answer, whatever its status; its error says that no whole answer came, and what came of it is
	// returned with it. The answer's body may
	// use scratch, and is valid until scratch is used again. Bulk must not read r.Body after it returned, except that reads which the
	// HTTP client still has under way get an error.
	Bulk(ctx context.Context, r Request, scratch []byte) (Answer, error)
	// Probe reports whether the cluster would take a bulk request now, without sending it any operation.
	Probe(ctx context.Context) bool
}

// Request is one bulk request.
type Request struct {
	Body   io.Reader
	Length int // of the body in bytes
	Ops    int
}

// Answer is what came back.
type Answer struct {
	Status     int
	Body       []byte
	RetryAfter time.Duration // 0: nothing said
}

// Config is what a Sender works with.
type Config struct {
	Transport Transport

	// Prepare is called until it returns nil, before anything is sent: it looks at the cluster and installs what the events need
	// there. Nil: nothing to prepare.
	Prepare func(ctx context.Context) error

	MaxHeld     int // bytes held: waiting, in flight and to be sent again
	MaxRequests int // in flight, at most
	MaxBody     int // of a request, before compression

	// RetryInitial and RetryMax bound the pause before something that failed is sent again; it doubles with every failure. While the
	// cluster fails, one request a second at most is sent ahead of that, so that recovery is noticed.
	RetryInitial, RetryMax time.Duration

	// Ordered keeps one request in flight and sends nothing new while something has to be sent again.
	Ordered bool

	// Idempotent says that the sender's operations are creates with ids of their own: 409 means that an earlier answer was lost.
	Idempotent bool

	// DeadCodes are the statuses of operations that can never succeed.
	DeadCodes []int
	// DropTypes are error types whose operations are dropped; SilentTypes are not logged.
	DropTypes, SilentTypes []string

	// DeadLetter keeps a document that cannot be delivered; nil: it is logged, counted and dropped. Document returns the event in an
	// operation; nil: its second line. replayed says that the event comes from a dead letter queue itself ([Buffer.Replayed]).
	DeadLetter func(reason string, document []byte, replayed bool) error
	Document   func(op []byte) []byte

	// Delivered, DeadLettered, Dropped and Retried count operations.
	Delivered, DeadLettered, Dropped, Retried *atomic.Int64

	Metrics *Metrics

	Log *throttle.Logger
}

// Metrics are the counts of a sender beyond what became of its operations. They only grow.
type Metrics struct {
	Requests   *atomic.Int64 // that brought status 200 without a failed operation
	WithErrors *atomic.Int64 // that brought status 200 with failed operations
	Failures   *atomic.Int64 // that brought another status or no answer
	Unanswered *atomic.Int64 // of those, without an answer

	NonRetryable *atomic.Int64 // operations refused for good and not dead-lettered
	Retryable    *atomic.Int64 // failures of operations that were sent again
	Bytes        *atomic.Int64 // of bodies sent, before compression

	statuses [600]atomic.Int64 // answers by status
}

// NewMetrics takes its counters from counter, which is given names and descriptions.
func NewMetrics(counter func(name, help string) *atomic.Int64) *Metrics {
	return &Metrics{
		Requests:     counter("bulk_requests_successes", "Bulk requests without a failed document."),
		WithErrors:   counter("bulk_requests_with_errors", "Bulk requests with failed documents."),
		Failures:     counter("bulk_requests_failures", "Bulk requests that failed as a whole."),
		Unanswered:   counter("bulk_requests_unanswered", "Bulk requests that failed without an answer."),
		NonRetryable: counter("documents_non_retryable_failures", "Documents refused for good and not dead-lettered."),
		Retryable:    counter("documents_retryable_failures", "Failures of documents that were sent again."),
		Bytes:        counter("bulk_bytes", "Bytes of bulk bodies sent, before compression."),
	}
}

// Responses returns the number of answers by status.
func (m *Metrics) Responses() map[int]int64 {
	out := make(map[int]int64)
	for status := range m.statuses {
		if n := m.statuses[status].Load(); n > 0 {
			out[status] = n
		}
	}
	return out
}

// State is what a sender does at the moment.
type State struct {
	InFlight int // requests
	Limit    int // of requests in flight
	Body     int // size of a full body in bytes
	Held     int // bytes
	Parked   int // requests that wait to be sent again
	Blocked  bool
	Failing  string // why nothing but trials is sent; "" if all is well

	Latency time.Duration // of a request, a running mean; 0 before the first answer
}

// verdict is what becomes of an operation.
type verdict uint8

const (
	delivered verdict = iota
	dropped
	dead
	again
)

func (c *Config) judge(it Item) verdict {
	switch {
	case it.Status >= 200 && it.Status < 300:
		return delivered
	case it.Status == 409 && c.Idempotent:
		return delivered
	case it.Status == 409:
		return dropped
	case len(c.DropTypes) > 0 && slices.Contains(c.DropTypes, errorType(it.Error)):
		return dropped
	case it.Status == 413 || slices.Contains(c.DeadCodes, it.Status):
		return dead
	}
	return again
}
