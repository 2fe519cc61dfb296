package edn

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"millrace/pipeline/event"
)

func TestRead(t *testing.T) {
	f := func(in, want string) {
		t.Helper()
		v, err := Read(event.New(nil), in)
		require.NoError(t, err, in)
		require.Equal(t, want, string(v.AppendJSON(nil)))
	}
	f(`{:a 1, "b" [nil true false], :c/d #{1 2} sym (x "y")}`, `{"a":1,"b":[null,true,false],"c/d":[1,2],"sym":["x","y"]}`)
	f("; a comment\n #_{:gone 1} -12 rest", "-12")
	f("92233720368547758080N", "92233720368547758080")
	f("[+1 1.5M 1e3 -0.5 2N]", "[1,1.5,1000.0,-0.5,2]")
	f(`"caf\u00e9 \"q\" \\ \n"`, `"café \"q\" \\ \n"`)
	f(`[\a \newline \u00e9 \space]`, `["a","\n","é"," "]`)
	f(`#inst "2024-05-17T08:30:15.123Z"`, `"2024-05-17T08:30:15.123Z"`)
	f(`#my/tag {:a #uuid "x"}`, `{"a":"x"}`)
	f("{}", "{}")
}

func TestRefused(t *testing.T) {
	for _, in := range []string{"", "  ", "{:a", "{:a}", "[1", `"open`, `"\x"`, "]", "#", `\`, `\abc`, "01", "1x", `#inst "x"`, strings.Repeat("[", 600), "#_", `"\u12`} {
		_, err := Read(event.New(nil), in)
		require.Error(t, err, in)
	}
}

func TestWrite(t *testing.T) {
	e := event.New(nil)
	v, _, _, err := e.ParseJSON(`{"a":[1,null,1.5,true],"s":"q\"\n","o":{},"b":92233720368547758080}`)
	require.NoError(t, err)
	require.Equal(t, `{"a" [1 nil 1.5 true], "s" "q\"\n", "o" {}, "b" 92233720368547758080N}`, string(AppendValue(nil, v)))
}

func FuzzRead(f *testing.F) {
	f.Add(`{:a 1, "b" [nil #{1.5M "x\u00e9"}]} ; c`)
	f.Add(`#inst "2024" #_ \newline`)
	f.Fuzz(func(t *testing.T, in string) {
		e := event.New(nil)
		v, err := Read(e, in)
		if err != nil {
			return
		}
		text := string(AppendValue(nil, v))
		w, err := Read(e, text)
		if err != nil {
			if strings.Contains(text, "Infinity") {
				return
			}
			t.Fatalf("%q became %q: %v", in, text, err)
		}
		if v.Kind() != event.Time && !strings.Contains(in, "#inst") && !v.Equal(w) {
			t.Fatalf("%q became %q", in, text)
		}
	})
}
