package mutate

import (
	"testing"

	"github.com/stretchr/testify/require"

	"millrace/filters/internal/filtertest"
)

// What the plugin's own test suite asserts, operation by operation.

func TestSuiteCase(t *testing.T) {
	f := run(t)
	f(`uppercase => ["l"]`, `{"l":["a",2,"C"]}`, `{"l":["A",2,"C"]} +`)
	f(`capitalize => ["l"]`, `{"l":["ab",2,"CDE"]}`, `{"l":["Ab",2,"Cde"]} +`)
	f(`lowercase => ["l"]`, `{"l":["a",2,"C"]}`, `{"l":["a",2,"c"]} +`)
	f(`lowercase => "l"`, `{"l":"MiXed"}`, `{"l":"mixed"} +`)
	for _, name := range []string{"lowercase", "uppercase", "capitalize"} {
		f(name+` => ["fake_field"]`, `{"a":1}`, `{"a":1} +`)
		f(name+` => ["o"]`, `{"o":{"K":"vV"}}`, `{"o":{"K":"vV"}} +`)
	}
	f(`lowercase => ["l"]`, `{"l":["АБВГД\u0000MMM","こにちわ","XyZółć","NÎcË GÛŸ"]}`, `{"l":["абвгд\u0000mmm","こにちわ","xyzółć","nîcë gûÿ"]} +`)
	f(`uppercase => ["l"]`, `{"l":["аБвгд\u0000mmm","こにちわ","xYzółć","Nîcë gûÿ"]}`, `{"l":["АБВГД\u0000MMM","こにちわ","XYZÓŁĆ","NÎCË GÛŸ"]} +`)
	f(`capitalize => ["l"]`, `{"l":["АБВГД\u0000mmm","こにちわ","xyzółć","nÎcË gÛŸ"]}`, `{"l":["Абвгд\u0000mmm","こにちわ","Xyzółć","Nîcë gûÿ"]} +`)
}

// A text that two fields share stays in the one that no operation names.
func TestSuiteSharedTexts(t *testing.T) {
	f := run(t)
	for name, want := range map[string]string{"lowercase": "original value", "uppercase": "ORIGINAL VALUE", "capitalize": "Original value"} {
		r := filtertest.New(t, Plugin, name+` => "field"`)
		e := filtertest.Event(t, `{"field":"oRiGiNaL vAlUe"}`)
		shared, _ := e.Root().Get("field")
		e.Root().Set("other", shared)
		require.True(t, r.Filter.Filter(e))
		got, _ := e.Root().Get("field")
		require.Equal(t, want, got.Str())
		require.Equal(t, "oRiGiNaL vAlUe", shared.Str())
		other, _ := e.Root().Get("other")
		require.Equal(t, "oRiGiNaL vAlUe", other.Str())
	}
	f(`copy => { "field" => "target" }`, `{"field":"foobar"}`, `{"field":"foobar","target":"foobar"} +`)
	f(`copy => { "field" => "target" }`, `{"field":["foo","bar"]}`, `{"field":["foo","bar"],"target":["foo","bar"]} +`)
	f(`copy => { "field" => "target" "x" => "[field][foo]" }`, `{"field":{"foo":"bar"},"x":"baz"}`, `{"field":{"foo":"baz"},"x":"baz","target":{"foo":"bar"}} +`)
}

func TestSuiteStripAndSplit(t *testing.T) {
	f := run(t)
	f(`strip => ["path"]`, `{"path":" /store.php "}`, `{"path":"/store.php"} +`)
	f(`strip => ["foo", "bar"]`, `{"foo":" /bar.php ","bar":" foo"}`, `{"foo":"/bar.php","bar":"foo"} +`)
	f(`split => { "field" => "," }`, `{"field":"foo,bar,baz"}`, `{"field":["foo","bar","baz"]} +`)
	f(`split => { "field" => "," }`, `{"field":"foo"}`, `{"field":["foo"]} +`)
	f(`split => { "field" => "," }`, `{"field":"foo,"}`, `{"field":["foo"]} +`)
	f(`split => { "field" => "," }`, `{"field":null}`, `{"field":null} +`)
	f(`split => { "field" => "," }`, `{"field":["foo","bar"]}`, `{"field":["foo","bar"]} +`)
	f(`split => { "field" => "," }`, `{"field":{"foo":"bar,baz"}}`, `{"field":{"foo":"bar,baz"}} +`)
	f(`split => { "field" => "," }`, `{"a":1}`, `{"a":1} +`)
}

func TestSuiteConvert(t *testing.T) {
	f := func(kind, in, want string) {
		t.Helper()
		run(t)(`convert => { "f" => "`+kind+`" }`, `{"f":`+in+`}`, `{"f":`+want+`} +`)
	}
	f("string", `1234`, `"1234"`)
	f("string", `true`, `"true"`)
	f("string", `false`, `"false"`)
	for _, in := range []string{`"true"`, `"True"`, `"1"`, `"yes"`, `"Y"`, `1`, `1.0`} {
		f("boolean", in, `true`)
	}
	for _, in := range []string{`"false"`, `"False"`, `"0"`, `"no"`, `"N"`, `0`, `0.0`} {
		f("boolean", in, `false`)
	}
	for _, in := range []string{`"none of the above"`, `-1`, `2`, `-1.0`, `1.0123`, `0.01`, `{"a":0}`} {
		f("boolean", in, in)
	}
	f("boolean", `["1","0",0,1,2]`, `[true,false,false,true,2]`)

	f("integer", `["1234","7890.4","7.9"]`, `[1234,7890,7]`)
	f("integer", `[false,true,"0","1","2"]`, `[0,1,0,1,2]`)
	f("integer", `["1,000","1,234,567.8","123.4"]`, `[1000,1234567,123]`)
	f("integer_eu", `["1.000","1.234.567,8","123,4"]`, `[1000,1234567,123]`)
	for _, kind := range []string{"integer", "integer_eu", "float", "float_eu", "string", "boolean"} {
		f(kind, `null`, `null`)
	}

	f("float", `["1234.455"]`, `[1234.455]`)
	f("float", `["3141.5926","3,141.5926","3,141","3141"]`, `[3141.5926,3141.5926,3141.0,3141.0]`)
	f("float", `[3.1415926,3,true,false]`, `[3.1415926,3.0,1.0,0.0]`)
	f("float", `["1,000","1,234,567.8","123.4"]`, `[1000.0,1234567.8,123.4]`)
	f("float_eu", `["3141,5926","3.141,5926","3.141","3141"]`, `[3141.5926,3141.5926,3141.0,3141.0]`)
	f("float_eu", `[3.1415926,3,true,false]`, `[3.1415926,3.0,1.0,0.0]`)
	f("float_eu", `["1.000","1.234.567,8","123,4"]`, `[1000.0,1234567.8,123.4]`)

	g := run(t)
	g(`convert => ["[foo][bar]", "integer"]`, `{"foo":{"bar":"1000"}}`, `{"foo":{"bar":1000}} +`)
	g(`convert => ["[foo][0]", "integer"]`, `{"foo":["100","200"]}`, `{"foo":[100,"200"]} +`)
	g(`convert => { "[foo][0]" => "integer" "[foo][1]" => "integer" "[foo][2]" => "integer" }`, `{"foo":[false,true,"2"]}`, `{"foo":[0,1,2]} +`)
	g(`convert => { "absent" => "float" }`, `{"a":1}`, `{"a":1} +`)
}

func TestSuiteGsub(t *testing.T) {
	f := run(t)
	f(`gsub => ["u", "but extinct", "and common"]`, `{"u":"Rare, but extinct, animals"}`, `{"u":"Rare, and common, animals"} +`)
	f(`gsub => ["u", "extinct", "common"]`, `{"u":["extinct animals","extinct ideas"]}`, `{"u":["common animals","common ideas"]} +`)
	f(`gsub => ["c", "red", "blue", "s", "square", "circle"]`, `{"c":"One red car","s":"Four red squares"}`, `{"c":"One blue car","s":"Four red circles"} +`)
	f(`gsub => ["c", "\d$", "blue"]`, `{"c":"red3"}`, `{"c":"redblue"} +`)
	f(`gsub => ["u", "of type %{t}", "green"]`, `{"u":"Birds of type blue are common","t":"blue"}`, `{"u":"Birds green are common","t":"blue"} +`)
	f(`gsub => ["u", "of type %{t}", "%{t} and green"]`, `{"u":"Birds of type blue are common","t":"blue"}`, `{"u":"Birds blue and green are common","t":"blue"} +`)
	f(`gsub => ["u", "of type %{t}", "blue and green"]`, `{"u":["of type blue here","those of type blue"],"t":"blue"}`,
		`{"u":["blue and green here","those blue and green"],"t":"blue"} +`)
}
