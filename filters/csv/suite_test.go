package csv

import (
	"testing"

	"github.com/stretchr/testify/require"

	"millrace/filters/internal/filtertest"
)

// What the plugin's own test suite asserts.
func TestSuite(t *testing.T) {
	f := func(options, row, want string) {
		t.Helper()
		doc := `{"message":` + quoted(row)
		require.Equal(t, doc+want, filtertest.New(t, Plugin, options).Run(doc+`}`), options)
	}
	const three = `big,bird,sesame street`
	f(``, three, `,"column1":"big","column2":"bird","column3":"sesame street"} +`)
	f(`skip_empty_rows => true`, ``, `,"tags":["_csvskippedemptyfield"]}`)
	f(`separator => ";"`, `big,bird;sesame street`, `,"column1":"big,bird","column2":"sesame street"} +`)
	f(`quote_char => "'"`, `big,bird,'sesame street'`, `,"column1":"big","column2":"bird","column3":"sesame street"} +`)
	f(``, `big,bird,"sesame, street"`, `,"column1":"big","column2":"bird","column3":"sesame, street"} +`)
	for _, null := range []string{"\x00", `\x00`} {
		f(`quote_char => "`+null+`"`, `big,bird,"sesame" street`, `,"column1":"big","column2":"bird","column3":"\"sesame\" street"} +`)
	}
	f(`columns => ["first","last","address"]`, three, `,"first":"big","last":"bird","address":"sesame street"} +`)
	f(`columns => ["c1","c2"] autogenerate_column_names => false`, `v1,v2,v3`, `,"c1":"v1","c2":"v2"} +`)
	f(`columns => ["c1","c2"]`, `v1,v2,v3`, `,"c1":"v1","c2":"v2","column3":"v3"} +`)
	f(`columns => ["[@metadata][one]","foo"]`, `hello,world`, `,"foo":"world"} @metadata={"one":"hello"} +`)
	f(`target => "data"`, three, `,"data":{"column1":"big","column2":"bird","column3":"sesame street"}} +`)
	f(`target => "[foo][bar]"`, `hello,world`, `,"foo":{"bar":{"column1":"hello","column2":"world"}}} +`)
	f(`target => "[foo][bar]" columns => ["[test][one]","[test][two]"]`, `hello,world`, `,"foo":{"bar":{"test":{"one":"hello","two":"world"}}}} +`)
	f(`columns => ["c1","c2","c3"] convert => { "c1" => "integer" "c3" => "boolean" }`, `1234,bird,false`, `,"c1":1234,"c2":"bird","c3":false} +`)
	f(`convert => { "column1" => "integer" "column3" => "boolean" "column4" => "float" "column6" => "date_time" "column7" => "date" "column8" => "date_time" }`,
		`1234,bird,false,3.14159265359,x,2001-02-03 04:05:06,invalid_date,invalid_date_time`,
		`,"column1":1234,"column2":"bird","column3":false,"column4":3.14159265359,"column5":"x","column6":"2001-02-03T04:05:06.000Z","column7":"invalid_date","column8":"invalid_date_time"} +`)

	g := func(options, in, want string) {
		t.Helper()
		require.Equal(t, want, filtertest.New(t, Plugin, options).Run(in), options)
	}
	g(`skip_header => true columns => ["first_column","second_column","third_column"]`, `{"message":"first_column,second_column,third_column"}`, `dropped`)
	g(`skip_empty_columns => true source => "d" columns => ["c1","c2","c3"]`, `{"d":"v1,,v3"}`, `{"d":"v1,,v3","c1":"v1","c3":"v3"} +`)
	g(`source => "d" columns => ["c1","c2","c3"]`, `{"d":"v1,v2,v3"}`, `{"d":"v1,v2,v3","c1":"v1","c2":"v2","c3":"v3"} +`)
	g(`source => "in" target => "data"`, `{"in":"big,bird"}`, `{"in":"big,bird","data":{"column1":"big","column2":"bird"}} +`)
	g(`columns => ["a"]`, `{"other":"1"}`, `{"other":"1"}`)

	r := filtertest.New(t, Plugin, `autodetect_column_names => true`)
	require.Equal(t, `dropped`, r.Run(`{"message":"first,last,address"}`))
	require.Equal(t, `{"message":"big,bird,sesame street","first":"big","last":"bird","address":"sesame street"} +`, r.Run(`{"message":"`+three+`"}`))

	require.Contains(t, filtertest.Diagnose(Plugin, `convert => { "c1" => "integer" "c3" => "wrong_type" } columns => ["c1","c2","c3"]`), `unknown type "wrong_type"`)
}

// A date has no zone and becomes the start of its day in the local one.
func TestSuiteDate(t *testing.T) {
	r := filtertest.New(t, Plugin, `convert => { "column1" => "date" }`)
	e := filtertest.Event(t, `{"message":"2017-06-01"}`)
	require.True(t, r.Filter.Filter(e))
	v, _ := e.Root().Get("column1")
	local := v.Time().Local()
	require.Equal(t, "2017-06-01T00:00:00.000", local.Format("2006-01-02T15:04:05.000"))
}
