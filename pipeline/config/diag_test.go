package config

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestMistakes compares what is said about the texts of testdata/mistakes.in with testdata/mistakes.txt.
func TestMistakes(t *testing.T) {
	var b strings.Builder
	for part := range strings.SplitSeq(readFile(t, "testdata/mistakes.in"), "#### ") {
		if part == "" {
			continue
		}
		title, text, _ := strings.Cut(part, "\n")
		_, ds := Parse("pipeline.conf", []byte(text), ParseOptions{})
		b.WriteString("#### " + title + "\n" + ds.String())
	}
	require.NotContains(t, b.String(), "hunter")
	golden(t, "mistakes.txt", b.String())
}

func TestRenderJSON(t *testing.T) {
	_, ds := Parse("a.conf", []byte("filter {\n  drop { x = 1 }\n}\n"), ParseOptions{})
	var b bytes.Buffer
	require.NoError(t, ds.RenderJSON(&b))
	require.JSONEq(t, `[{"severity":"error","code":"expected-arrow","file":"a.conf","pos":{"offset":20,"line":2,"column":12},
		"end":{"offset":21,"line":2,"column":13},"summary":"expected \"=>\" after option x, found \"=\"","hint":"write =>"}]`, b.String())
	b.Reset()
	require.NoError(t, Diagnostics(nil).RenderJSON(&b))
	require.True(t, json.Valid(b.Bytes()))
	require.Equal(t, "[]\n", b.String())
}

func TestDiagnostics(t *testing.T) {
	f, _ := Parse("b.conf", []byte("filter { }"), ParseOptions{})
	at := func(i int) Place { return Place{f, Span{i, i + 1}} }
	ds := Diagnostics{Warnf(at(5), "w", "second"), Errorf(at(5), "e", "first of its place"), Errorf(at(0), "x", "first"), Errorf(at(0), "x", "first")}
	require.True(t, ds.HasErrors())
	require.Equal(t, 1, ds.Count(Warning))
	ds.Sort()
	require.Len(t, ds, 3)
	require.Equal(t, "first", ds[0].Summary)
	require.Equal(t, "second", ds[2].Summary)
	require.NoError(t, ds[2:].Err())
	require.ErrorContains(t, ds.Err(), "b.conf:1:1: error: first")
	require.Equal(t, "error: nowhere\n  try\n  more\n", Errorf(Place{}, "n", "nowhere").WithHint("try").WithDetail("more").String())
}

func TestNearest(t *testing.T) {
	names := []string{"length_bytes", "fields", "add_tag", "add_field", "match"}
	f := func(in, want string) {
		t.Helper()
		require.Equal(t, want, Nearest(in, names))
	}
	f("lenght_bytes", "length_bytes")
	f("add_tags", "add_tag")
	f("Add_Tag", "add_tag")
	f("macth", "match")
	f("matches", "match")
	f("feilds", "fields")
	f("quite_other", "")
	f("x", "")
	f("", "")
}

func TestEncodings(t *testing.T) {
	f := func(src, wantText string, wantCodes ...string) {
		t.Helper()
		file, ds := Parse("x.conf", []byte(src), ParseOptions{})
		var codes []string
		for _, d := range ds {
			codes = append(codes, d.Code)
		}
		require.Equal(t, wantText, file.Text)
		require.Equal(t, wantCodes, codes, ds.String())
	}
	f("\ufefffilter { }", "filter { }", "byte-order-mark")
	f("# caf\xe9\nfilter { }", "# café\nfilter { }", "not-utf-8")
	f("# caf\xe9 é\nfilter { }", "# café é\nfilter { }", "not-utf-8")
	f("\ufeff# \xff\n", "# ÿ\n", "byte-order-mark", "not-utf-8")
	f("\xff\xfef\x00i\x00", "", "utf-16")
	f("filter {\r\n}\r\n", "filter {\r\n}\r\n")
	f("# a\rfilter { }", "# a\rfilter { }", "lone-carriage-return")
	f("", "")
}

// TestOctalNumbers: a leading zero surprises, but not in the mode of a file.
func TestOctalNumbers(t *testing.T) {
	f := func(option, want string) {
		t.Helper()
		_, ds := Parse("a.conf", []byte("output { file { "+option+" } }"), ParseOptions{})
		if want == "" {
			require.Empty(t, ds)
		} else {
			require.Contains(t, ds.String(), want)
		}
	}
	f("file_mode => 0640 dir_mode => 0750", "")
	f("flush_interval => 010", "warning: a leading zero makes the number octal: it is 8")
	f("file_mode => 0680", "error: a leading zero makes a number octal, and 0680 has other digits")
}

// TestAzureKeys: connection strings hold keys under whatever option they stand.
func TestAzureKeys(t *testing.T) {
	f := func(line, want string) {
		t.Helper()
		if got := maskSecrets(line); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
	f(`hubs => ["Endpoint=sb://n/;SharedAccessKeyName=read;SharedAccessKey=a+/b=;EntityPath=h"]`,
		`hubs => ["Endpoint=sb://n/;SharedAccessKeyName=read;SharedAccessKey=*****;EntityPath=h"]`)
	f(`x => "AccountName=a;AccountKey=é=" y => 1`, `x => "AccountName=a;AccountKey=**" y => 1`)
	f(`x => 'SharedAccessSignature=abc'`, `x => 'SharedAccessSignature=***'`)
}
