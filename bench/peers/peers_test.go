package peers

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"millrace/bench/internal/load"
)

func fakePeers(t *testing.T) string {
	dir := t.TempDir()
	bin := filepath.Join(dir, "root", "usr", "sbin")
	require.NoError(t, os.MkdirAll(bin, 0o755))
	require.NoError(t, os.MkdirAll(filepath.Join(dir, "root", "usr", "lib", "x86_64-linux-gnu"), 0o755))
	for _, name := range []string{"rsyslogd", "syslog-ng"} {
		require.NoError(t, os.WriteFile(filepath.Join(bin, name), nil, 0o755))
	}
	return dir
}

func TestConfigurations(t *testing.T) {
	dir := fakePeers(t)
	for _, product := range []string{"rsyslog", "syslog-ng"} {
		p, err := New(product, dir)
		require.NoError(t, err)
		for _, w := range load.Workloads() {
			s := Setup{Workload: w, Dir: t.TempDir(), Port: 5555, Elasticsearch: "127.0.0.1:9999", Workers: 2}
			argv, env, err := p.Command(s)
			if !Supported(w) {
				require.ErrorContains(t, err, "has no configuration for the workload")
				continue
			}
			require.NoError(t, err)
			require.True(t, strings.HasPrefix(argv[0], dir))
			require.Contains(t, env[0], "x86_64-linux-gnu")
			text, err := os.ReadFile(filepath.Join(s.Dir, product+".conf"))
			require.NoError(t, err)
			for _, want := range []string{"5555", "9999", "127.0.0.1"} {
				require.Contains(t, string(text), want)
			}
			require.NotContains(t, string(text), "<no value>")
		}
	}
}

func TestTheTrapsAreAvoided(t *testing.T) {
	dir := fakePeers(t)
	f := func(product, want string) {
		t.Helper()
		p, err := New(product, dir)
		require.NoError(t, err)
		s := Setup{Workload: "raw", Dir: t.TempDir(), Port: 1, Elasticsearch: "127.0.0.1:2", Workers: 2}
		_, _, err = p.Command(s)
		require.NoError(t, err)
		text, err := os.ReadFile(filepath.Join(s.Dir, product+".conf"))
		require.NoError(t, err)
		require.Contains(t, string(text), want)
	}
	f("rsyslog", `supportOctetCountedFraming="off"`)
	f("syslog-ng", "filter_path=errors,items.*.error")
	// A connection's part of the window holds a batch for each worker, twice.
	f("syslog-ng", "max-connections(64) log-iw-size(512000)")
}

func TestMissingPeerNamesTheScript(t *testing.T) {
	_, err := New("rsyslog", t.TempDir())
	require.ErrorContains(t, err, "bench/peers/fetch.sh")
}
