package patterns

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Every name expands, in both sets, without a name that is not defined, and no name of a capture is left with both sides.
func TestLibraryExpands(t *testing.T) {
	for _, mode := range []Mode{Legacy, ECS} {
		s := Library(mode)
		for _, name := range s.Names() {
			x, err := s.Expand("%{"+name+"}", true)
			require.NoError(t, err, "%s %s", mode, name)
			require.NotContains(t, x.Regexp, "%{", "%s %s", mode, name)
			for group := range groupsOf(x.Regexp) {
				require.NotContains(t, group, "|", "%s %s", mode, name)
				nested := strings.Contains(group, "[")
				require.False(t, nested && mode == Legacy, "%s: legacy captures are flat: %s", name, group)
			}
			d, _ := s.Lookup(name)
			require.Equal(t, strings.TrimRight(d.Text, " "), d.Text, "%s %s ends in a space", mode, name)
		}
	}
}

func groupsOf(regexp string) map[string]bool {
	groups := make(map[string]bool)
	for {
		i := indexGroup(regexp)
		if i < 0 {
			return groups
		}
		regexp = regexp[i+3:]
		groups[regexp[:strings.IndexByte(regexp, '>')]] = true
	}
}

// The names of Logstash's patterns-core 4.3.x, counted by group, so that none gets lost.
func TestLibraryIsComplete(t *testing.T) {
	f := func(mode Mode, want map[string]int) {
		t.Helper()
		got := map[string]int{}
		for _, name := range Library(mode).Names() {
			d, _ := Library(mode).Lookup(name)
			got[strings.TrimPrefix(d.Origin, "library ")]++
		}
		require.Equal(t, want, got)
	}
	f(Legacy, map[string]int{
		"aws": 7, "bacula": 47, "bind": 2, "bro": 4, "core": 70, "exim": 16, "firewalls": 46, "haproxy": 8, "httpd": 9, "java": 10,
		"junos": 4, "linux-syslog": 10, "maven": 1, "mcollective": 2, "mongodb": 7, "nagios": 61, "postgresql": 1, "rails": 7,
		"redis": 3, "ruby": 2, "squid": 1,
	})
	f(ECS, map[string]int{
		"aws": 11, "bacula": 48, "bind": 6, "bro": 6, "core": 71, "exim": 17, "firewalls": 58, "haproxy": 9, "httpd": 9, "java": 18,
		"junos": 5, "linux-syslog": 10, "maven": 1, "mcollective": 2, "mongodb": 7, "nagios": 61, "postgresql": 1, "rails": 7,
		"redis": 3, "ruby": 2, "squid": 2, "zeek": 8,
	})
}

// The fields of the patterns that people use most.
func TestLibraryCaptures(t *testing.T) {
	f := func(mode Mode, name string, want ...string) {
		t.Helper()
		x, err := Library(mode).Expand("%{"+name+"}", true)
		require.NoError(t, err)
		var got []string
		rest := x.Regexp
		for {
			i := indexGroup(rest)
			if i < 0 {
				break
			}
			rest = rest[i+3:]
			got = append(got, rest[:strings.IndexByte(rest, '>')])
		}
		require.Equal(t, want, got)
	}
	f(Legacy, "COMMONAPACHELOG", "IPORHOST:clientip", "HTTPDUSER:ident", "HTTPDUSER:auth", "HTTPDATE:timestamp", "WORD:verb",
		"NOTSPACE:request", "NUMBER:httpversion", "DATA:rawrequest", "NUMBER:response", "NUMBER:bytes")
	f(ECS, "COMMONAPACHELOG", "IPORHOST:[source][address]", "HTTPDUSER:[apache][access][user][identity]", "HTTPDUSER:[user][name]",
		"HTTPDATE:timestamp", "WORD:[http][request][method]", "NOTSPACE:[url][original]", "NUMBER:[http][version]",
		"INT:[http][response][status_code]:int", "INT:[http][response][body][bytes]:int")
	f(Legacy, "URIHOST", "POSINT:port")
	f(Legacy, "SYSLOGFACILITY", "NONNEGINT:facility", "NONNEGINT:priority")
	f(ECS, "SYSLOGFACILITY", "NONNEGINT:[log][syslog][facility][code]:int", "NONNEGINT:[log][syslog][priority]:int")
	f(Legacy, "BACULA_LOG_CANCELLING")
	f(ECS, "BACULA_LOG_CANCELLING", "INT:[bacula][job][other_id]")
	f(Legacy, "RCONTROLLER", "controller", "action")
	f(ECS, "RCONTROLLER", "[rails][controller][class]", "[rails][controller][action]")
}
