// Package peers runs other shippers on the workloads that Millrace is measured with: Debian's rsyslog and syslog-ng,
// unpacked by fetch.sh, configured for the same fields as far as the product has a parser for them.
package peers

import (
	"embed"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"text/template"
)

//go:embed templates/*
var files embed.FS

// Setup is what a peer has to do in one run.
type Setup struct {
	// Workload is the kind of lines; Unsupported lists what a product has no parser for.
	Workload string
	// Dir takes the configuration and whatever the product writes.
	Dir string
	// Port is where to listen on 127.0.0.1 for lines.
	Port int
	// Elasticsearch is the host:port to write to.
	Elasticsearch string
	// Workers is the number of threads for parsing and sending.
	Workers int
}

// Peer is an unpacked product.
type Peer struct {
	product string
	root    string // below it, the packages' files
}

// New finds a product below dir, or below the default of fetch.sh if dir is empty.
func New(product, dir string) (*Peer, error) {
	if dir == "" {
		cache, err := os.UserCacheDir()
		if err != nil {
			return nil, fmt.Errorf("finding the peers: %w", err)
		}
		dir = filepath.Join(cache, "millrace-bench", "peers")
	}
	p := &Peer{product: product, root: filepath.Join(dir, "root")}
	if _, err := os.Stat(p.binary()); err != nil {
		return nil, fmt.Errorf("finding %s: %w (run bench/peers/fetch.sh first)", product, err)
	}
	return p, nil
}

func (p *Peer) binary() string {
	name := "rsyslogd"
	if p.product == "syslog-ng" {
		name = "syslog-ng"
	}
	return filepath.Join(p.root, "usr", "sbin", name)
}

// supported lists the workloads that both products can do. The lists of patterns and the branching pipeline have no
// counterpart that does the same work.
var supported = []string{"apache", "json", "raw", "syslog", "syslog5424", "syslogmix", "firewall"}

// Supported reports whether there is a configuration for the workload.
func Supported(workload string) bool {
	for _, w := range supported {
		if w == workload {
			return true
		}
	}
	return false
}

// values fill the templates.
type values struct {
	Setup
	Root       string
	Host, Bulk string // the Elasticsearch's host and port
	// Window is syslog-ng's log-iw-size for a source of MaxConnections. Each connection gets an equal part, and where that
	// is less than a batch, every batch waits for its timeout.
	Window, MaxConnections, BatchLines int
}

// maxConnections is enough for the usual runs; the window grows with it.
const (
	maxConnections = 64
	batchLines     = 2000
)

// Command writes the configuration and returns how to start the product in the foreground.
func (p *Peer) Command(s Setup) (argv, env []string, err error) {
	if !Supported(s.Workload) {
		return nil, nil, fmt.Errorf("%s has no configuration for the workload %q: there are %s", p.product, s.Workload, strings.Join(supported, ", "))
	}
	host, port, err := net.SplitHostPort(s.Elasticsearch)
	if err != nil {
		return nil, nil, fmt.Errorf("reading the address of elasticsearch: %w", err)
	}
	v := values{Setup: s, Root: p.root, Host: host, Bulk: port, BatchLines: batchLines, MaxConnections: maxConnections,
		Window: 2 * maxConnections * batchLines * s.Workers}
	conf := filepath.Join(s.Dir, p.product+".conf")
	if err := write(p.product+".conf", conf, v); err != nil {
		return nil, nil, err
	}
	env = []string{"LD_LIBRARY_PATH=" + strings.Join(libraryDirs(p.root), ":")}
	if p.product == "syslog-ng" {
		state := func(name string) string { return filepath.Join(s.Dir, name) }
		return []string{p.binary(), "--foreground", "--no-caps", "--cfgfile", conf, "--persist-file", state("persist"), "--pidfile", state("pid"),
			"--control", state("control"), "--module-path", filepath.Join(p.root, "usr", "lib", "syslog-ng", "3.38")}, env, nil
	}
	if err := write("rsyslog.rulebase", filepath.Join(s.Dir, "rulebase"), v); err != nil {
		return nil, nil, err
	}
	return []string{p.binary(), "-n", "-C", "-f", conf, "-i", filepath.Join(s.Dir, "pid"), "-M", filepath.Join(moduleDir(p.root), "rsyslog")}, env, nil
}

// libraryDirs are where the unpacked libraries may be, for any architecture.
func libraryDirs(root string) []string {
	dirs := []string{filepath.Join(root, "usr", "lib", "syslog-ng")}
	for _, pattern := range []string{"lib/*-linux-gnu*", "usr/lib/*-linux-gnu*"} {
		// The patterns are constant, so Glob has no error to return.
		found, _ := filepath.Glob(filepath.Join(root, pattern))
		dirs = append(dirs, found...)
	}
	return dirs
}

// moduleDir is the architecture's library folder.
func moduleDir(root string) string {
	found, _ := filepath.Glob(filepath.Join(root, "usr/lib/*-linux-gnu*"))
	if len(found) == 0 {
		return filepath.Join(root, "usr", "lib")
	}
	return found[0]
}

func write(name, to string, v values) error {
	t, err := template.ParseFS(files, "templates/"+name)
	if err != nil {
		panic("BUG: an embedded template does not parse: " + err.Error())
	}
	var b strings.Builder
	if err := t.Execute(&b, v); err != nil {
		return fmt.Errorf("writing %s: %w", name, err)
	}
	if err := os.WriteFile(to, []byte(b.String()), 0o644); err != nil {
		return fmt.Errorf("writing %s: %w", name, err)
	}
	return nil
}
