package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"millrace/internal/settings"
)

func TestSources(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"1.conf", "2.conf", "2.conf~", ".2.conf.swp", "notes.txt", "more/3.conf"} {
		path := filepath.Join(dir, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, []byte("# "+name), 0o600))
	}
	f := func(path string, want ...string) {
		t.Helper()
		s := settings.New()
		_, err := s.Set("path.config", path)
		require.NoError(t, err)
		names, texts, err := sources(s)
		require.NoError(t, err)
		var got []string
		for i, name := range names {
			rel, err := filepath.Rel(dir, name)
			require.NoError(t, err)
			require.Equal(t, "# "+rel, string(texts[i]))
			got = append(got, rel)
		}
		require.Equal(t, want, got)
	}
	f(dir, "1.conf", "2.conf", "notes.txt")
	f(dir+"/", "1.conf", "2.conf", "notes.txt")
	f(dir+"/*", "1.conf", "2.conf", "notes.txt")
	f(dir+"/{2,1}.conf", "1.conf", "2.conf")
	f(dir+"/**/*.conf", "1.conf", "2.conf", "more/3.conf")
	f("file://"+dir+"/[!1].conf", "2.conf")
}

func TestKeystore(t *testing.T) {
	dir := t.TempDir()
	data, err := os.ReadFile("../../internal/secrets/testdata/own.keystore")
	require.NoError(t, err)
	t.Setenv("ES_PWD", "that of the environment")
	config := `output { stdout { codec => line { format => "${ES_PWD} ${Empty.Name_2} ${OTHER:none}" } } }`
	f := func(name string, settings ...string) {
		t.Helper()
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), data, 0o600))
		for _, text := range settings {
			require.NoError(t, os.WriteFile(filepath.Join(dir, "logstash.yml"), []byte(text), 0o600))
		}
		r := millrace(t, "x\n", quiet, "--api.enabled=false", "--path.settings", dir, "-e", config)
		require.Equal(t, 0, r.code, r.err)
		require.Equal(t, "s3cr3t \"ä\" two none\n", r.out)
	}
	f("logstash.keystore")
	f("logstash.keystore", "node.name: ${EMPTY.NAME_2}\n")
	require.NoError(t, os.Remove(filepath.Join(dir, "logstash.keystore")))
	f("other.keystore", "keystore.file: "+filepath.Join(dir, "other.keystore")+"\n")

	require.NoError(t, os.WriteFile(filepath.Join(dir, "logstash.keystore"), []byte("no keystore"), 0o600))
	r := millrace(t, "", "-t", "--path.settings", dir, "-e", config)
	require.Equal(t, 1, r.code)
	require.Contains(t, r.err, "reading the keystore")
}
