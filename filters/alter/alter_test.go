package alter

import (
	"testing"

	"github.com/stretchr/testify/require"

	"millrace/filters/internal/filtertest"
)

func TestFilter(t *testing.T) {
	f := func(options, in, want string) {
		t.Helper()
		require.Equal(t, want, filtertest.New(t, Plugin, options).Run(in), options)
	}
	const static = `condrewrite => ["a-b", "hello", "goodbye"]`
	f(static, `{"a-b":"hello"}`, `{"a-b":"goodbye"} +`)
	f(static, `{"a-b":"greetings"}`, `{"a-b":"greetings"} +`)
	f(static, `{"a-b":["hello","x",5,"hello"]}`, `{"a-b":["goodbye","x",5,"goodbye"]} +`)
	f(static, `{"a-b":5}`, `{"a-b":5} +`)
	f(static, `{"x":1}`, `{"x":1} +`)
	const dynamic = `condrewrite => ["r", "%{test}", "%{value}"]`
	f(dynamic, `{"r":"hello","test":"hello","value":"bye"}`, `{"r":"bye","test":"hello","value":"bye"} +`)
	f(dynamic, `{"r":"hello"}`, `{"r":"hello"} +`)
	f(dynamic, `{"r":"%{test}"}`, `{"r":"%{value}"} +`)
	f(dynamic, `{"r":"hello","test":"hello"}`, `{"r":"%{value}","test":"hello"} +`)
	const other = `condrewriteother => ["t", "hello", "r", "bye"]`
	f(other, `{"t":"hello"}`, `{"t":"hello","r":"bye"} +`)
	f(other, `{"t":"hello","r":"x"}`, `{"t":"hello","r":"bye"} +`)
	f(other, `{"t":"no","r":"x"}`, `{"t":"no","r":"x"} +`)
	f(other, `{"t":["no","hello"]}`, `{"t":["no","hello"],"r":"bye"} +`)
	f(`condrewrite => ["a","1","2","a","2","3"] condrewriteother => ["a","3","b","%{a}"]`, `{"a":"1"}`, `{"a":"3","b":"3"} +`)
	f(`coalesce => ["c", "%{none}", "mine"]`, `{"c":"Hello"}`, `{"c":"mine"} +`)
	f(`coalesce => ["c", "%{none}", "nil", "100 %", "mine"]`, `{}`, `{"c":"100 %"} +`)
	f(`coalesce => ["c", "%{none}"]`, `{"c":1}`, `{"c":1} +`)
	f(`coalesce => ["[c][d]", "%{c}"]`, `{"c":"x"}`, `{"c":"x","tags":["_filter_error"]}`)
}

func TestDiagnostics(t *testing.T) {
	f := func(options, want string) {
		t.Helper()
		require.Contains(t, filtertest.Diagnose(Plugin, options), want)
	}
	f(`condrewrite => ["a","b"]`, `expected 3 items`)
	f(`condrewriteother => ["a","b","c"]`, `expected 4 items`)
	f(`coalesce => ["a"]`, `expected a field and texts`)
	f(`condrewrite => ["[a","b","c"]`, `FieldReference`)
	f(`condrewrite => ["a","%{[b}","c"]`, `every event will fail`)
	f(``, `does nothing`)
}

func BenchmarkFilter(b *testing.B) {
	filtertest.Bench(b, Plugin, `condrewrite => ["a","x","y"] condrewriteother => ["b","1","c","%{a}"] coalesce => ["d","%{none}","%{a}"]`, `{"a":"x","b":"1"}`)
}
