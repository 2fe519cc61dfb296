// Package load makes log lines as they are found in the field and sends them over TCP, each with a mark that tells its
// number and the time it was due.
package load

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"millrace/bench/internal/mark"
)

// poolLines is how many different lines a workload has: enough that no cache of a whole line or of all its values helps,
// few enough (0.5 MB) that the sender stays in the processor's cache.
const poolLines = 2048

// poolSeed makes the lines the same in every run.
const poolSeed = 20261121

// Workloads lists the names that NewPool knows, with what they are.
func Workloads() []string {
	names := make([]string, 0, len(makers))
	for name := range makers {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// makers make one line, with a blank mark and without newline; i numbers the lines of the pool.
var makers = map[string]func(r *rand.Rand, i int) string{
	"apache":     apacheLine,
	"json":       jsonLine,
	"raw":        rawLine,
	"syslog":     syslog3164Line,
	"syslog5424": syslog5424Line,
	"syslogmix":  syslogMixLine,
	"firewall":   firewallLine,
	"patterns":   patternLine,
	"reallife":   reallifeLine,
}

// Pool is the prepared lines of a workload, one after the other.
type Pool struct {
	lines []string
	marks []int // where the mark is in each line
	bytes int
}

// NewPool makes the lines of a workload.
func NewPool(workload string) (*Pool, error) {
	line, ok := makers[workload]
	if !ok {
		return nil, fmt.Errorf("unknown workload %q: there are %s", workload, strings.Join(Workloads(), ", "))
	}
	r := rand.New(rand.NewPCG(poolSeed, 0))
	p := &Pool{}
	for i := range poolLines {
		l := line(r, i) + "\n"
		at := strings.Index(l, mark.Blank)
		if at < 0 || strings.Count(l, "\n") != 1 {
			panic("BUG: a line of workload " + workload + " has no mark or a newline inside: " + l)
		}
		p.lines = append(p.lines, l)
		p.marks = append(p.marks, at)
		p.bytes += len(l)
	}
	return p, nil
}

// MeanLength is the mean length of a line with its newline.
func (p *Pool) MeanLength() float64 { return float64(p.bytes) / float64(len(p.lines)) }

// Append appends line number seq, marked as due at micros.
func (p *Pool) Append(dst []byte, seq uint64, micros int64) []byte {
	i := seq % uint64(len(p.lines))
	at := len(dst) + p.marks[i]
	dst = append(dst, p.lines[i]...)
	mark.Stamp(dst[at:], seq, micros)
	return dst
}

func pick[T any](r *rand.Rand, of []T) T { return of[r.IntN(len(of))] }

func ip(r *rand.Rand) string {
	return fmt.Sprintf("%d.%d.%d.%d", 11+r.IntN(200), r.IntN(256), r.IntN(256), 1+r.IntN(254))
}
