package esbulk

import "time"

// controller decides how many requests may be in flight and how large a body should be. Its law, evaluated once for each answer:
//
//   - The cost of a request is its time per byte, with 64 KiB added to its bytes for the work that every request has. The controller
//     keeps the least cost seen and a running mean over about eight answers. It forgets the least, by 5 % an answer, only while the number
//     is at its start, where nothing waits for anything: forgetting elsewhere takes the queue it made itself for the cluster's pace.
//   - A refusal (429, or 503 for the whole request) halves the number of requests, at most once in the time that a request takes: all
//     that were in flight together are one refusal.
//   - While the mean is more than three times the least, requests queue in the cluster: the number does not grow, and shrinks by a tenth
//     for an answer that took more than fastAnswer.
//   - Otherwise, if there was more to send than the limit allowed, the number grows by 1/number an answer, that is by one for each
//     round of answers: additive increase, multiplicative decrease, as TCP does and as Vector's adaptive concurrency does.
//   - The body follows the time of an answer: a full body that took less than a quarter of slowAnswer makes the next larger by an eighth,
//     up to the 1 MiB that it starts with, so that a distant cluster's body comes back after time-outs; beyond that only one that took
//     less than fastAnswer, when the number of requests cannot grow (a larger body saves little then, and costs memory); one that took
//     more than slowAnswer makes it smaller by a quarter, and a time-out or 413 by half. 413 also bounds it for good.
type controller struct {
	limit    float64
	maxLimit float64

	body, minBody, maxBody int

	least, mean float64       // of the cost, in seconds a byte
	latency     time.Duration // running mean of the time of an answer, over about eight
	lastCut     time.Time
}

const (
	requestOverhead = 64 << 10
	startLimit      = 2
	startBody       = 1 << 20
	smallestBody    = 32 << 10
	fastAnswer      = 100 * time.Millisecond
	slowAnswer      = 2 * time.Second
)

func newController(maxLimit, maxBody int) controller {
	return controller{
		limit: float64(min(startLimit, maxLimit)), maxLimit: float64(maxLimit),
		body: min(startBody, maxBody), minBody: min(smallestBody, maxBody), maxBody: maxBody,
	}
}

// requests returns how many may be in flight.
func (c *controller) requests() int { return int(c.limit) }

// answered tells of an answer that refused nothing. saturated says that more was waiting than the limit let go.
func (c *controller) answered(bytes int, took time.Duration, saturated bool) {
	cost := took.Seconds() / float64(bytes+requestOverhead)
	if c.mean == 0 {
		c.least, c.mean, c.latency = cost, cost, took
	}
	c.latency += (took - c.latency) / 8
	c.mean += (cost - c.mean) / 8
	if c.limit <= startLimit {
		c.least *= 1.05
	}
	c.least = min(c.least, cost)
	switch {
	case c.mean > 3*c.least:
		if took >= fastAnswer && c.limit > startLimit {
			c.limit = max(startLimit, c.limit*0.9)
		}
	case saturated:
		c.limit = min(c.maxLimit, c.limit+1/c.limit)
	}
	switch {
	case took > slowAnswer:
		c.shrink(bytes, 3, 4)
	case saturated && bytes >= c.body && (took < slowAnswer/4 && c.body < startBody || took < fastAnswer && c.limit >= c.maxLimit):
		c.body = min(c.maxBody, c.body+c.body/8)
	}
}

// refused tells that the cluster is overloaded; took is what its answer took.
func (c *controller) refused(now time.Time, took time.Duration) {
	if now.Sub(c.lastCut) < took {
		return
	}
	c.lastCut = now
	c.limit = max(1, c.limit/2)
}

// timedOut tells that a request of that size brought no answer.
func (c *controller) timedOut(bytes int) { c.shrink(bytes, 1, 2) }

// tooLarge tells of a 413: no body of that size again.
func (c *controller) tooLarge(bytes int) {
	c.maxBody = max(1<<10, min(c.maxBody, bytes/2))
	c.minBody = min(c.minBody, c.maxBody)
	c.body = min(c.body, c.maxBody)
}

// shrink sets the body to a part of what was too much, unless it is smaller already.
func (c *controller) shrink(bytes, num, den int) {
	c.body = max(c.minBody, min(c.body, bytes*num/den))
}
