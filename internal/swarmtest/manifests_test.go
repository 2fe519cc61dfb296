package swarmtest

import (
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
)

// object is one document of the Kubernetes manifest, as far as its parts refer to each other.
type object struct {
	Kind     string
	Metadata struct{ Name string }
	Data     map[string]string
	Spec     struct {
		ServiceName string `yaml:"serviceName"`
		Selector    any
		Ports       []struct {
			TargetPort string `yaml:"targetPort"`
		}
		Template struct {
			Metadata struct {
				Labels      map[string]string
				Annotations map[string]string
			}
			Spec podSpec
		}
		Claims []struct{ Metadata struct{ Name string } } `yaml:"volumeClaimTemplates"`
	}
}

type podSpec struct {
	Grace      int `yaml:"terminationGracePeriodSeconds"`
	Containers []struct {
		Args  []string
		Env   []struct{ Name, Value string }
		Ports []struct {
			Name string
			Port int `yaml:"containerPort"`
		}
		Readiness probe `yaml:"readinessProbe"`
		Liveness  probe `yaml:"livenessProbe"`
		Mounts    []struct {
			Name string
			Path string `yaml:"mountPath"`
		} `yaml:"volumeMounts"`
	}
	Volumes []struct {
		Name      string
		ConfigMap struct{ Name string } `yaml:"configMap"`
	}
}

type probe struct {
	Get struct{ Path, Port string } `yaml:"httpGet"`
}

// TestKubernetes: what the parts of the manifest call each other exists, and its pipeline is one.
func TestKubernetes(t *testing.T) {
	objects := make(map[string]object)
	var services []object
	for d := yaml.NewDecoder(strings.NewReader(deployFile(t, "kubernetes", "millrace.yaml"))); ; {
		var o object
		err := d.Decode(&o)
		if errors.Is(err, io.EOF) {
			break
		}
		require.NoError(t, err)
		objects[o.Kind+"/"+o.Metadata.Name] = o
		if o.Kind == "Service" {
			services = append(services, o)
		}
	}
	set := objects["StatefulSet/millrace"]
	pod := set.Spec.Template
	require.Len(t, pod.Spec.Containers, 1)
	c := pod.Spec.Containers[0]
	require.Contains(t, objects, "Service/"+set.Spec.ServiceName)
	require.Equal(t, map[string]any{"matchLabels": map[string]any{"app.kubernetes.io/name": pod.Metadata.Labels["app.kubernetes.io/name"]}}, set.Spec.Selector)
	ports := make(map[string]int)
	for _, p := range c.Ports {
		ports[p.Name] = p.Port
	}
	require.Len(t, services, 2)
	for _, s := range services {
		require.Equal(t, map[string]any{"app.kubernetes.io/name": pod.Metadata.Labels["app.kubernetes.io/name"]}, s.Spec.Selector, s.Metadata.Name)
		for _, p := range s.Spec.Ports {
			require.Contains(t, ports, p.TargetPort)
		}
	}
	require.Equal(t, map[string]int{"lines": 9000, "api": 9600}, ports)
	require.Contains(t, ports, c.Readiness.Get.Port)
	require.Contains(t, ports, c.Liveness.Get.Port)
	volumes := make(map[string]bool)
	for _, v := range pod.Spec.Volumes {
		volumes[v.Name] = true
		require.Contains(t, objects, "ConfigMap/"+v.ConfigMap.Name)
	}
	for _, v := range set.Spec.Claims {
		volumes[v.Metadata.Name] = true
	}
	for _, m := range c.Mounts {
		require.True(t, volumes[m.Name], m.Name)
	}
	require.Equal(t, []string{"-f", "/logstash_conf/pipeline.conf"}, c.Args)
	require.Equal(t, "SHUTDOWN_TIMEOUT", c.Env[0].Name)
	require.Equal(t, "25s", c.Env[0].Value)
	require.Greater(t, pod.Spec.Grace, 5+25, "the sleep before the end and the drain")
	require.Equal(t, deployPipeline(t), objects["ConfigMap/millrace"].Data["pipeline.conf"], "the pipelines of the swarm and of Kubernetes are the same")
}

// deployPipeline returns the pipeline of the stack without the comment above it.
func deployPipeline(t *testing.T) string {
	t.Helper()
	_, text, found := strings.Cut(deployFile(t, "swarm", "logstash", "pipeline.conf"), "\n")
	require.True(t, found)
	return text
}

// TestPipelines: Millrace accepts the pipeline of the stack.
func TestPipelines(t *testing.T) {
	if testing.Short() {
		t.Skip("it builds a program")
	}
	cmd := exec.Command(buildProgram(t, "millrace/cmd/millrace"), "check", filepath.Join(root, "deploy/swarm/logstash/pipeline.conf"))
	cmd.Env = append(os.Environ(), "ELASTIC_PASSWORD=x")
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
}

// TestUnit lets systemd judge its unit, and runs the commands that are in it.
func TestUnit(t *testing.T) {
	needTool(t, "systemd-analyze")
	if testing.Short() {
		t.Skip("it builds a program")
	}
	program, etc := buildProgram(t, "millrace/cmd/millrace"), t.TempDir()
	text := strings.ReplaceAll(deployFile(t, "systemd", "millrace.service"), "/usr/local/bin/millrace", program)
	unit := filepath.Join(t.TempDir(), "millrace.service")
	require.NoError(t, os.WriteFile(unit, []byte(text), 0o644))
	out, err := exec.Command("systemd-analyze", "verify", "--man=no", unit).CombinedOutput()
	require.NoError(t, err, "%s", out)
	require.NotContains(t, string(out), "millrace.service", "a warning")

	require.NoError(t, os.WriteFile(filepath.Join(etc, "pipeline.conf"), []byte(once), 0o644))
	paths := strings.NewReplacer("/etc/millrace", etc, "/var/lib/millrace", t.TempDir())
	ran := 0
	for line := range strings.Lines(text) {
		name, command, _ := strings.Cut(strings.TrimSpace(line), "=")
		if name != "ExecStartPre" && name != "ExecStart" {
			continue
		}
		argv := strings.Fields(paths.Replace(command))
		out, err := exec.Command(argv[0], append(argv[1:], "--api.enabled=false")...).CombinedOutput()
		require.NoError(t, err, "%s: %s", command, out)
		ran++
	}
	require.Equal(t, 2, ran)
}

// TestPrometheusFiles lets Prometheus's own tool read its configuration and the alerts.
func TestPrometheusFiles(t *testing.T) {
	needTool(t, "promtool")
	for _, args := range [][]string{{"check", "config", "prometheus.yml"}, {"check", "rules", "alerts.yml"}} {
		cmd := exec.Command("promtool", args...)
		cmd.Dir = filepath.Join(root, "deploy/prometheus")
		out, err := cmd.CombinedOutput()
		require.NoError(t, err, "%s", out)
		require.NotContains(t, string(out), "FAILED")
	}
}
