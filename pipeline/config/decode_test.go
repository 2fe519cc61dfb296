package config

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// shared is a group of options that several structs embed.
type shared struct {
	Secret Password `opt:"password"`
	CA     string   `opt:"cacert,path"`
}

// upper is a type that reads its text itself and refuses a question mark.
type upper struct{ s string }

type offsetError struct{ Offset int }

func (offsetError) Error() string { return "a question mark" }

func (u *upper) UnmarshalText(b []byte) error {
	if i := strings.IndexByte(string(b), '?'); i >= 0 {
		return fmt.Errorf("reading upper: %w", &offsetError{i})
	}
	u.s = strings.ToUpper(string(b))
	return nil
}

func (u upper) String() string { return u.s }

// codec holds the plugin that an option names.
type codec struct {
	name  string
	attrs *Attributes
}

func (c *codec) UnmarshalPlugin(p PluginRef) (ds Diagnostics) {
	if p.Name == "none" {
		return Diagnostics{Errorf(p.Place, "unknown-plugin", "unknown codec %q", p.Name)}
	}
	c.name = p.Name
	c.attrs, ds = p.Attributes()
	return ds
}

type own struct{ n int }

func (o *own) UnmarshalOption(v Value) error {
	if v.Type != TypeHash {
		return errors.New("wants a hash")
	}
	o.n = len(v.Hash)
	return nil
}

type options struct {
	shared
	Source  string            `opt:"source"`
	Length  int               `opt:"length_bytes"`
	Port    uint16            `opt:"port"`
	Ratio   float64           `opt:"ratio"`
	Skip    bool              `opt:"skip"`
	Maybe   *bool             `opt:"maybe"`
	White   string            `opt:"whitespace,enum=strict|lenient"`
	Tags    []string          `opt:"add_tag"`
	Numbers []int             `opt:"numbers"`
	Fields  []upper           `opt:"fields"`
	Field   upper             `opt:"field"`
	Add     Hash              `opt:"add_field"`
	Rename  Map[upper]        `opt:"rename"`
	Both    Pairs[upper, int] `opt:"both"`
	Any     Value             `opt:"any"`
	Own     own               `opt:"own"`
	Codec   codec             `opt:"codec"`
	Wait    time.Duration     `opt:"wait,unit=ms"`
	Every   time.Duration     `opt:"every,friendly"`
	Size    Bytes             `opt:"size"`
	Hosts   []URI             `opt:"hosts"`
	New     string            `opt:"new_name,alias=old_name|older"`
	Old     string            `opt:"old,deprecated=Use source, please."`
	Gone    string            `opt:"gone,obsolete=It is read as source."`
	Type    string            `opt:"type,removed=Write if [type] instead."`
}

// decodeOptions decodes the options of `filter { test { text } }`.
func decodeOptions(t *testing.T, text string, into ...any) Diagnostics {
	t.Helper()
	f, ds := Parse("t.conf", []byte("filter { test {\n"+text+"\n} }"), ParseOptions{})
	require.False(t, ds.HasErrors(), ds.String())
	env := map[string]string{"HOST": "es01", "REF": "[a][b]", "NUM": "5", "TRUE": "true"}
	attrs, more := Evaluate(f.Sections[0].Body[0].(*PluginNode), func(name string) (string, bool) { s, ok := env[name]; return s, ok })
	return append(more, Decode(attrs, into...)...)
}

func TestDecode(t *testing.T) {
	f := func(text string, want func(o *options)) {
		t.Helper()
		got := options{Tags: []string{"default"}}
		wanted := options{Tags: []string{"default"}}
		ds := decodeOptions(t, text, &got)
		require.False(t, ds.HasErrors(), ds.String())
		want(&wanted)
		require.Equal(t, wanted, got, text)
	}
	f(``, func(o *options) {})
	f(`source => "a"`, func(o *options) { o.Source = "a" })
	f(`source => ["a"]`, func(o *options) { o.Source = "a" })
	f(`source => word`, func(o *options) { o.Source = "word" })
	f(`source => 12`, func(o *options) { o.Source = "12" })
	f(`source => 0.00001`, func(o *options) { o.Source = "1.0e-05" })
	f(`source => 12345678.0`, func(o *options) { o.Source = "12345678.0" })
	f(`source => "m" source => "m"`, func(o *options) { o.Source = "m" })
	f(`length_bytes => 10`, func(o *options) { o.Length = 10 })
	f(`length_bytes => "10"`, func(o *options) { o.Length = 10 })
	f(`length_bytes => "1.0"`, func(o *options) { o.Length = 1 })
	f(`length_bytes => [-3]`, func(o *options) { o.Length = -3 })
	f(`length_bytes => 010`, func(o *options) { o.Length = 8 })
	f(`length_bytes => "${NUM}"`, func(o *options) { o.Length = 5 })
	f(`ratio => 1`, func(o *options) { o.Ratio = 1 })
	f(`ratio => "0.5"`, func(o *options) { o.Ratio = 0.5 })
	f(`skip => true`, func(o *options) { o.Skip = true })
	f(`skip => ["true"]`, func(o *options) { o.Skip = true })
	f(`skip => "${TRUE}" maybe => false`, func(o *options) { o.Skip = true; no := false; o.Maybe = &no })
	f(`whitespace => lenient`, func(o *options) { o.White = "lenient" })
	f(`add_tag => x1`, func(o *options) { o.Tags = []string{"x1"} })
	f(`add_tag => ["a", 1, 2.50]`, func(o *options) { o.Tags = []string{"a", "1", "2.5"} })
	f(`add_tag => []`, func(o *options) { o.Tags = []string{} })
	f(`add_tag => ["a", ["b", "c"]]`, func(o *options) { o.Tags = []string{"a", `["b", "c"]`} })
	f(`add_tag => "a" add_tag => ["b","c"]`, func(o *options) { o.Tags = []string{"a", `["b", "c"]`} })
	f(`add_tag => ["a"] add_tag => ["b", "c"] add_tag => "d" add_tag => ["a"]`, func(o *options) { o.Tags = []string{"a", "b", "c", "d", "a"} })
	f(`add_tag => { "k" => "v" }`, func(o *options) { o.Tags = []string{`["k", "v"]`} })
	f(`add_tag => "[${HOST}, ${NO:9200}]"`, func(o *options) { o.Tags = []string{"es01", "9200"} })
	f(`add_tag => ["${HOST}", "x-${NO:y}", "[h][${NO:k}]"]`, func(o *options) { o.Tags = []string{"es01", "x-y", `["h][k"]`} })
	f(`add_tag => ["${1BAD:x}", "${A-B:x}", "${}", "${NO :x}", "$HOST", "${.x:y}", "${NO::}", "${NO:}"]`, func(o *options) {
		o.Tags = []string{"${1BAD:x}", "${A-B:x}", "${}", "${NO :x}", "$HOST", "y", ":", ""}
	})
	f(`source => "${REF}"`, func(o *options) { o.Source = "[a][b]" })
	f(`source => "'${HOST}'"`, func(o *options) { o.Source = "es01" })
	f(`numbers => ["1", 2]`, func(o *options) { o.Numbers = []int{1, 2} })
	f(`fields => "ab" field => "c"`, func(o *options) { o.Fields = []upper{{"AB"}}; o.Field = upper{"C"} })
	f(`own => { "a" => 1 "b" => 2 }`, func(o *options) { o.Own.n = 2 })
	f(`wait => 1500 every => "2 hours"`, func(o *options) { o.Wait = 1500 * time.Millisecond; o.Every = 2 * time.Hour })
	f(`every => 1.5`, func(o *options) { o.Every = 1500 * time.Millisecond })
	f(`size => "10 MiB"`, func(o *options) { o.Size = 10 << 20 })
	f(`size => 64`, func(o *options) { o.Size = 64 })
	f(`size => "64mb"`, func(o *options) { o.Size = 64_000_000 })
	f(`password => "x"`, func(o *options) { o.Secret = "x" })
	f(`old_name => "x" old => "y" gone => "z"`, func(o *options) { o.New, o.Old, o.Gone = "x", "y", "z" })
}

func TestDecodeHashes(t *testing.T) {
	keys := func(h Hash) (out string) {
		for _, e := range h {
			out += e.Key + "=" + e.Value.Text() + " "
		}
		return strings.TrimSpace(out)
	}
	f := func(text, want string) {
		t.Helper()
		var o options
		ds := decodeOptions(t, text, &o)
		require.False(t, ds.HasErrors(), ds.String())
		require.Equal(t, want, keys(o.Add), text)
	}
	f(`add_field => { "b" => 1 "a" => 2 }`, "a=2 b=1")
	f(`add_field => [ "b", "1", "a", "2" ]`, "b=1 a=2")
	f(`add_field => [ "a", "1", "a", "2" ]`, `a=["1", "2"]`)
	f(`add_field => []`, "")
	f(`add_field => { "a" => "1" } add_field => { "zz" => "2" }`, "zz=2 a=1")
	f(`add_field => { "a" => "1" 'a' => "2" a1 => "3" "a1" => "4" }`, "a1=4 a=2")
	f(`add_field => { "a" => "1" } add_field => ["b", "2"]`, "a=1")
	f(`add_field => { "a" => "1" } add_field => { "a" => "2" } add_field => { "a" => "1" } add_field => { "a" => ["3", "4"] }`, `a=["1", "2", "3", "4"]`)
	f(`add_field => { "${HOST}" => "1" "k" => "${HOST}" }`, "k=es01 ${HOST}=1")
	f(`add_field => { "a" => [["x", "y"], "z"] }`, `a=[["x", "y"], "z"]`)

	var o options
	require.Empty(t, decodeOptions(t, `rename => { "x" => "y" } both => ["k", "1"] codec => json { charset => "${HOST}" } any => [1] hosts => ["es:9200 http://u:p@b", "[::1]:9"]`, &o))
	require.Equal(t, "Y", o.Rename[0].Value.s)
	require.Equal(t, "K", o.Both[0].Key.s)
	require.Equal(t, 1, o.Both[0].Value)
	require.Equal(t, "json", o.Codec.name)
	require.Equal(t, "codec json", o.Codec.attrs.Label)
	charset, _ := o.Codec.attrs.Get("charset")
	require.Equal(t, "es01", charset.Str)
	require.Equal(t, "[1]", o.Any.Inspect())
	require.Len(t, o.Hosts, 3)
	require.Equal(t, "es:9200", o.Hosts[0].URL().Host)
	require.Equal(t, "http://u:xxxxxx@b", o.Hosts[1].String())
}

// TestDecodeErrors compares what is said about wrong options with testdata/options.txt.
func TestDecodeErrors(t *testing.T) {
	file := filepath.Join(t.TempDir(), "there")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	texts := []string{
		`lenght_bytes => 10`, `Add_Tag => ["a"]`, `nothing_like_it => 1`, `length_bytes => [1, 2]`, `source => ["a", "b"]`, `source => []`,
		`source => { "a" => "b" }`, `skip => TRUE`, `skip => ""`, `skip => 1`, `whitespace => "lenien"`, `whitespace => ["strict", "lenient"]`,
		`length_bytes => "ten"`, `length_bytes => "01"`, `length_bytes => 1.5`, `port => 70000`, `add_field => ["a", "1", "b"]`, `add_field => "a"`,
		`numbers => [1, "x", 3, "y"]`, `field => "ab?cd"`, `fields => ["ok", "what?"]`, `rename => { "a" => "?" }`, `own => 5`,
		`codec => none`, `codec => none { }`, `codec => 5`, `codec => json { } codec => plain { }`, `every => "soon"`, `size => "10 apples"`,
		`password => ["a", "b"]`, `hosts => "http://u:hunter2@h:x/"`, `cacert => "/no/such/file"`, `old_name => "a"`, `old_name => "a" new_name => "b"`,
		`old => "a"`, `gone => "a"`, `type => "a"`, `source => "${MISSING}"`, `source => "x ${MISSING} y ${HOST}"`,
		`add_field => { "a" => "1" } add_field => "x"`, `add_tag => "a" add_tag => ["b"]`, `add_field => { "a" => "1" } add_field => ["b", "2"]`,
	}
	var b strings.Builder
	for _, text := range texts {
		var o options
		fmt.Fprintf(&b, "== %s\n%s", text, decodeOptions(t, text, &o))
	}
	var req struct {
		A string `opt:"source,required"`
		B int    `opt:"length_bytes,required"`
	}
	fmt.Fprintf(&b, "== required options missing\n%s", decodeOptions(t, ``, &req))
	golden(t, "options.txt", b.String())
}

func TestDescribe(t *testing.T) {
	infos := Describe(options{Length: 5, Tags: []string{"a"}, Wait: 250 * time.Millisecond, White: "strict"}, map[string]string{"source": "The field."})
	var b strings.Builder
	for _, i := range infos {
		fmt.Fprintf(&b, "%+v\n", i)
	}
	golden(t, "describe.txt", b.String())
}

func TestHashOrder(t *testing.T) {
	f := func(in, want string) {
		t.Helper()
		keys := strings.Fields(in)
		var got []string
		for _, i := range HashOrder(keys) {
			got = append(got, keys[i])
		}
		require.Equal(t, want, strings.Join(got, " "))
	}
	f("", "")
	f("b a", "a b")
	f("k q p", "p q k")
	f("b a second first zz", "zz a b first second")
	f("Aa BB", "Aa BB") // the same hash code: they keep their order
	f("BB Aa", "BB Aa")
	require.Equal(t, uint32(2112), javaHash("Aa"))
	require.Equal(t, uint32(0x1b0d63), javaHash("😀"))
}
