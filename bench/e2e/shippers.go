//go:build linux

package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"millrace/bench/configs"
	"millrace/bench/peers"
)

// setup is what a shipper has to do in one run.
type setup struct {
	pipeline      string
	dir           string // for its files, empty
	port          int    // to listen on, 127.0.0.1
	elasticsearch string // host:port to write to
	workers       int
}

// shipper starts one product.
type shipper interface {
	name() string
	// command writes what the product needs into s.dir and returns how to start it in the foreground.
	command(s setup) (argv, env []string, err error)
}

func prepareShippers(o options, dir string) ([]shipper, error) {
	var ships []shipper
	for _, name := range o.shippers {
		switch name {
		case "millrace":
			bin, err := millraceBinary(o, dir)
			if err != nil {
				return nil, err
			}
			ships = append(ships, millrace{bin: bin, ecs: o.ecs, args: o.args})
		case "floor":
			self, err := os.Executable()
			if err != nil {
				return nil, err
			}
			ships = append(ships, floorShipper{self})
		case "rsyslog", "syslog-ng":
			p, err := peers.New(name, o.peersDir)
			if err != nil {
				return nil, err
			}
			ships = append(ships, peer{name, p})
		default:
			return nil, fmt.Errorf("unknown shipper %q: there are millrace, floor, rsyslog, syslog-ng", name)
		}
	}
	return ships, nil
}

// millraceBinary builds the binary unless one was named.
func millraceBinary(o options, dir string) (string, error) {
	if o.binary != "" {
		return filepath.Abs(o.binary)
	}
	out := filepath.Join(dir, "millrace")
	cmd := exec.Command("go", "build", "-o", out, "millrace/cmd/millrace")
	cmd.Env = append(cmd.Environ(), "CGO_ENABLED=0")
	if text, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("building millrace: %w\n%s", err, text)
	}
	return out, nil
}

type millrace struct {
	bin  string
	ecs  string
	args []string
}

func (m millrace) name() string { return "millrace" }

func (m millrace) command(s setup) (argv, env []string, err error) {
	text, err := configs.Text(s.pipeline)
	if err != nil {
		return nil, nil, err
	}
	conf := filepath.Join(s.dir, "pipeline.conf")
	settings := filepath.Join(s.dir, "settings")
	err = errors.Join(os.WriteFile(conf, text, 0o644), os.Mkdir(settings, 0o755),
		os.WriteFile(filepath.Join(settings, "logstash.yml"), nil, 0o644))
	if err != nil {
		return nil, nil, fmt.Errorf("writing the configuration: %w", err)
	}
	argv = append([]string{m.bin, "-f", conf, "-w", fmt.Sprint(s.workers), "--path.data", filepath.Join(s.dir, "data"), "--path.settings", settings,
		"--log.level=warn", "--api.enabled=false", "--pipeline.ecs_compatibility=" + m.ecs}, m.args...)
	return argv, []string{fmt.Sprintf("BENCH_PORT=%d", s.port), "BENCH_ELASTICSEARCH=http://" + s.elasticsearch}, nil
}

type floorShipper struct{ self string }

func (f floorShipper) name() string { return "floor" }

func (f floorShipper) command(s setup) (argv, env []string, err error) {
	return []string{f.self, "floor", "-listen", fmt.Sprintf("127.0.0.1:%d", s.port), "-elasticsearch", s.elasticsearch},
		[]string{fmt.Sprintf("GOMAXPROCS=%d", s.workers)}, nil
}

type peer struct {
	product string
	peer    *peers.Peer
}

func (p peer) name() string { return p.product }

func (p peer) command(s setup) (argv, env []string, err error) {
	pipeline, _, _ := strings.Cut(s.pipeline, "-")
	return p.peer.Command(peers.Setup{Workload: pipeline, Dir: s.dir, Port: s.port, Elasticsearch: s.elasticsearch, Workers: s.workers})
}
