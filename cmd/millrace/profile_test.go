package main

import (
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	jsoniter "github.com/json-iterator/go"
	"github.com/stretchr/testify/require"

	"millrace/internal/profile"
	"millrace/internal/testenv"
)

const profiledConf = `filter {
  if [message] =~ "^<" {
    grok { match => { "message" => ["^never %{INT:n}", "<%{INT:pri}>%{GREEDYDATA:text}"] } }
  }
}
`

func TestProfileSample(t *testing.T) {
	dir := t.TempDir()
	conf := writeTestFile(t, dir, "p.conf", `input { beats { port => 5044 ssl_certificate => "/nowhere/tls.crt" codec => json type => "app" } }
`+profiledConf+`output { elasticsearch { hosts => ["https://nowhere:9200"] } }`)
	sample := writeTestFile(t, dir, "sample.log", strings.Repeat(`{"message":"<1>a"}`+"\n"+`{"message":"b"}`+"\n", 200))
	f := func(wantCode int, wants []string, args ...string) string {
		t.Helper()
		code, out, errs := runCommand(t, append([]string{"profile", "--duration", "50ms"}, args...)...)
		require.Equal(t, wantCode, code, out+errs)
		for _, w := range wants {
			require.Contains(t, out+errs, w)
		}
		return out
	}
	out := f(0, []string{
		"400 events of sample.log by the input input_beats_1", "SHARE  NS/EVENT", "100 % of texts", "50 % true",
		"pattern 1 of 2 of filter grok at " + conf + ":4 never matched in 200 texts", "output elasticsearch: encoding", "decoding by json",
	}, "-f", conf, "--input", sample)
	require.NotContains(t, out, "handing over", "nothing is handed to an output")
	out = f(0, nil, "-f", conf, "--input", sample, "--top", "2")
	_, rows, _ := strings.Cut(out, "WHAT\n")
	require.Equal(t, 2, strings.Count(rows, "\n"))
	r := new(profile.Report)
	require.NoError(t, jsoniter.UnmarshalFromString(f(0, nil, "-f", conf, "--input", sample, "--format", "json", "--top", "2"), r))
	require.Len(t, r.Rows, 2)
	r = new(profile.Report)
	require.NoError(t, jsoniter.UnmarshalFromString(f(0, nil, "-f", conf, "--input", sample, "--format", "json"), r))
	require.EqualValues(t, 400, r.Events)
	require.Contains(t, r.Text(0), "never matched in 200 texts", "what is read again says the same")

	stdin := os.Stdin
	t.Cleanup(func() { os.Stdin = stdin })
	from, err := os.Open(sample)
	require.NoError(t, err)
	os.Stdin = from
	f(0, []string{"400 events of the standard input"}, "-f", conf, "--input", "-")
	require.NoError(t, from.Close())

	broken := writeTestFile(t, dir, "broken.conf", `filter { mutate { nonsense => 1 } }`)
	syntax := writeTestFile(t, dir, "syntax.conf", `filter { mutate `)
	f(1, []string{`unknown option "nonsense"`, "broken.conf:1:19"}, "-f", broken, "--input", sample)
	f(1, []string{"syntax.conf:1"}, "-f", syntax, "--input", sample)
	f(1, []string{"no lines in the sample"}, "-f", conf, "--input", os.DevNull)
	f(1, []string{"no such file"}, "-f", conf, "--input", filepath.Join(dir, "none"))
	f(1, []string{"a sample needs a configuration"}, "--input", sample)
	f(1, []string{"a configuration needs a sample"}, "-f", conf)
	f(1, []string{"expected text or json"}, "-f", conf, "--input", sample, "--format", "xml")
	f(1, []string{"must be above 0"}, "-f", conf, "--input", sample, "--duration", "0s")
	f(1, []string{"must not be below 0", "disabled, v1 or v8"}, "-f", conf, "--input", sample, "--top", "-1", "--pipeline.ecs_compatibility", "v9")
	f(1, []string{"--url is for a running Millrace"}, "-f", conf, "--input", sample, "--url", "http://x")
	f(1, []string{"--input-plugin is for a sample"}, "--input-plugin", "x")
	f(1, []string{"no input with the id or name"}, "-f", conf, "--input", sample, "--input-plugin", "x")
}

// TestSampleLimit: of a large sample only whole lines at its beginning count, and the report says so.
func TestSampleLimit(t *testing.T) {
	path := writeTestFile(t, t.TempDir(), "large.log", strings.Repeat(strings.Repeat("x", 1023)+"\n", profile.MaxSampleBytes/1024)+"more\n")
	_, text, cut, err := readSample(path)
	require.NoError(t, err)
	require.True(t, cut)
	require.Len(t, text, profile.MaxSampleBytes)
}

// TestProfileRunning: the program is asked while lines come in, says what each of its lines does, over a secured API too, and goes on.
func TestProfileRunning(t *testing.T) {
	certs, _ := certificates(t)
	const password = "Tr0ub4dor-secret"
	api, in := testenv.FreePort(t), testenv.FreePort(t)
	dir := t.TempDir()
	writeFile(t, dir, "logstash.yml", fmt.Sprintf(`
api.http.port: %d
api.auth.type: basic
api.auth.basic.username: ann
api.auth.basic.password: %s
api.ssl.enabled: true
api.ssl.keystore.path: %s/keystore.p12
api.ssl.keystore.password: changeit
`, api, password, certs))
	conf := writeFile(t, dir, "p.conf", fmt.Sprintf("input { tcp { port => %d codec => line } }\n%soutput { null { } }\n", in, profiledConf))
	c := startChild(t, "--api.enabled=true", "--path.settings", dir, "-f", conf)
	health := runBackground("healthcheck", "--path.settings", dir)
	health.end(t, 0)

	conn := dial(t, in)
	r := new(profile.Report)
	for try := 0; try < 50 && r.Events == 0; try++ { // a busy machine may end no timed turn meanwhile
		asked := runBackground("profile", "--path.settings", dir, "--duration", "700ms", "--format", "json")
		feed(conn, asked)
		asked.end(t, 0)
		r = new(profile.Report)
		require.NoError(t, jsoniter.UnmarshalFromString(asked.out.String(), r))
	}
	require.Positive(t, r.Events)
	require.GreaterOrEqual(t, r.Passed, r.Events)
	text := r.Text(0)
	require.GreaterOrEqual(t, r.Seconds, 0.7)
	require.Regexp(t, `pipeline main, watched for [0-9.]+ s`, text)
	for _, want := range []string{
		"filter grok", conf + ":4", "% true", "input tcp: decoding by line", "never matched in", "output null: encoding",
	} {
		require.Contains(t, text, want)
	}
	said := ""
	for i := 0; i < 100 && !strings.Contains(said, "no event came"); i++ { // what the connection still holds may come first
		quiet := runBackground("profile", "--path.settings", dir, "--duration", "10ms")
		quiet.end(t, 0)
		said = quiet.out.String()
	}
	require.Contains(t, said, "no event came")

	refuse := func(want string, args ...string) {
		t.Helper()
		p := runBackground(append([]string{"profile"}, args...)...)
		p.end(t, 1)
		require.Contains(t, p.err.String(), want)
		require.Empty(t, p.out.String())
	}
	base := "https://127.0.0.1:" + strconv.Itoa(api)
	refuse("asks for a name and a password", "--url", base, "--insecure")
	refuse("signed by unknown authority", "--url", base)
	refuse("up to 1m0s", "--path.settings", dir, "--duration", "2m")
	refuse("there is no pipeline", "--path.settings", dir, "--pipeline", "x")
	require.NoError(t, conn.Close())
	require.Contains(t, c.end(), "the pipeline is profiled")
}

// feed writes lines until a command has ended.
func feed(conn net.Conn, until *background) {
	lines := strings.Repeat("<3>hello\nnothing\n", 50)
	for {
		select {
		case code := <-until.code:
			until.code <- code
			return
		default:
			if _, err := io.WriteString(conn, lines); err != nil {
				return
			}
		}
	}
}
