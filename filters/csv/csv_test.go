package csv

import (
	"testing"

	"github.com/stretchr/testify/require"

	"millrace/filters/internal/filtertest"
	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

func quoted(s string) string { return string(event.AppendJSONString(nil, s)) }

// on returns an f that runs the filter with options on a row.
func on(t *testing.T, options string) func(in, want string) {
	return func(in, want string) {
		t.Helper()
		r := filtertest.New(t, Plugin, options+` source => "m" target => "o"`)
		require.Equal(t, `{"m":`+quoted(in)+","+want, r.Run(`{"m":`+quoted(in)+`}`), "%s on %q", options, in)
	}
}

const failed = `"tags":["_csvparsefailure"]}`

func TestRows(t *testing.T) {
	f := on(t, ``)
	f(`big,bird,sesame street`, `"o":{"column1":"big","column2":"bird","column3":"sesame street"}} +`)
	f(`big,bird,"sesame, street"`, `"o":{"column1":"big","column2":"bird","column3":"sesame, street"}} +`)
	f(`a,,"",`, `"o":{"column1":"a","column2":null,"column3":"","column4":null}} +`)
	f(`"a ""b"" c","""",x`, `"o":{"column1":"a \"b\" c","column2":"\"","column3":"x"}} +`)
	f("\"two\nlines\",b\nnext,row", `"o":{"column1":"two\nlines","column2":"b"}} +`)
	f("a,b\r\nc", `"o":{"column1":"a","column2":"b"}} +`)
	f("\"a\"\r\nc", `"o":{"column1":"a"}} +`)
	f("a\r,b", `"o":{"column1":"a"}} +`)
	f("\"x\ny\",a\rb", failed)
	f(`5" disk,x`, failed)
	f(`a, "b"`, failed)
	f(`"a"b,c`, failed)
	f(`"a`, failed)
	f(`"a""`, failed)
	f(``, failed)
}

func TestGrammar(t *testing.T) {
	on(t, `separator => ";"`)(`big,bird;sesame street`, `"o":{"column1":"big,bird","column2":"sesame street"}} +`)
	on(t, `separator => "||"`)(`1||2|3||`, `"o":{"column1":"1","column2":"2|3","column3":null}} +`)
	on(t, `quote_char => "'"`)(`big,'sesame, street',"x"`, `"o":{"column1":"big","column2":"sesame, street","column3":"\"x\""}} +`)
	on(t, `quote_char => "\x00"`)(`big,"sesame" street`, `"o":{"column1":"big","column2":"\"sesame\" street"}} +`)
	on(t, `quote_char => ""`)(`a`, failed)
	on(t, `quote_char => "ab"`)(`a`, failed)
}

func TestColumns(t *testing.T) {
	on(t, `columns => ["a","b"] autogenerate_column_names => false`)(`1,2,3`, `"o":{"a":"1","b":"2"}} +`)
	on(t, `columns => ["a","b","c"] skip_empty_columns => true`)(`1,,3,""`, `"o":{"a":"1","c":"3"}} +`)
	on(t, `columns => ["a","[b][c]"]`)(`1,2`, `"o":{"a":"1","b":{"c":"2"}}} +`)
	on(t, `columns => ["a","b]","c"]`)(`1,2,3`, `"o":{"a":"1"},`+failed)
	on(t, `columns => ["a"] skip_header => true`)(`b`, `"o":{"a":"b"}} +`)
	f := func(options, in, want string) {
		t.Helper()
		require.Equal(t, want, filtertest.New(t, Plugin, options).Run(in), options)
	}
	f(`columns => ["a","b"] skip_header => true`, `{"message":"a,b"}`, `dropped`)
	f(`columns => ["a","b"] skip_header => true`, `{"message":"a,b,c"}`, `{"message":"a,b,c","a":"a","b":"b","column3":"c"} +`)
	f(`skip_empty_rows => true`, `{"message":""}`, `{"message":"","tags":["_csvskippedemptyfield"]}`)
	f(`skip_empty_rows => true`, `{"message":"\n"}`, `{"message":"\n","tags":["_csvskippedemptyfield"]}`)
	f(``, `{"message":"\n"}`, `{"message":"\n"} +`)
	f(`target => "[x][y]" source => "[s][t]"`, `{"s":{"t":"1"}}`, `{"s":{"t":"1"},"x":{"y":{"column1":"1"}}} +`)
	f(`columns => ["a","tags"]`, `{"message":"1,2"}`, `{"message":"1,2","a":"1","tags":"2"} +`)
	f(`columns => ["a","@timestamp","b"]`, `{"message":"1,2,3"}`, `{"message":"1,2,3","a":"1",`+failed)
	f(`columns => ["@timestamp"] convert => {"@timestamp" => "date_time"}`, `{"message":"2001-02-03T04:05:06+01:00"}`,
		`{"message":"2001-02-03T04:05:06+01:00","@timestamp":"2001-02-03T03:05:06.000Z"} +`)
}

func TestConvert(t *testing.T) {
	f := func(kind, in, want string) {
		t.Helper()
		on(t, `columns => ["v"] convert => {"v" => "`+kind+`"}`)(in, `"o":{"v":`+want+`}} +`)
	}
	f("integer", "1234", "1234")
	f("integer", " -5\t", "-5")
	f("integer", "010", "8")
	f("integer", "08", `"08"`)
	f("integer", "0b11", "3")
	f("integer", "1_000", "1000")
	f("integer", "1__0", `"1__0"`)
	f("integer", "1e3", `"1e3"`)
	f("integer", "12345678901234567890123", "12345678901234567890123")
	f("integer", `""`, `""`)
	f("float", "3.14159265359", "3.14159265359")
	f("float", "12", "12.0")
	f("float", "1_0.5", "10.5")
	f("float", "0x1F", "31.0")
	f("float", "1.", `"1."`)
	f("float", "NaN", `"NaN"`)
	f("float", "Infinity", `"Infinity"`)
	f("float", "x", `"x"`)
	f("boolean", " False ", "false")
	f("boolean", "TRUE", "true")
	f("boolean", " No", `"no"`)
	f("date", "invalid", `"invalid"`)
	f("date_time", "2001-02-03 04:05:06", `"2001-02-03T04:05:06.000Z"`)
	f("date_time", "2001-02-03T04:05", `"2001-02-03T04:05:00.000Z"`)
	f("date_time", "\"Saturday, February 3 04:05:06, 2001\"", `"2001-02-03T04:05:06.000Z"`)
	f("date_time", "2001-02-03T04:05:06.5", `"2001-02-03T04:05:06.500Z"`)
	f("date_time", "2001-02-03T04:05:06 UTC", `"2001-02-03T04:05:06.000Z"`)
	f("date_time", "2001-02-03T04:05:06Z", `"2001-02-03T04:05:06Z"`)
	f("date_time", "2001-13-03", `"2001-13-03"`)
	f("date_time", "invalid_date_time", `"invalid_date_time"`)
	on(t, `convert => {"column1" => "integer" "column2" => "date"}`)(",", `"o":{"column1":null,"column2":null}} +`)
}

func TestAutodetect(t *testing.T) {
	r := filtertest.New(t, Plugin, `autodetect_column_names => true skip_header => true`)
	require.Equal(t, `{"message":"",`+failed, r.Run(`{"message":""}`), "an empty row names nothing")
	require.Equal(t, `dropped`, r.Run(`{"message":"first,,[a][b]"}`))
	require.Equal(t, `{"message":"1,2,3,4","first":"1","column2":"2","a":{"b":"3"},"column4":"4"} +`, r.Run(`{"message":"1,2,3,4"}`))
}

func TestAutodetectWithoutNames(t *testing.T) {
	r := filtertest.New(t, Plugin, `autodetect_column_names => true autogenerate_column_names => false`)
	require.Equal(t, `dropped`, r.Run(`{"message":"a,,c"}`))
	require.Equal(t, `{"message":"1,2,3,4","a":"1","c":"3"} +`, r.Run(`{"message":"1,2,3,4"}`))
}

func TestDiagnostics(t *testing.T) {
	f := func(options, want string) {
		t.Helper()
		require.Contains(t, filtertest.Diagnose(Plugin, options), want)
	}
	f(`convert => {"a" => "int"}`, `unknown type "int"`)
	f(`separator => ""`, `warning`)
	f(`quote_char => "ab"`, `not one character`)
	f(`columns => ["a]"]`, `every event will fail`)
	f(`source => "[a"`, `error`)
}

// FuzzRow checks that a row of values written as CSV is read as those values.
func FuzzRow(f *testing.F) {
	f.Add("a", "", "x \"y\"", ",", `"`)
	f.Add("a\nb", "'", "::", "::", "'")
	f.Fuzz(func(t *testing.T, a, b, c, sep, quote string) {
		g := grammar{sep: sep, quote: quote}
		if sep == "" || len(quote) != 1 || quote == "\n" || quote == "\r" || sep == quote || sep[0] == '\r' || sep[0] == '\n' || sep[0] == quote[0] {
			return
		}
		want := []string{a, b, c}
		row := ""
		for i, v := range want {
			if i > 0 {
				row += sep
			}
			row += quote
			for j := range len(v) {
				if v[j] == quote[0] {
					row += quote
				}
				row += v[j : j+1]
			}
			row += quote
		}
		got, blank, err := g.row(new(event.Arena), row, nil)
		require.NoError(t, err, "%q", row)
		require.False(t, blank)
		require.Len(t, got, 3)
		for i := range want {
			require.Equal(t, want[i], got[i].Str(), "%q", row)
		}
		_, _, _ = g.row(new(event.Arena), a, nil)
	})
}

func BenchmarkFilter(b *testing.B) {
	const doc = `{"message":"2024-05-17T08:30:15+02:00,web01,GET,/index.html,200,5123,\"Mozilla/5.0, like Gecko\""}`
	b.Run("plain", func(b *testing.B) { filtertest.Bench(b, Plugin, ``, doc) })
	b.Run("convert", func(b *testing.B) {
		filtertest.Bench(b, Plugin, `columns => ["time","host","verb","path","status","bytes","agent"] convert => {"status" => "integer" "bytes" => "integer" "time" => "date_time"} target => "[http][row]"`, doc)
	})
}

var _ plugin.PerWorker = (*filter)(nil)
