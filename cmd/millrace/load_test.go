package main

import (
	"os"
	"path/filepath"
	"testing"
	"time"

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

func TestKeystoreOfTestAndProfile(t *testing.T) {
	zone := time.Local
	t.Cleanup(func() { time.Local = zone })
	data, err := os.ReadFile("../../internal/secrets/testdata/own.keystore")
	require.NoError(t, err)
	settings, dir := t.TempDir(), t.TempDir()
	writeTestFile(t, settings, "logstash.keystore", string(data))
	t.Setenv("ES_PWD", "that of the environment")
	conf := writeTestFile(t, dir, "a.conf", `filter {
  if [message] != "${Empty.Name_2}" { drop { } }
  mutate { add_field => { "pwd" => "${ES_PWD}" "test" => "${OF_TEST:none}" } }
}`)
	writeTestFile(t, dir, "a.test.yml", `ignore: ['@timestamp', event, '@version', host]
env: { OF_TEST: of the test }
testcases:
- input: [two, three]
  expected: [{ message: two, pwd: 's3cr3t "ä"', test: of the test }]
`)
	sample := writeTestFile(t, dir, "sample.log", "two\ntwo\ntwo\nthree\n")
	f := func(wantCode int, want string, args ...string) {
		t.Helper()
		code, out, errs := runCommand(t, args...)
		require.Equal(t, wantCode, code, out+errs)
		require.Contains(t, out+errs, want)
	}
	test := func(args ...string) []string { return append([]string{"test", dir}, args...) }
	profile := func(args ...string) []string {
		return append([]string{"profile", "-f", conf, "--input", sample, "--duration", "20ms"}, args...)
	}
	for _, command := range []func(args ...string) []string{test, profile} {
		want := map[bool]string{true: "1 case passed", false: "25 % true"}[command()[0] == "test"]
		t.Setenv("LS_SETTINGS_DIR", t.TempDir())
		f(0, want, command("--path.settings", settings)...)
		t.Setenv("LS_SETTINGS_DIR", settings)
		f(0, want, command()...)

		broken := t.TempDir()
		writeTestFile(t, broken, "logstash.keystore", "no keystore")
		f(1, "reading the keystore", command("--path.settings", broken)...)
	}
}
