require "time"; require "json"; require "date"; 1
1 + 2 * 3
7 / 2
-7 / 2
-7 % 3
7.remainder(-3)
2 ** 10
2 ** -1
2 ** 100
-2 ** 2
10.divmod(3)
-10.divmod(3)
10.5.divmod(3)
1.0 / 0
0.1 + 0.2
1e20.to_i
1e3
1.0e-5
123456789.123456789
100.0
1.5.round
2.5.round
-2.5.round
2.675.round(2)
1234.567.round(-2)
1234.567.floor(1)
1234.567.ceil(1)
15.round(-1)
25.round(-1, half: :even)
2.5.round(half: :even)
2.5.round(half: :down)
10.fdiv(4)
10.pow(3)
10.pow(3, 7)
3.zero?
0.zero?
5.between?(1, 10)
5.clamp(1, 3)
5.clamp(..3)
255.to_s(2)
255.to_s(16)
"ff".to_i(16)
"0x1f".hex
"17".oct
"12abc".to_i
"abc".to_i
"1_000".to_i
" 42 ".to_i
"1.5e3x".to_f
".5".to_f
"1e".to_f
Integer("0b11", 2)
Integer("12", exception: false)
Integer("zz", exception: false)
Integer("zz")
Integer(nil)
Integer("")
Integer(12.9)
Integer("0x1F")
Float("1.5")
Float("x")
Float("1_000.5")
Float("")
String(12)
Array(nil)
Array([1])
Array(1..3)
Array({a: 1})
1.0.to_s
1e100.to_s
1.23e-10.to_s
3.7.truncate
-3.7.truncate
3.7 % 1
-3.7.abs
3.14.to_r.class
3.to_r
Rational(3, 6)
Rational("1/3")
1r + 2
0.5.to_r
1 <=> 2
1 <=> "a"
1 == 1.0
1.eql?(1.0)
1.equal?(1)
10.gcd(4)
10.lcm(4)
1234.digits
5.bit_length
5[0]
6 & 3
6 | 3
6 ^ 3
~6
1 << 40
1 << 70
1 >> 1
-1 >> 10
10.succ
10.pred
65.chr
300.chr
3.times.to_a
1.upto(3).to_a
3.downto(1).to_a
1.step(10, 3).to_a
1.0.step(2.0, 0.5).to_a
10.0.nan?
(0.0/0).nan?
1.0.infinite?
(1.0/0).infinite?
-0.0
1_000_000
0b101
0o17
0xff
1 / 0
1 % 0
nil + 1
1 + nil
1 + "a"
"a" + 1
[1] + nil
nil.foo
nil.to_a
nil.to_s
nil.inspect
nil & true
nil.to_h
true & false
true ^ true
true.to_s
!nil
5.foo
"abc".foo
:sym.foo
[1].foo
{a: 1}.foo
Object.new.foo rescue $!.message.sub(/0x\h+/, "0x")
foo
foo()
Foo
Foo::Bar
self.foo rescue $!.class
"hello"[0]
"hello"[-1]
"hello"[1, 3]
"hello"[1..]
"hello"[..2]
"hello"[1...-1]
"hello"[10]
"hello"[5]
"hello"[5, 2]
"hello"["ell"]
"hello"["x"]
"hello"[/l+/]
"hello"[/(h)(e)/, 2]
"hello"[/(?<x>l)/, "x"]
"hello".slice(1, 2)
"hello".sub("l", "L")
"hello".gsub("l", "L")
"hello".gsub(/l/) { |m| m.upcase }
"hello".gsub(/[el]/, "e" => "3", "l" => "1")
"hello".gsub(/(l)(o)/, '\2\1')
"hello".gsub(/(?<a>l)/, '[\k<a>]')
"hello".gsub(/x*/, "-")
"hello".sub(/(?<first>h)/, '\k<first>\0')
"a.b.c".gsub(".", "_")
"path/to".gsub("/", "\\/")
"hello".gsub(/l/).with_index { |m, i| i.to_s }
"hello".tr("el", "ip")
"hello".tr("a-y", "b-z")
"hello".tr("^l", "*")
"hello".delete("l")
"aaabbb".squeeze
"aaabbb".squeeze("a")
"hello world".count("lo")
"Hello".swapcase
"hello world".capitalize
"ÀÉ".downcase
"straße".upcase
"hello".center(11, "*")
"hello".ljust(8, ".") + "|"
"hello".rjust(8)
"  hi  ".strip
"  hi  ".lstrip
"  hi  ".rstrip
"\t\n hi\0".strip
"hello\n".chomp
"hello\r\n".chomp
"hello".chomp("lo")
"hello".chop
"a,b,c".split(",")
"a,b,,".split(",")
"a,b,,".split(",", -1)
"a,b,c".split(",", 2)
" a  b c ".split
" a  b c ".split(" ")
"abc".split("")
"a1b2c3".split(/\d/)
"a1b2c3".split(/(\d)/)
"".split(",")
"a b".split(nil)
"2024-01-02".split("-").map(&:to_i)
"aXbXc".split("X", 2)
"abc".each_char.to_a
"abc".chars
"abc".bytes
"é".bytes
"aé".codepoints
"a\nb\n".lines
"a\nb".each_line.map(&:chomp)
"abc".include?("b")
"abc".start_with?("ab", "x")
"abc".start_with?(/[a-z]/)
"abc".end_with?("bc")
"abc".index("c")
"abcabc".index("c", 3)
"abcabc".rindex("c")
"abcabc".index(/c/)
"abcabc".rindex(/b/)
"abc".insert(1, "X")
"abc".prepend("x")
"abc".replace("z")
"abc".reverse
"abc".succ
"az".succ
"Zz9".succ
"a9".next
"abc" * 3
"abc" <=> "abd"
"abc" == :abc
"abc".eql?("abc")
"abc".equal?("abc")
"abc".hash == "abc".hash
"abc".casecmp("ABC")
"abc".casecmp?("ABC")
"abc" =~ /b/
"abc" !~ /z/
"abc".match(/b(c)/)
"abc".match(/b(c)/)[1]
"abc".match?(/b/)
"abc".match(/z/)
"foo=1 bar=2".scan(/(\w+)=(\d+)/)
"foo bar".scan(/\w+/)
"foo bar".scan("o")
"test123".scan(/\d/) { |m| m }
"a-b_c".tr("-_", "  ")
"%05d" % 42
"%.2f" % 3.14159
"%s and %s" % ["a", "b"]
"%-10s|" % "hi"
"%x" % 255
"%08b" % 37
"%e" % 12345.678
"%+d" % 5
"%%"  % []
"%c" % 65
"%<a>d %{b}" % {a: 1, b: 2}
format("%03d-%s", 7, :x)
"abc".freeze.frozen?
"abc".dup << "d"
"abc".concat("d", "e")
"ab" "cd"
'a#{1}b'
"a#{1 + 1}b"
"tab\there"
'single \' quote \n'
"\u00e9\x41\101"
"\e[0m"
"a\\b"
"é".length
"é".bytesize
"日本語".reverse
"日本語"[1]
"日本語".chars
"abc".encoding
"abc".force_encoding("ASCII-8BIT").encoding
"\xff".force_encoding("UTF-8").valid_encoding?
"a\xffb".scrub("?")
"a\xffb".inspect
"abc".unpack("C*")
"abc".unpack1("a2")
[1, 2].pack("C*")
[65, 66].pack("U*")
["616263"].pack("H*")
["abc"].pack("m0")
"YWJj".unpack1("m")
"abc".sum
"abc".ord
"abc".hex
"hello world".partition(" ")
"a.b.c".rpartition(".")
"hello".delete_prefix("he")
"hello".delete_suffix("lo")
"hello".each_char.with_index.map { |c, i| "#{i}#{c}" }
"a".upto("e").to_a
"az".upto("bc").to_a
"hello".slice!(0, 2)
s = "hello"; s[0] = "J"; s
s = "hello"; s[1..2] = "EY"; s
s = "hello"; s[/l+/] = "L"; s
s = "hello"; s.slice!(1); s
s = "hello"; s.upcase!; s
s = "HELLO"; s.upcase!
s = +""; 3.times { |i| s << i.to_s }; s
s = "a".freeze; s << "b"
"abc".to_sym
:abc.to_proc.call("x") rescue $!.message
:"a b".inspect
:abc <=> :abd
:abc.length
%w[a b c]
%i[a b]
%q(it's)
%Q(a#{1})
"abc".then { |s| s.upcase }
"Hello World".scan(/[A-Z]/).join
"snake_case_word".split("_").map(&:capitalize).join
"CamelCaseString".gsub(/([A-Z])/) { "_" + $1.downcase }.sub(/^_/, "")
"1,2;3".split(/[,;]/)
"abc".unicode_normalize(:nfd)
"ab\0c".inspect
"abc".ljust(2)
[1, 2, 3].sum
[1.5, 2.5].sum
[0.1] * 3
[0.1, 0.2, 0.3].sum
["a", "b"].sum("")
[1, 2, 3].inject(:+)
[1, 2, 3].inject { |a, b| a * b }
[1, 2, 3].reduce(10) { |a, b| a + b }
[1, 2, 3].reduce(1, :*)
[3, 1, 2].sort
[3, 1, 2].sort { |a, b| b <=> a }
[3, 1, 2].sort_by { |x| -x }
["b", "A", "c"].sort_by(&:downcase)
[1, "a"].sort
[nil, 1].max
[3, 1, 2].max
[3, 1, 2].min
[3, 1, 2].minmax
%w[aa b ccc].max_by(&:size)
%w[aa b ccc].min_by(&:size)
[3, 1, 2].max(2)
[1, 2, 3, 4].select(&:even?)
[1, 2, 3, 4].reject(&:even?)
[1, 2, 3, 4].partition { |x| x > 2 }
[1, 2, 3, 4].find { |x| x > 2 }
[1, 2, 3, 4].detect { |x| x > 9 }
[1, 2, 3, 4].find_index(3)
[1, 2, 3, 4].index { |x| x > 2 }
[1, 2, 3, 4].group_by(&:odd?)
[1, 2, 3, 4].each_slice(3).to_a
[1, 2, 3, 4].each_cons(2).to_a
[1, 2, 3].each_with_index.to_a
[1, 2, 3].each_with_index.map { |x, i| x * i }
[1, 2, 3].map.with_index(1) { |x, i| [i, x] }
[1, 2, 3].each_with_object([]) { |x, acc| acc << x * 2 }
[1, 2, 3].zip([4, 5, 6])
[1, 2, 3].zip([4], [5, 6])
[1, [2, [3, [4]]]].flatten
[1, [2, [3, [4]]]].flatten(1)
[1, nil, 2, nil].compact
[1, 2, 2, 3].uniq
[1, 2, 3, 4].uniq(&:odd?)
[1, 2, 3].reverse
[1, 2, 3].rotate
[1, 2, 3].rotate(-1)
[1, 2, 3].first
[1, 2, 3].first(2)
[1, 2, 3].last(2)
[1, 2, 3].take(2)
[1, 2, 3].drop(1)
[1, 2, 3].take_while { |x| x < 3 }
[1, 2, 3].drop_while { |x| x < 2 }
[1, 2, 3].include?(2)
[1, 2, 3].any? { |x| x > 2 }
[1, 2, 3].all?(Integer)
[1, 2, 3].none?
[nil, 1].one?
[1, 2, 3].count(&:odd?)
[1, 2, 2].count(2)
[1, 2, 3].tally
%w[a b a].tally
[1, 2, 3].join("-")
[1, [2, 3]].join(",")
[1, 2, 3].to_s
[1, 2, 3][1..]
[1, 2, 3][-2..]
[1, 2, 3][5]
[1, 2, 3][3, 1]
[1, 2, 3][4, 1]
[1, 2, 3].dig(0)
[[1, [2]]].dig(0, 1, 0)
[1, 2, 3].values_at(0, 2, 5)
[1, 2, 3].fetch(1)
[1, 2, 3].fetch(9)
[1, 2, 3].fetch(9, :x)
[1, 2] + [3]
[1, 2, 3] - [2]
[1, 2] & [2, 3]
[1, 2] | [2, 3]
[1, 2] * 2
[1, 2] * ","
[1, 2] <=> [1, 3]
[1, 2] == [1, 2]
[[2, 1], [1, 2]].sort
[1, 2, 3].each_entry.to_a
a = [1, 2]; a << 3; a.push(4, 5); a
a = [1, 2, 3]; a.pop; a.shift; a
a = [1, 2]; a.unshift(0); a.insert(1, 9); a
a = [1, 2, 3]; a.delete(2); a
a = [1, 2, 3]; a.delete_at(0); a
a = [1, 2, 3]; a.delete_if { |x| x > 1 }; a
a = [1, 2, 3]; a.map! { |x| x * 2 }; a
a = [1, 2, 3]; a.select! { |x| x > 1 }
a = [3, 1]; a.sort!; a
a = [1, 2, 3]; a[5] = 6; a
a = [1, 2, 3]; a[0, 2] = [9]; a
a = [1, 2, 3]; a[1..] = []; a
a = [1, nil]; a.compact!
a = [1]; a.compact!
a = [1, 2, 3]; a.slice!(0, 2); a
a = [1, 2]; a.concat([3], [4])
a = [1, 2, 3]; a.clear
a = [1, 2, 3].freeze; a << 4
Array.new(3, 0)
Array.new(3) { |i| i * i }
[1, 2, 3].cycle.first(5)
[1, 2, 3].combination(2).to_a
[1, 2, 3].permutation(2).count
[1, 2].product([3, 4])
[[1, 2], [3, 4]].transpose
[[1, 2], [3, 4]].to_h
[[1, 2], [3, 4]].to_h { |a, b| [b, a] }
[[:a, 1]].each { |k, v| p k, v }
[1, 2, 3, 4, 5].each_slice(2).map(&:sum)
[1, 2, 4, 5].slice_when { |a, b| b != a + 1 }.to_a
[1, 2, 4, 5].chunk_while { |a, b| b == a + 1 }.to_a
[1, 1, 2].chunk { |x| x.odd? }.to_a
[3, 5].minmax_by { |x| -x }
[1, 2, 3].filter_map { |x| x * 2 if x.odd? }
[1, 2, 3].flat_map { |x| [x, x] }
[1, 2, 3].sum { |x| x / 2.0 }
%w[a b].each_with_index.to_h
["a", "b"].map(&:upcase)
[1, 2, 3].inspect
[nil, true, "a", :b, 1.0, {a: 1}].to_s
[1, 2, 3].bsearch { |x| x >= 2 }
[1, 2, 3].each { |x| break x * 10 if x == 2 }
[1, 2, 3].each_with_index { |x, i| }
[3, 1].pack("s*").bytes
[1, 2, 3].assoc(1)
[[1, 2]].assoc(1)
{a: 1, "b" => 2}
{a: 1}[:a]
{a: 1}[:b]
{a: 1}.fetch(:a)
{a: 1}.fetch(:b)
{"a" => 1}.fetch("b")
{a: 1}.fetch(:b, 0)
{a: 1}.fetch(:b) { |k| k.to_s }
{a: {b: {c: 1}}}.dig(:a, :b, :c)
{a: 1}.dig(:x, :y)
{a: 1}.key?(:a)
{a: 1}.has_value?(1)
{a: 1}.key(1)
{a: 1, b: 2}.keys
{a: 1, b: 2}.values
{a: 1, b: 2}.to_a
{a: 1, b: 2}.map { |k, v| [k, v * 2] }.to_h
{a: 1, b: 2}.select { |k, v| v > 1 }
{a: 1, b: 2}.reject { |k, v| v > 1 }
{a: 1, b: 2}.filter_map { |k, v| k if v > 1 }
{a: 1, b: 2}.min_by { |k, v| v }
{a: 1, b: 2}.sort_by { |k, v| -v }
{a: 1, b: 2}.sum { |k, v| v }
{a: 1, b: 2}.find { |k, v| v == 2 }
{a: 1, b: 2}.any? { |k, v| v > 1 }
{a: 1, b: 2}.all? { |k, v| v > 1 }
{a: 1, b: 2}.count { |k, v| v > 1 }
{a: 1, b: 2}.partition { |k, v| v > 1 }
{a: 1, b: 2}.group_by { |k, v| v.odd? }
{a: 1, b: 2}.each_with_object({}) { |(k, v), h| h[v] = k }
{a: 1, b: 2}.inject(0) { |s, (k, v)| s + v }
{a: 1, b: 2}.each_with_index.map { |(k, v), i| [k, v, i] }
{a: 1, b: 2}.reduce { |a, b| a + b }
{a: 1}.merge({b: 2})
{a: 1}.merge({a: 2}) { |k, o, n| o + n }
{a: 1}.merge({b: 2}, {c: 3})
{a: 1, b: nil}.compact
{a: 1, b: 2}.invert
{a: 1, b: 2}.transform_values { |v| v * 2 }
{a: 1, b: 2}.transform_values(&:to_s)
{a: 1, b: 2}.transform_keys(&:to_s)
{a: 1, b: 2}.transform_keys({a: :x})
{a: 1, b: 2}.slice(:a)
{a: 1, b: 2}.except(:a)
{a: 1, b: 2}.first
{a: 1, b: 2}.first(1)
{a: 1, b: 2}.sort { |x, y| y[1] <=> x[1] }
{b: 1, a: 2}.sort.to_h
{a: 1, b: 2}.max_by { |k, v| v }
{a: 1, b: 2}.each_slice(1).to_a
{a: 1, b: 2}.zip([1, 2])
{a: 1}.to_a.flatten
{a: 1}.empty?
{a: 1}.length
{a: 1} == {a: 1.0}
{a: 1}.eql?({a: 1})
{a: 1} <= {a: 1, b: 2}
h = {a: 1}; h[:b] = 2; h.delete(:a); h
h = {a: 1}; h.delete(:x) { |k| "no #{k}" }
h = Hash.new(0); h[:x] += 1; h
h = Hash.new { |hash, k| hash[k] = k * 2 }; h[2]; h
h = {b: 1, a: 2}; h.sort_by { |k, _| k }
h = {a: 1}; h.store("k", 2); h
h = {a: 1, b: 2}; h.delete_if { |k, v| v == 1 }; h
h = {a: 1, b: 2}; h.keep_if { |k, v| v == 1 }; h
h = {a: 1}; h.merge!(b: 2); h
h = {a: 1}; h.update(a: 3); h
h = {a: 1}; h.clear; h
h = {a: 1}; h.each { |k, v| h[k] = v + 1 }; h
h = {a: 1}; h.each_pair.to_a
h = {a: 1}; h.to_a
h = {a: 1}.freeze; h[:b] = 1
h = {}; h[[1, 2]] = 3; h[[1, 2]]
h = {1 => :a, 1.0 => :b}; h
h = {nil => 1, true => 2}; h
h = Hash[[[1, 2]]]
h = {"x y": 1}
{a: 1}.any?
{a: nil}.compact
{"a" => {"b" => [1, {"c" => nil}]}}
{a: 1}.sum { |k, v| v.to_f }
{a: 1}.inspect
{1 => "a"}.to_s
{a: 1}.find_all { |k, v| true }
{a: 2}.flat_map { |k, v| [k] * v }
{a: 1, b: 2}.each_entry.to_a
{a: 3}.values_at(:a, :b)
{a: 3}.fetch_values(:a)
{a: 1}.tally
{a: 1}.filter { |k, v| v }
(1..5).to_a
(1...5).to_a
(1..5).sum
(1..5).include?(3)
(1..5) === 3.5
("a".."e").to_a
("a".."e").include?("c")
("a".."e").cover?("cc")
(1..10).step(3).to_a
1.step(by: 2, to: 5).to_a
(1..Float::INFINITY).first(3)
(1..).first(2)
(1..3).each_with_object([]) { |x, a| a << x }
(1..3).inject(:*)
(1..3).map { |x| x * 2 }
(1..3).reverse_each.to_a
(1..0).to_a
(1..3).minmax
(1.0..2.0).include?(1.5)
(1..3).to_s
(1...3).inspect
(1..nil).inspect
(1..3).size
(1..3) == (1..3)
Range.new(1, 3, true)
("a"..."c").to_a
(1..3).each_slice(2).to_a
(1..3).each_cons(2).to_a
(0.5..2).step(0.5).to_a
x = 5; x > 3 ? "big" : "small"
x = nil; x&.length
x = [1, 2]; a, b = x; b
a, *b = 1, 2, 3; b
*a, b = 1, 2, 3; a
a, (b, c) = 1, [2, 3]; c
a = b = 3; a + b
a, b = 1; b
a = 1, 2; a
x = if false then 1 end; x
x = while true do break 5 end; x
i = 0; i += 1 while i < 5; i
i = 0; begin; i += 1; end while i < 0; i
i = 0; until i == 3 do i += 1 end; i
r = []; for a in 1..3 do r << a end; r
r = []; for a, b in [[1, 2], [3, 4]] do r << a + b end; r
r = []; (1..5).each { |x| next if x.odd?; r << x }; r
r = [1, 2, 3].map { |x| next 0 if x == 2; x }; r
loop { break 42 }
n = 0; loop do n += 1; next if n < 3; break n end
case 5 when 1..3 then :low when 4..6 then :mid else :high end
case "abc" when /^a/ then $~[0] end
case [1, 2] when Array then :arr end
case 1 when Integer, Float then :num end
case when 1 > 2 then :a else :b end
case "x" when *%w[x y] then 1 end
case {a: 1, b: [1, 2]}; in {a: Integer => n, b: [x, *]} then [n, x] end
case [1, [2, 3]]; in [a, [b, *c]] then [a, b, c] end
case 5; in 1 | 5 => n then n end
case 5; in n if n > 3 then :big end
case {k: nil}; in {k: nil} then 1 end
case 7; in 0..5 then 1 else 2 end
begin; raise "x"; rescue => e; e.message; end
begin; raise ArgumentError; rescue => e; e.message; end
begin; raise ArgumentError, "bad"; rescue TypeError, ArgumentError => e; [e.class, e.message]; end
begin; raise ArgumentError.new("q"); rescue StandardError => e; e.inspect; end
begin; Integer("x"); rescue; "r"; else; "e"; ensure; "n"; end
begin; 1; rescue; 2; else; 3; end
x = Integer("z") rescue -1; x
def f1(a, b = 2, *c, d: 4, **e) [a, b, c, d, e] end; f1(1, 5, 6, d: 7, z: 8)
def f2(a, b = a * 2) [a, b] end; f2(3)
def f3(*a, **k, &b) [a, k, b&.call] end; f3(1, x: 2) { 3 }
def f4; yield 1, 2; end; f4 { |a, b| a + b }
def f5; return 1, 2; end; f5
def f6(x) x > 0 ? x * f6(x - 1) : 1 end; f6(20)
def f7(h) h end; f7(a: 1)
def f8(a:, b: a + 1) [a, b] end; f8(a: 1)
def f9(a) end; f9
def f10(a:) end; f10
def f11(a:) end; f11(a: 1, b: 2)
def f12() 1 end; f12(1)
def f13(a, *b, c) [a, b, c] end; f13(1, 2, 3, 4)
def f14; [1, 2].each { |x| return x }; 3; end; f14
def f15; block_given?; end; [f15, f15 {}]
def f16 = 42; f16
def f17(&b) b.call(3) end; f17 { |x| x * 2 }
def f18(n) n.zero? ? 0 : f18(n - 1) end; f18(50)
lambda { |x| x + 1 }.call(2)
->(x, y = 2) { x + y }.(1)
->(x) { x }.call
proc { |x, y| [x, y] }.call(1)
proc { |x, y| [x, y] }.call([1, 2])
lambda { |x| return x * 2 }.call(4)
add = proc { |a, b| (a || 0) + (b || 0) }; add.call(1)
[[1, [2, 3]]].each { |a, (b, c)| p [a, b, c] }
[[1, 2], [3, 4]].map { |a, b| a * b }
[1, 2].map { _1 * 2 }
counter = 0; inc = -> { counter += 1 }; inc.call; inc.call; counter
->(a, b) { a + b }.curry[1][2]
(->(x) { x + 1 } >> ->(x) { x * 2 }).call(3)
:upcase.to_proc.call("a")
%w[1 2].map(&method(:Integer))
->(){}.lambda?
proc {}.arity
->(a, b = 1) {}.arity
class C1; attr_accessor :a; def initialize(a) @a = a end; def ==(o) a == o.a end; end; C1.new(1) == C1.new(1)
class C2; def to_s; "c2"; end; end; "#{C2.new}"
class C3; include Comparable; attr_reader :v; def initialize(v) @v = v end; def <=>(o) v <=> o.v end; end; C3.new(1) < C3.new(2)
class C4; include Enumerable; def each; yield 1; yield 2; end; end; C4.new.map { |x| x * 2 }
C4.new.include?(2) rescue $!.message
class C5; def method_missing(n, *a) "mm #{n}" end; def respond_to_missing?(*) true end; end; C5.new.anything
class C6; X = 5; def self.x; X; end; class << self; def y; 6; end; end; end; [C6.x, C6.y, C6::X]
class C7 < C6; def z; super rescue "none"; end; end; C7.x
class C8; def initialize; @a = 1; end; end; C8.new.inspect.sub(/0x\h+/, "")
module M1; def hi; "hi"; end; def self.yo; "yo"; end; end; class C9; include M1; end; [C9.new.hi, M1.yo]
class C10 < StandardError; def initialize(m = "dflt") super end; end; begin; raise C10; rescue => e; e.message; end
class C11; private def x; 1; end; def y; x; end; end; C11.new.y
class C11b; private; def x; 1; end; end; C11b.new.x rescue $!.class
class C12; def self.create(*a) new(*a) end; end; C12.create.class
class C13; @@n = 0; def self.inc; @@n += 1; end; end; C13.inc; C13.inc
class C14; def [](i) i * 2 end; def []=(i, v) @h = [i, v] end; end; c = C14.new; c[1] = 2; c[3]
class C15; def each; return to_enum unless block_given?; yield 1; end; end; C15.new.each.to_a
class C16; define_method(:q) { |x = 1| x + 1 }; end; C16.new.q
class C17; attr_writer :w; def go; self.w = 5; @w; end; end; C17.new.go
class C18; def +(o) "plus" end; def -@; "neg" end; def !; "not" end; end; [C18.new + 1, -C18.new]
class C19; def coerce(o) [o, 10] end; end; 5 + C19.new
class String; def shout; upcase + "!"; end; end; "a".shout
C1.name
C1.new(1).is_a?(C1)
C1.instance_methods(false).sort
C7.ancestors.first(2)
C7.superclass
Struct.new(:a, :b).new(1, 2).to_a
S1 = Struct.new(:a, :b) do def sum; a + b; end end; S1.new(1, 2).sum
S1.new(1, 2)
S1.new(1, 2) == S1.new(1, 2)
S1.new(1).b
S2 = Struct.new(:a, keyword_init: true); S2.new(a: 1).a
S1.new(1, 2).to_h
S1.members
require "set"; Set.new([1, 2, 2]).size
Set.new([1, 2]) | Set.new([3])
Set[1, 2].include?(1)
Set[1, 2].to_a
Set[1, 2].subset?(Set[1, 2, 3])
Set[3, 1].sort
Set[1] == Set[1]
catch(:x) { throw :x, 5 }
catch(:x) { 7 }
throw :nope
raise "boom"
raise
1.instance_of?(Integer)
1.is_a?(Comparable)
nil.nil?
[].nil?
1.respond_to?(:+)
"a".respond_to?(:nope)
1.send(:+, 2)
"a".public_send(:upcase)
1.tap { |x| x + 1 }
1.then { |x| x + 1 }
5.instance_variables
Object.new.freeze.frozen?
:a.frozen?
"a".frozen?
1.frozen?
[1, [2]].dup
{a: [1]}.clone
defined?(foo)
defined?(String)
defined?(@x)
defined?(puts)
x = 1; defined?(x)
[1, 2, 3].to_a.equal?(nil)
$1.inspect
"ab" =~ /(a)(b)/; [$1, $2, $~[0], $`, $']
/(?<yr>\d+)-(?<mo>\d+)/ =~ "2024-05"; [yr, mo]
/a/ === "cat"
/a/.match("cat").pre_match
/(?<x>a)/.match("cat")[:x]
/(?<x>a)/.match("cat").named_captures
/a(b)?/.match("a").to_a
/a(b)?/.match("a").captures
/a/i.match?("A")
/a b/x.match?("ab")
/a.b/m.match?("a\nb")
Regexp.escape("a.b*c")
Regexp.union("a.b", /c/)
Regexp.new("a+").source
/a\/b/.inspect
/a/mix.to_s
Regexp.new("(")
"foo.bar".match(/(?<a>\w+)\.(?<b>\w+)/).names
"aaa".gsub(/a/).to_a
"abc".gsub(/b/, "[\\0]")
"John Smith".sub(/(\w+) (\w+)/, '\2, \1')
"a1b22".scan(/[a-z]\d+/)
"key: value".match(/(\w+):\s*(\w+)/).captures
"x=1".then { |s| s =~ /=/ ? s.split("=") : nil }
"path/to/file.txt"[/[^\/]+$/]
"2024-01-15T10:20:30".tr("T", " ")
Time.at(0).utc
Time.at(1.5).utc.to_f
Time.at(1500000000).utc.iso8601
Time.at(1500000000, 123456).utc.usec
Time.utc(2020, 1, 2, 3, 4, 5)
Time.utc(2020, 1, 2).strftime("%Y-%m-%d %H:%M:%S.%L %z %j %a %b %e %-d %y")
Time.utc(2020, 1, 2) + 86400
Time.utc(2020, 1, 2) - Time.utc(2020, 1, 1)
Time.utc(2020, 1, 2) > Time.utc(2020, 1, 1)
Time.utc(2020, 12, 31).yday
Time.utc(2020, 1, 5).wday
Time.utc(2020, 1, 5).sunday?
Time.utc(2020, 1, 2).to_i
require "time"; Time.parse("2020-01-02 03:04:05 UTC").utc.iso8601
Time.parse("2020-01-02T03:04:05.123Z").iso8601(3)
Time.parse("junk")
Time.strptime("2020-01-02", "%Y-%m-%d").strftime("%F")
Time.strptime("1500000000", "%s").to_i
Time.iso8601("2020-01-02T03:04:05+02:00").utc
Time.utc(2020, 1, 2).round.to_s
Time.at(0).utc.strftime("%s %p %I %A %B %U %%")
Time.utc(2020, "feb", 3).month
require "date"; Date.new(2020, 2, 29).to_s
Date.parse("2020-03-01").strftime("%d/%m/%Y")
Date.parse("3rd Feb 2001").to_s
Date.new(2020, 1, 31) >> 1
(Date.new(2020, 3, 1) - Date.new(2020, 2, 1)).to_i
Date.new(2020, 3, 1) - Date.new(2020, 2, 1)
Date.new(2020, 3, 1) + 1
Date.valid_date?(2021, 2, 29)
Date.new(2021, 2, 29)
Date.strptime("02/2020", "%m/%Y").to_s
Date.new(2020, 1, 1).leap?
Date.new(2020, 1, 1).cweek
Date.new(2020, 1, 1).saturday?
DateTime.parse("2020-01-02T03:04:05+02:00").to_s
DateTime.parse("2020-01-02T03:04:05+02:00").to_time.utc.to_s
DateTime.strptime("1500000000", "%s").iso8601
DateTime.new(2020, 1, 2, 3, 4, 5).strftime("%s")
(Date.new(2020, 1, 1)..Date.new(2020, 1, 3)).map(&:day)
Date.new(2020, 1, 1).next_month.to_s
require "json"; JSON.parse('{"a": [1, 2.5, null, true, "x"]}')
JSON.parse('{"a": 1}', symbolize_names: true)
JSON.parse("nope") rescue $!.class
JSON.parse("2")
JSON.parse('"\u00e9\n"')
JSON.generate({a: 1, "b" => [nil, true, 1.5]})
{a: {b: "q\"uote"}}.to_json
[1, "a", nil].to_json
"str".to_json
nil.to_json
1.5.to_json
:sym.to_json
JSON.dump([1])
require "base64"; Base64.encode64("hello")
Base64.strict_encode64("hello world, this is a long string that will be wrapped by encode64 method")
Base64.encode64("hello world, this is a long string that will be wrapped by encode64 method")
Base64.decode64("aGVsbG8=")
Base64.strict_decode64("a") rescue $!.message
Base64.urlsafe_encode64("??>>")
require "digest"; Digest::MD5.hexdigest("a")
Digest::SHA1.hexdigest("a")
Digest::SHA256.hexdigest("a")
Digest::SHA512.hexdigest("a")[0, 20]
Digest::SHA256.base64digest("a")
require "openssl"; OpenSSL::HMAC.hexdigest("SHA256", "k", "d")
OpenSSL::Digest.new("SHA256").hexdigest("a")
d = Digest::MD5.new; d << "a"; d.update("b"); d.hexdigest
require "securerandom"; SecureRandom.hex(4).length
SecureRandom.uuid.length
require "ipaddr"; IPAddr.new("10.0.0.0/8").include?(IPAddr.new("10.1.2.3"))
IPAddr.new("10.1.2.3").to_i
IPAddr.new("10.1.2.3/16").to_s
IPAddr.new("10.1.2.3/16").inspect
IPAddr.new("::1").ipv6?
IPAddr.new("192.168.1.1").private?
IPAddr.new("10.0.0.0/30").to_range.map(&:to_s)
IPAddr.new("1.2.3.4").reverse
IPAddr.new("2001:db8::1").to_string
IPAddr.new("10.1.2.3") == "10.1.2.3"
require "uri"; URI.parse("http://user:pw@example.com:8080/p/a?q=1#f").host
u = URI.parse("http://user:pw@example.com:8080/p/a?q=1#f"); [u.scheme, u.user, u.password, u.port, u.path, u.query, u.fragment, u.to_s]
URI.parse("https://example.com").port
URI.parse("http://exa mple.com") rescue $!.class
URI.decode_www_form_component("a+b%20c")
URI.encode_www_form_component("a b&c/é")
URI.encode_www_form(a: 1, b: "x y")
URI.decode_www_form("a=1&b=2")
URI("http://x.y/z").path
require "cgi"; CGI.unescape("a+b%20c")
CGI.escape("a b&c")
CGI.escapeHTML("<a & \"b\">")
CGI.unescapeHTML("&lt;a &amp; b&gt;")
CGI.parse("a=1&b=2&a=3")
require "csv"; CSV.parse_line("a,\"b,c\",,d")
"a;b".parse_csv(col_sep: ";")
["a", "b,c", nil].to_csv
CSV.parse("a,b\n1,2\n")
require "zlib"; Zlib.crc32("abc")
require "shellwords"; "a 'b c' d".shellsplit
require "ostruct"; OpenStruct.new(a: 1).a
o = OpenStruct.new; o.x = 5; o.x
require "yaml"; YAML.load("a: 1\nb: [x, 2.5, true, null]\n")
File.basename("/a/b.txt")
File.basename("/a/b.txt", ".txt")
File.basename("/a/b.txt", ".*")
File.extname("a/b.tar.gz")
File.extname(".bashrc")
File.dirname("/a/b/c.txt")
File.join("a", "/b", "c")
File.exist?("/nonexistent")
File.read("/nonexistent") rescue $!.class
ENV["NOPE_NOT_SET"]
ENV.fetch("NOPE_NOT_SET", "d")
Math.sqrt(16)
Math.log(100, 10)
Math.log2(8)
Math::PI
Math.hypot(3, 4)
Math.atan2(1, 1)
rand.class
rand(1)
rand(1..1)
[1, 2, 3].sample.class
[1, 2, 3].shuffle.length
Process.clock_gettime(Process::CLOCK_MONOTONIC).class
e = [1, 2, 3].each; [e.next, e.next, e.next, (e.next rescue $!.class)]
e = Enumerator.new { |y| y << 1; y << 2 }; e.to_a
e = Enumerator.new { |y| 3.times { |i| y.yield i } }; e.next
[1, 2].each.with_index(1).to_a
[4, 5].each_with_index.select { |x, i| i > 0 }
%w[a b].each.with_object([]).to_a.length
"abc".each_char.with_index.to_a
5.times.map { |i| i }.select(&:even?)
[1, 2, 3].each_entry.map { |x| x }
[1, 2, 3].lazy.map { |x| x * 2 }.first(2)
(1..20).each_slice(5).map(&:sum)
10.times.each_slice(3).map(&:first)
[3, 1, 2].sort.reverse.first
%w[x y z].each_with_index.map { |s, i| "#{s}#{i}" }.join(",")
words = "the quick the lazy the".split; words.group_by { |w| w }.map { |k, v| [k, v.size] }.sort_by { |k, n| [-n, k] }.to_h
"a=1&b=2".split("&").map { |kv| kv.split("=") }.to_h
[1, [2, nil], nil].flatten.compact.map(&:to_s)
h = Hash.new { |hh, k| hh[k] = Hash.new(0) }; h["a"]["b"] += 1; h
def walk(o) o.is_a?(Hash) ? o.map { |k, v| [k.to_s.upcase, walk(v)] }.to_h : o.is_a?(Array) ? o.map { |x| walk(x) } : o end; walk({a: {b: [1, {c: 2}]}})
"192.168.1.1".split(".").map(&:to_i).inject(0) { |a, b| (a << 8) + b }
[192, 168, 1, 1].pack("C4").unpack1("N")
"%.3f" % 1e-5
"%g" % 1e10
"%10.4f|" % 3.14159
"%s" % nil
"%p" % [nil]
"%d" % "x"
"%d" % nil
"abc" "%d" % 3
"abc".tr('a-c', 'x')
"ab-c".delete("^a-z")
"AbC".swapcase!
"hello world foo".split(" ", 2)
"line1\nline2".each_line.to_a
"x".encode("UTF-16LE").bytes
"é".encode("ISO-8859-1").bytes
"\xe9".force_encoding("ISO-8859-1").encode("UTF-8")
"é".encode("US-ASCII") rescue $!.class
"é".encode("US-ASCII", undef: :replace)
"é".encode("US-ASCII", invalid: :replace, undef: :replace, replace: "?")
"é".b.inspect
"caf\u00e9".unpack("U*")
"abc".each_byte.to_a
12.5.floor
12.5.to_i
-12.5.ceil
1e2.to_i
12345.6789.round(2)
0.1 * 3
1.1 + 2.2
3.0 * 1.1
100.0 / 3
1e-7.to_s
1234567.0.to_s
12345678912345.678
1.0.eql?(1.0)
3.7 .to_i
10.0.to_s
2.0 ** 0.5
4 ** 0.5
10 ** -2
7.to_f / 2
7.0.to_i
1.23.to_s + "x"
12.to_s.rjust(5, "0")
"3.7".to_f.round
"3.7".to_r
0.1.to_s
1e23
5e-324
1.7976931348623157e308
x = 10; x -= 3; x *= 2; x /= 7; x **= 3; x
x = nil; x ||= 5; x &&= x + 1; x
h = {}; h[:a] ||= []; h[:a] << 1; h
h = {a: {b: 1}}; h[:a][:b] += 1; h
x = [1, 2]; x[0] += 5; x
@iv ||= 3; @iv
$gv = 5; $gv + 1
X9 = 3; X9
a = *1..3; a
a = [*1..3, *[4]]; a
def sp(*a) a end; sp(*[1, 2], 3)
def kw(**o) o end; kw(**{a: 1}, b: 2)
p
p 1, 2
[1, 2, 3] in [a, *]
{a: 1} => {a:}; a
x = {a: 1}; x in {a: String}
5 => n; n
(1 if false).inspect
(true and false)
(nil or 1)
not true
true && !false
1.!
[1, 2, 3].sum.then { _1 + 1 }
'a' 'b'
"\#{x}"
?a
?a + ?b
:a.to_s + "b"
"abc".object_id == "abc".object_id
:a.object_id == :a.object_id
1.0.hash == 1.0.hash
[1, 2].hash == [1, 2].hash
[1, 2].eql?([1, 2])
{[1] => 2}[[1]]
{1.0 => 2}[1]
[1, 2, 3].each_slice(2).include?([3])
Integer === 3
(1..3) === 2
String === "a"
/b/ === "abc"
:a === :a
->(x) { x > 1 } === 2
Comparable === 3
Kernel.format("%d", 3)
[1, 2, 3].frozen?
"a".instance_variable_get(:@x)
o = Object.new; o.instance_variable_set(:@z, 1); o.instance_variable_get(:@z)
o = Object.new; def o.hi; "hi"; end; o.hi
Class.new { def a; 1; end }.new.a
Class.new(StandardError).new("m").message
Module.new.class
[nil, false, 0, ""].map { |x| x ? 1 : 0 }
begin; [].fetch(3); rescue IndexError => e; e.message; end
begin; {}.fetch(:a); rescue KeyError => e; [e.message, e.key, e.receiver]; end
begin; nil.upcase; rescue NoMethodError => e; [e.message, e.name, e.receiver]; end
begin; raise "a"; rescue => e; begin; raise "b"; rescue => f; f.cause.message; end; end
begin; begin; raise "x"; ensure; @e = 1; end; rescue; @e; end
n = 0; begin; n += 1; raise "x" if n < 3; n; rescue; retry; end
def rr; yield; rescue ArgumentError => e; "got #{e.message}"; ensure; 1; end; rr { raise ArgumentError, "z" }
def ens; return 1; ensure; 2; end; ens
def dd(n) = n <= 0 ? 0 : 1 + dd(n - 1); dd(100)
def inf; inf; end; begin; inf; rescue SystemStackError => e; e.message; end
"x" * -1
[1] * -1
"a".center
[].first(-1)
"abc".to_i(1)
{}.dig
"a".ljust(5, "")
Float::INFINITY.to_i
Integer("1" * 30)
(2 ** 64).to_s
2 ** 64 / 3
(2 ** 64) % 1000
-(2 ** 64)
(2 ** 64).class
2 ** 64 == 2.0 ** 64
(10 ** 20).to_f
(10 ** 20).digits.length
9223372036854775807 + 1
-9223372036854775808 - 1
9223372036854775807 * 2
12345678901234567890 & 0xff
JSON.pretty_generate({a: [1, {b: 2}]})
[1, 3, 5, 7].bsearch { |x| 5 <=> x }
[1, 3, 5, 7].bsearch { |x| 4 <=> x }
[1, 3, 5, 7].bsearch { |x| x > 10 }
x = "a=1"; if parts = x.match(/(\w)=(\d)/) then k, v = parts.captures; [k, v] end
v = "x"; if v.nil? or !v.is_a?(Integer) then 1 elsif v then 2 end
r = []; [["a", 1]].each { |q| if (q.length >= 2) and (q[0] !~ /(z|y)$/i) then r << q end }; r
{"a" => {"b" => nil, "c" => "-"}, "d" => ["", nil, "x"]}.inject({}) do |res, (k, v)| case v when Hash then res[k] = v.compact when Array then res[k] = v.delete_if{|e| e.nil? || (e.is_a?(String) && (e.empty? || (e == "-")))} else res[k] = v end; res end
"00:50:C2".tr('.:-','').to_i(16)
"arkime_*".delete_suffix('*')[-1].count("^a-z0-9").zero?
"%{%Y}".scan(/(%{([^}]+)})/)
'\\\\host\share$\p\a'.match(/^\s*(\\\\[^\\\/]+)?(\\[^\\\/\$]+\$?)?[\\\/]?(.*)$/).captures
a = [[2, 1], [1, 2]]; a.sort_by! { |k| [k[0], k[1]] }; a
String(nil) + "x"
''.eql?("")
h = {"a" => 1}; h.each { |key, value| next if key.start_with?("@") || ["host"].include?(key); h[key] = value }; h
x = [1, 2, 3]; x.size > 1 ? x : x.first unless x.empty?
def outer; inner = lambda { |n| n <= 1 ? 1 : n * inner.call(n - 1) }; inner.call(5); end; outer
str = "k1=v1;k2=v2"; Hash[str.split(";").map { |s| s.split("=", 2) }]
m = {"a" => 1}; m["a"] && m["b"].nil? && !m.key?("c")
10.0.to_i.to_s.rjust(4, "0")
(Time.utc(2024, 1, 2) - Time.utc(2024, 1, 1)).to_i / 3600
"abc".each_char.map(&:ord).sum
%w[b a].sort!.first
["a", 1, nil, :b, 2.5, [1], {b: 1}].map { |o| o.class.to_s }
(1..3).each_with_index.map { |x, i| x * i }.sum
[3, 1, 2].sort { |a, b| b <=> a }.first(2)
"a/b/c".split("/").last
"x:1,y:2".split(",").each_with_object({}) { |kv, h| k, v = kv.split(":"); h[k.to_sym] = v.to_i }
[1, 2, 3].each_with_index.select { |x, i| i.even? }.map(&:first)
begin; JSON.parse("{bad"); rescue JSON::ParserError => e; "bad json"; end
begin; Float("abc"); rescue ArgumentError, TypeError; nil; end
x = 5; y = case when x < 3 then "lo" when x < 10 then "mid" else "hi" end; y
h = {a: 1}; h => {a: Integer => n}; n
"Hello" "World"
puts "a", ["b", ["c"]], nil, 1
print "x", 1, "\n"
$stdout.puts "out"
p [1, "a"], {b: nil}
printf("%d-%s\n", 1, "x")
l = [1]; x = l.include?1; x
l = ["a"]; s = "a"; [!(s.empty? or l.include?s), (l.include?"b")]
@list = ["q"]; @q = "q"; @list.include?@q
puts"glued"
a = [3]; [a.first-1, a[0]-1]
if __FILE__ == $0 then no_such_method(NoSuchConstant) else 5 end
(no_such_method if $PROGRAM_NAME == __FILE__).inspect
h = {}; h.default_proc = ->(h, k) { h[k] = Hash.new(&h.default_proc) }; h[:a][:b][:c] = 1; h
h = Hash.new(5); h.default_proc = nil; h[1].inspect
Marshal.load(Marshal.dump({"a" => [1, "x", nil, 2.5, :s], b: {c: true}}))
Marshal.dump({"a" => [1, "x", nil, 2.5, :s], b: {c: true}})
Marshal.dump([0, 1, -1, 122, 123, -123, -124, 255, 256, -256, -257, 65536, 2**29, 2**30, -2**30, -2**30-1, 2**62, 2**70, -2**70])
Marshal.load(Marshal.dump([0, 1, -1, 122, 123, -123, -124, 255, 256, -256, -257, 65536, 2**29, 2**30, -2**30, -2**30-1, 2**62, 2**70, -2**70]))
Marshal.dump(["é", "a".b, :é, :a, :a, "a".encode("ISO-8859-1"), "a".force_encoding("US-ASCII")])
Marshal.load(Marshal.dump(["é", "a".b, :é, :a, :a, "é".encode("ISO-8859-1")])).map { |x| x.is_a?(String) ? x.encoding.to_s : x }
Marshal.dump([1.0, 2.5, 1e100, -0.0, 1.0/0, 0.1, 1e-5, 1e-10, 1e16, 123456789012345680.0])
Marshal.load(Marshal.dump([1.0, 2.5, 1e100, -0.0, 1.0/0, 0.1]))
a = [1]; Marshal.dump([a, a, String, Comparable, 1..3, ("a"..)])
a = [1]; b = Marshal.load(Marshal.dump([a, a])); b[0].equal?(b[1])
Marshal.load(Marshal.dump([String, Comparable, 1...3]))
Marshal.load(Marshal.dump(Hash.new(5).merge(1 => 2)))[9]
Marshal.dump(Hash.new { 1 }) rescue $!.message
Marshal.dump(proc {}) rescue $!.message
class MarshalA; attr_accessor :x, :y; end; o = MarshalA.new; o.x = 1; o.y = "é"; [Marshal.dump(o), Marshal.load(Marshal.dump(o)).y]
MarshalS = Struct.new(:a, :b); [Marshal.dump(MarshalS.new(1, 2)), Marshal.load(Marshal.dump(MarshalS.new(1, 2)))]
Marshal.load("\x04\x08[") rescue $!.message
Marshal.load("x") rescue $!.message
Marshal.load("\x03\x00") rescue $!.message
Marshal.load("\x04\x08o:\x08Foox\x00") rescue $!.message
Marshal.load(Marshal.dump(Time.utc(2020,1,2,3,4,5.678r))) == Time.utc(2020,1,2,3,4,5.678r)
Marshal.load(Marshal.dump(Time.new(2020,1,2,3,4,5,"+02:00"))).to_s
Marshal.load("\x04\bIu:\tTime\r\x03\xC0\x1D\xC0\x00\x00P\x10\x06:\tzoneI\"\bUTC\x06:\x06EF".b).to_s
require "socket"; [Socket.sockaddr_in(80, "1.2.3.4").length, Socket.sockaddr_in(80, "1.2.3.4")[2, 6], Socket.sockaddr_in("443", "2001:db8::1").bytesize]
Socket.unpack_sockaddr_in(Socket.pack_sockaddr_in(80, "1.2.3.4"))
require "zlib"; require "stringio"; require "csv"; require "yaml"; Zlib::Inflate.inflate(Zlib::Deflate.deflate("hello"))
Zlib.gunzip(Zlib.gzip("hello"))
Zlib::GzipReader.new(StringIO.new(Zlib.gzip("hello\nx"))).read
Zlib::GzipReader.new(StringIO.new(Zlib.gzip("hello\nx"))).each_line.to_a
Zlib::GzipReader.wrap(StringIO.new(Zlib.gzip("a"))) { |g| g.read }
Zlib.inflate("garbage") rescue [$!.class, $!.message]
Zlib.gunzip("garbage") rescue [$!.class, $!.message]
Zlib.inflate("x") rescue $!.class
Zlib::Inflate.new(Zlib::MAX_WBITS + 32).inflate(Zlib.gzip("auto"))
Zlib::Inflate.new(-Zlib::MAX_WBITS).inflate(Zlib::Deflate.new(9, -15).deflate("raw", Zlib::FINISH)) rescue $!.message
Zlib::Inflate.new(16+Zlib::MAX_WBITS).inflate(Zlib.gzip("g"))
s = StringIO.new; w = Zlib::GzipWriter.new(s); w.write("data"); w.close; Zlib.gunzip(s.string)
Zlib.inflate(Zlib.deflate("abc", Zlib::BEST_COMPRESSION))
Zlib.crc32("abc")
StringIO.new("a\nb").each_line.to_a
StringIO.new("abc").read(2)
s = StringIO.new; s << "a"; s.puts "b", [1]; s.print 1, 2; s.printf("%03d", 5); s.string
s = StringIO.new("abc\ndef\n"); [s.gets, s.lineno, s.gets(chomp: true), s.gets, s.eof?]
s = StringIO.new("abc\ndef\n"); s.readlines(chomp: true)
s = StringIO.new("abc"); [s.getc, s.getbyte, s.pos, s.read, s.read, s.read(1)]
s = StringIO.new("abc"); s.seek(1); s.write("X"); s.string
s = StringIO.new("abc"); s.rewind; s.read; s.rewind; s.read
s = StringIO.new("abc".freeze); s.write("x") rescue $!.message
s = StringIO.new("abc", "a"); s.write("d"); s.string
s = StringIO.new("a,b\n1,2"); CSV.new(s, headers: true).map(&:to_h) rescue $!.message
StringIO.new("a\n\nb\n").map(&:chomp)
StringIO.new("x").readline + (StringIO.new("").readline rescue $!.class.to_s)
s = StringIO.new; s.close; s.read rescue $!.message
StringIO.new("é").read.length
StringIO.open("q") { |i| i.read }
s = StringIO.new("ab"); s.each_line { |l| p l }; s.size
StringIO.new(nil) rescue $!.class
CSV.generate { |c| c << [1,"a b",nil]; c << ["x,y", 2] }
CSV.generate(col_sep: ";") { |c| c << [1,2] }
CSV.new("a,b\n1,2").read
c = CSV.new("a\nb"); [c.shift, c.shift, c.shift]
YAML.load("a: yes\nb: no\nc: on\nd: 010\ne: 0x1F\nf: 1_000\ng: ~\nh: 'yes'\ni: 1.5\nj: y\nk: null\nl: 1e3\nm: .inf\nn: 12:30\no: 2020-01-01x\np: true\nq: 0o14")
YAML.load("- a\n- {b: 1, c: [x, y]}\n- |\n  text\n  more\n- >\n  fold\n  ed\n")
YAML.load(":a: :b\n'c': \":d\"\n")
YAML.load("a: &x {q: 1}\nb: *x\nc:\n  <<: *x\n  z: 2\n", aliases: true)
YAML.load("") 
YAML.load("a: b: c") rescue $!.class
[12.345, 2.675, 8.345, 0.25, 0.5, 1.5, 0.005, 1.0005, 99.995, 9.995, -12.345].map { |x| ["%.2f" % x, "%.0f" % x, "%.1f" % x, "%.1e" % x, "%.2g" % x, "%f" % x, "%.20f" % x] }
(1..3000).map { |i| "%.2f" % (i / 200.0) }
require 'resolv'; %w[1.2.3.4 01.2.3.4 256.1.1.1 1.2.3 1.2.3.4.5 0.0.0.0 255.255.255.255 29.99.100.199].map { |x| x =~ Resolv::IPv4::Regex }
require 'resolv'; %w[:: ::1 1:: fe80::1 fe80::1%eth0 fe80::a:b%en.0 1:2:3:4:5:6:7:8 1:2:3:4:5:6:7 1:2:3:4:5:6:7:8:9 ::ffff:1.2.3.4 1:2:3:4:5:6:1.2.3.4 1::2::3 g:: 12345::1 a:b::1.2.3.4 1.2.3.4 :1 1: fe80::%x].map { |x| [x =~ Resolv::IPv6::Regex, x =~ Resolv::AddressRegex] }
require 'resolv'; "10.20.30.40".match(Resolv::IPv4::Regex).captures
require 'ipaddr'; a = IPAddr.new("10.1.2.3"); [a & "255.255.0.0", a & 0xffff0000, a | 255, ~a, a << 1, a >> 1, IPAddr.new("10.0.0.0/8") | 5].map(&:inspect)
require 'ipaddr'; [IPAddr.new("2001:db8::1") & IPAddr.new("ffff::"), ~IPAddr.new("::1"), IPAddr.new_ntoh([10,1,2,3].pack("C*"))].map(&:to_s)
require 'ipaddr'; [IPAddr.new("::1").ip6_arpa, IPAddr.new("::1").ip6_int, IPAddr::IN4MASK, IPAddr::IN6MASK]
require 'ipaddr'; IPAddr.new("fe80::1%eth0").link_local?
require 'strscan'; s = StringScanner.new("k=v, a=b"); [s.scan(/\w+/), s.skip(/=/), s.scan_until(/,/), s.pos, s.rest, s.eos?, s.getch, s.peek(2), s.check(/\w/), s.matched, s.check_until(/=/), s.pre_match, s.post_match]
require 'strscan'; s = StringScanner.new('key="va\"l" x=1'); out = {}; until s.eos?; s.skip(/\s+/); k = s.scan(/\w+/); s.skip(/=/); out[k] = s.scan(/"((?:[^"\\]|\\.)*)"/) ? s[1] : s.scan(/\S+/); end; out
require 'strscan'; s = StringScanner.new("été x"); [s.scan(/(?<a>.)/), s[:a], s.pos, s.getch, s.scan(/x/), s.matched, (s.unscan rescue $!.class), s.check(/ /), s.unscan.pos, s.terminate.eos?, s.reset.bol?, s.match?(/é/), s.exist?(/x/), (s.pos = 99 rescue $!.class)]
require 'singleton'; class Sg; include Singleton; attr_accessor :x; end; Sg.instance.x = 1; Sg.instance.x
[File.stat("/etc/passwd").size == File.size("/etc/passwd"), File.stat("/etc").directory?, File.stat("/etc/passwd").mtime == File.mtime("/etc/passwd")]
Dir.mkdir("/") rescue $!.class
File.delete("/nonexistent/x") rescue $!.class
