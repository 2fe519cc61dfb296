package config

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestGrammar holds texts that Logstash accepts against the tree that it makes of them.
func TestGrammar(t *testing.T) {
	f := func(text, want string) {
		t.Helper()
		file, ds := Parse("", []byte(text), ParseOptions{})
		require.False(t, ds.HasErrors(), ds.String())
		require.Equal(t, want, strings.Join(strings.Fields(dump(file)), " "))
	}
	f("", "")
	f("# only a comment", "# only a comment")
	f("input{}filter{}output{}input{}", "input { } filter { } output { } input { }")
	f("filter\n#c\n{ }", "filter { } #c")
	f(`filter{a{}b-c{}_{}0{}}`, "filter { filter a{} filter b-c{} filter _{} filter 0{} }")
	f(`filter { a { "b c" => xx 'd'=>-1.50 e-f => 0 } }`, `filter { filter a{b c=>xx d=>-1.50 e-f=>0 } }`)
	f(`input { a { codec => bb { cc => dd } x1 => [ ee { } , "f" ,[],{}] } }`, `input { input a{codec=>codec bb{cc=>dd } x1=>[codec ee{} "f" []{}]} }`)
	f(`filter { a { b => {"c"=>"d""e"=>1 ff=>2 gg=>hh} } }`, `filter { filter a{b=>{"c" =>"d" "e" =>1 ff =>2 gg =>hh }} }`)
	f(`filter { a { b => "x\"y" c => 'it\'s' d => "a # b" } }`, `filter { filter a{b=>"x\\\"y" c=>"it\\'s" d=>"a # b" } }`)
	f(`filter { ifa { } if5 { } if[a]{ifb { }} else{} else1 { } }`, `filter { filter ifa{} if 5 { } if [a] { filter ifb{} } if else { } filter else1{} }`)
	f(`filter { if[a]{}elseif[b]{}else if[c]{} else # x`+"\n"+` { } }`, `filter { if [a] { } if [b] { } if [c] { } if else { } } # x`)
	f(`output { if [ a b ] == [c]["d"] { } }`, `output { if [ a b ] ==[c]["d"] { } }`)
	f(`filter { if [a] in [ "x" , yy,[zz],5 ] { } }`, `filter { if [a] in(negate false) ["x" yy [zz ]5 ]{ } }`)
	f(`filter { if "x"not  in[b]and!([c]=~/a\/b/)or"y"!~"z"{ } }`, `filter { if (("x" in(negate true) [b] and ![c] match(negate false) /a\/b/ ) or "y" match(negate true) "z" ){ } }`)
	f(`filter { if lower ( [a] ) == [["c1","e"],"d"] { } }`, `filter { if [a] =="c1" { } }`)
}

// TestPrecedence compares the shape of the trees.
func TestPrecedence(t *testing.T) {
	f := func(cond, want string, codes ...string) {
		t.Helper()
		file, ds := Parse("", []byte("filter { if "+cond+" { } }"), ParseOptions{})
		var got []string
		for _, d := range ds {
			got = append(got, d.Code)
		}
		require.Equal(t, codes, got)
		var b strings.Builder
		dumpCond(&b, file.Sections[0].Body[0].(*IfNode).Branches[0].Cond)
		require.Equal(t, want, strings.ReplaceAll(b.String(), "] ", "]"))
	}
	f("[a] or [b] and [c]", "([a] or ([b] and [c]))")
	f("[a] and [b] or [c]", "(([a] and [b]) or [c])")
	f("[a] or [b] or [c]", "([a] or ([b] or [c]))")
	f("[a] and [b] and [c]", "([a] and ([b] and [c]))")
	f("([a] or [b]) and [c]", "(([a] or [b]) and [c])")
	f("[a] or [b] and [c] or [d]", "([a] or (([b] and [c]) or [d]))")
	f("[a] and [b] or [c] and [d]", "(([a] and [b]) or ([c] and [d]))")
	f("[a] and [b] and [c] or [d]", "([a] and (([b] and [c]) or [d]))", "surprising-precedence")
	f("([a] and [b] and [c]) or [d]", "(([a] and ([b] and [c])) or [d])")
	f("[a] nand [b]", "([a] nand [b])")
	f("([a] xor [b]) and [c]", "(([a] xor [b]) and [c])")
	f("[a] xor [b] xor [c]", "else ", "mixed-operators")
	f("!(![a])", "!![a]")
}

// TestRefused holds texts that Logstash refuses against the place and kind of the error.
func TestRefused(t *testing.T) {
	f := func(text, want string) {
		t.Helper()
		_, ds := Parse("", []byte(text), ParseOptions{})
		var got []string
		for _, d := range ds {
			if d.Severity == Error {
				got = append(got, fmt.Sprintf("%d:%d %s", d.Pos.Line, d.Pos.Column, d.Code))
			}
		}
		require.Equal(t, want, strings.Join(got, ", "), ds.String())
	}
	f(`filter { a { b => c } }`, "1:19 needs-quotes")
	f(`filter { a { b => "c"d => "e" } }`, "1:22 missing-space")
	f(`filter { a { b => "c"# x`+"\n"+`dd => "e" } }`, "2:1 missing-space")
	f(`filter { a { b => ["c",] } }`, "1:23 comma")
	f(`filter { a { b => [,"c"] } }`, "1:20 comma")
	f(`filter { a { b => {"c" => "d", "e" => "f"} } }`, "1:30 comma")
	f(`filter { a { b => "c\" } }`, "1:19 unclosed-string")
	f("filter { a { b => \"c } }\n}\n", "1:19 unclosed-string")
	f("filter {\f}", "1:9 syntax")
	f("filter\u00a0{ }", "1:1 section")
	f("filter { if [a] { }", "1:8 missing-brace")
	f("filter { if [a] not\tin [b] { } }", "1:17 operator")
	f("filter { if [a]] { } }", "1:16 syntax")
	f("filter { if [] == 1 { } }", "1:13 operand")
	f("filter { if [a] == [b,c] { } }", "1:21 needs-quotes, 1:23 needs-quotes")
	f("filter { if [\"a]\",\"b\"] { } }", "1:17 syntax")
	f("filter { if [a] [b] { } }", "1:17 syntax")
	f("filter { if ([a]) == 1 { } }", "1:19 syntax")
	f("filter { if ![a] in [b] { } }", "1:18 syntax")
	f("filter { if !!([a]) { } }", "1:14 syntax")
	f("filter { if [a] =~ 5 { } }", "1:20 syntax")
	f("filter { a { b => 08 } }", "1:19 bad-number")
	f("filter { a { b => 3. } }", "1:19 bad-number")
	f("filter { a { b => { 5 => 6 } } }", "1:21 numeric-key")
	f(`filter { "a" { } }`, "1:10 quoted-plugin-name")
	f("filters { }", "1:1 section")
	f("filter { } x", "1:12 section")
}

func TestEscapes(t *testing.T) {
	f := func(raw, want string) {
		t.Helper()
		file, ds := Parse("", []byte(`filter { a { b => "`+raw+`" } }`), ParseOptions{SupportEscapes: true})
		require.Empty(t, ds)
		s := file.Sections[0].Body[0].(*PluginNode).Attributes[0].Value.(*String)
		require.Equal(t, want, s.Text)
		require.Equal(t, raw, s.Raw)
		require.Equal(t, s.End-1, s.offsetOf(len(s.Text)))
	}
	f(`a\nb\rc\td\0e`, "a\nb\rc\td\x00e")
	f(`\\n \d \" \' \u00e9`, `\n \d " ' \u00e9`)
	f(`é\é`, `é\é`)
	file, _ := Parse("", []byte(`filter { a { b => "\n\nX" } }`), ParseOptions{SupportEscapes: true})
	s := file.Sections[0].Body[0].(*PluginNode).Attributes[0].Value.(*String)
	require.Equal(t, byte('X'), file.Text[s.offsetOf(2)])
}

// bigConfig returns a configuration of about n lines.
func bigConfig(n int) []byte {
	var b strings.Builder
	b.WriteString("filter {\n")
	for i := range n / 20 {
		fmt.Fprintf(&b, `  # rule %d
  if [type] == "web%d" and [status] in ["200", "404"] or "x" in [tags] {
    grok {
      match => { "message" => "^%%{IP:client} %%{WORD:method} %%{URIPATHPARAM:request} %%{NUMBER:bytes}$" }
      tag_on_failure => ["_web_failure"]
    }
    mutate {
      add_field => {
        "[event][dataset]" => "web.%d"
        "[event][kind]" => "event"
      }
      rename => { "client" => "[source][ip]" "bytes" => "[http][response][bytes]" }
      convert => { "[http][response][bytes]" => integer }
    }
  } else if [message] =~ /^\s+at / {
    drop { }
  } else {
    date { match => ["ts", "ISO8601", "UNIX_MS"] target => "@timestamp" }
  }

`, i, i, i)
	}
	b.WriteString("}\n")
	return []byte(b.String())
}

func BenchmarkParse2000Lines(b *testing.B) {
	src := bigConfig(2000)
	b.SetBytes(int64(len(src)))
	b.ReportAllocs()
	for b.Loop() {
		if _, ds := Parse("big.conf", src, ParseOptions{}); ds.HasErrors() {
			b.Fatal(ds)
		}
	}
}

func BenchmarkFormat2000Lines(b *testing.B) {
	src := bigConfig(2000)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Format(src); err != nil {
			b.Fatal(err)
		}
	}
}
