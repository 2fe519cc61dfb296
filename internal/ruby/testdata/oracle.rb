# Prints what each line of the file named by the argument prints and evaluates to.
def fresh_binding = binding

File.readlines(ARGV[0], chomp: true).each_with_index do |line, i|
  puts "== #{i + 1}"
  next if line.empty?
  begin
    p(eval(line, fresh_binding))
  rescue Exception => e
    puts "#{e.class}: #{e.message}"
  end
end
