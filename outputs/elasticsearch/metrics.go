package elasticsearch

import "strconv"

// NodeStats returns what the output counts, for /_node/stats: Logstash's documents and bulk_requests, and how requests are doing.
func (out *output) NodeStats() map[string]any {
	m, st := out.metrics, out.sender.State()
	responses := make(map[string]int64)
	for status, n := range m.Responses() {
		responses[strconv.Itoa(status)] = n
	}
	stats := map[string]any{
		"documents": map[string]any{
			"successes":              out.env.Stats.Delivered.Load(),
			"non_retryable_failures": m.NonRetryable.Load(),
			"retryable_failures":     m.Retryable.Load(),
			"dlq_routed":             out.env.Stats.DeadLettered.Load(),
		},
		"bulk_requests": map[string]any{
			"successes": m.Requests.Load(), "with_errors": m.WithErrors.Load(), "failures": m.Failures.Load(), "responses": responses,
		},
		"requests": map[string]any{
			"in_flight": st.InFlight, "limit": st.Limit, "body_in_bytes": st.Body, "held_in_bytes": st.Held, "to_repeat": st.Parked,
			"blocked": st.Blocked, "failing": st.Failing, "latency_in_micros": st.Latency.Microseconds(),
		},
	}
	if uuid := out.admin.cluster.Load(); uuid != nil {
		stats["cluster_uuid"] = *uuid
	}
	return stats
}
