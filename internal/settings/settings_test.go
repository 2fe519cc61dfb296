package settings

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func env(pairs ...string) func(string) (string, bool) {
	return func(name string) (string, bool) {
		for i := 0; i < len(pairs); i += 2 {
			if pairs[i] == name {
				return pairs[i+1], true
			}
		}
		return "", false
	}
}

func folder(t *testing.T, name, text string) string {
	t.Helper()
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644))
	return dir
}

func TestEveryDefaultIsValid(t *testing.T) {
	for _, d := range all {
		require.NoError(t, d.check(d.Default), d.Name)
		require.False(t, isIgnored(d.Name), "%s has an effect and is listed as ignored", d.Name)
	}
}

func TestFile(t *testing.T) {
	s := New()
	warnings, err := s.LoadFile(folder(t, "logstash.yml", `
# flat, nested and mixed keys
pipeline:
  workers: 3
  batch.size: ${BATCH:250}
pipeline.id: "web"
http.port: 9601
queue:
  max_bytes: 2gb
config.reload.interval: 500ms
xpack.monitoring.enabled: false
xpack:
  monitoring.elasticsearch.hosts: ["http://es:9200"]
log.level: ${LEVEL}
node.name:
`), env("LEVEL", "warn"))
	require.NoError(t, err)
	require.Equal(t, 3, s.Int("pipeline.workers"))
	require.Equal(t, 250, s.Int("pipeline.batch.size"))
	require.Equal(t, "web", s.Get("pipeline.id"))
	require.Equal(t, "9601", s.Get("api.http.port"))
	require.Equal(t, int64(2<<30), s.Bytes("queue.max_bytes"))
	require.Equal(t, 500*time.Millisecond, s.Duration("config.reload.interval"))
	require.Equal(t, "warn", s.Get("log.level"))
	require.Len(t, warnings, 3)
	require.Contains(t, warnings[0], `"http.port" is now called "api.http.port"`)
	require.Contains(t, warnings[1], "no effect")
}

func TestGiven(t *testing.T) {
	s := New()
	require.False(t, s.Given("api.http.host"))
	_, err := s.LoadFile(folder(t, "logstash.yml", "api.http.host: 127.0.0.1\napi.ssl.supported_protocols: [TLSv1.2, TLSv1.3]\n"), nil)
	require.NoError(t, err)
	require.True(t, s.Given("api.http.host"), "its default counts too")
	require.Equal(t, "TLSv1.2,TLSv1.3", s.Get("api.ssl.supported_protocols"))
	c := s.Clone()
	_, err = c.LoadEnvironment([]string{"API_AUTH_BASIC_PASSWORD=x"})
	require.NoError(t, err)
	require.True(t, c.Given("api.auth.basic.password"))
	require.True(t, c.Given("api.http.host"))
	require.False(t, s.Given("api.auth.basic.password"))
}

func TestMistakesInAFileAreToldAtOnce(t *testing.T) {
	_, err := New().LoadFile(folder(t, "logstash.yml", "pipeline.wrokers: 3\nlog.level: loud\nqueue.max_bytes: lots\napi.enabled: yep\n"), nil)
	for _, want := range []string{`did you mean "pipeline.workers"`, "logstash.yml:2:", "expected one of", "a size such as", "true or false"} {
		require.ErrorContains(t, err, want)
	}
	_, err = New().LoadFile(folder(t, "logstash.yml", "log.level: ${NOWHERE}\n"), env())
	require.ErrorContains(t, err, "NOWHERE")
	_, err = New().LoadFile(folder(t, "logstash.yml", "- a\n- b\n"), nil)
	require.ErrorContains(t, err, "a mapping")
	_, err = New().LoadFile(t.TempDir(), nil)
	require.NoError(t, err, "no file is no mistake")
}

func TestEnvironmentOfAContainer(t *testing.T) {
	s := New()
	ignored, err := s.LoadEnvironment([]string{
		"PIPELINE_WORKERS=4", "pipeline.batch.size=99", "HTTP_HOST=0.0.0.0", "XPACK_MONITORING_ENABLED=false", "LS_JAVA_OPTS=-Xmx1g", "PATH=/bin", "HOME=/x", "QUEUE_TYPE=persisted",
	})
	require.NoError(t, err)
	require.Equal(t, 4, s.Int("pipeline.workers"))
	require.Equal(t, 99, s.Int("pipeline.batch.size"))
	require.Equal(t, "0.0.0.0", s.Get("api.http.host"))
	require.Equal(t, "persisted", s.Get("queue.type"))
	require.Equal(t, []string{"LS_JAVA_OPTS", "XPACK_MONITORING_ENABLED"}, ignored)
	_, err = s.LoadEnvironment([]string{"PIPELINE_WORKERS=many"})
	require.ErrorContains(t, err, "PIPELINE_WORKERS")
}

func TestPipelinesFile(t *testing.T) {
	s := New()
	_, err := s.Set("log.level", "debug")
	require.NoError(t, err)
	pipelines, _, err := s.LoadPipelines(folder(t, "pipelines.yml", `
- pipeline.id: a
  path.config: "/a/*.conf"
  pipeline.workers: 1
- pipeline.id: b
  config.string: "input { stdin {} }"
`), nil)
	require.NoError(t, err)
	require.Len(t, pipelines, 2)
	require.Equal(t, "/a/*.conf", pipelines[0].Get("path.config"))
	require.Equal(t, 1, pipelines[0].Int("pipeline.workers"))
	require.Equal(t, "debug", pipelines[1].Get("log.level"), "what is not said is that of logstash.yml")

	f := func(text, want string) {
		t.Helper()
		_, _, err := New().LoadPipelines(folder(t, "pipelines.yml", text), nil)
		require.ErrorContains(t, err, want)
	}
	f("- pipeline.id: a\n- pipeline.id: a\n", "of its own")
	f("- path.config: x\n", "of its own")
	f("pipeline.id: a\n", "a list of pipelines")
	f("", "a list of pipelines")
	f("- pipeline.id: a\n  pipeline.worker: 2\n", `did you mean "pipeline.workers"`)
	pipelines, _, err = New().LoadPipelines(t.TempDir(), nil)
	require.NoError(t, err)
	require.Nil(t, pipelines)
}
