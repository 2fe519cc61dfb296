package kv

import (
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"github.com/stretchr/testify/require"

	"millrace/filters/internal/filtertest"
	"millrace/internal/logging"
	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

// quoted returns a text as JSON.
func quoted(s string) string { return string(event.AppendJSONString(nil, s)) }

// on returns an f that runs the filter with options (and a target) on a text.
func on(t *testing.T, options string) func(in, want string) {
	return func(in, want string) {
		t.Helper()
		r := filtertest.New(t, Plugin, options+` source => "m" target => "o" remove_field => ["m"]`)
		if want != "" {
			want = `,"o":{` + want + "}"
		}
		got := r.Run(`{"m":` + quoted(in) + `}`)
		succeeded := ""
		if want != "" {
			succeeded = " +"
		}
		require.Equal(t, `{"m":`+quoted(in)+want+"}"+succeeded, got, "%s on %q", options, in)
	}
}

func TestPairs(t *testing.T) {
	f := on(t, ``)
	f(`hello=world foo=bar doublequoted="hello world" singlequoted='hello world' a=(hello world) b=[hello world] c=<hello world>`,
		`"hello":"world","foo":"bar","doublequoted":"hello world","singlequoted":"hello world","a":"hello world","b":"hello world","c":"hello world"`)
	f(`hello = world foo =bar baz= fizz q = "hello world" s= 'hello world' b =(hello world)`,
		`"hello":"world","foo":"bar","baz":"fizz","q":"hello world","s":"hello world","b":"hello world"`)
	f(`foo=bar baz="quoted stuff" and more unquoted msg="some fully-quoted message " empty="" non-empty="foo"`,
		`"foo":"bar","baz":"quoted stuff","msg":"some fully-quoted message ","non-empty":"foo"`)
	f(`this is no pair`, ``)
	f(``, ``)
	f(`a=`, ``)
	f(`=b`, ``)
	f(`a==b`, `"a":"=b"`)
	f(`a="x\"y" b=1`, `"a":"x\\\"y","b":"1"`)
	f(`a="x\" b=1`, `"a":"x\\","b":"1"`)
	f(`a\=b c=1`, `"a\\":"b","c":"1"`)
	f("a=\"x\"\nb=2", `"a":"x","\nb":"2"`)
	f("a=(x [y] z) b=1", `"a":"x [y] z","b":"1"`)
	f("a=((x)) b=1", `"a":"((x))","b":"1"`)
}

func TestSplitters(t *testing.T) {
	on(t, `field_split => "?&"`)(`?hello=world&foo=bar&d="hello world"&ignoreme&foo12=bar12`, `"hello":"world","foo":"bar","d":"hello world","foo12":"bar12"`)
	on(t, `field_split => "|"`)(`field1=test|field2=another test|field3=test3`, `"field1":"test","field2":"another test","field3":"test3"`)
	on(t, `value_split => ":"`)(`hello:=world foo:bar baz=:fizz d:"hello world"`, `"hello":"=world","foo":"bar","baz=":"fizz","d":"hello world"`)
	on(t, `value_split => ":"`)(`IKE:=Quick\ Mode\ completion IKE\ IDs:=subnet:\ x.x.x.x\ (mask=\ 255.255.255.254)\ and\ host:\ y.y.y.y`,
		`"IKE":"=Quick\\ Mode\\ completion","IKE\\ IDs":"=subnet:\\ x.x.x.x\\ (mask=\\ 255.255.255.254)\\ and\\ host:\\ y.y.y.y"`)
	on(t, `value_split_pattern => "::"`)(`hello::world foo::bar d::"hello world"`, `"hello":"world","foo":"bar","d":"hello world"`)
	on(t, `field_split_pattern => "_+" value_split_pattern => ":+"`)(`hello:world_foo::bar__baz:::fizz___d:::"hello world"____b:::(hello world)`,
		`"hello":"world","foo":"bar","baz":"fizz","d":"hello world","b":"hello world"`)
	on(t, `field_split_pattern => "\?\?" value_split_pattern => "\+\+"`)(`hello++world??foo++bar??b++(hello world)`, `"hello":"world","foo":"bar","b":"hello world"`)
	on(t, `field_split_pattern => "!!!!!"`)(`foo=bar!!!!!baz="quoted stuff" and more unquoted!!!!!msg="fully-quoted with a part! of"!!!!!blip="this!!!!!is it"!!!!!empty=""!!!!!x="foo"`,
		`"foo":"bar","baz":"\"quoted stuff\" and more unquoted","msg":"fully-quoted with a part! of","blip":"this!!!!!is it","x":"foo"`)
	on(t, `field_split_pattern => ";\s*(?=key.+?:)|;$" value_split_pattern => ":\s+"`)(`key1: val1; key2: val2; key3:  https://site/?g={......"...;  CLR  rv:11.0)"..}; key4: val4;`,
		`"key1":"val1","key2":"val2","key3":"https://site/?g={......\"...;  CLR  rv:11.0)\"..}","key4":"val4"`)
	on(t, `field_split => "|"`)(`a=1|b=|c=3`, `"a":"1","c":"3"`)
	on(t, `field_split_pattern => "\|" value_split_pattern => "="`)(`a=1|b=|c=3`, `"a":"1","c":"3"`)
	on(t, `field_split_pattern => "\\r\\n" value_split_pattern => ": " whitespace => strict`)(`Host: foo.com\r\nUser-Agent: Q/1 (w)\r\nAccept: */*\r\n\r\n`, `"Host":"foo.com","User-Agent":"Q/1 (w)","Accept":"*/*"`)
	on(t, "field_split => \"\r\n\" value_split => ' ' trim_key => ':'")("AccountStatus: 4\r\nAdditionalInformation\r\n\r\nCode: \r\nHttpStatusCode: \r\nIsSuccess: True\r\nMessage: \r\n", `"AccountStatus":"4","IsSuccess":"True"`)
}

func TestStrict(t *testing.T) {
	f := on(t, `whitespace => strict`)
	f(`IN=eth0 OUT= MAC=0f:5f SRC=192.168.0.1`, `"IN":"eth0","MAC":"0f:5f","SRC":"192.168.0.1"`)
	f(`hello=world goodbye=cruel\ world eq="" q="value1" eu= u=value2 eb=[] b=[value3] cake=delicious`,
		`"hello":"world","goodbye":"cruel\\ world","q":"value1","u":"value2","b":"value3","cake":"delicious"`)
	f(`hello = world foo =bar baz= fizz whitespace=none d = "hello world" s= 'hello world' b =(hello world) strict=true`, `"whitespace":"none","strict":"true"`)
	on(t, `whitespace => strict allow_empty_values => true`)(`present=one empty= emptyquoted='' present=two emptybracketed=[] endofinput=`,
		`"present":["one","two"],"empty":"","emptyquoted":"","emptybracketed":"","endofinput":""`)
}

func TestKeys(t *testing.T) {
	const text = `hello=world foo=bar baz=fizz`
	on(t, `include_keys => ["foo","x"]`)(text, `"foo":"bar"`)
	on(t, `exclude_keys => ["foo","x"]`)(text, `"hello":"world","baz":"fizz"`)
	on(t, `include_keys => ["foo","baz"] prefix => "__"`)(text, `"__foo":"bar","__baz":"fizz"`)
	on(t, `include_keys => ["foo"] exclude_keys => ["foo"]`)(text, ``)
	on(t, `default_keys => ["foo","xxx","goo","yyy","n",5]`)(text, `"foo":"bar","goo":"yyy","n":5,"hello":"world","baz":"fizz"`)
	on(t, `default_keys => {"goo" => ["a","b"]}`)(`none`, `"goo":["a","b"]`)
	on(t, `allow_duplicate_values => false`)(`foo=bar foo=yeah foo=yeah`, `"foo":["bar","yeah"]`)
	on(t, `include_brackets => false`)(`a=(hello world) b=[hello world]`, `"a":"(hello","b":"[hello"`)
	on(t, `include_keys => ["%{m}"]`)(text, ``)
}

func TestEdits(t *testing.T) {
	on(t, `field_split => "\|" trim_value => " " trim_key => " "`)(`key1=  value1 with spaces    |  key2 with spaces  =value2`, `"key1":"value1 with spaces","key2 with spaces":"value2"`)
	on(t, `trim_value => "<>," trim_key => "%+"`)(`to=<foo@example.com>, %+relay=mail.example.com[private/x], status=sent (250 2.0.0 Saved) `,
		`"to":"foo@example.com","relay":"mail.example.com[private/x]","status":"sent"`)
	on(t, `field_split => "\|" remove_char_value => " " remove_char_key => " "`)(`key1= value1 with spaces | key2 with spaces =value2`, `"key1":"value1withspaces","key2withspaces":"value2"`)
	on(t, `transform_key => "uppercase" transform_value => "lowercase"`)(`hello = world Foo =Bar q = "hellO worlD"`, `"HELLO":"world","FOO":"bar","Q":"hello world"`)
	on(t, `transform_key => "capitalize" transform_value => "uppercase"`)(`fOo =bar Straße=ß`, `"Foo":"BAR","Straße":"SS"`)
	on(t, `trim_value => "^a-c"`)(`k=--aXb--`, `"k":"aXb"`)
	on(t, `trim => "<>," trimkey => "%+"`)(`%t+o=<foo@ex<amp>le.com>,`, `"to":"foo@example.com"`) // of releases before 4: wherever they stand
	on(t, `remove_char_value => "äö"`)(`k=xäyöz`, `"k":"xyz"`)
}

func TestRecursive(t *testing.T) {
	f := on(t, `recursive => true`)
	f(`IKE="Quick Mode completion" IKE\ IDs = (subnet= x.x.x.x mask= 255.255.255.254 and host=y.y.y.y)`,
		`"IKE":"Quick Mode completion","IKE\\ IDs":{"subnet":"x.x.x.x","mask":"255.255.255.254","host":"y.y.y.y"}`)
	f(`foo=1 bar=(baz=2) bar=(x=(y=3)) end=4`, `"foo":"1","bar":[{"baz":"2"},{"(x":{"(y":"3))"}}],"end":"4"`)
}

func TestEvent(t *testing.T) {
	f := func(options, in, want string) {
		t.Helper()
		require.Equal(t, want, filtertest.New(t, Plugin, options).Run(in), options)
	}
	f(`source => "data" include_keys => ["%{key}"]`, `{"data":"foo=bar baz=fizz","key":"foo"}`, `{"data":"foo=bar baz=fizz","key":"foo","foo":"bar"} +`)
	f(`source => "happy" target => "happy"`, `{"happy":"foo=bar baz=fizz"}`, `{"happy":{"foo":"bar","baz":"fizz"}} +`)
	f(`source => "none" target => "kv"`, `{"m":1}`, `{"m":1}`)
	f(`source => "m" target => "a[b"`[:13], `{"m":{"a":"b=1"}}`, `{"m":{"a":"b=1"}}`)
	f(`tag_on_failure => ["a","b"]`, `{"message":"x=1 y[z=2 q=3"}`, `{"message":"x=1 y[z=2 q=3","x":"1","tags":["a","b"]}`)
	f(`target => "[t][u]"`, `{"message":"x=1","t":"text"}`, `{"message":"x=1","t":"text","tags":["_kv_filter_error"]}`)
	f(`prefix => "%{p}_"`, `{"message":"x=1","p":"pre"}`, `{"message":"x=1","p":"pre","pre_x":"1"} +`)
	f(``, `{"message":"@metadata=1 x=1"}`, `{"message":"@metadata=1 x=1","tags":["_kv_filter_error"]}`)
}

func TestTimeout(t *testing.T) {
	// Every way to divide the equals signs is tried, and memoisation is of no use with a back-reference.
	text := "a" + strings.Repeat("=", 3000) + "b"
	r := filtertest.New(t, Plugin, `value_split_pattern => "(?:(=+)(=+)\1\2)+:" timeout_millis => 20 default_keys => {"d" => "x"}`)
	require.Equal(t, `{"message":"`+text+`","tags":["_kv_filter_timeout"]}`, r.Run(`{"message":"`+text+`"}`))
	require.Equal(t, `{"message":"none","d":"x"} +`, r.Run(`{"message":"none"}`), "the time starts again with every text")
}

func TestDiagnostics(t *testing.T) {
	f := func(options, want string) {
		t.Helper()
		require.Contains(t, filtertest.Diagnose(Plugin, options), want)
	}
	f(`value_split => ""`, `option "value_split": must not be empty`)
	f(`value_split_pattern => ""`, `option "value_split_pattern": must not be empty`)
	f(`field_split_pattern => ""`, `option "field_split_pattern": must not be empty`)
	f(`field_split => ""`, `option "field_split"`)
	f(`field_split_pattern => "(" value_split_pattern => "["`, `option "field_split_pattern"`)
	f(`field_split_pattern => "(" value_split_pattern => "["`, `option "value_split_pattern"`)
	f(`trim_value => "z-a"`, `option "trim_value"`)
	f(`whitespace => "loose"`, `"strict", "lenient"`)
	f(`source => "[a"`, `option "source"`)
	f(`include_keys => ["%{[a}"]`, `every event will fail`)
}

// FuzzScanner holds the scanner to the regular expression that it replaces.
func FuzzScanner(f *testing.F) {
	for _, s := range []string{`a=1 b="x y" c=(z)`, `a = 1 b= 2 c =3 d='x`, `a\=b c\ d=e\ f "=1`, "a=\"x\"\nb=[", `a="\"" b=<\>> =`, `\=\=`, ` = "" = ()x`, "a=1\\\n b=2"} {
		f.Add(s, " ", "=", true)
		f.Add(s, ",\n", ": ", false)
		f.Add(s, "a-c", " ", true)
	}
	f.Fuzz(func(t *testing.T, text, field, value string, lenient bool) {
		o := defaults()
		o.FieldSplit, o.ValueSplit = field, value
		if !lenient {
			o.Whitespace = "strict"
		}
		g, err := newGrammar(&o)
		if err != nil || !g.plain {
			return
		}
		plain := scanner{grammar: g, learns: true, timeout: 1 << 62, m: g.pair.NewMatcher(), has: g.splitter.NewMatcher()}
		slow := *g
		slow.plain = false
		exact := scanner{grammar: &slow, timeout: 1 << 62, m: g.pair.NewMatcher(), has: g.splitter.NewMatcher()}
		half := len(text) / 2
		for _, s := range []string{text, text, text[half:], text[:half], text} { // from the second on with what was learned
			samePairs(t, &plain, &exact, s)
		}
	})
}

// samePairs fails unless the scanners find the same pairs in a text.
func samePairs(t *testing.T, plain, exact *scanner, text string) {
	t.Helper()
	require.True(t, plain.begin(text))
	var got, want []string
	var room [3]event.Part
	for {
		parts := plain.run(room[:])
		for i := range parts {
			got = append(got, parts[i].NameIn(text), parts[i].TextIn(text))
		}
		if len(parts) == len(room) {
			continue
		}
		key, value, ok := plain.next()
		if !ok {
			break
		}
		got = append(got, key, value)
	}
	for more := exact.begin(text); more; {
		var key, value string
		if key, value, more = exact.next(); more {
			want = append(want, key, value)
		}
	}
	require.Equal(t, want, got, "%q", text)
}

// FuzzDirect holds the short way into the event to the long one.
func FuzzDirect(f *testing.F) {
	for _, s := range []string{`a=1 b=2 a=3 a=1`, `message=x id=7 id=8`, `a=1 x[y]=2`, `a=1 @timestamp=2`, `@version=2 tags=x`, `a\==1 b=`, `id=1 id=2 [z=1`, `a="x`} {
		f.Add(s, true)
		f.Add(s, false)
	}
	f.Fuzz(func(t *testing.T, text string, duplicates bool) {
		o := defaults()
		o.AllowDuplicateValues = duplicates
		d := newDirectTest(t, o)
		for _, s := range []string{text, text, text[len(text)/2:], text} {
			d.compare(t, s)
		}
	})
}

// directTest is a filter that puts pairs straight into the event, one that collects them first, and one that takes each pair on its own and
// learns no keys.
type directTest [3]*worker

func newDirectTest(t *testing.T, o Options) (d directTest) {
	for i := range d {
		f, err := New(o, &plugin.Env{Log: logging.Discard(), Stats: new(plugin.Stats)})
		require.NoError(t, err)
		d[i] = f.(*filter).ForWorker().(*worker)
		d[i].direct = d[i].direct && i == 0
		d[i].scanner.learns = i < 2
	}
	return d
}

// compare fails unless both make the same of a text.
func (d directTest) compare(t *testing.T, text string) {
	t.Helper()
	var got [len(d)]string
	for i, w := range d {
		e := event.New(nil)
		e.Root().Set("id", event.StringValue("old"))
		e.Root().Set("message", event.StringValue(text))
		e.Root().Set("gone", event.Value{})
		e.Create(time.Unix(0, 0))
		e.Root().Delete("gone")
		matched := w.Filter(e)
		got[i] = fmt.Sprint(matched, " ", string(e.AppendJSON(nil)))
		for n, f := range e.Root().Fields() {
			v, _ := e.Root().Get(f.Key)
			require.True(t, v.Equal(f.Val), "field %d of %q", n, text)
		}
	}
	require.Equal(t, got[2], got[0])
	require.Equal(t, got[2], got[1])
}

// TestLearnedKeys: whatever texts came before, the pairs of the next are the same.
func TestLearnedKeys(t *testing.T) {
	o := defaults()
	d := newDirectTest(t, o)
	f := func(text string) {
		t.Helper()
		for range 4 { // the first ones may be left out
			d.compare(t, text)
		}
	}
	f(`a=1 b=2 c=3`)
	f(`a=1 c=3 b=2`)
	f(`a=1 a=2 b=3 b=3 c=`)
	f(`a="x y" b="x"y c='z'`)
	f(`a="x y b=2`)
	f(`a= b=2`)
	f(`a="" b="" c=''`)
	f(`a  =  1   b = 2`)
	f(`a =1 a=2 b =3 c=1 b=2`)
	f(`a=1 b=2 c=  `)
	f(`a="x\"y"z a=2 b="\" b=3`)
	f(`\ a=2 a=3 b\=1 b=2 c=3 \=`)
	f(`a=1\ b=2 c=\ d=4 a="\""`)
	f(`message=x id=y a=1 id=z message=u`)
	f(`a=1 @timestamp=2 b=3`)
	f(`a=1 tags=x b=3`)
	f(`fifteen_letters=1 sixteen__letters=2 twentythree_letters_key=3 twentyfour__letters_key=4 b=5`)
	f(`fifteen_letters=1 sixteen__lettres=2 twentythree_letters_kez=3 twentyfour__letters_kez=4 b=5`)
	f(`fifteen_letters=` + strings.Repeat("long ", 30) + `a="` + strings.Repeat("long ", 30) + `" b=` + strings.Repeat("long", 30))
	f(`a=1,b=2`)
	f("a=1\nb=2\x00c=3 \x00=4 a\x00=5")
	var many, texts []string
	for i := range 400 {
		many = append(many, fmt.Sprintf("key%d=%d", i, i))
		if i%50 == 0 {
			texts = append(texts, strings.Join(many[max(0, i-90):], " "))
		}
	}
	for _, text := range texts { // more keys than a layout holds, and always some that came before
		f(text)
	}
	f(strings.Join(many, " "))
	f(strings.Join(many[350:], " ") + " " + strings.Join(many[300:380], " "))
	o.AllowEmptyValues, o.Whitespace, o.FieldSplit, o.ValueSplit = true, "strict", ",", ":="
	d = newDirectTest(t, o)
	f(`a=1,b=,c:3,d=`)
	f(`a:1,b:2,c=3,d=,a=5`)
	f(`a:,b:2,a=3,b=,b=`)
	o.FieldSplit = ", "
	d = newDirectTest(t, o)
	f(`a=1, b=2,, c=, d=4 e="x,y", f='z',`)
}

// TestEverNewKeys: texts that never bring a key again are mostly left out, and one that repeats itself is learned again.
func TestEverNewKeys(t *testing.T) {
	d := newDirectTest(t, defaults())
	l := &d[0].scanner.layout
	for i := range 2000 {
		d.compare(t, fmt.Sprintf("a%d=1 b%d=2 c%d=3", i, i, i))
	}
	require.Less(t, l.turn, uint32(40))
	for range 2*maxPause + 6 {
		d.compare(t, "x=1 y=2 z=3")
	}
	require.Zero(t, l.pause)
}

// TestEndOfMemory: a text that ends where the next page cannot be read is scanned like any other.
func TestEndOfMemory(t *testing.T) {
	size := os.Getpagesize()
	mem, err := syscall.Mmap(-1, 0, 2*size, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	require.NoError(t, err)
	defer func() { _ = syscall.Munmap(mem) }()
	require.NoError(t, syscall.Mprotect(mem[size:], syscall.PROT_NONE))
	d := newDirectTest(t, defaults())
	text := `a=1 bcd="x y" efghijklmnop=qrstuvwxyz twentythree_letters_key="1" key="a value of some length" a_key=another_value_of_some_length x=`
	for range 3 {
		d.compare(t, text)
	}
	for n := range len(text) {
		for _, gap := range []int{0, 1, 7, 15, 16, 17} {
			at := mem[size-n-gap : size-gap]
			copy(at, text)
			d.compare(t, unsafe.String(unsafe.SliceData(at), n))
		}
	}
}

func BenchmarkFilter(b *testing.B) {
	const doc = `{"message":"id=firewall sn=18B169AAAA12 time=\"2024-05-17 08:22:02\" fw=203.0.113.7 pri=6 c=1024 m=537 msg=\"Connection Closed\" n=0 src=192.168.5.10:51514:X0 dst=203.0.113.80:443:X1 proto=tcp/https sent=1245 rcvd=4331"}`
	for name, options := range map[string]string{
		"plain": ``, "target": `target => "fw"`, "edits": `trim_value => "<>" transform_key => "uppercase" prefix => "fw_" exclude_keys => ["c","m"]`,
		"pattern": `field_split_pattern => "\s+"`, "recursive": `recursive => true`,
	} {
		b.Run(name, func(b *testing.B) { filtertest.Bench(b, Plugin, options, doc) })
	}
}

var _ plugin.PerWorker = (*filter)(nil)
