package translate

import (
	"testing"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
)

// What a plain scalar of a YAML dictionary is to Psych.
func TestScalar(t *testing.T) {
	f := func(text, want string) {
		t.Helper()
		var doc yaml.Node
		require.NoError(t, yaml.Unmarshal([]byte("k: "+text+"\n"), &doc))
		v := scalar(doc.Content[0].Content[1])
		require.Equal(t, want, string(v.AppendJSON(nil)), text)
	}
	for _, s := range []string{"~", "null", "NULL", ""} {
		f(s, `null`)
	}
	for _, s := range []string{"yes", "True", "ON"} {
		f(s, `true`)
	}
	for _, s := range []string{"no", "FALSE", "off"} {
		f(s, `false`)
	}
	for _, s := range []string{"y", "n", "nulls", "a1", "é5", "10.0.0.1", "00:0C:29", "fe80::1", "08", "0o17", "1e3", "1.5e3", "1__0", "12:75", "5 apples", "-a", "2024-01-02", "1,", "0b2", "."} {
		f(s, `"`+s+`"`)
	}
	f(`"5"`, `"5"`)
	f(`'yes'`, `"yes"`)
	f("0", `0`)
	f("+7", `7`)
	f("-12", `-12`)
	f("1,000", `1000`)
	f("1_000", `1000`)
	f("017", `15`)
	f("0x1F", `31`)
	f("0b11", `3`)
	f("99999999999999999999", `99999999999999999999`)
	f("+99999999999999999999", `99999999999999999999`)
	f("1.5", `1.5`)
	f("-.5", `-0.5`)
	f("1.", `1.0`)
	f("1,234.5", `1234.5`)
	f("1.5e+3", `1500.0`)
	f("12:30", `45000`)
	f("1:30:15", `5415`)
	f("00:50:56", `3056`)
	f("-1:30", `-1800`)
	f("0:1:1.5", `61.5`)
	f("2024-01-02T03:04:05Z", `"2024-01-02T03:04:05.000Z"`)
	f("!!str 5", `"5"`)
	f("!!int 5", `5`)
	f("!!float 5", `5.0`)
	f("!!bool true", `true`)
	f("!!null x", `null`)
}
