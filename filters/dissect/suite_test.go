package dissect

import (
	"testing"

	"github.com/stretchr/testify/require"

	"millrace/filters/internal/filtertest"
)

// What the plugin's own test suites assert, in Ruby, in Java and in the table that other implementations of dissect share.
func TestSuite(t *testing.T) {
	f := func(mapping, in, want string) { t.Helper(); run(t, mapping, in, want) }
	f(`%{a} %{b->} %{c}`, `foo bar   baz`, `"a":"foo","b":"bar","c":"baz"`)
	f(`%{a}%{b} %{c}`, `foo bar   baz`, ``)
	f(`%{a} %{b}%{c} %{d}`, `foo bar baz`, ``)
	f(`%{a} %{b} %{c}%{d}`, `foo bar baz quux`, ``)
	f(`%{a} %{} %{c}`, `foo bar baz`, `"a":"foo","c":"baz"`)
	f(`%{a} %{b} %{+b} %{z}`, `foo bar baz quux`, `"a":"foo","b":"bar baz","z":"quux"`)
	f(`%{a}------->%{b}`, `foo------->bar baz quux`, `"a":"foo","b":"bar baz quux"`)
	f(`%{a}------->%{}`, `foo------->bar baz quux`, `"a":"foo"`)
	f(`%{a} » %{b}»%{c}€%{d}`, `foo » bar»baz€quux`, `"a":"foo","b":"bar","c":"baz","d":"quux"`)
	f(`%{a} %{b} %{+a}`, `foo bar baz quux`, `"a":"foo baz quux","b":"bar"`)
	f(`%{+a} %{a} %{+a} %{b}`, `December 31 1999 quux`, `"a":"31 December 1999","b":"quux"`)
	f(`%{+a/2} %{+a/4} %{+a/1} %{+a/3}`, `bar quux foo baz`, `"a":"foo bar baz quux"`)
	f(`%{+a} %{b}`, `foo bar`, `"b":"bar","a":"foo"`)
	f(`%{+a} %{b} %{+a} %{c}`, `foo bar baz quux`, `"b":"bar","c":"quux","a":"foo baz"`)
	f(`[%{a}] %{b} %{c}`, `[foo bar] baz quux`, `"a":"foo bar","b":"baz","c":"quux"`)
	f(`%{k1}=%{&k1}, %{k2}=%{&k2}`, `foo=bar, baz=quux`, `"k1":"foo","k2":"baz","foo":"bar","baz":"quux"`)
	f(`%{k1}=%{&k3}, %{k2}=%{&k4}`, `foo=bar, baz=quux`, `"k1":"foo","k2":"baz"`)
	f(`%{?k1}=%{&k1}, %{?k2}=%{&k2}`, `foo=bar, baz=quux`, `"foo":"bar","baz":"quux"`)
	f(`%{} %{ts} %{hostname} %{rt}: %{reason} %{+reason} %{src_ip}/%{src_port}->%{dst_ip}/%{dst_port} %{polrt} %{+polrt} %{+polrt} %{from_zone} %{to_zone} %{rest}`,
		`42 2016-05-25T14:47:23Z host.name.com RT_FLOW - DENY: session denied 2.2.2.20/60000->1.1.1.10/8090 None 6(0) DEFAULT-DENY UNTRUST DMZ UNKNOWN N/A(N/A) ge-0/0/0.0`,
		`"ts":"2016-05-25T14:47:23Z","hostname":"host.name.com","rt":"RT_FLOW - DENY","reason":"session denied","src_ip":"2.2.2.20","src_port":"60000","dst_ip":"1.1.1.10","dst_port":"8090","polrt":"None 6(0) DEFAULT-DENY","from_zone":"UNTRUST","to_zone":"DMZ","rest":"UNKNOWN N/A(N/A) ge-0/0/0.0"`)
	f(`%{a->}   %{b->}---%{c}`, `foo            bar------------baz`, `"a":"foo","b":"bar","c":"baz"`)
	f(`%{?->}-%{a}`, `-----666`, `"a":"666"`)
	f(`%{a},%{b},%{c},%{d},%{e},%{f}`, `111,,333,,555,666`, `"a":"111","b":"","c":"333","d":"","e":"555","f":"666"`)
	f(`%{a}.࿏.%{b}`, `⟳༒.࿏.༒⟲`, `"a":"⟳༒","b":"༒⟲"`)
	f(`%{a}`, `子`, `"a":"子"`)
	f("%{a}{\n}%{b}", "aaa{\n}bbb", `"a":"aaa","b":"bbb"`)
	f(`MACHINE[%{a}] %{b}`, `1234567890 MACHINE[foo] bar`, ``)
	f(`%{a} %{b} %{c}`, `foo:bar:baz`, ``)
	f(`/var/%{key1}/log/%{key2}.log`, `/var/foo/log/bar.log`, `"key1":"foo","key2":"bar"`)
	f(`AAA %{y->} CCC`, `AAA BBB CCC`, `"y":"BBB"`)
	f(`AAA %{y->} %{z}`, `AAA BBB CCC`, `"y":"BBB","z":"CCC"`)
	f(`%{day}-%{month}-%{year} %{hour} %{severity} [%{thread}] %{origin} %{text}`, "18-Apr-2018 06:53:20.411 INFO [exec-1] org.x.Http11.service Error\n Note: more\n    at x(Y.java:1)",
		`"day":"18","month":"Apr","year":"2018","hour":"06:53:20.411","severity":"INFO","thread":"exec-1","origin":"org.x.Http11.service","text":"Error\n Note: more\n    at x(Y.java:1)"`)
	f(`%{+key/3} %{+key/1} %{+key/2}`, `1 2 3`, `"key":"2 3 1"`)
	f(`%{key} %{&key}`, `hello world`, `"key":"hello","hello":"world"`)
	f(`%{name},%{addr1},%{addr2},%{addr3},%{city},%{zip}`, `J D,4321 Fifth Avenue,,,New York,87432`, `"name":"J D","addr1":"4321 Fifth Avenue","addr2":"","addr3":"","city":"New York","zip":"87432"`)
	f(`%{id} %{function->} %{server}`, `00000043 ViewReceive     machine-321`, `"id":"00000043","function":"ViewReceive","server":"machine-321"`)
	f(`[%{at}]྿྿྿%{code}྿%{service}྿྿྿྿%{?ic}=%{&ic}%྿྿%{text}`, `[25/05/16 BST]྿྿྿00000001྿SystemOut྿྿྿྿cpu=95.43%྿྿java`,
		`"at":"25/05/16 BST","code":"00000001","service":"SystemOut","text":"java","cpu":"95.43"`)
	f(`%{a} %{b}`, ``, ``)
}

// Text behind the last brace is the last delimiter, also where a brace that closes nothing stands before it.
func TestLastDelimiter(t *testing.T) {
	run(t, `%{a} end`, `1 end`, `"a":"1"`)
	run(t, `%{a} end`, `1 ending`, `"a":"1"`)
	run(t, `%{a} end`, `1 en`, ``)
	run(t, `%{a}x}y`, `1x}yz`, `"a":"1x}"`)
	run(t, `%{a}x}`, `1x}z`, `"a":"1x}z"`)
	run(t, `%{a} %{b`, `1 %{b`, `"a":"1"`)
}

func TestSuiteIndirectFromEvent(t *testing.T) {
	r := filtertest.New(t, Plugin, `mapping => { "m" => "%{&k1}, %{&k2}, %{&k3}" }`)
	require.Equal(t, `{"m":"foo, bar, baz","k1":"a","k2":"b","k3":"c","a":"foo","b":"bar","c":"baz"} +`, r.Run(`{"m":"foo, bar, baz","k1":"a","k2":"b","k3":"c"}`))
}

func TestSuiteConversions(t *testing.T) {
	f := func(options, in, want string) {
		t.Helper()
		require.Equal(t, want, filtertest.New(t, Plugin, options).Run(in))
	}
	f(`mapping => { "m" => "%{code} %{?ic}=%{&ic}% %{x}" } convert_datatype => { "cpu" => "float" "code" => "int" }`, `{"m":"00000001 cpu=95.43% y"}`,
		`{"m":"00000001 cpu=95.43% y","code":1,"x":"y","cpu":95.43} +`)
	f(`mapping => { "m" => "%{code} %{?ic}=%{&ic}% %{x}" } convert_datatype => { "ccu" => "float" "other" => "int" }`, `{"m":"00000001 cpu=95.43% y","other":{}}`,
		`{"m":"00000001 cpu=95.43% y","other":{},"code":"00000001","x":"y","cpu":"95.43","tags":["_dataconversionuncoercible_other_int","_dataconversionnullvalue_ccu_float"]} +`)
	f(`convert_datatype => { "big" => "int" }`, `{"big":"4394740425750718628"}`, `{"big":4394740425750718628} +`)
	f(`convert_datatype => { "big" => "float" }`, `{"big":"4394740425750718628.345324"}`, `{"big":4.3947404257507185E18} +`)
	f(`convert_datatype => { "foo" => "int" }`, `{"foo":"12.34"}`, `{"foo":12} +`)
	f(`convert_datatype => { "foo" => "int" }`, `{"foo":12.34}`, `{"foo":12} +`)
	f(`convert_datatype => { "foo" => "float" }`, `{"foo":"12.34"}`, `{"foo":12.34} +`)
}

func TestSuiteMetrics(t *testing.T) {
	f := func(in string, matches, failures int64) {
		t.Helper()
		r := filtertest.New(t, Plugin, `mapping => { "message" => "%{a} %{b}" }`)
		r.Run(in)
		counted := r.Filter.(*filter)
		require.Equal(t, []int64{matches, failures}, []int64{counted.matches.Load(), counted.failures.Load()}, in)
	}
	f(`{"message":"1 2"}`, 1, 0)
	f(`{"message":""}`, 0, 1)
	f(`{"other":"1 2"}`, 0, 1)
}
