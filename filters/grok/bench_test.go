package grok

import (
	"testing"

	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

const combinedLine = `203.0.113.57 - frank [10/Oct/2023:13:55:36 -0700] "GET /static/images/logo.png?size=large&v=42 HTTP/1.1" 200 23260 ` +
	`"https://www.example.com/catalogue/start.html" "Mozilla/5.0 (X11; Linux x86_64; rv:109.0) Gecko/20100101 Firefox/118.0"`

// asaPatterns is an ordered list as firewall configurations have it.
var asaPatterns = []string{
	"%{CISCOFW106001}", "%{CISCOFW106006_106007_106010}", "%{CISCOFW106014}", "%{CISCOFW106015}", "%{CISCOFW106021}",
	"%{CISCOFW106023}", "%{CISCOFW106100}", "%{CISCOFW110002}", "%{CISCOFW302010}", "%{CISCOFW302013_302014_302015_302016}",
	"%{CISCOFW302020_302021}", "%{CISCOFW305011}", "%{CISCOFW313001_313004_313008}", "%{CISCOFW402117}", "%{CISCOFW402119}",
	"%{CISCOFW419001}", "%{CISCOFW419002}", "%{CISCOFW500004}", "%{CISCOFW602303_602304}",
	"%{CISCOFW710001_710002_710003_710005_710006}",
}

func BenchmarkFilter(b *testing.B) {
	f := func(name string, ecs plugin.ECS, line string, matched bool, patterns ...string) {
		b.Run(name, func(b *testing.B) {
			o := defaults()
			o.Match = matchOf("message", patterns...)
			w := newWorker(b, ecs, o)
			e := event.New(nil)
			path := event.MustPath("message")
			b.ReportAllocs()
			b.SetBytes(int64(len(line)))
			for b.Loop() {
				e.Reset()
				if err := e.Set(path, event.StringValue(line)); err != nil {
					b.Fatal(err)
				}
				if w.Filter(e) != matched {
					b.Fatalf("matched: %v", !matched)
				}
			}
		})
	}
	f("combined/legacy", plugin.ECSDisabled, combinedLine, true, "%{COMBINEDAPACHELOG}")
	f("combined/ecs", plugin.ECSv8, combinedLine, true, "%{COMBINEDAPACHELOG}")
	f("combined/fails", plugin.ECSv8, combinedLine[:len(combinedLine)-1], false, "%{COMBINEDAPACHELOG}")
	const syslog = "Mar  1 06:25:43 mail1 postfix/smtpd[21403]: connect from unknown[198.51.100.7]"
	f("syslog/ecs", plugin.ECSv8, syslog, true, "%{SYSLOGLINE}")
	const last = "UDP request discarded from 10.0.0.12/67 to inside:255.255.255.255/68"
	f("list20/last", plugin.ECSv8, last, true, asaPatterns...)
	const none = "User 'enable_15' executed the 'write memory' command on the console of the firewall in the second rack, row nine."
	f("list20/fails", plugin.ECSv8, none, false, asaPatterns...)
}

func BenchmarkNew(b *testing.B) {
	o := defaults()
	o.Match = matchOf("message", "%{COMBINEDAPACHELOG}")
	b.ReportAllocs()
	for b.Loop() {
		if _, err := New(o, testEnv(plugin.ECSv8)); err != nil {
			b.Fatal(err)
		}
	}
}
