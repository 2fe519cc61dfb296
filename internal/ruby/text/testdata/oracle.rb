# Evaluates the expression on each line and answers with its value in a form that a program can write as well.
require "bigdecimal"
require "cgi"
require "csv"
require "date"
require "erb"
require "json"
require "shellwords"
require "time"
require "uri"

$VERBOSE = nil
$stdout.sync = false

def bytes(s)
  s.b.gsub(/[^ !\x23-\x5b\x5d-\x7e]/n) { |c| format("\\x%02X", c.ord) }
end

# The hash of a parsed date with its fractions in nanoseconds.
def parts(h)
  h && h.to_h { |k, v| [k, %i(sec_fraction seconds).include?(k) ? (v * 1000000000).floor : k == :offset && v ? v.to_i : v] }
end

def show(v)
  case v
  when String then "\"#{bytes(v)}\""
  when Float then v.nan? ? "NaN" : format("%.17g", v)
  when Array then "[" + v.map { |e| show(e) }.join(", ") + "]"
  when Hash then "{" + v.map { |k, e| "#{k}=#{show(e)}" }.sort.join(", ") + "}"
  when DateTime then v.strftime("T%Y-%m-%dT%H:%M:%S.%N%::z")
  when Time then v.strftime("T%Y-%m-%dT%H:%M:%S.%N%::z")
  when Date then v.strftime("T%Y-%m-%d")
  when Encoding then show(v.name)
  else v.inspect
  end
end

$stdin.each_line do |line|
  expression = line.chomp
  answer = begin
    show(eval(expression))
  rescue StandardError, SyntaxError, NoMemoryError => e
    "#{e.class}: #{bytes(e.message)}"
  end
  $stdout.puts answer
end
