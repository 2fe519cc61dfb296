package extractnumbers

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"millrace/filters/internal/filtertest"
)

func TestFilter(t *testing.T) {
	f := func(options, in, want string) {
		t.Helper()
		require.Equal(t, want, filtertest.New(t, Plugin, options).Run(in), options)
	}
	f(``, `{"message":"bla 1234 foo 5678 geek 10.43"}`, `{"message":"bla 1234 foo 5678 geek 10.43","int1":1234,"int2":5678,"float1":10.43}`)
	f(``, `{"message":" 0x1f 1e3\t-5 1_000 12a 192.0.2.1 a.5 5."}`, `{"message":" 0x1f 1e3\t-5 1_000 12a 192.0.2.1 a.5 5.","int1":31,"float1":1000.0,"int2":-5,"int3":1000}`)
	f(``, `{"message":["a 1","2"]}`, `{"message":["a 1","2"],"int1":1}`)
	f(``, `{"message":[]}`, `{"message":[]}`)
	f(``, `{"other":1}`, `{"other":1}`)
	f(``, `{"message":5}`, `{"message":5,"tags":["_filter_error"]}`)
	f(`source => "[a][b]"`, `{"a":{"b":"x 7"}}`, `{"a":{"b":"x 7"},"int1":7}`)
	many := filtertest.New(t, Plugin, ``).Run(`{"message":"` + strings.Repeat("1 ", 20) + `"}`)
	require.Contains(t, many, `"int16":1,"int17":1,"int18":1,"int19":1,"int20":1}`)
}

func BenchmarkFilter(b *testing.B) {
	filtertest.Bench(b, Plugin, ``, `{"message":"took 1234 ms of 5678 for 10.43 %"}`)
}
