package ruby

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestLru(t *testing.T) {
	at := time.Unix(0, 0)
	in := New(Config{Now: func() time.Time { return at }})
	f := func(code, want string) {
		t.Helper()
		p, err := in.Compile("(eval)", code)
		require.NoError(t, err, code)
		require.Empty(t, Check(p), code)
		v, err := p.Run()
		require.NoError(t, err, code)
		require.Equal(t, want, in.inspect(v), code)
	}
	f(`require 'lru_redux'; $c = LruRedux::ThreadSafeCache.new(2); n = 0; [$c.getset("a") { n += 1 }, $c.getset("a") { n += 1 }, $c.length]`, `[1, 1, 1]`)
	f(`$c["b"] = 2; $c["a"]; $c["c"] = 3; [$c.to_a, $c.key?("b"), $c.fetch("b") { 9 }, $c["b"]]`, `[[["c", 3], ["a", 1]], false, 9, nil]`)
	f(`$c[[1, "x"]] = :l; [$c[[1, "x"]], $c.delete("c"), $c.delete("c"), $c.keys, $c.values]`, `[:l, 3, nil, [[1, "x"]], [:l]]`)
	f(`$c["k"] = nil; $c.max_size = 1; [$c.count, $c.key?("k"), $c.map { |k, v| k }, $c.clear, $c.size]`, `[1, true, ["k"], nil, 0]`)
	f(`c = LruRedux::Cache.new(2, true); c["a"] = nil; [c.getset("b") { nil }, c.count]`, `[nil, 0]`)
	f(`$t = LruRedux::TTL::ThreadSafeCache.new(10, 5); $t["a"] = 1; $t.getset("b") { $t["a"] + 1 }`, `2`)
	at = at.Add(6 * time.Second)
	f(`$t["c"] = 3; [$t["a"], $t.to_a, $t.expire, $t.count]`, `[nil, [["c", 3]], nil, 1]`)
	f(`require 'lru_reredux'; LruReredux::ThreadSafeCache.new(0) rescue $!.message`, `"Invalid max_size: 0"`)
}
