package metrics

import (
	"math"
	"math/rand/v2"
	"slices"
)

var rateMinutes = [3]int{1, 5, 15}

// meter counts, and keeps the rates per second as averages over minutes that forget exponentially.
type meter struct {
	count int64
	fresh int64 // since the last tick
	begun bool
	rates [3]float64
}

// tick ends a period of 5 seconds.
func (m *meter) tick() {
	now := float64(m.fresh) / period.Seconds()
	m.fresh = 0
	for i, minutes := range rateMinutes {
		if !m.begun {
			m.rates[i] = now
			continue
		}
		alpha := 1 - math.Exp(-period.Seconds()/60/float64(minutes))
		m.rates[i] += alpha * (now - m.rates[i])
	}
	m.begun = true
}

// timer measures values: the extremes, the mean and the deviation of all of them, and the distribution of a sample in which young ones
// prevail.
type timer struct {
	meter
	min, max, mean, m2 float64

	sample []weighted // sampleSize at most; a name that an event makes up costs little
	ticks  int
}

// sampleSize and decay are those of the sample that Logstash's metrics keep: 99.9 % confidence, weighted to the last five minutes.
const (
	sampleSize = 1028
	decay      = 0.015
	rescale    = 3600 / 5 // ticks until weights are made small again
)

// weighted is a value with the weight that decides whether it stays in the sample.
type weighted struct{ priority, value float64 }

func newTimer() *timer { return new(timer) }

func (t *timer) update(v float64) {
	t.count++
	t.fresh++
	if t.count == 1 {
		t.min, t.max = v, v
	}
	t.min, t.max = min(t.min, v), max(t.max, v)
	delta := v - t.mean
	t.mean += delta / float64(t.count)
	t.m2 += delta * (v - t.mean)
	w := weighted{math.Exp(decay*period.Seconds()*float64(t.ticks)) / (1 - rand.Float64()), v}
	switch {
	case len(t.sample) < sampleSize:
		t.sample = append(t.sample, w)
		t.up(len(t.sample) - 1)
	case w.priority > t.sample[0].priority:
		t.sample[0] = w
		t.down()
	}
}

// The sample is a heap with the smallest weight first.

func (t *timer) up(i int) {
	for i > 0 {
		parent := (i - 1) / 2
		if t.sample[parent].priority <= t.sample[i].priority {
			return
		}
		t.sample[parent], t.sample[i] = t.sample[i], t.sample[parent]
		i = parent
	}
}

func (t *timer) down() {
	for i := 0; ; {
		child := 2*i + 1
		if child >= len(t.sample) {
			return
		}
		if child+1 < len(t.sample) && t.sample[child+1].priority < t.sample[child].priority {
			child++
		}
		if t.sample[i].priority <= t.sample[child].priority {
			return
		}
		t.sample[i], t.sample[child] = t.sample[child], t.sample[i]
		i = child
	}
}

func (t *timer) tick() {
	t.meter.tick()
	if t.ticks++; t.ticks >= rescale {
		factor := math.Exp(-decay * period.Seconds() * float64(t.ticks))
		for i := range t.sample {
			t.sample[i].priority *= factor
		}
		t.ticks = 0
	}
}

// stddev is the square root of the standard deviation. Logstash's library once gave the variance here, of which the filter takes the root;
// the library was mended, the filter was not, and its tests ask for 3.16 for 10, 20 and 30. Whoever moves over compares the numbers.
func (t *timer) stddev() float64 {
	if t.count < 2 {
		return 0
	}
	return math.Sqrt(math.Sqrt(t.m2 / float64(t.count-1)))
}

// sorted returns the values of the sample in order.
func (t *timer) sorted() []float64 {
	values := make([]float64, len(t.sample))
	for i := range values {
		values[i] = t.sample[i].value
	}
	slices.Sort(values)
	return values
}

// percentile interpolates between the values on both sides.
func percentile(values []float64, p float64) float64 {
	n := len(values)
	pos := p / 100 * float64(n+1)
	switch {
	case n == 0:
		return 0
	case pos < 1:
		return values[0]
	case pos >= float64(n):
		return values[n-1]
	}
	lower, upper := values[int(pos)-1], values[int(pos)]
	return lower + (pos-math.Floor(pos))*(upper-lower)
}
