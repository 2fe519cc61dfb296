package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestCgroupMemory(t *testing.T) {
	f := func(want int64, files ...string) {
		t.Helper()
		root := t.TempDir()
		for i := 0; i < len(files); i += 2 {
			path := filepath.Join(root, files[i])
			require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
			require.NoError(t, os.WriteFile(path, []byte(files[i+1]), 0o644))
		}
		require.Equal(t, want, cgroupMemory(root))
	}
	f(0)
	f(0, "proc/self/cgroup", "0::/\n")
	f(0, "proc/self/cgroup", "0::/\n", "sys/fs/cgroup/memory.max", "max\n")
	f(1<<30, "proc/self/cgroup", "0::/\n", "sys/fs/cgroup/memory.max", "1073741824\n")
	// Outside a namespace of its own the process is deeper, and a parent may allow less.
	f(300, "proc/self/cgroup", "0::/a.slice/b.service\n", "sys/fs/cgroup/a.slice/b.service/memory.max", "400\n", "sys/fs/cgroup/a.slice/memory.max", "300\n")
	// Version 1: the limit of the container at the root of the mount, though its path says more.
	f(512, "proc/self/cgroup", "5:cpu,cpuacct:/docker/1\n4:memory:/docker/1\n0::/\n", "sys/fs/cgroup/memory/memory.limit_in_bytes", "512\n")
	f(0, "proc/self/cgroup", "4:memory:/\n", "sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n")
	f(0, "proc/self/cgroup", "4:memory:/\n", "sys/fs/cgroup/memory/memory.limit_in_bytes", "nonsense\n")
}

func TestLogstashArgs(t *testing.T) {
	f := func(want []string, args ...string) {
		t.Helper()
		require.Equal(t, want, logstashArgs(args))
	}
	want := []string{"-f", "x.conf"}
	f(want, "-f", "x.conf")
	f(want, "agent", "-f", "x.conf")
	f(want, "logstash", "-f", "x.conf")
	f(want, "millrace", "-f", "x.conf")
	f(want, "logstash", "agent", "-f", "x.conf")
	f(want, "/usr/share/logstash/bin/logstash", "-f", "x.conf")
	f([]string{}, "logstash")
	f([]string{"healthcheck"}, "millrace", "healthcheck")
	f([]string{"-e", "logstash"}, "-e", "logstash")
	f([]string{"check", "logstash"}, "check", "logstash")
	f([]string{"--log.level=debug", "-f", "x.conf"}, "logstash", "-vv", "-f", "x.conf")
}
