package elapsed

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"millrace/filters/internal/filtertest"
	"millrace/pipeline/event"
)

const options = `start_tag => "s" end_tag => "e" unique_id_field => "id" `

const end = `{"id":7,"tags":["e"],"@timestamp":"2024-01-02T03:04:07.500Z"}`

func TestMatch(t *testing.T) {
	r := filtertest.New(t, Plugin, options)
	f := func(in, want string) { t.Helper(); require.Equal(t, want, r.Run(in)) }
	f(`{"id":7}`, `{"id":7}`)
	f(`{"tags":["s"]}`, `{"tags":["s"]}`)
	f(`{"id":7,"tags":["s"]}`, `{"id":7,"tags":["s"]} +`)
	f(`{"id":7,"tags":["s"],"@timestamp":"2024-01-02T03:04:06.000Z"}`, `{"id":7,"tags":["s"],"@timestamp":"2024-01-02T03:04:06.000Z"} +`)
	f(end, `{"id":7,"tags":["e","elapsed","elapsed_match"],"@timestamp":"2024-01-02T03:04:07.500Z","elapsed_time":2.5,"elapsed_timestamp_start":"2024-01-02T03:04:05.000Z"} +`)
	f(end, `{"id":7,"tags":["e","elapsed_end_without_start"],"@timestamp":"2024-01-02T03:04:07.500Z"} +`)
}

func TestKeepLast(t *testing.T) {
	r := filtertest.New(t, Plugin, options+`keep_start_event => last`)
	r.Run(`{"id":7,"tags":["s"]}`)
	r.Run(`{"id":7,"tags":["s"],"@timestamp":"2024-01-02T03:04:06.000Z"}`)
	require.Contains(t, r.Run(end), `"elapsed_time":1.5`)
}

func TestNewEvent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // whose clock stands at 2000-01-01
		r := filtertest.New(t, Plugin, options+`new_event_on_match => true`)
		r.Run(`{"id":"x","tags":["s"]}`)
		require.Equal(t, `{"id":"x","tags":["e"]} +`+"\n"+`{"@timestamp":"2000-01-01T00:00:00.000Z","host":"","tags":["elapsed","elapsed_match"],"elapsed_time":0.0,`+
			`"elapsed_timestamp_start":"2024-01-02T03:04:05.000Z","id":"x"} +`, r.Run(`{"id":"x","tags":["e"]}`))
	})
}

type made struct{ events []*event.Event }

func (m *made) New() *event.Event {
	e := event.New(nil)
	m.events = append(m.events, e)
	return e
}

func (m *made) Succeed(*event.Event) {}

func TestExpired(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := filtertest.New(t, Plugin, options+`timeout => 10`)
		f := r.Filter.(*filter)
		r.Run(`{"id":{"a":1},"tags":["s"]}`)
		r.Run(`{"id":2,"tags":["s"]}`)
		r.Run(`{"id":2,"tags":["e"]}`)
		var m made
		f.Flush(time.Now().Add(9*time.Second), false, &m)
		require.Empty(t, m.events)
		require.Len(t, f.order, 1)
		f.Flush(time.Now().Add(10*time.Second), false, &m)
		require.Len(t, m.events, 1)
		require.Equal(t, `{"@timestamp":"2000-01-01T00:00:00.000Z","@version":"1","host":"","tags":["elapsed","elapsed_expired_error"],"elapsed_time":10,`+
			`"elapsed_timestamp_start":"2024-01-02T03:04:05.000Z","id":{"a":1}}`, string(m.events[0].AppendJSON(nil)))
		require.Empty(t, f.tasks)
	})
}

func TestDiagnostics(t *testing.T) {
	require.Contains(t, filtertest.Diagnose(Plugin, `end_tag => "e"`), `option "start_tag" is required`)
	require.Contains(t, filtertest.Diagnose(Plugin, options+`keep_start_event => "both"`), `must be one of "first", "last"`)
}

func BenchmarkFilter(b *testing.B) {
	filtertest.Bench(b, Plugin, options, `{"id":7,"tags":["e"]}`)
}
