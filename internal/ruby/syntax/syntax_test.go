package syntax

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// valid are pieces of Ruby that must be read.
var valid = []string{
	"a = 1; a /2; b = a[0]", "foo.bar 1, 2 do |x, (y, *z), k: 1, **o, &b| x end", "x = y rescue nil", "puts [1].map(&:to_s)", "a, b = b, a", "a, (b, *c), d = 1, [2, 3], 4",
	"(a, b), c = [1, 2], 3", "*a, b = 1, 2", "a.b, c[0] = 1, 2", "h = {a: 1, 'b' => 2, \"c\": 3, **d, e:}", "p({a: 1})", "foo a: 1, 'b' => 2", "x ? y : z", "a ? 'b' : 'c'", "x.nil? ? 1 : 2",
	"a ? b ? 1 : 2 : 3", "h ? h[:a] : h[:b]", "v = x.empty? ? nil : x", "if a then b elsif c then d else e end", "unless a; b; else; c; end", "case x when 1, 2 then 3 when *l then 4 else 5 end", "case\nwhen a then b\nend",
	"while x do y end", "until x; y; end", "begin; x; end while y", "for a, b in c do d end", "loop { break }", "begin; a; rescue A, B => e; b; rescue; c; else; d; ensure; e; end",
	"def a(b, c = 1, *d, e, f:, g: 2, **h, &i) b end", "def self.x; 1 end", "def x=(v) @x = v end", "def +(o) 1 end", "def []=(k, v) 1 end", "def a() = 1", "class A < B; attr_accessor :x; def y; super; end; end", "module M; X = 1; end",
	"class << self; def x; end; end", "->(x, y = 2) { x }", "-> { 1 }", "->x do x end", "lambda { |x| x }", "yield 1, 2", "return if x", "return 1, 2", "next unless a", "x = <<~EOS\n  a #{b}\n   c\nEOS\ny", "foo(<<-A, <<-B)\na\n A\nb\n B\n",
	"%w[a b] + %i(c d)", "%q(a (b) c)", "%(x #{1 + 1})", "/a#{b}c/ix", "a =~ /x/", "a !~ %r{a/b}i", "x = a / b / c", "puts /z/", "a&.b&.c(1)", "a.\n  b\n  .c\n  # comment\n  .d", "a +\n b", "a &&\n b", "foo\n  .bar",
	"$1 + $~[0] + $stdout", "@a ||= {}", "@@x += 1", "A::B::C.new", "::A", "a::b", "!a && !b || c and not d", "defined?(x) && defined? @y", "alias a b", "alias_method :a, :b", "a <=> b", "a === b", "-a ** 2", "-2 ** 2", "2 ** -1",
	"a[1..]", "a[..2]", "(1..)", "1...3", "'a' 'b' \"c\"", "?a", "a = [1,\n 2,\n]", "foo(1,\n 2,\n)", "f { |x; y| y }", "f { _1 + 1 }", "f { it }", "raise ArgumentError, 'x' unless y", "a <<= 1", "a.b ||= 1", "a[b] += 1", "a&.b = 1",
	"p(*a, **b, &c)", "x = if a then 1 else 2 end", "x = case a when 1 then 2 end", "case x\nin {a: Integer => b, **nil} then b\nin [1, *r] if r then r\nin 1 | 2 then 3\nin ^y then 4\nelse 5 end", "x in [a, b]", "x => {y:}", "a = b = c", "a = *b", "a = b, c",
	"=begin\nx\n=end\n1", "1 # c\n# d\n2", "0x1F + 0b11 + 0o17 + 017 + 1_000 + 1e3 + 1.5e-3", "a.class.name.end", "a.if 1", "event.set('a', event.get('b').to_i * 2)", "event.set \"a\", 1", "foo -1", "foo - 1", "foo *a", "foo * a", "foo &b", "foo [1]", "a = 1; a [0]", "a = 1; a -1",
	"%w(a b).each do |f| next if f; end", "x = [*a, *b]", "a.each_with_index.map { |x, i| [x, i] }", "\"a#{\"b#{1}\"}\"", "\"\\u00e9\\x41\\n\"", "a.b do\n c\nend.d", "f(a) { }", "f a do end", "f (a + b).c", "puts (1 + 2) * 3", "a ? [1] : {}", "x = a && b", "x = (a or b)",
	"a or return", "x = y || next", "BasicObject", "def a; yield; rescue; 1; ensure; 2; end", "a if b unless c", "__method__", "[1, 2].sum do |x| x end", "a = b if c", "a = b.c d, e", "a b c", "a.b c.d e", "not a", "redo", "begin retry end", "a.(1)", "%r{^/x}", "a %b", "a = 1; a %b", "undef a, :b", "x.y = 1, 2",
	"if a and\n b\n c\nend", "foo(a) do |b|\n b\nend", "{}", "{ 'a' => 1 }.each { |k, v| }", "a = {\n b: 1,\n 'c': 2\n}", "return a ? b : c", "puts \"#@a #$b\"", "a = -> (x) { x }", "a ? b : -1", "x = y ? :a : :b", "f :a, :\"b c\", :+, :[]=", "when_x = 1", "a.b&.[](1)",
	"hash.each_pair do |k,v| event.set(\"[a][#{k}]\", v) end", "event.get('x')[/a(b)/, 1]", "return unless x =~ /a/", "a, = b", "a.each { |(x, y), z| }", "if x then y end.foo", "class A::B < C::D; end", "rescue_me = 1", "x = begin 1 rescue 2 end", "a\n&.b", "if (m = /x/.match(y)) then m end", "a = b ? c.d('e') : f",
	"def m a, b\n a\nend", "private def x; end", "puts <<~A + 'x'\n  y\nA\n", "p a: 1 do end", "f(a: 1, &b)", "f(*a) { |*b, c| }", "[[1, 2]].each { |a, b| }", "while line = f\n x\nend", "$stderr.puts 'x'", "a&.b ? c : d", "x.map(&method(:y))", "a[-1]", "a [ -1 ]", "a.b[c]['d'][0..-2]", "x = %w{a b}.freeze", "if !a.nil? && a != '' then end",
}

func TestValid(t *testing.T) {
	for _, src := range valid {
		_, err := Parse(src, Options{Block: true})
		require.NoError(t, err, src)
	}
}
