package pipetest

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"millrace/codecs"
	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

// counter drops events and gives their number at the end.
type counter struct{ n int64 }

func (c *counter) Filter(e *event.Event) bool {
	c.n++
	e.Cancel()
	return false
}

func (*counter) FlushInterval() time.Duration { return time.Hour }

func (c *counter) Flush(_ time.Time, final bool, out plugin.Spawner) {
	if final && c.n > 0 {
		out.New().Root().Set("count", event.IntValue(c.n))
	}
}

// TestFlush: what filters give at the end belongs to the case, in our files; in those of logstash-filter-verifier to the file.
func TestFlush(t *testing.T) {
	f := func(name, test string, want ...string) {
		t.Helper()
		dir := t.TempDir()
		write(t, dir, "a.conf", "filter { count { } }")
		o := options(t)
		o.Configs = []string{dir + "/a.conf"}
		o.Registry = plugin.NewRegistry(codecs.All(), []*plugin.Definition{
			plugin.DefineFilter("count", noOptions{}, func(noOptions, *plugin.Env) (plugin.Filter, error) { return new(counter), nil }),
		})
		results, err := runFile(t, o, write(t, dir, name, test))
		require.NoError(t, err)
		var got []string
		for _, res := range results {
			got = append(got, fmt.Sprint(res.Failed(), " ", mustJSON(nonNil(res.Actual))))
		}
		require.Equal(t, want, got)
	}
	const cases = "ignore: ['@timestamp']\ntestcases:\n- input: [a, b]\n  expected: [{ count: 2 }]\n- input: c\n  expected: [{ count: 1 }]\n"
	f("a.test.yml", cases, `false [{"count":2}]`, `false [{"count":1}]`)
	f("a.test.yml", "isolate: false\n"+cases, `true []`, `true [{"count":3}]`)
	f("lfv.yml", cases, `true []`, `true [{"count":3}]`)
	f("lfv.yml", "ignore: ['@timestamp']\ntestcases:\n- input: [a, b]\n  expected: [{ count: 3 }]\n- input: [c]\n  expected: []\n", `false []`, `false [{"count":3}]`)
}
