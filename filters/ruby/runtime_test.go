package ruby

import (
	"context"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"millrace/filters/internal/filtertest"
	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

// Class and global variables are those of the process: one filter fills what another one reads, also in another pipeline.
func TestSharedVariables(t *testing.T) {
	var process plugin.Shared
	build := func(options string) *filtertest.Runner {
		t.Helper()
		r := filtertest.NewIn(t, &process, Plugin, options)
		require.NoError(t, r.Filter.(plugin.Starter).Start(t.Context()))
		return r
	}
	f := func(r *filtertest.Runner, in, want string) {
		t.Helper()
		require.Equal(t, want, r.Run(in))
	}
	writer := build(`init => "@@seen = {}; $n = 0; @own = 'w'; def name; :writer; end" code => "@@seen[event.get('k')] = name; $n += 1; event.set('own', @own)"`)
	reader := build(`init => "@@seen ||= 1; def name; :reader; end" code => "event.set('s', @@seen.map { |k, v| [k, v == :writer, name.to_s] }); event.set('n', $n); event.set('own', @own)"`)
	f(writer, `{"k":"a"}`, `{"k":"a","own":"w"} +`)
	f(writer, `{"k":"b"}`, `{"k":"b","own":"w"} +`)
	f(reader, `{}`, `{"s":[["a",true,"reader"],["b",true,"reader"]],"n":2,"own":null} +`)
	f(build(`code => "event.set('a', self.class.class_variable_get(:@@seen).size); self.class.class_variable_set(:@@x, 1); event.set('x', @@x); event.set('c', self.class.name)"`), `{}`,
		`{"a":2,"x":1,"c":"LogStash::Filters::Ruby"} +`)
	f(reader, `{}`, `{"s":[["a",true,"reader"],["b",true,"reader"]],"n":2,"own":null} +`)
	f(build(`code => "event.set('a', @@x + $n)"`), `{}`, `{"a":3} +`)
	f(build(`init => "class Count; @@x = 10; def self.x() @@x end end" code => "event.set('a', [@@x, Count.x])"`), `{}`, `{"a":[1,10]} +`)
	f(build(`code => "event.set('a', @@nobody)" tag_with_exception_message => true`), `{}`,
		`{"tags":["_rubyexception: uninitialized class variable @@nobody in LogStash::Filters::Ruby","_rubyexception"]}`)
	f(build(`code => "event.set('a', $nobody)"`), `{}`, `{"a":null} +`)

	// Scripts see the same global variables; their class variables are those of scripts.
	const scriptText = "def register(params)\n  @@calls ||= 0\n  @by = params['by']\nend\ndef filter(event)\n  @@calls += @by\n  event.set('calls', @@calls)\n  event.set('n', $n)\n  [event]\nend"
	one, two := script(t, scriptText), script(t, scriptText)
	first, second := build(`path => "`+one+`" script_params => { "by" => 1 }`), build(`path => "`+two+`" script_params => { "by" => 10 }`)
	f(first, `{}`, `{"calls":1,"n":2} +`)
	f(second, `{}`, `{"calls":11,"n":2} +`)
	f(first, `{}`, `{"calls":12,"n":2} +`)
	f(build(`code => "event.set('d', defined?(@@calls))"`), `{}`, `{"d":null} +`)

	other := filtertest.New(t, Plugin, `code => "event.set('n', $n)"`)
	f(other, `{}`, `{"n":null} +`) // of another process
}

// Workers of several filters use what is shared at the same time.
func TestSharedVariablesOfWorkers(t *testing.T) {
	var process plugin.Shared
	var wg sync.WaitGroup
	runners := make([]*filtertest.Runner, 3)
	for i := range runners {
		runners[i] = filtertest.NewIn(t, &process, Plugin, `init => "$n ||= 0; @@h ||= Hash.new(0); @n = `+strconv.Itoa(i)+`" code => "$n += 1; @@h[@n] += 1; event.set('h', @@h.values.sum - $n); event.set('n', $n); event.set('i', @n)"`)
	}
	for i, r := range runners {
		for range 2 {
			w := r.Filter.(*worker).ForWorker().(*worker)
			wg.Go(func() {
				for range 200 {
					e := event.New(nil)
					w.Multiply(e, nilSpawner{})
					if v, _ := e.Get(event.MustPath("i")); v.Int() != int64(i) {
						t.Errorf("filter %d ran as filter %d", i, v.Int())
					}
				}
			})
		}
	}
	wg.Wait()
	require.Equal(t, `{"h":0,"n":1201,"i":1} +`, runners[1].Run(`{}`))
}

// The end of one pipeline ends its own code alone.
func TestSharedRuntimeStops(t *testing.T) {
	var process plugin.Shared
	endless := filtertest.NewIn(t, &process, Plugin, `code => "$turns = 0; loop { $turns += 1 }"`)
	other := filtertest.NewIn(t, &process, Plugin, `code => "event.set('ran', $turns > 0)"`)
	ctx, cancel := context.WithCancel(t.Context())
	require.NoError(t, endless.Filter.(*worker).Start(ctx))
	require.NoError(t, other.Filter.(*worker).Start(t.Context()))
	done := make(chan string)
	go func() { done <- endless.Run(`{}`) }()
	time.AfterFunc(20*time.Millisecond, cancel)
	require.Equal(t, `{"tags":["_rubyexception"]}`, <-done)
	require.Equal(t, `{"ran":true} +`, other.Run(`{}`))
}
