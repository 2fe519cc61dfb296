# Answers match questions with Ruby's regular expressions (Onigmo, the C twin of Joni).
# One question a line: options, pattern and text, the last two in hexadecimal. The answer: E message, N, or M and the byte offsets of every group.
$VERBOSE = nil
cache = {}
STDIN.each_line do |line|
  opts, pat, text = line.chomp.split(" ", -1)
  pat = [pat].pack("H*").force_encoding("UTF-8")
  text = [text.to_s].pack("H*").force_encoding("UTF-8")
  flags = 0
  flags |= Regexp::MULTILINE if opts.include?("m")
  flags |= Regexp::IGNORECASE if opts.include?("i")
  flags |= Regexp::EXTENDED if opts.include?("x")
  begin
    re = cache[[flags, pat]] ||= Regexp.new(pat, flags)
    m = re.match(text)
    if m.nil?
      puts "N"
    else
      puts "M " + (0...m.size).map { |i|
        m.begin(i).nil? ? "-1 -1" : "#{text[0, m.begin(i)].bytesize} #{text[0, m.end(i)].bytesize}"
      }.join(" ")
    end
  rescue RegexpError, ArgumentError => e
    puts "E " + e.message.split(": /").first.gsub(/\s+/, " ")
  end
  STDOUT.flush
end
