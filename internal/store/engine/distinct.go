package engine

import (
	"math"
	"math/bits"
)

// distinct counts different hashes: exactly up to 3000, Elasticsearch's default for precision_threshold, then with HyperLogLog in 16 KB,
// where the count is wrong by 0.8 % or so.
type distinct struct {
	exact     map[uint64]struct{}
	registers []uint8
}

const (
	distinctExact = 3000
	distinctBits  = 14
)

func (d *distinct) add(h uint64) {
	if d.registers != nil {
		d.register(h)
		return
	}
	if d.exact == nil {
		d.exact = map[uint64]struct{}{}
	}
	d.exact[h] = struct{}{}
	if len(d.exact) > distinctExact {
		d.registers = make([]uint8, 1<<distinctBits)
		for h := range d.exact {
			d.register(h)
		}
		d.exact = nil
	}
}

func (d *distinct) register(h uint64) {
	i := h >> (64 - distinctBits)
	rank := uint8(bits.LeadingZeros64(h<<distinctBits|1<<(distinctBits-1)) + 1)
	d.registers[i] = max(d.registers[i], rank)
}

// estimate returns the count: of registers by Ertl's estimator ("New cardinality estimation algorithms for HyperLogLog sketches", 2017),
// which needs no tables of corrections.
func (d *distinct) estimate() float64 {
	if d.registers == nil {
		return float64(len(d.exact))
	}
	const q = 64 - distinctBits
	var histogram [q + 2]int
	for _, r := range d.registers {
		histogram[min(int(r), q+1)]++
	}
	m := float64(len(d.registers))
	z := m * tau(1-float64(histogram[q+1])/m)
	for k := q; k >= 1; k-- {
		z = 0.5 * (z + float64(histogram[k]))
	}
	z += m * sigma(float64(histogram[0])/m)
	return math.Round(m * m / (2 * math.Ln2) / z)
}

func sigma(x float64) float64 {
	if x == 1 {
		return math.Inf(1)
	}
	y, z := 1.0, x
	for {
		x *= x
		before := z
		z += x * y
		y += y
		if z == before {
			return z
		}
	}
}

func tau(x float64) float64 {
	if x == 0 || x == 1 {
		return 0
	}
	y, z := 1.0, 1-x
	for {
		x = math.Sqrt(x)
		before := z
		y *= 0.5
		z -= (1 - x) * (1 - x) * y
		if z == before {
			return z / 3
		}
	}
}
