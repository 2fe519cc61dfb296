package mutate

import (
	"math/big"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"millrace/filters/internal/filtertest"
	"millrace/filters/internal/ruby"
	"millrace/pipeline/event"
)

func TestConvert(t *testing.T) {
	g := run(t)
	f := func(to, in, want string) {
		t.Helper()
		g(`convert => { "v" => "`+to+`" }`, `{"v":`+in+`}`, `{"v":`+want+`} +`)
	}
	f("integer", `["1234","7890.4","7.9"]`, `[1234,7890,7]`)
	f("integer", `[false,true,"0","1",2]`, `[0,1,0,1,2]`)
	f("integer", `["1,000","1,234,567.8","123.4","-0","+7","0d12","0d_1","1__0","_1","00012"]`, `[1000,1234567,123,0,7,12,0,1,0,12]`)
	f("integer", `"-99999999999999999999999,000"`, `-99999999999999999999999000`)
	f("integer", `"000000000000000000000000000000000000012"`, `12`)
	f("integer", `"-9223372036854775808"`, `-9223372036854775808`)
	f("integer", `123456789012345678901`, `123456789012345678901`)
	f("float", `["3141.5926","3,141.5926","3,141",3,true,false,null,1.5]`, `[3141.5926,3141.5926,3141.0,3.0,1.0,0.0,null,1.5]`)
	f("float", `["1_000.2_5","1e1_0","1e","1e+","1.e5","-.5e-2","e5","-","1e-400"]`, `[1000.25,1.0E10,1.0,1.0,1.0,-0.005,0.0,0.0,0.0]`)
	f("float", `123456789012345678901`, `1.2345678901234568E20`)
	f("float_eu", `["3141,5926","3.141,5926","3.141","3141",true]`, `[3141.5926,3141.5926,3141.0,3141.0,1.0]`)
	f("integer_eu", `["1.000","1.234.567,8","123,4"]`, `[1000,1234567,123]`)
	f("string", `[1,1.0,1e16,1e19,1e20,1e-5,true,false,["a",null],"s",-2e17]`,
		`["1","1.0","10000000000000000.0","10000000000000000000.0","1.0e+20","1.0e-05","true","false","[\"a\", nil]","s","-200000000000000000.0"]`)
	f("boolean", `["true","FALSE","True","1","0","yes","NO","Y","n","1.0","0.0","none of the above",0,1,-1,2,1.0,0.0,-1.0,1.0123,0.01]`,
		`[true,false,true,true,false,true,false,true,false,true,false,"none of the above",false,true,-1,2,true,false,-1.0,1.0123,0.01]`)
	f("boolean", `["1é0","1xx0","10","100",100,"a\nt","t\r",{"a":1},["x"],true]`, `[true,"1xx0","10",true,true,true,"t\r",{"a":1},["x"],true]`)
	f("boolean", `{"a":0}`, `{"a":0}`)
	g(`convert => { "v" => "integer" }`, `{"v":[{"a":1}]}`, `{"v":[{"a":1}],"tags":["_mutate_error"]}`)
	g(`convert => { "@timestamp" => "string" }`, `{}`, `{"tags":["_mutate_error"]}`)
	g(`convert => { "v" => "integer" }`, `{"v":"Infinity"}`, `{"v":0} +`)
	g(`rename => { "@timestamp" => "t" } convert => { "t" => "integer" }`, `{"@timestamp":"2024-01-02T03:04:05.678Z"}`, `{"t":1704164645} +`)
}

func TestConvertInfinity(t *testing.T) {
	r := filtertest.New(t, Plugin, `convert => { "v" => "integer" }`)
	require.Equal(t, `{"v":"Infinity","tags":["_mutate_error"]}`, strings.TrimSuffix(runInfinite(t, r), " +"))
}

func runInfinite(t *testing.T, r *filtertest.Runner) string {
	e := filtertest.Event(t, `{"v":1e400}`)
	require.False(t, r.Filter.Filter(e))
	e.Root().Delete(event.TimestampField)
	e.Root().Delete(event.VersionField)
	return string(e.AppendJSON(nil))
}

// FuzzNumbers compares with strconv and math/big where Ruby's grammar and theirs agree.
func FuzzNumbers(f *testing.F) {
	for _, s := range []string{"42", "-7", "+5", "1,234,567", "3.99", "12abc", "", " 8 ", "0x1F", "010", "1e3", "1_000", "99999999999999999999999",
		".5", "5.", "1e400", "NaN", "-0", "1._5", "0d9", "1e+1_0"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		var sc scratch
		e := event.New(nil)
		i := ruby.Integer(e.Arena, sc.number(s, false))
		require.Contains(t, []event.Kind{event.Int, event.BigInt}, i.Kind())
		x := ruby.Float(sc.number(s, false))
		if n, ok := new(big.Int).SetString(s, 10); ok && !strings.ContainsAny(s, "_") {
			require.Equal(t, n.String(), i.Text())
		}
		if y, err := strconv.ParseFloat(s, 64); err == nil && !strings.ContainsAny(s, "_xXpPnNiI") && !strings.HasSuffix(s, ".") && !strings.Contains(s, ".e") && !strings.Contains(s, ".E") {
			require.Equal(t, y, x)
		}
		convertString(e, i)
	})
}
