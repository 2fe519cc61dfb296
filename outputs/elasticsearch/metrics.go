package elasticsearch

// Snapshot is what the node statistics show of the output (plugins.outputs[] of /_node/stats).
type Snapshot struct {
	BulkRequests struct {
		Successes  int64         `json:"successes"`
		WithErrors int64         `json:"with_errors"`
		Failures   int64         `json:"failures"`
		Responses  map[int]int64 `json:"responses"`
	} `json:"bulk_requests"`
	Documents struct {
		Successes            int64 `json:"successes"`
		NonRetryableFailures int64 `json:"non_retryable_failures"`
		RetryableFailures    int64 `json:"retryable_failures"`
		DLQRouted            int64 `json:"dlq_routed"`
	} `json:"documents"`
	Requests struct {
		InFlight  int    `json:"in_flight"`
		Limit     int    `json:"limit"`
		BodyBytes int    `json:"body_in_bytes"`
		HeldBytes int    `json:"held_in_bytes"`
		Waiting   int    `json:"waiting_to_be_repeated"`
		Blocked   bool   `json:"blocked"`
		Failing   string `json:"failing,omitempty"`
	} `json:"requests"`
}

// Statistics returns the output's counts.
func (out *output) Statistics() any {
	m := out.metrics
	var s Snapshot
	s.BulkRequests.Successes = m.Requests.Load()
	s.BulkRequests.WithErrors = m.WithErrors.Load()
	s.BulkRequests.Failures = m.Failures.Load()
	s.BulkRequests.Responses = m.Responses()
	s.Documents.Successes = out.env.Stats.Delivered.Load()
	s.Documents.NonRetryableFailures = m.NonRetryable.Load()
	s.Documents.RetryableFailures = m.Retryable.Load()
	s.Documents.DLQRouted = out.env.Stats.DeadLettered.Load()
	st := out.sender.State()
	s.Requests.InFlight, s.Requests.Limit, s.Requests.BodyBytes = st.InFlight, st.Limit, st.Body
	s.Requests.HeldBytes, s.Requests.Waiting, s.Requests.Blocked, s.Requests.Failing = st.Held, st.Parked, st.Blocked, st.Failing
	return s
}
