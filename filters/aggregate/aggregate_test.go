package aggregate

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"millrace/filters/internal/filtertest"
)

func TestDiagnostics(t *testing.T) {
	f := func(options string, want ...string) {
		t.Helper()
		got := filtertest.Diagnose(Plugin, options)
		for _, w := range want {
			require.Contains(t, got, w)
		}
	}
	f(`task_id => "%{id}" code => "map['n'] += 1"`, `test.conf:1:49: error: filter aggregate: option "code": the code needs the Ruby engine`, `transform`)
	f(`task_id => "fixed" code => ""`, `option "task_id": "fixed" must refer to a field`)
	f(`task_id => "fixed" code => "x" timeout => 10 inactivity_timeout => 10`, `must refer to a field`, `the Ruby engine`, `less than timeout, which is 10`)
	f(`task_id => "%{id}" code => "" timeout_code => "x"`, `option "timeout_code": the code needs the Ruby engine`)
	f(`task_id => "%{id}" code => "" push_map_as_event_on_timeout => true`, `option "push_map_as_event_on_timeout"`)
	f(`task_id => "%{id}" code => "" push_previous_map_as_event => true`, `option "push_previous_map_as_event"`)
	f(`task_id => "%{id}" code => "" map_action => "none"`, `must be one of "create"`)
	f(`code => ""`, `option "task_id" is required`)
	f(`task_id => "%{[id}" code => ""`, `option "task_id"`)
	f(`task_id => "%{id}" code => "" timeout => 0`, `greater than 0`)
}

func TestTasks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := func(r *filtertest.Runner, in string, want bool) {
			t.Helper()
			out := in
			if want {
				out += " +"
			}
			require.Equal(t, out, r.Run(in))
		}
		r := filtertest.New(t, Plugin, `task_id => "%{id}" code => "" map_action => "create" timeout => 10`)
		f(r, `{"id":1}`, true)
		f(r, `{"id":1}`, false)
		f(r, `{"id":2}`, true)
		f(r, `{"x":2}`, false)
		f(r, `{"id":""}`, false)
		time.Sleep(10 * time.Second) // the bubble's clock
		f(r, `{"id":1}`, true)
		r = filtertest.New(t, Plugin, `task_id => "%{id}" code => "" map_action => "update"`)
		f(r, `{"id":1}`, false)
		r = filtertest.New(t, Plugin, `task_id => "%{id}" code => " " end_of_task => true`)
		f(r, `{"id":1}`, true)
		require.Empty(t, r.Filter.(*filter).tasks)
	})
}

// The name of a task is kept, once.
func BenchmarkFilter(b *testing.B) {
	filtertest.Bench(b, Plugin, `task_id => "%{id}" code => ""`, `{"id":"task-42"}`)
}
