package ruby

import (
	"io"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// Interpreters share the classes of the library, and what one does to them the others do not see.
func TestInterpretersShareNothing(t *testing.T) {
	var wg sync.WaitGroup
	for i := range 4 {
		wg.Go(func() {
			in := New(Config{Out: io.Discard})
			p, err := in.Compile("t", `
				class String; def mine; "m"; end; X = 1; end
				class Integer; remove_method :even?; def odd?; 5; end; end
				module Kernel; def everywhere; 7; end; end
				Object.const_set(:Y, 2)
				class Object; @@v = 3; end
				def ENV.x; 1; end rescue 0
				STDOUT.instance_variable_set(:@a, 1) rescue 0
				$g = "a".mine
				Struct.new("Named", :a)
				[$g, 3.odd?, (2.even? rescue :gone), everywhere, Y, String::X]`)
			require.NoError(t, err)
			v, err := p.Run()
			require.NoError(t, err, i)
			require.Equal(t, `["m", 5, :gone, 7, 2, 1]`, in.inspect(v))
		})
	}
	wg.Wait()
	in := New(Config{})
	p, err := in.Compile("t", `[3.odd?, 2.even?, "a".respond_to?(:mine), defined?(Y), $g]`)
	require.NoError(t, err)
	v, err := p.Run()
	require.NoError(t, err)
	require.Equal(t, `[true, true, false, nil, nil]`, in.inspect(v))
}

// What would take all memory or all of the stack is an exception.
func TestLimits(t *testing.T) {
	f := func(code, class string) {
		t.Helper()
		in := New(Config{Out: io.Discard})
		p, err := in.Compile("t", code)
		require.NoError(t, err)
		_, err = p.Run()
		require.IsType(t, &Error{}, err, code)
		require.Equal(t, class, err.(*Error).Class, code+": "+err.Error())
	}
	f(`'x' * 10**12`, "ArgumentError")
	f(`[1] * 10**10`, "ArgumentError")
	f(`'x'.ljust(10**12)`, "ArgumentError")
	f(`s = 'x' * 1000; loop { s << s }`, "ArgumentError")
	f(`s = 'x' * 1000; loop { s = s + s }`, "ArgumentError")
	f(`s = 'x' * 1000; loop { s = s.gsub('x', s) }`, "ArgumentError")
	f(`Array.new(10**12)`, "ArgumentError")
	f(`a = []; a[10**10] = 1`, "ArgumentError")
	f(`a = [1]; loop { a += a }`, "ArgumentError")
	f(`a = [1]; loop { a.concat(a) }`, "ArgumentError")
	f(`(1..).to_a`, "RangeError")
	f(`(1..10**12).to_a`, "ArgumentError")
	f(`1 << 10**10`, "RangeError")
	f(`x = 2; loop { x *= x }`, "RangeError")
	f(`def f() f end; f`, "SystemStackError")
	f(`f = ->(x) { f.(x) }; f.(1)`, "SystemStackError")
	f(`a = []; 20_000.times { a = [a] }; a.inspect`, "SystemStackError")
	f(`a = []; 20_000.times { a = [a] }; b = []; 20_000.times { b = [b] }; a == b`, "SystemStackError")
	f(`a = []; 20_000.times { a = [a] }; a.flatten`, "SystemStackError")
	f(`a = []; 20_000.times { a = [a] }; a.to_json`, "JSON::NestingError")
	f(`a = []; 20_000.times { a = [a] }; {a => 1}`, "SystemStackError")
	f(`JSON.parse('[' * 20_000)`, "JSON::NestingError")
	f(`'%999999999999d' % 1`, "ArgumentError")
	f(`throw :x`, "UncaughtThrowError")
	f(`proc { |x| break x }.call(1)`, "LocalJumpError")
}
