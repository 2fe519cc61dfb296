package ruby

import (
	"context"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"millrace/filters/internal/filtertest"
	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

func TestCode(t *testing.T) {
	f := func(options, in, want string) {
		t.Helper()
		require.Equal(t, want, filtertest.New(t, Plugin, options).Run(in), options)
	}
	f(`code => "event.set('a', event.get('b').to_i * 2)"`, `{"b":"21"}`, `{"b":"21","a":42} +`)
	f(`code => "event.cancel"`, `{"b":1}`, `dropped`)
	f(`code => "event.cancel; event.uncancel"`, `{"b":1}`, `{"b":1} +`)
	f(`code => "event.get('nope').upcase"`, `{"b":1}`, `{"b":1,"tags":["_rubyexception"]}`)
	f(`code => "raise 'x y'" tag_on_exception => "_t" tag_with_exception_message => true`, `{"b":1}`, `{"b":1,"tags":["_t: x y","_t"]}`)
	f(`init => "@n = 5; def add(x) x + @n end" code => "event.set('a', add(1))"`, `{}`, `{"a":6} +`)
	f(`init => "raise 'broken'" code => "event.set('a', 1)"`, `{}`, `{"tags":["_rubyexception"]}`)
	f(`code => "new_event_block.call(event.clone); new_event_block.call(LogStash::Event.new('c' => 1, '@timestamp' => event.timestamp))"`, `{"b":1}`, `{"b":1} +`+"\n"+`{"b":1}`+"\n"+`{"c":1}`)
	f(`code => "e = LogStash::Event.new('@timestamp' => event.timestamp); new_event_block.call(e); e.set('late', 1); e.cancel if false"`, `{"b":1}`, `{"b":1} +`+"\n"+`{"late":1}`)
	// A string is the event's own, as in Logstash; a list is a copy.
	f(`code => "event.get('b').upcase!; event.get('l') << 2"`, `{"b":"x","l":[1]}`, `{"b":"X","l":[1]} +`)
	f(`code => "s = event.get('b'); s << '1'; event.set('c', s); s << '2'"`, `{"b":"x"}`, `{"b":"x12","c":"x12"} +`)
	f(`code => "event.set('b', 1); event.append(LogStash::Event.new('l' => [2, 3], 'b' => 2, 'n' => 'x'))"`, `{"b":"x","l":[1,2]}`, `{"b":[1,2],"l":[1,2,3],"n":"x"} +`)
	f(`code => "h = event.to_hash; h.delete('@timestamp'); h.delete('@version'); event.initialize({ 'in' => h, '@timestamp' => event.timestamp }); event.set('n', 1)"`, `{"b":"x"}`, `{"in":{"b":"x"},"n":1} +`)
	f(`code => "require 'ostruct'; o = OpenStruct.new(a: 1); event.set('a', o.a)"`, `{}`, `{"a":1} +`)
	f(`code => "event.overwrite(LogStash::Event.new('z' => 1, '@timestamp' => event.timestamp))"`, `{"b":"x"}`, `{"z":1} +`)
	f(`code => "event.set('s', event.sprintf('%{b}-%{[o][k]}')); event.set('j', event.to_hash['o'].to_json)"`, `{"b":"x","o":{"k":1}}`, `{"b":"x","o":{"k":1},"s":"x-1","j":"{\"k\":1}"} +`)
	f(`code => "event.set('[@metadata][m]', 1); event.set('h', event.to_hash_with_metadata.key?('@metadata'))"`, `{}`, `{"h":true} @metadata={"m":1} +`)
	f(`code => "event.set('tags', 5)"`, `{}`, `{"tags":["_rubyexception"]}`)
	f(`code => "event.set('[a', 5)"`, `{}`, `{"tags":["_rubyexception"]}`)
	f(`code => "def deep(n) deep(n + 1) end; deep(0)"`, `{}`, `{"tags":["_rubyexception"]}`)
	f(`code => "'x' * 10**12"`, `{}`, `{"tags":["_rubyexception"]}`)
	f(`code => "a = []; a << a; event.set('a', a)"`, `{}`, `{"tags":["_rubyexception"]}`)
}

func TestDiagnostics(t *testing.T) {
	f := func(options string, want ...string) {
		t.Helper()
		got := filtertest.Diagnose(Plugin, options)
		for _, w := range want {
			require.Contains(t, got, w)
		}
	}
	f(``, `either code or path must be given`)
	f(`code => "x = 1" path => "ruby_test.go"`, `cannot be given both`)
	f("code => \"\n  x = 1\n  if x\n\"", `test.conf:3:3`, `line 3, column 3`, `"if" of line 3 has no end`)
	f(`code => "event.set('a', event.get('b').upcas)"`, `test.conf:1:56`, `no class has a method "upcas"`, `did you mean "upcase"?`)
	f(`code => "x = Foo::Bar.new"`, `unknown constant Foo::Bar`)
	f(`code => "x = java.lang.System"`, `classes of Java are not supported`)
	f(`code => "Java::JavaUtil::UUID.randomUUID"`, `classes of Java are not supported`)
	f("code => 'x = `ls`'", `running a command by backquotes is not supported`)
	f(`init => "require 'nokogiri'" code => "event.set('a', 1)"`, `option "init"`, `no such file to load -- nokogiri`)
	require.Empty(t, filtertest.Diagnose(Plugin, `code => "event.set('a', @@seen)"`), "another filter may set it")
	require.Empty(t, filtertest.Diagnose(Plugin, `init => "$n = 0; @@m ||= 1" code => "$n += @@m; event.set('a', [$n, $!, $;, $,, $0, $VERBOSE])"`))
	f(`code => "require 'nokogiri'"`, `warning`, `every event that gets there will be tagged`)
	f(`code => "event.set('a', /(/)"`, `end pattern with unmatched parenthesis`)
	f(`code => "eval('1')"`, `eval is not supported`)
	f(`init => "Thread.new { }" code => "1"`, `Thread.new is not supported`)
	f(`path => "/nonexistent.rb"`, `/nonexistent.rb`)
}

func script(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "script.rb")
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

func TestScript(t *testing.T) {
	path := script(t, `
def register(params)
  @by = params['by']
end
def filter(event)
  return [] if event.get('drop')
  event.set('n', event.get('n') * @by)
  [event, LogStash::Event.new('copy' => @by, '@timestamp' => event.timestamp)]
end
test 'multiplies' do
  parameters { { 'by' => 3 } }
  in_event { { 'n' => 2 } }
  expect('two events') { |events| events.size == 2 }
  expect('product') { |events| events[0].get('n') == 6 }
end`)
	r := filtertest.New(t, Plugin, `path => "`+path+`" script_params => { "by" => 10 "l" => [1, 2.5, "x"] "h" => { "k" => "v" } }`)
	require.NoError(t, r.Filter.(*worker).Start(t.Context()))
	require.Equal(t, `{"n":20} +`+"\n"+`{"copy":10}`, r.Run(`{"n":2}`))
	require.Equal(t, `dropped`, r.Run(`{"n":2,"drop":true}`))
	require.Equal(t, `{"n":null,"tags":["_rubyexception"]}`, r.Run(`{"n":null}`))

	f := func(text, want string) {
		t.Helper()
		require.Contains(t, filtertest.Diagnose(Plugin, `path => "`+script(t, text)+`"`), want)
	}
	f("def filter(event)\n  [event]\nend\ntest 'fails' do\n  in_event { {} }\n  expect('nothing') { |events| events.empty? }\nend", `test "fails": the expectation "nothing" is not met`)
	f("def filter(event)\n  raise 'x'\nend\ntest 'raises' do\n  in_event { {} }\n  expect('y') { |events| true }\nend", `test "raises": x`)
	f("def filter(event)\n", `script.rb: line 1, column 1`)
	f("x = 1", `does not define a method filter`)
	f("def filter(event)\n  event.nonsense\nend", `no class has a method "nonsense"`)
	f("Nokogiri::HTML('x')\ndef filter(event)\n  [event]\nend", `script.rb: line 1, column 1: unknown constant Nokogiri`)
	f("@x = nil\n@x.upcase\ndef filter(event)\n  [event]\nend", `script.rb:2: undefined method `+"`upcase'"+` for nil:NilClass (NoMethodError)`)
	r = filtertest.New(t, Plugin, `path => "`+script(t, "def filter(event)\n  event\nend")+`"`)
	require.Equal(t, `{"tags":["_rubyexception"]}`, r.Run(`{}`))
}

// Tests of scripts that run when the file is a program of its own are neither run nor looked at.
func TestScriptThatIsAProgram(t *testing.T) {
	path := script(t, `
def filter(event)
  event.set('file', File.basename(__FILE__))
  event.set('dir', __dir__ == File.dirname(__FILE__))
  [event]
end
if __FILE__ == $PROGRAM_NAME
  require_relative '../helpers/test_helper'
  assert_true('nothing', filter(Event.new({})).empty?)
end`)
	r := filtertest.New(t, Plugin, `path => "`+path+`"`)
	require.Equal(t, `{"file":"script.rb","dir":true} +`, r.Run(`{}`))
}

func TestFiles(t *testing.T) {
	path := script(t, `
require 'fileutils'
def filter(event)
  dir = File.join(__dir__, 'a', 'b')
  FileUtils.mkdir_p(dir)
  FileUtils.touch([File.join(dir, 'x'), File.join(dir, 'y')])
  FileUtils.cp(File.join(dir, 'x'), File.join(dir, 'z'))
  FileUtils.mv(File.join(dir, 'z'), __dir__)
  File.rename(File.join(dir, 'x'), File.join(dir, 'w'))
  event.set('in', Dir.children(dir).sort)
  event.set('moved', File.file?(File.join(__dir__, 'z')))
  event.set('globbed', Dir[File.join(dir, '*')].sort.map { |f| File.basename(f) })
  event.set('deleted', File.delete(File.join(dir, 'w'), File.join(dir, 'y')))
  event.set('empty', Dir.empty?(dir))
  event.set('missing', begin FileUtils.rm(File.join(dir, 'w')) rescue $!.class.to_s end)
  FileUtils.rm_rf(File.join(__dir__, 'a'))
  event.set('gone', !Dir.exist?(dir))
  [event]
end`)
	r := filtertest.New(t, Plugin, `path => "`+path+`"`)
	require.Equal(t, `{"in":["w","y"],"moved":true,"globbed":["w","y"],"deleted":2,"empty":true,"missing":"Errno::ENOENT","gone":true} +`, r.Run(`{}`))
}

func TestRequiredFiles(t *testing.T) {
	path := script(t, `
require_relative 'lib/helper'
require File.join(__dir__, 'lib', 'more.rb')
def filter(event)
  event.set('sum', twice(event.get('n')) + More::VALUE)
  [event]
end`)
	dir := filepath.Dir(path)
	require.NoError(t, os.Mkdir(filepath.Join(dir, "lib"), 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "lib", "helper.rb"), []byte("require 'json'\ndef twice(x) = 2 * x"), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "lib", "more.rb"), []byte("module More; VALUE = 5; end"), 0o600))
	r := filtertest.New(t, Plugin, `path => "`+path+`"`)
	require.Equal(t, `{"n":2,"sum":9} +`, r.Run(`{"n":2}`))
	r = filtertest.New(t, Plugin, `init => "require '`+dir+`/lib/helper'" code => "event.set('a', twice(4))"`)
	require.Equal(t, `{"a":8} +`, r.Run(`{}`))

	require.NoError(t, os.WriteFile(filepath.Join(dir, "lib", "helper.rb"), []byte("def twice(x"), 0o600))
	require.Contains(t, filtertest.Diagnose(Plugin, `path => "`+path+`"`), "lib/helper.rb: line 1")
	require.NoError(t, os.Remove(filepath.Join(dir, "lib", "helper.rb")))
	require.Contains(t, filtertest.Diagnose(Plugin, `path => "`+path+`"`), "no such file to load -- lib/helper")
}

// A script computes the ID of a flow from the bytes of a sockaddr, as JRuby lays it out.
func TestSockaddr(t *testing.T) {
	path := script(t, `
require 'socket'
def register(params)
  @seed = params.fetch('seed', '0').to_i
end
def filter(event)
  ends = [['a', 'ap'], ['b', 'bp']].map do |ip, port|
    s = Socket.sockaddr_in(event.get(port), event.get(ip))
    [s.length == 16 ? s[4, 4] : s[4, 16], s[2, 2]]
  end.sort
  flow = [@seed].pack('n') + ends.map(&:first).join + [event.get('proto'), 0].pack('CC') + ends.map(&:last).join
  event.set('id', '1:' + Base64.strict_encode64(Digest::SHA1.digest(flow)))
  [event]
end
test "addresses of 4 bytes" do
  parameters {{ "seed" => "0" }}
  in_event {{ "a" => "128.232.110.120", "ap" => 34855, "b" => "66.35.250.204", "bp" => 80, "proto" => 6 }}
  expect ("the ID of the specification") { |events| events.first.get("id") == "1:LQU9qZlK+B5F3KDmev6m5PMibrg=" }
end
test "addresses of 16 bytes" do
  in_event {{ "a" => "2001:470:e5bf:dead:4957:2174:e82c:4887", "ap" => 63943, "b" => "2607:f8b0:400c:c03::1a", "bp" => "25", "proto" => 6 }}
  expect("the ID of the specification") { |events| events.first.get("id") == "1:/qFaeAR+gFe1KYjMzVDsMv+wgU4=" }
end`)
	require.Empty(t, filtertest.Diagnose(Plugin, `path => "`+path+`"`))
}

// Code that keeps nothing runs in each worker by itself; code that does is shared.
func TestWorkers(t *testing.T) {
	build := func(options string) *worker {
		return filtertest.New(t, Plugin, options).Filter.(*worker)
	}
	free := build(`code => "event.set('a', 1)"`)
	require.NotSame(t, free.ForWorker().(*worker).u, free.ForWorker().(*worker).u)
	kept := build(`init => "@n = 0" code => "@n += 1; event.set('n', @n)"`)
	var wg sync.WaitGroup
	for range 4 {
		w := kept.ForWorker().(*worker)
		wg.Go(func() {
			for range 250 {
				e := event.New(nil)
				w.Multiply(e, nilSpawner{})
			}
		})
	}
	wg.Wait()
	e := event.New(nil)
	kept.Multiply(e, nilSpawner{})
	v, _ := e.Get(event.MustPath("n"))
	require.EqualValues(t, 1001, v.Int())
}

type nilSpawner struct{}

func (nilSpawner) New() *event.Event { return event.New(nil) }

func (nilSpawner) Succeed(*event.Event) {}

// A loop without an end stops with the pipeline.
func TestRunawayCodeStops(t *testing.T) {
	for _, code := range []string{`while true do end`, `loop { }`, `10.times { |i| i while true }`, `def f() f2 end; def f2() 1 end; f until false`, `sleep`, `begin; loop { }; ensure; event.set('e', 1); end`, `(1..).each { }`} {
		r := filtertest.New(t, Plugin, `code => "`+code+`"`)
		w := r.Filter.(*worker)
		ctx, cancel := context.WithCancel(t.Context())
		require.NoError(t, w.Start(ctx))
		done := make(chan string)
		go func() { done <- r.Run(`{}`) }()
		time.AfterFunc(20*time.Millisecond, cancel)
		require.Equal(t, `{"tags":["_rubyexception"]}`, <-done, code)
	}
}

func TestParts(t *testing.T) {
	w := filtertest.New(t, Plugin, `code => "event.set('a', 1)"`).Filter
	require.Implements(t, (*plugin.Multiplier)(nil), w)
	require.Implements(t, (*plugin.Starter)(nil), w)
	require.Panics(t, func() { w.Filter(nil) })
}

func BenchmarkFilter(b *testing.B) {
	filtertest.Bench(b, Plugin, `code => "event.set('a', event.get('b').to_i * 2)"`, `{"b":"21"}`)
}
