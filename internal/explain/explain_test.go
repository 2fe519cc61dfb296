package explain

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"millrace/codecs"
	"millrace/filters"
	"millrace/filters/grok/patterns"
	"millrace/inputs"
	"millrace/outputs"
	"millrace/pipeline/config"
	"millrace/pipeline/plugin"
)

var update = flag.Bool("update", false, "write the golden files anew")

func explain(t *testing.T, name, text string) *Report {
	t.Helper()
	f, diags := config.Parse(name, []byte(text), config.ParseOptions{})
	require.False(t, diags.HasErrors(), diags.String())
	return Explain([]*config.File{f}, Options{
		Registry: plugin.NewRegistry(inputs.All(), codecs.All(), filters.All(), outputs.All()), ECS: plugin.ECSv8,
		Lookup: func(name string) (string, bool) { return "value of " + name, name == "TAG" },
	})
}

func golden(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		require.NoError(t, os.WriteFile(path, []byte(got), 0o644))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, string(want), got)
}

func TestReport(t *testing.T) {
	text, err := os.ReadFile("testdata/all.conf")
	require.NoError(t, err)
	r := explain(t, "all.conf", string(text))
	var b strings.Builder
	require.NoError(t, r.Write(&b))
	golden(t, "testdata/all.txt", b.String())
	doc, err := json.MarshalIndent(r, "", " ")
	require.NoError(t, err)
	golden(t, "testdata/all.json", string(doc)+"\n")
	for _, out := range []string{b.String(), string(doc)} {
		require.NotContains(t, out, "hunter2")
		require.NotContains(t, out, "value of")
	}
}

func TestScanRegexp(t *testing.T) {
	f := func(s string, anys int, nested ...string) {
		t.Helper()
		got := scanRegexp(s)
		require.Equal(t, anys, got.dots.all(), s)
		require.Equal(t, nested, got.nested, s)
	}
	f(`^a.*$`, 0)
	f(`.*x`, 1)
	f(`.*x.*`, 1)
	f(`.*?x.*y`, 2)
	f(`(.*) (.*)`, 1)
	f(`(a.*|b.*)c`, 1)
	f(`a.*|b.*`, 0)
	f(`[.*] \.*x`, 0)
	f(`(?:a.*){2}b`, 1)

	f(`(a+)+`, 0, `(a+)+`)
	f(`(?:\w+\s?)*;`, 0, `(?:\w+\s?)*`)
	f(`(?:/\w*)+`, 0)
	f(`(?:.*,)*x`, 0, `(?:.*,)*`)
	f(`(?>.*?,).*x`, 1)
	f(`(?:%.+)?:.*?x`, 1)
	f(`(?>a+)+`, 0)
	f(`(?:a++)+`, 0)
	f(`(?:a+)++`, 0)
	f(`(?:a+){2}`, 0)
	f(`(?:a+){2,}`, 0, `(?:a+){2,}`)
	f(`((a+)b)+`, 0)
	f(`((a+)b?)+`, 0, `((a+)b?)+`)
	f(`(?:a|b+)*`, 0, `(?:a|b+)*`)
	f(`(?:(?:a+))*`, 0, `(?:(?:a+))*`)
	f(`(?=a+)b`, 0)
	f(`(?#(a+)+)b`, 0)
	f(`x{y}z{1}`, 0)
	f(`(((`, 0)
	f(`)))`, 0)
	f(`[`, 0)
	f(`\`, 0)
}

func TestAnchors(t *testing.T) {
	f := func(s string, anchor bool, prefix int) {
		t.Helper()
		require.Equal(t, anchor, anchored(s), s)
		require.Equal(t, prefix, literalPrefix(s), s)
	}
	f(`^a`, true, 0)
	f(`(?<n>(?:\Aa))`, true, 0)
	f(`(?i)(^a)`, true, 0)
	f(`abc`, false, 3)
	f(`ab?`, false, 1)
	f(`(?<=^)a`, false, 0)
}

// FuzzScan: whatever stands in a pattern, looking at it ends.
func FuzzScan(f *testing.F) {
	for _, s := range []string{`(a+)+`, `(?<n>[[:alpha:]]{2,})*|\Q`, `(?#`, `(?<`, `(?`, `[[]`, `a{2`, `\`} {
		f.Add(s)
	}
	f.Fuzz(func(_ *testing.T, s string) { scanRegexp(s) })
}

// TestLibraryIsScanned: what is said of patterns that everybody uses does not change by accident.
func TestLibraryIsScanned(t *testing.T) {
	set := patterns.Library(patterns.ECS)
	f := func(name string, anys int, nested bool) {
		t.Helper()
		x, err := set.Expand("%{"+name+"}", true)
		require.NoError(t, err)
		got := scanRegexp(x.Regexp)
		require.Equal(t, anys, got.dots.all())
		require.Equal(t, nested, got.nested != nil)
	}
	f("GREEDYDATA", 0, false)
	f("SYSLOGLINE", 0, false)
	f("COMBINEDAPACHELOG", 3, false)
	f("TIMESTAMP_ISO8601", 0, false)
	f("UNIXPATH", 0, false)
	f("URIPROTO", 0, true)
	f("CISCO_REASON", 0, true)
}

// source returns the text of a plugin of this program, "" if it has none of that name.
func source(t *testing.T, kind, name string) string {
	t.Helper()
	files, err := filepath.Glob("../../" + kind + "s/" + name + "/*.go")
	require.NoError(t, err)
	var all strings.Builder
	for _, path := range files {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		text, err := os.ReadFile(path)
		require.NoError(t, err)
		all.Write(text)
	}
	return all.String()
}

// TestChangesAreThoseOfTheCode: the fields that the table names for a plugin of this program stand in its source.
func TestChangesAreThoseOfTheCode(t *testing.T) {
	for key, list := range changes {
		kind, name, _ := strings.Cut(key, "/")
		source := source(t, kind, name)
		for _, c := range list {
			if source == "" || kind == "codec" {
				continue
			}
			for _, field := range append(append([]string{}, c.legacy...), c.ecs...) {
				short := strings.Trim(field, "[]")
				if !strings.Contains(source, `"`+field+`"`) && !strings.Contains(source, `"`+short+`"`) && field != "[tags]" {
					t.Errorf("%s: the field %s is not in its source", key, field)
				}
			}
			for _, option := range []string{c.unless, c.given} {
				require.True(t, option == "" || strings.Contains(source, `opt:"`+option), "%s has no option %s", key, option)
			}
		}
	}
}

// TestChangesAreComplete: the table has every plugin that asks for the mode.
func TestChangesAreComplete(t *testing.T) {
	// grok's fields are those of its patterns; multiline's make none; those of the plugins for databases are columns, about which they only log
	byPatterns := []string{"filter/grok", "filter/multiline", "input/jdbc", "filter/jdbc_static"}
	for _, kind := range []string{"input", "codec", "filter", "output"} {
		dirs, err := filepath.Glob("../../" + kind + "s/*")
		require.NoError(t, err)
		for _, dir := range dirs {
			key := kind + "/" + filepath.Base(dir)
			if strings.HasPrefix(key, "codec/internal") || slices.Contains(byPatterns, key) {
				continue
			}
			if text := source(t, kind, filepath.Base(dir)); strings.Contains(text, "ECS.Enabled()") || strings.Contains(text, "env.ECS)") {
				require.True(t, changes[key] != nil, "%s asks for the mode, and ecs.go does not say what it changes", key)
			}
		}
	}
}

// TestFieldsByTheirOptions: an option that names the field decides in both modes.
func TestFieldsByTheirOptions(t *testing.T) {
	f := func(conf string, want ...string) {
		t.Helper()
		var got []string
		for _, f := range explain(t, "x.conf", conf).Fields {
			got = append(got, f.Plugin+": "+joined(f.Legacy)+" or "+joined(f.ECS)+" "+f.Note)
		}
		require.Len(t, got, len(want), got)
		for i := range want {
			require.Contains(t, got[i], want[i])
		}
	}
	f(`filter { useragent { source => "a" } }`, "below [user_agent]")
	f(`filter { useragent { source => "a" target => "ua" } }`, "below its target")
	f(`input { http { port => 80 codec => json_lines request_headers_target_field => "h" } }`, "input http: [host] or [host][ip], [http][version]")
	f(`output { elasticsearch { } }`, "without index")
	f(`output { elasticsearch { index => "x" } }`)
}

// TestAddressesAreShown: without what may be a password.
func TestAddressesAreShown(t *testing.T) {
	r := explain(t, "x.conf", `output { elasticsearch { hosts => ["a:9200"] password => "secret" } elasticsearch { hosts => "http://u:secret@a" cacert => "c" } }`)
	require.Contains(t, r.Outputs[0].Text, `hosts => ["a:9200"]`)
	require.NotContains(t, r.Outputs[0].Text+r.Outputs[1].Text, "secret")
}

// TestTextsWithoutComments: heads and options are told as they count.
func TestTextsWithoutComments(t *testing.T) {
	r := explain(t, "x.conf", "filter { if [a] # one\n == \"#b\" { drop { percentage => # two\n 50 } } else # three\n if [b] { } }")
	require.Equal(t, `if [a] == "#b"`, r.Filters[0].Arms[0].Head)
	require.Equal(t, `else if [b]`, r.Filters[0].Arms[1].Head)
	require.Equal(t, `percentage => 50`, r.Filters[0].Arms[0].Statements[0].Text)
}

// TestRenamedOptions: options by their old names are old options.
func TestRenamedOptions(t *testing.T) {
	r := explain(t, "x.conf", `filter { http { url => "http://a" cacert => "c" } }`)
	require.Len(t, r.Options, 1)
	require.Equal(t, "renamed", r.Options[0].Kind)
	require.Equal(t, "write ssl_certificate_authorities", r.Options[0].Advice)
}

func TestFindings(t *testing.T) {
	f := func(filter string, want ...string) {
		t.Helper()
		r := explain(t, "x.conf", "filter {\n"+filter+"\n}")
		var got []string
		for _, f := range r.Findings {
			got = append(got, f.Text)
		}
		require.Len(t, got, len(want), got)
		for i := range want {
			require.Contains(t, got[i], want[i])
		}
	}
	const text = `grok { match => { "message" => "^%{INT:n}$" } }` + "\n"
	f(text+`if [n] == 1 { drop { } }`, "[n] holds text here")
	f(text+`if 1 < [n] { drop { } }`, "[n] holds text here")
	f(text + `if [n] != 1 { drop { } }`)
	f(text + `if [n] == "1" { drop { } }`)
	f(text + `mutate { convert => ["n", "integer"] } if [n] == 1 { drop { } }`)
	f(text+`mutate { convert => { "n" => "string" } } if [n] == 1 { drop { } }`, "[n] holds text here")
	f(text + `mutate { replace => { "n" => "5" } } if [n] == 1 { drop { } }`)
	f(text + `json { source => "message" } if [n] == 1 { drop { } }`)
	f(`grok { match => { "message" => "^%{INT:n:int}$" } } if [n] == 1 { drop { } }`)
	f(`grok { match => { "message" => [`+strings.Repeat(`"^%{INT:n:int}$", `, 12)+`"^a"] } }`, "tries 13 patterns")
}
