package mutate

import (
	"testing"

	"github.com/stretchr/testify/require"

	"millrace/filters/internal/filtertest"
)

// run returns an f-test: options, event in, event out.
func run(t *testing.T) func(options, in, want string) {
	return func(options, in, want string) {
		t.Helper()
		require.Equal(t, want, filtertest.New(t, Plugin, options).Run(in), options)
	}
}

func TestBasics(t *testing.T) {
	f := run(t)
	f(``, `{"a":1}`, `{"a":1} +`)
	f(`rename => ["rename1", "rename2"]`, `{"rename1":["x"]}`, `{"rename2":["x"]} +`)
	f(`rename => ["nosuchfield", "hello"]`, `{"a":1}`, `{"a":1} +`)
	f(`rename => ["field_%{x}", "destination"]`, `{"field_one":"v","x":"one"}`, `{"x":"one","destination":"v"} +`)
	f(`rename => ["origin", "field_%{x}"]`, `{"origin":"v","x":"one"}`, `{"x":"one","field_one":"v"} +`)
	f(`replace => ["a", "hello world"] replace => ["b", "%{a}!"]`, `{"a":["who cares"]}`, `{"a":"hello world","b":"hello world!"} +`)
	f(`update => ["nosuchfield", "weee"] update => ["a", "updated"]`, `{"a":["who cares"]}`, `{"a":"updated"} +`)
	f(`coerce => { "a" => "Hello" "b" => 5 "c" => false "d" => "x" }`, `{"a":null,"b":null,"c":true}`, `{"a":"Hello","b":"5","c":true} +`)
	f(`copy => { "a" => "[b][c]" }`, `{"a":{"x":[1]}}`, `{"a":{"x":[1]},"b":{"c":{"x":[1]}}} +`)
	f(`copy => { "a" => "b" }`, `{"a":null}`, `{"a":null} +`)
	f(`copy => { "a" => "b_%{a}" }`, `{"a":"x"}`, `{"a":"x","b_%{a}":"x"} +`)
}

func TestFailures(t *testing.T) {
	f := run(t)
	// What follows the failing operation is left out.
	f(`replace => { "[s][t]" => "x" } uppercase => ["s"]`, `{"s":"a"}`, `{"s":"a","tags":["_mutate_error"]}`)
	f(`replace => { "[s" => "x" } tag_on_failure => "mine"`, `{"s":"a"}`, `{"s":"a","tags":["mine"]}`)
	f(`replace => { "s" => "%{+QQ}" }`, `{"s":"a"}`, `{"s":"a","tags":["_mutate_error"]}`)
	f(`replace => { "tags" => "x" }`, `{"tags":["a"]}`, `{"tags":"x"} +`)
	f(`merge => { "tags" => "n" }`, `{"tags":["a"],"n":5}`, `{"tags":["a","_mutate_error"],"n":5}`)
	f(`split => { "m" => 5 }`, `{"m":"a5b"}`, `{"m":"a5b","tags":["_mutate_error"]}`)
	f(`join => { "m" => 5 }`, `{"m":["a"]}`, `{"m":["a"],"tags":["_mutate_error"]}`)
	f(`join => { "m" => 5 }`, `{"m":"a"}`, `{"m":"a"} +`)
}

// Logstash loses the source of a rename that fails; we keep it.
func TestRenameKeepsItsSource(t *testing.T) {
	f := run(t)
	f(`rename => { "a" => "[b" }`, `{"a":"v"}`, `{"a":"v","tags":["_mutate_error"]}`)
	f(`rename => { "a" => "[s][t]" }`, `{"a":"v","s":"text"}`, `{"s":"text","a":"v","tags":["_mutate_error"]}`)
	f(`rename => { "a" => "@timestamp" }`, `{"a":"v"}`, `{"a":"v","tags":["_mutate_error"]}`)
	f(`rename => { "a" => "tags" }`, `{"a":5}`, `{"a":5,"tags":["_mutate_error"]}`)
	f(`rename => { "a" => "[l][name]" }`, `{"a":5,"l":[1]}`, `{"l":[1],"a":5,"tags":["_mutate_error"]}`)
	f(`rename => { "[l][0]" => "[s][t]" }`, `{"s":"x","l":["p","q"]}`, `{"s":"x","l":["p","q"],"tags":["_mutate_error"]}`)
	f(`rename => { "[l][-2]" => "[s][t]" }`, `{"s":"x","l":["p","q","r"]}`, `{"s":"x","l":["p","q","r"],"tags":["_mutate_error"]}`)
	f(`rename => { "[o][a]" => "[s][t]" }`, `{"s":"x","o":{"a":{"b":1}}}`, `{"s":"x","o":{"a":{"b":1}},"tags":["_mutate_error"]}`)
	f(`rename => { "[@metadata][l][1]" => "[s][t]" }`, `{"s":"x","@metadata":{"l":[1,2]}}`, `{"s":"x","tags":["_mutate_error"]} @metadata={"l":[1,2]}`)
	f(`rename => { "@metadata" => "m" }`, `{"@metadata":{"k":"v"}}`, `{"m":{"k":"v"}} +`)
	f(`rename => { "@metadata" => "[@metadata][in]" }`, `{"@metadata":{"k":"v"}}`, `{} @metadata={"in":{"k":"v"}} +`)
	f(`rename => { "@metadata" => "[s][t]" }`, `{"s":"x","@metadata":{"k":"v"}}`, `{"s":"x","tags":["_mutate_error"]} @metadata={"k":"v"}`)
	f(`rename => { "host" => "[host][name]" }`, `{"host":"h"}`, `{"host":{"name":"h"}} +`)
	f(`rename => { "[a]" => "[a][b]" }`, `{"a":{"x":1}}`, `{"a":{"b":{"x":1}}} +`)
}

func TestMerge(t *testing.T) {
	f := run(t)
	f(`merge => ["list", "foo"]`, `{"foo":"bar"}`, `{"foo":"bar","list":["bar"]} +`)
	f(`merge => ["list", "foo"]`, `{"foo":"bar","list":[]}`, `{"foo":"bar","list":["bar"]} +`)
	f(`merge => ["list", "foo"]`, `{"foo":[],"list":["baz"]}`, `{"foo":[],"list":["baz"]} +`)
	f(`merge => ["list", "foo"]`, `{"foo":["bar"],"list":"baz"}`, `{"foo":["bar"],"list":["baz","bar"]} +`)
	f(`merge => { "a" => "b" }`, `{"a":{"x":1,"y":1},"b":{"y":2,"z":[3]}}`, `{"a":{"x":1,"y":2,"z":[3]},"b":{"y":2,"z":[3]}} +`)
	f(`merge => { "a" => "b" }`, `{"a":{"x":1},"b":[1]}`, `{"a":{"x":1},"b":[1]} +`)
	f(`merge => { "a" => "b" }`, `{"b":{"x":1}}`, `{"b":{"x":1}} +`)
	f(`merge => { "a" => "a" }`, `{"a":[1,[2]]}`, `{"a":[1,[2],1,[2]]} +`)
	f(`merge => { "a" => "a" }`, `{"a":{"x":1}}`, `{"a":{"x":1}} +`)
	// Several sources: all for an array, the last for anything else.
	f(`merge => { "d" => ["x","y"] }`, `{"d":["0"],"x":"1","y":"2"}`, `{"d":["0","1","2"],"x":"1","y":"2"} +`)
	f(`merge => { "d" => ["x","y"] }`, `{"d":"0","x":"1","y":"2"}`, `{"d":["0","2"],"x":"1","y":"2"} +`)
	f(`merge => { "d" => ["x","y"] }`, `{"x":"1","y":"2"}`, `{"x":"1","y":"2","d":["2"]} +`)
}

// What merge and copy took over does not change with its origin.
func TestCopiesAreDeep(t *testing.T) {
	f := run(t)
	f(`merge => { "a" => "b" } copy => { "b" => "[b][0][self]" }`, `{"a":[],"b":[{"x":1}]}`,
		`{"a":[{"x":1}],"b":[{"x":1,"self":[{"x":1}]}]} +`)
}

func TestSplitAndJoin(t *testing.T) {
	f := run(t)
	f(`split => { "m" => "," }`, `{"m":"foo,bar,,"}`, `{"m":["foo","bar"]} +`)
	f(`split => { "m" => " " }`, `{"m":"  a  b\t\nc "}`, `{"m":["a","b","c"]} +`)
	f(`split => { "m" => " " }`, `{"m":" "}`, `{"m":[]} +`)
	f(`split => { "m" => "" }`, `{"m":"aä日"}`, `{"m":["a","ä","日"]} +`)
	f(`split => { "m" => "||" }`, `{"m":"a||b|c"}`, `{"m":["a","b|c"]} +`)
	f(`split => { "m" => "." }`, `{"m":"a.b"}`, `{"m":["a","b"]} +`)
	f(`split => { "m" => "," }`, `{"m":null}`, `{"m":null} +`)
	f(`join => { "m" => ", " }`, `{"m":["a",["b",null],{"k":[1]},1.0e20]}`, `{"m":"a, b, , {\"k\"=>[1]}, 1.0e+20"} +`)
}

func TestDiagnostics(t *testing.T) {
	f := func(options string, want ...string) {
		t.Helper()
		got := filtertest.Diagnose(Plugin, options)
		for _, w := range want {
			require.Contains(t, got, w)
		}
	}
	f(`convert => { "a" => "int" }`, "error", `invalid conversion type "int"`, `did you mean "integer"?`)
	f(`convert => { "a" => ["integer","float"] }`, "error", "invalid conversion type")
	f(`gsub => ["message", "a"]`, "error", "three items", "2 items")
	f(`gsub => ["message", "(", "x", "b", "[", "y"]`, "1:39: error", "1:54: error")
	f(`remove => ["a"]`, "error", "use remove_field")
	f(`trim => ["a"]`, "error", "use strip")
	f(`rename => { "a" => "[b" }`, "warning", "will fail for every event", "[b")
	f(`split => { "a" => 5 }`, "warning", "the separator must be a string")
	f(`uppercasee => ["a"]`, `did you mean "uppercase"?`)
}

func BenchmarkFilter(b *testing.B) {
	const doc = `{"message":"GET /index.html HTTP/1.1","status":"200","bytes":"12345","took":"0.25","host":"Web-01","agent":"curl"}`
	f := func(name, options string) {
		b.Run(name, func(b *testing.B) { filtertest.Bench(b, Plugin, options, doc) })
	}
	f("none", ``)
	f("three", `rename => { "host" => "[host][name]" } convert => { "status" => "integer" "bytes" => "integer" } lowercase => ["host"]`)
	f("convert", `convert => { "status" => "integer" "bytes" => "integer" "took" => "float" "agent" => "boolean" }`)
	f("convert-string", `convert => { "status" => "integer" } replace => { "x" => "%{status}/%{bytes}" }`)
	f("lowercase", `lowercase => ["message", "host"]`)
	f("gsub", `gsub => ["message", "[/.]", "_"]`)
	f("gsub-groups", `gsub => ["message", "^(\w+) (\S+)", "\2 \1 by %{agent}"]`)
	f("gsub-miss", `gsub => ["message", "nothing", "_"]`)
	f("split-join", `split => { "message" => " " } join => { "message" => "|" }`)
}
