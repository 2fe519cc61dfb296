package translate

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"millrace/filters/internal/filtertest"
	"millrace/pipeline/event"
)

func run(t *testing.T) func(options, in, want string) {
	return func(options, in, want string) {
		t.Helper()
		require.Equal(t, want, filtertest.New(t, Plugin, options).Run(in), options)
	}
}

const codes = `dictionary => ["200","OK","300","Redirect","500","Server Error"] `

func TestExact(t *testing.T) {
	f := run(t)
	f(codes+`field => "status" destination => "t"`, `{"status":200}`, `{"status":200,"t":"OK"} +`)
	f(codes+`source => "status"`, `{"status":"2000"}`, `{"status":"2000"}`)
	f(codes+`source => "status" target => "[a][b]"`, `{"status":"300"}`, `{"status":"300","a":{"b":"Redirect"}} +`)
	f(codes+`source => "status" ecs_compatibility => v8`, `{"status":"300"}`, `{"status":"Redirect"} +`)
	f(codes+`source => "status" target => "[status]"`, `{"status":"1"}`, `{"status":"1"} +`)
	f(codes+`source => "status" target => "t"`, `{"status":"200","t":"old"}`, `{"status":"200","t":"old"}`)
	f(codes+`source => "status" target => "t" override => true`, `{"status":"200","t":"old"}`, `{"status":"200","t":"OK"} +`)
	f(codes+`source => "status" target => "[t][u]"`, `{"status":"200","t":"text"}`, `{"status":"200","t":"text"}`)
	f(codes+`source => "status" fallback => "%{other}"`, `{"status":"1","other":"no match"}`, `{"status":"1","other":"no match","translation":"no match"} +`)
	f(`source => "status" fallback => "no match"`, `{"status":"200"}`, `{"status":"200","translation":"no match"} +`)
}

func TestRegex(t *testing.T) {
	f := run(t)
	const options = `source => "s" regex => true dictionary => ["^2[0-9][0-9]$","OK","^3[0-9][0-9]$","Redirect","(?<=a)b",{"x" => [1]}] `
	f(options, `{"s":"200"}`, `{"s":"200","translation":"OK"} +`)
	f(options, `{"s":"2000"}`, `{"s":"2000"}`)
	f(options, `{"s":"ab"}`, `{"s":"ab","translation":{"x":[1]}} +`)
}

func TestPartial(t *testing.T) {
	f := run(t)
	f(codes+`exact => false source => "s"`, `{"s":"200 & 500"}`, `{"s":"200 & 500","translation":"OK & Server Error"} +`)
	f(codes+`exact => false source => "s"`, `{"s":"none"}`, `{"s":"none"}`)
	f(`exact => false source => "s" dictionary => ["foo","bar"]`, `{"s":"foofing"}`, `{"s":"foofing","translation":"barfing"} +`)
	f(`exact => false source => "s" dictionary => ["ab","1","abc","2","c","3"]`, `{"s":"abc äc"}`, `{"s":"abc äc","translation":"13 ä3"} +`)
	f(`exact => false source => "s" dictionary => ["","-","a",7]`, `{"s":"äb"}`, `{"s":"äb","translation":"-ä-b-"} +`)
	f(`exact => false source => "s" dictionary => ["a.c","x"] regex => true`, `{"s":"abc a.c"}`, `{"s":"abc a.c","translation":"abc x"} +`)
	f(`exact => false source => "s" dictionary => ["a","a"] fallback => "f"`, `{"s":"a"}`, `{"s":"a","translation":"f"} +`)
}

func TestIterate(t *testing.T) {
	f := run(t)
	const names = `dictionary => ["100","Yuki","101","Rupert","102","Ahmed"] `
	f(names+`iterate_on => "[ids]" source => "ids" target => "names" fallback => "Unknown"`, `{"ids":[100,"110","102"]}`, `{"ids":[100,"110","102"],"names":["Yuki","Unknown","Ahmed"]} +`)
	f(names+`iterate_on => "ids" source => "ids" target => "names"`, `{"ids":["1","101"]}`, `{"ids":["1","101"],"names":[null,"Rupert"]} +`)
	f(names+`iterate_on => "ids" source => "ids" target => "names"`, `{"ids":["1"]}`, `{"ids":["1"],"names":[null]}`)
	f(names+`iterate_on => "ids" source => "ids" target => "names"`, `{"ids":"101"}`, `{"ids":"101","names":["Rupert"]} +`)
	f(names+`iterate_on => "ids" source => "ids" target => "ids"`, `{"ids":["101"]}`, `{"ids":["Rupert"]} +`)
	f(names+`iterate_on => "c" source => "[id]" target => "[name]" fallback => "Unknown"`, `{"c":[{"id":100},{"id":110},{"x":1},5]}`,
		`{"c":[{"id":100,"name":"Yuki"},{"id":110,"name":"Unknown"},{"x":1},5]} +`)
	f(names+`iterate_on => "c" source => "[a][id]" target => "[b][name]"`, `{"c":[{"a":{"id":"101"}}]}`, `{"c":[{"a":{"id":"101"},"b":{"name":"Rupert"}}]} +`)
	f(names+`iterate_on => "c" source => "id" target => "name"`, `{"c":[{"id":["101"]}]}`, `{"c":[{"id":["101"]}]}`)
	f(names+`iterate_on => "c" source => "id" target => "name" fallback => "no"`, `{"c":[{"id":null}]}`, `{"c":[{"id":null}]}`)
	f(names+`iterate_on => "c" source => "id" target => "[b][name]"`, `{"c":[{"id":"101","b":"text"}]}`, `{"c":[{"id":"101","b":"text"}]}`)
	f(names+`iterate_on => "c" source => "id" target => "name"`, `{"d":1}`, `{"d":1}`)
}

// file writes a dictionary and returns the options that name it.
func file(t *testing.T, name, text string) string {
	path := filepath.Join(t.TempDir(), name)
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return `source => "s" dictionary_path => "` + path + `" `
}

func TestFiles(t *testing.T) {
	f := func(name, text, in, want string) {
		t.Helper()
		if want != "" {
			want = `,"translation":` + want + `} +`
		} else {
			want = `}`
		}
		require.Equal(t, `{"s":`+in+want, filtertest.New(t, Plugin, file(t, name, text)).Run(`{"s":`+in+`}`))
	}
	f("d.csv", "\ufeffa,1\nb,2\r\n\n\"c\"\"d\",\"x,y\"\nnull\nempty,\"\"\n", `"a"`, `"1"`)
	f("d.csv", "a,1\nb,2\r\n\n\"c\"\"d\",\"x,y\"\nnull\nempty,\"\"\n", `"c\"d"`, `"x,y"`)
	f("d.csv", "a,1\nb,2\r\n\n\"c\"\"d\",\"x,y\"\nnull\nempty,\"\"\n", `"null"`, `null`)
	f("d.csv", "a,1\nb,2\r\n\n\"c\"\"d\",\"x,y\"\nnull\nempty,\"\"\n", `"empty"`, `""`)
	f("d.json", `{"b":20,"c":{"loc":[12.345,-1.234]}}`, `"c"`, `{"loc":[12.345,-1.234]}`)
	const doc = "a: 1\n\"404\": yes\n404: int key\nb: &b {x: [on, ~, 1.5, 0x1F, \"1\"]}\nc: *b\nd:\n  <<: *b\n  y: 2024-01-02T03:04:05Z\nno: typed\n---\ne: !!str 5\nf: 99999999999999999999\n"
	f("d.yml", doc, `"a"`, `1`)
	f("d.yml", doc, `404`, `true`)
	f("d.yaml", doc, `"c"`, `{"x":[true,null,1.5,31,"1"]}`)
	f("d.yaml", doc, `"d"`, `{"x":[true,null,1.5,31,"1"],"y":"2024-01-02T03:04:05.000Z"}`)
	f("d.yaml", doc, `"no"`, ``)
	f("d.yaml", doc, `"e"`, `"5"`)
	f("d.yaml", doc, `"f"`, `99999999999999999999`)
	f("d.yaml", "--- \n!!map {\n ? !!str \"one\"\n : !!str \"v\" }\n", `"one"`, `"v"`)
	require.Contains(t, filtertest.Diagnose(Plugin, file(t, "d.yml", doc)), "2 keys, such as 404, are no strings")
}

func TestStreaming(t *testing.T) {
	f := func(text, in, want string) {
		t.Helper()
		if want != "" {
			want = `,"translation":` + want + `} +`
		} else {
			want = `}`
		}
		require.Equal(t, `{"s":`+in+want, filtertest.New(t, Plugin, file(t, "d.yml", text)+`yaml_load_strategy => streaming`).Run(`{"s":`+in+`}`), text)
	}
	const doc = "a: 031\n\"404\": yes\n404: int key\nno: typed\ntrue: bool key\nb: &b {x: [on, ~, 1.5, 0x1F, \"1\", 1e3, -7, 1_0, true, null, ], <<: {y: 2024-01-02}}\ne: !!str 5\nf: -0099999999999999999999\n--- \ng: 1\n"
	f(doc, `"a"`, `31`)
	f(doc, `404`, `"yes"`)
	f(doc, `"no"`, `"typed"`)
	f(doc, `"true"`, ``)
	f(doc, `"b"`, `{"x":["on",null,1.5,"0x1F","1","1e3",-7,"1_0",true,null],"<<":{"y":"2024-01-02"}}`)
	f(doc, `"e"`, `5`)
	f(doc, `"f"`, `-99999999999999999999`)
	f(doc, `"g"`, ``)
	f("- x\n- a: b\n- a: c\n", `"a"`, `"b"`)
	f("--- 5\n---\na: b\n", `"a"`, `"b"`)
	f("- x\n", `"x"`, ``)
	f("", `"x"`, ``)
	require.Contains(t, filtertest.Diagnose(Plugin, file(t, "d.yml", "a: &a 1\nb: *a\n")+`yaml_load_strategy => streaming`), "line 2: yaml_load_strategy => streaming does not read aliases")
}

func TestDiagnostics(t *testing.T) {
	f := func(options, want string) {
		t.Helper()
		require.Contains(t, filtertest.Diagnose(Plugin, options), want)
	}
	f(``, `option "source" is required`)
	f(`field => "a" source => "b"`, `field is the old name of source`)
	f(`source => "b" target => "c" destination => "d"`, `destination is the old name of target`)
	f(`source => "b" target => "[b]" override => false`, `override => false has no effect`)
	f(codes+file(t, "d.csv", ""), `exclude each other`)
	f(file(t, "d.txt", ""), `must end in .yml, .yaml, .json or .csv`)
	f(file(t, "d.json", "[]"), `must hold a JSON object`)
	f(file(t, "d.json", "{} x"), `text behind`)
	f(file(t, "d.yml", "a: b: c"), `mapping values are not allowed`)
	f(file(t, "d.yml", "- a"), `expected a mapping`)
	f(file(t, "d.csv", "a,\"b"), `line 1: `)
	f(file(t, "d.yml", "a: b")+`yaml_dictionary_code_point_limit => 3`, `4 characters`)
	f(file(t, "d.yml", "a: b")+`yaml_dictionary_code_point_limit => 0`, `greater than 0`)
	f(file(t, "d.csv", "a,b")+`yaml_dictionary_code_point_limit => 5`, `YAML files only`)
	f(file(t, "d.yml", "a: b")+`yaml_dictionary_code_point_limit => 5 yaml_load_strategy => streaming`, `does not go with`)
	f(`source => "s" regex => true dictionary => ["(","x"]`, `the key "("`)
	f(codes+`source => "s" regex => true exact => false`, `no effect`)
	f(`source => "s" dictionary_path => "/nonexistent/d.yml"`, `cannot be read`)
}

func TestRefresh(t *testing.T) {
	f := func(behaviour, wantGone string) {
		t.Helper()
		path := filepath.Join(t.TempDir(), "d.csv")
		second := 0
		write := func(text string) {
			require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
			second++
			require.NoError(t, os.Chtimes(path, time.Time{}, time.Unix(int64(second), 0)))
		}
		write("a,1\nb,2\n")
		synctest.Test(t, func(t *testing.T) {
			r := filtertest.New(t, Plugin, `source => "s" dictionary_path => "`+path+`" refresh_interval => 0.5 refresh_behaviour => `+behaviour)
			ctx, stop := context.WithCancel(t.Context())
			require.NoError(t, r.Filter.(*filter).Start(ctx))
			next := func() { time.Sleep(600 * time.Millisecond); synctest.Wait() } // the bubble's clock
			write("b,12\nc,13\n")
			require.Equal(t, `{"s":"b","translation":"2"} +`, r.Run(`{"s":"b"}`))
			next()
			require.Equal(t, `{"s":"b","translation":"12"} +`, r.Run(`{"s":"b"}`))
			require.Equal(t, `{"s":"c","translation":"13"} +`, r.Run(`{"s":"c"}`))
			require.Equal(t, wantGone, r.Run(`{"s":"a"}`))
			write("a,\"x")
			next()
			require.Equal(t, `{"s":"b","translation":"12"} +`, r.Run(`{"s":"b"}`), "a bad file changes nothing")
			require.NoError(t, os.Remove(path))
			next()
			require.Equal(t, `{"s":"b","translation":"12"} +`, r.Run(`{"s":"b"}`), "nor does a missing one")
			stop()
		})
	}
	f("merge", `{"s":"a","translation":"1"} +`)
	f("replace", `{"s":"a"}`)
}

// FuzzReplace holds the replacement to the alternatives of a regular expression.
func FuzzReplace(f *testing.F) {
	f.Add("abc äc", "ab", "abc", "")
	f.Add("200 & 500", "200", "00", "0")
	f.Fuzz(func(t *testing.T, text, a, b, c string) {
		table := newTable(mode{partial: true})
		for i, key := range []string{a, b, c} {
			table.set(key, event.IntValue(int64(i)))
		}
		require.NoError(t, table.finish())
		_, _ = table.replace(new(event.Arena), text)
		for _, key := range []string{a, b, c} {
			if text != "" && text == key {
				got, ok := table.keyAt(text)
				require.True(t, ok)
				require.LessOrEqual(t, table.rank[got], table.rank[key])
			}
		}
	})
}

func BenchmarkFilter(b *testing.B) {
	b.Run("exact", func(b *testing.B) { filtertest.Bench(b, Plugin, codes+`source => "s"`, `{"s":"500"}`) })
	b.Run("number", func(b *testing.B) { filtertest.Bench(b, Plugin, codes+`source => "s"`, `{"s":500}`) })
	b.Run("partial", func(b *testing.B) {
		filtertest.Bench(b, Plugin, codes+`source => "s" exact => false`, `{"s":"200 & 500 and more"}`)
	})
	b.Run("regex", func(b *testing.B) {
		filtertest.Bench(b, Plugin, `source => "s" regex => true dictionary => ["^2[0-9][0-9]$","OK","^5[0-9][0-9]$","Error"]`, `{"s":"500"}`)
	})
}
