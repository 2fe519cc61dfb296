package onig

import (
	"compress/gzip"
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// library returns the expansions of the pattern library, by "set NAME".
func library(t testing.TB) map[string]string {
	f, err := os.Open("testdata/library.json.gz")
	require.NoError(t, err)
	defer f.Close()
	z, err := gzip.NewReader(f)
	require.NoError(t, err)
	var lib map[string]string
	require.NoError(t, json.NewDecoder(z).Decode(&lib))
	return lib
}

// Lines of the benchmarks.
const (
	apacheLine = `203.0.113.9 - frank [10/Oct/2023:13:55:36 -0700] "GET /docs/manual/en/sections.html?highlight=filter&page=2 HTTP/1.1" 200 23260 ` +
		`"https://www.example.com/start.html" "Mozilla/5.0 (X11; Linux x86_64; rv:109.0) Gecko/20100101 Firefox/118.0"`
	syslogLine = `Mar 14 09:26:53 web-01.example.com sshd[4711]: Failed password for invalid user admin from 203.0.113.9 port 52144 ssh2`
	isoLine    = `2024-03-14T09:26:53.589793+01:00`
	ciscoLine  = `Mar 14 09:26:53 fw1 %ASA-6-302013: Built inbound TCP connection 76118 for outside:203.0.113.9/52144 (203.0.113.9/52144) to inside:192.0.2.20/443 (192.0.2.20/443)`
	otherLine  = `level=info ts=2024-03-14T09:26:53.589Z caller=compact.go:519 component=tsdb msg="write block" mint=1710399600000 maxt=1710406800000 ulid=01HRXKZ duration=1.53`
)

// apacheRE2 captures the same fields as COMBINEDAPACHELOG in the syntax of Go's regexp, written for speed.
const apacheRE2 = `^(?P<clientip>[0-9A-Za-z.:-]+) (?P<ident>[a-zA-Z0-9._-]+) (?P<auth>[a-zA-Z0-9._-]+) \[(?P<timestamp>[^\]]+)\] ` +
	`"(?:(?P<verb>\w+) (?P<request>\S+)(?: HTTP/(?P<httpversion>[0-9.]+))?|(?P<rawrequest>[^"]*))" (?:-|(?P<response>[0-9]+)) (?:-|(?P<bytes>[0-9]+)) ` +
	`(?P<referrer>"[^"]*") (?P<agent>"[^"]*")`

// firewallList is a list of twenty patterns as users write them for their firewall, tried in turn.
func firewallList(t testing.TB) []*Regexp {
	lib := library(t)
	name := func(text string) string {
		for _, n := range []string{"IPORHOST", "IP", "INT", "WORD", "NOTSPACE", "DATA", "GREEDYDATA", "NUMBER", "MAC", "HOSTNAME"} {
			text = strings.ReplaceAll(text, "%{"+n+"}", lib["legacy "+n])
		}
		return text
	}
	var out []*Regexp
	for _, action := range []string{"drop", "reject", "accept", "login", "logout", "vpn-up", "vpn-down", "nat", "route", "link", "dhcp", "dns", "url", "av", "ips", "auth",
		"cfg", "ha", "cpu", "close"} {
		out = append(out, MustCompile(name(`^fw=(?<fw>%{HOSTNAME}) act=`+action+` src=(?<src>%{IP}):(?<sport>%{INT}) dst=(?<dst>%{IPORHOST}):(?<dport>%{INT}) proto=(?<proto>%{WORD}) rule="(?<rule>%{DATA})" (?<rest>%{GREEDYDATA})`)))
	}
	return out
}

const firewallLine = `fw=fw-edge-1.example.com act=close src=198.51.100.7:51123 dst=203.0.113.80:443 proto=tcp rule="allow web out" bytes=4711 packets=18 duration=12.5`

func benchMatch(b *testing.B, re *Regexp, line string, want bool) {
	m := re.NewMatcher()
	require.Equal(b, want, m.Match(line))
	b.ReportAllocs()
	b.SetBytes(int64(len(line)))
	for b.Loop() {
		m.Match(line)
	}
}

func BenchmarkApache(b *testing.B) {
	re := MustCompile(library(b)["legacy COMBINEDAPACHELOG"])
	b.Run("onig", func(b *testing.B) { benchMatch(b, re, apacheLine, true) })
	b.Run("onig-ecs", func(b *testing.B) {
		benchMatch(b, MustCompile(library(b)["ecs-v1 COMBINEDAPACHELOG"]), apacheLine, true)
	})
	b.Run("onig-lines", func(b *testing.B) {
		// Lines of a log differ: in their addresses, seconds, paths and sizes.
		var lines []string
		for i := range 64 {
			lines = append(lines, strings.NewReplacer("203.0.113.9", fmt.Sprintf("203.0.%d.%d", i%7+10, i*37%256), ":36 -0700", fmt.Sprintf(":%02d -0700", i%60),
				"sections.html", fmt.Sprintf("s-%d.html", i*i*i), "23260", fmt.Sprint(i*i*531+17)).Replace(apacheLine))
		}
		m := re.NewMatcher()
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			if !m.Match(lines[i%len(lines)]) {
				b.Fatal("no match")
			}
		}
	})
	b.Run("go-re2", func(b *testing.B) {
		re := regexp.MustCompile(apacheRE2)
		require.True(b, re.MatchString(apacheLine))
		b.ReportAllocs()
		for b.Loop() {
			re.FindStringSubmatchIndex(apacheLine)
		}
	})
	b.Run("c-oniguruma", func(b *testing.B) { benchOniguruma(b, library(b)["legacy COMBINEDAPACHELOG"], apacheLine) })
	b.Run("copy-loop", func(b *testing.B) {
		var buf [512]byte
		for b.Loop() {
			for i := 0; i < len(apacheLine); i++ {
				buf[i] = apacheLine[i]
			}
		}
	})
}

// benchOniguruma lets the C program time itself.
func benchOniguruma(b *testing.B, pattern, line string) {
	o := onigurumaOracle(b)
	var ns float64
	reply := o.ask(b, "mb20000", pattern, line)
	_, err := fmt.Sscanf(reply, "T %f", &ns)
	require.NoError(b, err, reply)
	for b.Loop() {
	}
	b.ReportMetric(ns, "ns/op")
}

func BenchmarkSyslogBase(b *testing.B) {
	lib := library(b)
	b.Run("onig", func(b *testing.B) { benchMatch(b, MustCompile(lib["legacy SYSLOGBASE"]), syslogLine, true) })
	b.Run("c-oniguruma", func(b *testing.B) { benchOniguruma(b, lib["legacy SYSLOGBASE"], syslogLine) })
}

func BenchmarkISO8601(b *testing.B) {
	lib := library(b)
	b.Run("onig", func(b *testing.B) { benchMatch(b, MustCompile(lib["legacy TIMESTAMP_ISO8601"]), isoLine, true) })
	b.Run("c-oniguruma", func(b *testing.B) { benchOniguruma(b, lib["legacy TIMESTAMP_ISO8601"], isoLine) })
}

func BenchmarkFirewallList(b *testing.B) {
	list := firewallList(b)
	matchers := make([]*Matcher, len(list))
	for i, re := range list {
		matchers[i] = re.NewMatcher()
	}
	b.ReportAllocs()
	for b.Loop() {
		matched := false
		for _, m := range matchers {
			if m.Match(firewallLine) {
				matched = true
				break
			}
		}
		if !matched {
			b.Fatal("no pattern matches")
		}
	}
}

func BenchmarkCiscoASA(b *testing.B) {
	var ms []*Matcher
	for name, p := range library(b) {
		if strings.HasPrefix(name, "legacy CISCOFW") {
			ms = append(ms, MustCompile(p).NewMatcher())
		}
	}
	b.ReportAllocs()
	for b.Loop() {
		for _, m := range ms {
			m.Match(ciscoLine)
		}
	}
	b.ReportMetric(float64(len(ms)), "patterns")
}

// BenchmarkFail measures an unanchored pattern that matches nowhere.
func BenchmarkFail(b *testing.B) {
	lib := library(b)
	long := strings.Repeat(otherLine+" ", 8)
	f := func(name, pattern string) {
		b.Run(name, func(b *testing.B) { benchMatch(b, MustCompile(pattern), long, false) })
	}
	f("apache", lib["legacy COMBINEDAPACHELOG"])
	f("apache-no-literal", `(?:`+lib["legacy IPORHOST"]+`) - `)
	f("syslog", lib["legacy SYSLOGBASE"])
	f("ip", lib["legacy IP"]+`\z`)
	f("httpdate", lib["legacy HTTPDATE"])
	f("fold", `(?i)(?:exception|fatal|denied)`)
	f("words", `exception|fatal|denied`)
}

// forget drops what compiling has kept of earlier patterns.
func forget() {
	s := takeScratch()
	s.shared.reset()
	scratches.Put(s)
}

// BenchmarkCompileLibrary measures reading all patterns, as a check of a configuration does, and making their programs too, as far as matches ask for them.
func BenchmarkCompileLibrary(b *testing.B) {
	lib := library(b)
	f := func(name, set string, prepare func(re *Regexp)) {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				forget() // as when a program starts
				for name, p := range lib {
					if strings.HasPrefix(name, set) {
						prepare(MustCompile(p))
					}
				}
			}
		})
	}
	f("legacy/read", "legacy ", func(*Regexp) {})
	f("legacy/ready", "legacy ", func(re *Regexp) { re.program() })
	f("ecs/read", "ecs-v1 ", func(*Regexp) {})
	f("ecs/ready", "ecs-v1 ", func(re *Regexp) { re.program() })
}
