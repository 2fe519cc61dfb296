package ruby

import (
	"testing"

	"github.com/stretchr/testify/require"

	"millrace/pipeline/event"
)

func TestAppendText(t *testing.T) {
	f := func(doc, want string) {
		t.Helper()
		e := event.New(nil)
		v, _, _, err := e.ParseJSON(doc)
		require.NoError(t, err)
		require.Equal(t, want, string(AppendText(nil, v)))
	}
	f(`null`, ``)
	f(`"a\"b"`, `a"b`)
	f(`true`, `true`)
	f(`1.5`, `1.5`)
	f(`1e16`, `10000000000000000.0`)
	f(`-123456789012345678`, `-123456789012345678`)
	f(`-123456789012345678.0`, `-123456789012345680.0`)
	f(`1e20`, `1.0e+20`)
	f(`0.00001`, `1.0e-05`)
	f(`{"b":[1,null,"x\n"],"a":{"z":1e17,"y":{}}}`, `{"a"=>{"y"=>{}, "z"=>100000000000000000.0}, "b"=>[1, nil, "x\n"]}`)
}
