package translate

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"millrace/filters/internal/filtertest"
)

// What the plugin's own test suite asserts.
func TestSuite(t *testing.T) {
	f := run(t)
	const exact = `field => "status" target => "translation" exact => true regex => false `
	f(exact+codes, `{"status":200}`, `{"status":200,"translation":"OK"} +`)
	f(exact+`dictionary => ["^2\d\d","OK","^3\d\d","Redirect"]`, `{"status":200}`, `{"status":200}`)
	f(`field => "status" target => "translation" exact => false regex => false `+codes, `{"status":"200 & 500"}`, `{"status":"200 & 500","translation":"OK & Server Error"} +`)
	f(`field => "status" target => "translation" exact => true regex => true dictionary => ["^2[0-9][0-9]$","OK","^5[0-9][0-9]$","Error"]`,
		`{"status":"200"}`, `{"status":"200","translation":"OK"} +`)
	f(`field => "status" destination => "translation" fallback => "no match"`, `{"status":"200"}`, `{"status":"200","translation":"no match"} +`)
	f(`field => "status" target => "translation" fallback => "%{other}"`, `{"status":"200","other":"none"}`, `{"status":"200","other":"none","translation":"none"} +`)
}

// The dictionary of the suite, with a tag on the mapping and on each of its scalars.
func tagged(t *testing.T, tag string) string {
	var b strings.Builder
	b.WriteString("---\n" + tag + " {\n")
	for _, n := range []string{"eight", "nine", "one", "seven", "six", "two"} {
		b.WriteString("  ? !!str \"" + n + "\"\n  : !!str \"val-" + n + "-1|val-" + n + "-2\",\n")
	}
	b.WriteString("}\n")
	return dictionaryPath(t, "tags.yml", b.String())
}

// dictionaryPath writes a dictionary and returns the option that names it.
func dictionaryPath(t *testing.T, name, text string) string {
	path := filepath.Join(t.TempDir(), name)
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return `dictionary_path => "` + path + `" `
}

func TestSuiteFiles(t *testing.T) {
	f := run(t)
	const status = `field => "status" target => "translation" refresh_interval => -1 `
	csv := dictionaryPath(t, "codes.csv", "200,OK\n300,Redirect\n400,Client Error\n500,Server Error\n")
	f(status+`exact => false `+csv, `{"status":"200 & 500"}`, `{"status":"200 & 500","translation":"OK & Server Error"} +`)
	f(status+`regex => true `+dictionaryPath(t, "regex.csv", "^2[0-9][0-9]$,OK\n^3[0-9][0-9]$,Redirect\n"), `{"status":"200"}`, `{"status":"200","translation":"OK"} +`)
	f(status+dictionaryPath(t, "d.yml", "a: 1\nb: 2\nc: 3\n"), `{"status":"a"}`, `{"status":"a","translation":1} +`)
	f(status+tagged(t, "!!map"), `{"status":"six"}`, `{"status":"six","translation":"val-six-1|val-six-2"} +`)
	f(status+tagged(t, "!!omap"), `{"status":"nine"}`, `{"status":"nine","translation":"val-nine-1|val-nine-2"} +`)
	f(status+dictionaryPath(t, "d.json", `{"a":10,"b":20,"c":30}`), `{"status":"b"}`, `{"status":"b","translation":20} +`)
	f(status+dictionaryPath(t, "d.csv", "a,1\nb,2\nc,300\n"), `{"status":"c"}`, `{"status":"c","translation":"300"} +`)
	f(`field => "foo" destination => "foo" override => true `+tagged(t, "!!map"), `{"foo":"nine"}`, `{"foo":"val-nine-1|val-nine-2"} +`)
	for _, name := range []string{"e.yml", "e.json", "e.csv"} {
		f(status+`fallback => "no match" `+dictionaryPath(t, name, ""), `{"status":"a"}`, `{"status":"a","translation":"no match"} +`)
	}
}

func TestSuiteIterate(t *testing.T) {
	f := run(t)
	const options = `iterate_on => "foo" destination => "baz" fallback => "nooo" refresh_interval => 0 `
	words, codes := tagged(t, "!!map"), dictionaryPath(t, "codes.csv", "200,OK\n300,Redirect\n")
	f(options+`field => "foo" `+words, `{"foo":["nine","six"]}`, `{"foo":["nine","six"],"baz":["val-nine-1|val-nine-2","val-six-1|val-six-2"]} +`)
	f(options+`field => "foo" `+codes, `{"foo":[200,300,1]}`, `{"foo":[200,300,1],"baz":["OK","Redirect","nooo"]} +`)
	f(options+`field => "bar" `+words, `{"foo":[{"bar":"two"},{"bar":"one"}]}`, `{"foo":[{"bar":"two","baz":"val-two-1|val-two-2"},{"bar":"one","baz":"val-one-1|val-one-2"}]} +`)
	f(options+`field => "bar" `+codes, `{"foo":[{"bar":200},{"bar":300}]}`, `{"foo":[{"bar":200,"baz":"OK"},{"bar":300,"baz":"Redirect"}]} +`)
}

func TestSuiteMistakes(t *testing.T) {
	f := func(options, want string) {
		t.Helper()
		require.Contains(t, filtertest.Diagnose(Plugin, options), want)
	}
	f(`field => "a" dictionary => { "a" => "b" } `+dictionaryPath(t, "d.yml", "a: 1"), "error")
	f(`field => "message" target => "foo" destination => "bar"`, "error")
	f(`field => "status" `+dictionaryPath(t, "d.other", "a: 1"), "must end in")
	f(`field => "status" `+dictionaryPath(t, "d.yml", "a: b: c"), "mapping values are not allowed")
}

// A dictionary that cannot be read again stays as it is, also where only its bytes are wrong.
func TestSuiteCorruptReplacement(t *testing.T) {
	for _, behaviour := range []string{"merge", "replace"} {
		path := filepath.Join(t.TempDir(), "d.csv")
		require.NoError(t, os.WriteFile(path, []byte("a,1\nb,2\nc,3\n"), 0o600))
		synctest.Test(t, func(t *testing.T) {
			r := filtertest.New(t, Plugin, `source => "s" override => true refresh_interval => 1 dictionary_path => "`+path+`" refresh_behaviour => `+behaviour)
			ctx, stop := context.WithCancel(t.Context())
			require.NoError(t, r.Filter.(*filter).Start(ctx))
			require.NoError(t, os.WriteFile(path, []byte("a,11\nb,12\n\"\xff"), 0o600))
			time.Sleep(1100 * time.Millisecond) // the bubble's clock
			synctest.Wait()
			require.Equal(t, `{"s":"a","translation":"1"} +`, r.Run(`{"s":"a"}`))
			require.Equal(t, `{"s":"c","translation":"3"} +`, r.Run(`{"s":"c"}`))
			require.Equal(t, `{"s":"d"}`, r.Run(`{"s":"d"}`))
			stop()
		})
	}
}
