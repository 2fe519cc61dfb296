package cidr

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"millrace/filters/internal/filtertest"
)

// What the plugin's own test suite asserts.
func TestSuite(t *testing.T) {
	f := func(options, in string, want bool) {
		t.Helper()
		require.Equal(t, want, filtertest.New(t, Plugin, options).Filter.Filter(filtertest.Event(t, in)), "%s %s", options, in)
	}
	f(`address => ["%{ip}"] network => ["192.168.0.0/24"]`, `{"ip":"192.168.0.30"}`, true)
	f(`address => ["%{ip}"] network => ["192.168.0.0/24"]`, `{"ip":"123.52.122.33"}`, false)
	for ip, want := range map[string]bool{"192.168.0.30": true, "10.10.220.3": true, "172.16.45.50": true, "8.8.8.8": false} {
		f(`address => ["%{ip}"] network => ["10.0.0.0/8","172.16.0.0/12","192.168.0.0/16"]`, `{"ip":"`+ip+`"}`, want)
		f(`address => ["%{ip}"] network => ["10.0.0.0/8,172.16.0.0/12,192.168.0.0/16"]`, `{"ip":"`+ip+`"}`, want)
		f(`address => ["%{ip}"] network => ["%{list}"]`, `{"ip":"`+ip+`","list":["10.0.0.0/8","172.16.0.0/12","192.168.0.0/16"]}`, want)
	}
	f(`address => ["%{ip}"] network => ["fe80::/64"]`, `{"ip":"fe80:0:0:0:0:0:0:1"}`, true)
	f(`address => ["%{ip}"] network => ["fe80::/64"]`, `{"ip":"fd82:0:0:0:0:0:0:1"}`, false)
	f(`address_field => "ip" network => ["192.168.0.0/24"]`, `{"ip":"192.168.0.1"}`, true)
	f(`address_field => "ip" network => ["192.168.0.0/24"]`, `{"ip":["188.168.0.1","192.168.0.1"]}`, true)
	f(`address_field => "ip" network => ["192.168.0.0/24"]`, `{"ip":["invalid","192.168.0.1"]}`, true)
	f(`address_field => "[host][ip]" network => ["192.168.0.0/24"]`, `{"host":{"ip":["188.168.0.1","192.168.0.1"]}}`, true)

	file := func(text string) string {
		path := filepath.Join(t.TempDir(), "network")
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		return `network_path => "` + path + `" `
	}
	lines := file("192.168.1.0/24\n200.17.160.0/24\n") + `address => "%{ip}"`
	f(lines, `{"ip":"192.168.1.1"}`, true)
	f(lines, `{"ip":"200.17.160.201"}`, true)
	f(lines, `{"ip":"10.1.2.1"}`, false)
	commas := file("192.168.1.0/24,10.0.0.0/8") + `address => "%{ip}" separator => ","`
	f(commas, `{"ip":"192.168.1.25"}`, true)
	f(commas, `{"ip":"192.167.1.1"}`, false)

	require.Contains(t, filtertest.Diagnose(Plugin, lines+` network => ["192.168.1.0/24"]`), "network and network_path exclude each other")
	require.Contains(t, filtertest.Diagnose(Plugin, `address_field => "[host][ip]" address => ["%{ip}"]`), "address and address_field exclude each other")
}
