package pipebus

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"millrace/pipeline/event"
)

func decode(data string) *event.Event {
	e := event.New(nil)
	Codec().NewDecoder().Decode(&event.Record{Data: data}, func() *event.Event { return e })
	return e
}

// sample is an event with values of every kind.
func sample(t testing.TB) *event.Event {
	e := event.New(nil)
	v, _, _, err := e.ParseJSON(`{"text":"a\u0000ü","empty":"","int":-5,"float":1.5,"big":123456789012345678901234567890,"no":null,"yes":true,
		"false":false,"list":[1,[],"x",{"y":null}],"hash":{"a":{"b":{}}},"tags":["t"]}`)
	require.NoError(t, err)
	e.SetRoot(v.Object())
	e.Create(time.Unix(-5, 999_999_999))
	require.NoError(t, e.Set(event.MustPath("when"), event.TimeValue(time.Unix(1_700_000_000, 123))))
	require.NoError(t, e.Set(event.MustPath("inf"), event.FloatValue(math.Inf(-1))))
	require.NoError(t, e.Set(event.MustPath("[@metadata][a][b]"), event.IntValue(math.MinInt64)))
	return e
}

func TestEventsTravelUnchanged(t *testing.T) {
	e := sample(t)
	got := decode(string(AppendEvent(nil, e)))
	require.Equal(t, string(e.AppendJSON(nil)), string(got.AppendJSON(nil)))
	f := func(field string) {
		t.Helper()
		want, ok := e.Get(event.MustPath(field))
		require.True(t, ok)
		v, ok := got.Get(event.MustPath(field))
		require.True(t, ok)
		require.Equal(t, want.Kind(), v.Kind())
		require.True(t, want.Equal(v))
	}
	f("when")
	f("inf")
	f("big")
	f("@timestamp")
	f("[@metadata][a][b]")
}

func TestDamagedEventIsTagged(t *testing.T) {
	good := string(AppendEvent(nil, sample(t)))
	for i := range len(good) {
		require.True(t, decode(good[:i]).HasTag(MalformedTag), "cut at %d", i)
	}
	require.True(t, decode(good+"x").HasTag(MalformedTag))
}

func FuzzDecode(f *testing.F) {
	f.Add(string(AppendEvent(nil, sample(f))))
	f.Fuzz(func(t *testing.T, data string) {
		e := decode(data)
		again := decode(string(AppendEvent(nil, e)))
		if got, want := again.AppendJSON(nil), e.AppendJSON(nil); string(got) != string(want) {
			t.Fatalf("%q became %s, then %s", data, want, got)
		}
	})
}

func BenchmarkTravel(b *testing.B) {
	e := event.New(nil)
	v, _, _, _ := e.ParseJSON(`{"message":"GET /index.html HTTP/1.1","host":{"name":"web01"},"tags":["a"],"status":200,"bytes":12345,"agent":"curl"}`)
	e.SetRoot(v.Object())
	e.Create(time.Now())
	d, into := Codec().NewDecoder(), event.New(nil)
	next := func() *event.Event { return into }
	var buf []byte
	b.ReportAllocs()
	for b.Loop() {
		buf = AppendEvent(buf[:0], e)
		into.Reset()
		r := event.Record{Data: string(buf)}
		d.Decode(&r, next)
	}
}
