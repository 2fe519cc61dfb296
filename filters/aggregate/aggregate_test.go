package aggregate

import (
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"millrace/filters/internal/filtertest"
	"millrace/pipeline/event"
)

func TestDiagnostics(t *testing.T) {
	f := func(options string, want ...string) {
		t.Helper()
		got := filtertest.Diagnose(Plugin, options)
		for _, w := range want {
			require.Contains(t, got, w)
		}
	}
	f(`task_id => "%{id}" code => "map['n'] +"`, `test.conf:1:60`, `option "code": line 1, column 11: syntax error`)
	f(`task_id => "%{id}" code => "map.frobnicate"`, `no class has a method "frobnicate"`)
	f(`task_id => "%{id}" code => "Nope.new"`, `unknown constant Nope`)
	f(`task_id => "%{id}" code => "require 'nope'"`, `no such file to load -- nope`)
	f(`task_id => "fixed" code => ""`, `option "task_id": "fixed" must refer to a field`)
	f(`task_id => "fixed" code => "x +" timeout => 10 inactivity_timeout => 10`, `must refer to a field`, `syntax error`, `less than timeout, which is 10`)
	f(`task_id => "%{id}" code => "" timeout_code => "x ("`, `option "timeout_code"`)
	f(`task_id => "%{id}" code => "" map_action => "none"`, `must be one of "create"`)
	f(`code => ""`, `option "task_id" is required`)
	f(`task_id => "%{[id}" code => ""`, `option "task_id"`)
	f(`task_id => "%{id}" code => "" timeout => 0`, `greater than 0`)
}

// spawner collects the events of a flush.
type spawner struct{ made []*event.Event }

func (s *spawner) New() *event.Event {
	e := event.New(nil)
	s.made = append(s.made, e)
	return e
}

func (s *spawner) Succeed(*event.Event) {}

// flush returns what a flush makes, without the reserved fields.
func flush(f *filter, final bool) (out []string) {
	var s spawner
	f.Flush(time.Now(), final, &s)
	for _, e := range s.made {
		e.Root().Delete(event.TimestampField)
		e.Root().Delete(event.VersionField)
		out = append(out, string(e.AppendJSON(nil)))
	}
	return out
}

func TestTasks(t *testing.T) {
	f := func(r *filtertest.Runner, in, want string) {
		t.Helper()
		require.Equal(t, want, r.Run(in))
	}
	r := filtertest.New(t, Plugin, `task_id => "%{id}" code => "map['n'] = (map['n'] || 0) + 1; event.set('n', map['n'])"`)
	f(r, `{"id":1}`, `{"id":1,"n":1} +`)
	f(r, `{"id":1}`, `{"id":1,"n":2} +`)
	f(r, `{"id":2}`, `{"id":2,"n":1} +`)
	f(r, `{"x":2}`, `{"x":2}`)
	r = filtertest.New(t, Plugin, `task_id => "%{id}" code => "" map_action => "update"`)
	f(r, `{"id":1}`, `{"id":1}`)
	r = filtertest.New(t, Plugin, `task_id => "%{id}" code => "nil.upcase rescue raise 'no'" end_of_task => true`)
	f(r, `{"id":1}`, `{"id":1,"tags":["_aggregateexception"]}`)
	require.Zero(t, r.Filter.(*filter).tasks.order.Len())
	r = filtertest.New(t, Plugin, `task_id => "%{id}" code => "event.set('m', map_meta.task_id); new_event_block.call(LogStash::Event.new('of' => map_meta.task_id, '@timestamp' => event.timestamp))" map_count_warning_threshold => 1`)
	f(r, `{"id":1}`, `{"id":1,"m":"1"} +`+"\n"+`{"of":"1"}`)
}

func TestTimeouts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := filtertest.New(t, Plugin, `task_id => "%{id}" code => "map['n'] = (map['n'] || 0) + 1" push_map_as_event_on_timeout => true timeout => 60 inactivity_timeout => 20
			timeout_task_id_field => "task" timeout_tags => ["t", "n%{n}"] timeout_code => "event.set('double', event.get('n') * 2)"`)
		f := r.Filter.(*filter)
		r.Run(`{"id":"a"}`)
		r.Run(`{"id":"a"}`)
		require.Empty(t, flush(f, false))
		time.Sleep(15 * time.Second) // the bubble's clock
		r.Run(`{"id":"b"}`)
		time.Sleep(11 * time.Second)
		require.Equal(t, []string{`{"n":2,"task":"a","tags":["t","n2"],"double":4}`}, flush(f, false))
		require.Empty(t, flush(f, true), "b is not over")
		time.Sleep(time.Minute)
		require.Equal(t, []string{`{"n":1,"task":"b","tags":["t","n1","_aggregatefinalflush"],"double":2}`}, flush(f, true))

		r = filtertest.New(t, Plugin, `task_id => "%{id}" code => "map['n'] = 1; map['@timestamp'] = event.timestamp" push_previous_map_as_event => true timeout_code => "raise 'x'"`)
		r.Run(`{"id":"a"}`)
		require.Equal(t, `{"id":"b"} +`+"\n"+`{"n":1,"tags":["_aggregateexception"]}`, r.Run(`{"id":"b"}`))
		require.Len(t, flush(r.Filter.(*filter), true), 1)
	})
}

func TestMapsAreKept(t *testing.T) {
	path := filepath.Join(t.TempDir(), "maps")
	options := `task_id => "%{id}" code => "(map['l'] ||= []) << event.get('x'); event.set('l', map['l'])" aggregate_maps_path => "` + path + `"`
	r := filtertest.New(t, Plugin, options)
	require.NoError(t, r.Filter.(*filter).Start(t.Context()))
	r.Run(`{"id":"a","x":1}`)
	require.NoError(t, r.Filter.(*filter).Close())
	r = filtertest.New(t, Plugin, options)
	require.NoError(t, r.Filter.(*filter).Start(t.Context()))
	require.NoFileExists(t, path)
	require.Equal(t, `{"id":"a","x":"y","l":[1,"y"]} +`, r.Run(`{"id":"a","x":"y"}`))
	require.NoError(t, os.WriteFile(path, []byte("\x04\x08{"), 0o600))
	require.ErrorContains(t, r.Filter.(*filter).Start(t.Context()), "must be JSON")
}

func BenchmarkFilter(b *testing.B) {
	filtertest.Bench(b, Plugin, `task_id => "%{id}" code => "map['n'] = (map['n'] || 0) + 1"`, `{"id":"task-42"}`)
}
