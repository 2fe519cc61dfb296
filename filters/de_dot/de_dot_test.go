package dedot

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"millrace/filters/internal/filtertest"
	"millrace/pipeline/event"
)

func run(t *testing.T) func(options, in, want string) {
	return func(options, in, want string) {
		t.Helper()
		require.Equal(t, want, filtertest.New(t, Plugin, options).Run(in), options)
	}
}

func TestTop(t *testing.T) {
	f := run(t)
	f(``, `{"acme.roller.skates":"coyote","no_dot":1,"n":{"x.y":1}}`, `{"no_dot":1,"n":{"x.y":1},"acme_roller_skates":"coyote"} +`)
	f(`separator => "___"`, `{"foo.bar":"pass"}`, `{"foo___bar":"pass"} +`)
	f(`separator => ""`, `{"foo.bar":"pass"}`, `{"foobar":"pass"} +`)
	f(`nested => true`, `{"acme.roller.skates":"coyote","acme":{"x":1}}`, `{"acme":{"x":1,"roller":{"skates":"coyote"}}} +`)
	f(`nested => true`, `{"a.b":1,"a.c":2}`, `{"a":{"b":1,"c":2}} +`)
}

func TestListed(t *testing.T) {
	f := run(t)
	f(`fields => ["[acme][roller.skates]"]`, `{"acme":{"roller.skates":"coyote"},"foo.bar":1}`, `{"acme":{"roller_skates":"coyote"},"foo.bar":1} +`)
	f(`nested => true fields => ["[acme][roller.skates]","foo.bar","[a.b][c.d][e.f]"]`,
		`{"acme":{"roller.skates":"coyote"},"a.b":{"c.d":{"e.f":"finally"}}}`, `{"acme":{"roller":{"skates":"coyote"}},"a":{"b":{"c":{"d":{"e":{"f":"finally"}}}}}} +`)
	f(`fields => ["[l][0][a.b]"]`, `{"l":[{"a.b":1}]}`, `{"l":[{"a_b":1}]} +`)
	f(`fields => ["[@metadata][a.b]"]`, `{"@metadata":{"a.b":1}}`, `{} @metadata={"a_b":1} +`)
	f(`fields => ["plain","missing.dot"]`, `{"plain":1}`, `{"plain":1} +`)
	f(`fields => []`, `{"a.b":1}`, `{"a.b":1} +`)
	// Logstash removes the first parent with a dot, and loses what else is in it.
	f(`fields => ["[a.b][c.d]"]`, `{"a.b":{"c.d":1,"other":2}}`, `{"a.b":{"other":2},"a_b":{"c_d":1}} +`)
}

func TestRecursive(t *testing.T) {
	f := run(t)
	f(`recursive => true`, `{"acme":{"roller.skates":"coyote","nodot":1}}`, `{"acme":{"nodot":1,"roller_skates":"coyote"}} +`)
	f(`recursive => true nested => true`, `{"acme":{"super.duper":{"roller.skates":"coyote","nodot":1}}}`,
		`{"acme":{"super":{"duper":{"nodot":1,"roller":{"skates":"coyote"}}}}} +`)
	f(`recursive => true nested => true fields => ["acme","foo.bar","a.b"]`,
		`{"acme":{"roller.skates":"coyote"},"foo.bar":1,"a.b":{"c.d":{"e.f":"finally"}},"x.y":2}`,
		`{"acme":{"roller":{"skates":"coyote"}},"x.y":2,"foo":{"bar":1},"a":{"b":{"c":{"d":{"e":{"f":"finally"}}}}}} +`)
}

func TestFailures(t *testing.T) {
	f := run(t)
	f(`nested => true`, `{"a.b":1,"a":"scalar","c.d":2}`, `{"a.b":1,"a":"scalar","c":{"d":2},"tags":["_de_dot_error"]}`)
	f(`nested => true`, `{"a..b":1,".c":2,"d.":3}`, `{"a..b":1,".c":2,"d.":3,"tags":["_de_dot_error"]}`)
	f(`nested => true tag_on_failure => "no"`, `{"tags.x":1}`, `{"tags.x":1,"tags":["no"]}`)
	f(`nested => true fields => ["a.b"]`, `{"a.b":1,"a":[1]}`, `{"a.b":1,"a":[1],"tags":["_de_dot_error"]}`)
	f(`nested => true fields => ["a.b"]`, `{"a.b":1,"a":5}`, `{"a.b":1,"a":5,"tags":["_de_dot_error"]}`)
	f(`separator => "" fields => ["tag.s"]`, `{"tag.s":1}`, `{"tag.s":1,"tags":["_de_dot_error"]}`)
	f(`separator => ""`, `{"tag.s":1}`, `{"tag.s":1,"tags":["_de_dot_error"]}`)
}

func TestDiagnostics(t *testing.T) {
	require.Contains(t, filtertest.Diagnose(Plugin, `separator => "-.-"`), "cannot be or contain a dot")
	require.Contains(t, filtertest.Diagnose(Plugin, `fields => ["[a.b"]`), "warning")
}

// FuzzFilter checks that no value is lost, whatever the names are.
func FuzzFilter(f *testing.F) {
	for _, s := range []string{"a.b", "a..b", ".", "a.b.c", "tags.x", "@timestamp.x", "x.tags", "a[0].b", "@metadata.a"} {
		f.Add(s, "a", true)
		f.Add(s, "a.b", false)
	}
	nested, flat := filtertest.New(f, Plugin, `nested => true recursive => true`), filtertest.New(f, Plugin, `recursive => true separator => "·"`)
	f.Fuzz(func(t *testing.T, name, other string, nest bool) {
		if name == other || strings.Contains(name+other, "·") {
			return
		}
		e := event.New(nil)
		for i, n := range []string{name, other} {
			if n == event.TagsField || strings.HasPrefix(n, "@") && !strings.Contains(n, ".") {
				return
			}
			o := e.NewObject()
			o.Set("in."+n, event.StringValue([]string{"first value", "second value"}[i]))
			e.Root().Set(n, event.ObjectValue(o))
		}
		e.Create(filtertest.Now)
		if nest {
			nested.Filter.Filter(e)
		} else {
			flat.Filter.Filter(e)
		}
		text := string(e.AppendJSON(nil)) + string(e.Metadata().AppendJSON(nil))
		require.Contains(t, text, "first value")
		require.Contains(t, text, "second value")
	})
}

func BenchmarkFilter(b *testing.B) {
	const doc = `{"acme.roller.skates":"coyote","plain":1,"host.name":"h"}`
	b.Run("flat", func(b *testing.B) { filtertest.Bench(b, Plugin, ``, doc) })
	b.Run("nested", func(b *testing.B) { filtertest.Bench(b, Plugin, `nested => true`, doc) })
	b.Run("listed", func(b *testing.B) { filtertest.Bench(b, Plugin, `fields => ["host.name"]`, doc) })
}
