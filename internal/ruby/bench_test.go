package ruby

import (
	"testing"

	"github.com/stretchr/testify/require"

	"millrace/pipeline/event"
)

func benchmark(b *testing.B, code string) {
	in := New(Config{})
	p, err := in.Compile("bench", code, "event", "new_event_block")
	require.NoError(b, err)
	e := event.New(nil)
	e.Root().Set("b", event.StringValue("21"))
	e.Root().Set("message", event.StringValue("user=bob ip=10.0.0.1 action=login"))
	e.Create(in.now())
	b.ReportAllocs()
	for b.Loop() {
		if err := p.RunEvent(e, nil); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkOneLine(b *testing.B) {
	benchmark(b, `event.set('a', event.get('b').to_i * 2)`)
}

func BenchmarkLoop(b *testing.B) {
	benchmark(b, `
		sum = 0
		i = 0
		while i < 100
			if i % 3 == 0
				sum += i
			elsif i.odd?
				sum -= 1
			else
				sum += 2
			end
			i += 1
		end
		out = []
		(1..10).each do |x|
			next if x == 5
			out << x * sum
		end
		h = {}
		out.each_with_index { |v, n| h[n] = v if v > 10 }
		event.set('sum', sum)
		event.set('n', h.length)`)
}

func BenchmarkText(b *testing.B) {
	benchmark(b, `
		pairs = event.get('message').split(' ').map { |kv| kv.split('=') }.to_h
		event.set('user', pairs['user'].upcase) if pairs['ip'] =~ /^10\./
		event.set('n', pairs.length)`)
}

func BenchmarkRaise(b *testing.B) {
	benchmark(b, `begin; Integer(event.get('message')); rescue ArgumentError => e; event.set('bad', true); end`)
}
