package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"millrace/pipeline/queue"
	"millrace/pipeline/queue/vfs"
)

// inProcess runs a command line with the plugins of the tests.
func inProcess(t *testing.T, args ...string) result {
	t.Helper()
	t.Setenv("LS_SETTINGS_DIR", t.TempDir())
	var out, errOut bytes.Buffer
	code := execute(childRegistry(), append([]string{"millrace"}, args...), &out, &errOut)
	return result{out.String(), errOut.String(), code}
}

// deadLetters makes a data folder with a dead letter queue of pipeline main: letter i failed i hours before the year 2024, each third for
// another reason and plugin.
func deadLetters(t *testing.T, n int) (data, dir string) {
	t.Helper()
	data = t.TempDir()
	dir = filepath.Join(data, "dead_letter_queue", "main")
	d, err := queue.OpenDeadLetters(dir, queue.DefaultDeadLetterOptions(), vfs.OS{})
	require.NoError(t, err)
	for i := range n {
		l := queue.DeadLetter{
			EntryTime: time.Date(2024, 1, 1, -i, 0, 0, 0, time.UTC), PluginType: "elasticsearch", PluginID: "es", Pipeline: "main",
			Reason: fmt.Sprintf("mapper_parsing_exception: failed to parse field [n] in document '%d'", i),
			Event:  fmt.Appendf(nil, `{"@timestamp":"2023-12-31T00:00:00.000Z","@version":"1","n":%d}`, i),
		}
		if i%3 == 2 {
			l.PluginID, l.Reason = "other", "Limit of fields exceeded"
		}
		_, err := d.Write(l)
		require.NoError(t, err)
	}
	require.NoError(t, d.Close())
	return data, dir
}

// reasons returns the n and the reason of each letter in dir.
func reasons(t *testing.T, dir string) map[int]string {
	t.Helper()
	got := map[int]string{}
	require.NoError(t, queue.EachDeadLetter(dir, vfs.OS{}, func(_ queue.Position, l queue.DeadLetter) bool {
		var doc struct{ N int }
		require.NoError(t, json.Unmarshal(l.Event, &doc))
		require.NotContains(t, got, doc.N, "a letter is there twice")
		got[doc.N] = l.Reason
		return true
	}))
	return got
}

func TestDLQListAndShow(t *testing.T) {
	data, dir := deadLetters(t, 5)
	r := inProcess(t, "dlq", "list", "--path.data", data)
	require.Equal(t, 0, r.code, r.err)
	lines := strings.Split(r.out, "\n")
	require.Regexp(t, `^POSITION\s+TIME\s+PIPELINE\s+PLUGIN\s+REASON`, lines[0])
	require.Regexp(t, `^\d+:0\s+2024-01-01T00:00:00Z\s+main\s+elasticsearch es\s+mapper_parsing`, lines[1])
	require.Equal(t, "5 dead letters", lines[6])
	f := func(want int, args ...string) {
		t.Helper()
		r := inProcess(t, append([]string{"dlq", "list", dir, "--format", "json"}, args...)...)
		require.Equal(t, 0, r.code, r.err)
		var all []letterJSON
		require.NoError(t, json.Unmarshal([]byte(r.out), &all))
		require.Len(t, all, want)
	}
	f(5)
	f(2, "--limit", "2")
	f(1, "--plugin", "other")
	f(5, "--plugin", "elasticsearch")
	f(4, "--reason", "MAPPER_parsing")
	f(4, "--reason", "mapper_parsing_exception: failed to parse field [n] in document '…'")
	f(3, "--since", "2023-12-31T22:00:00Z")
	f(2, "--until", "2023-12-31T22:00:00Z")
	f(0, "--since", "2h")
	f(5, "--until", "365d")
	require.Contains(t, inProcess(t, "dlq", "list", dir, "--since", "soon").err, "--since: expected a time")

	var all []letterJSON
	require.NoError(t, json.Unmarshal([]byte(inProcess(t, "dlq", "list", "--path.data", data, "--format=json").out), &all))
	shown := inProcess(t, "dlq", "show", "main", all[2].Position, "--path.data", data)
	require.Equal(t, 0, shown.code, shown.err)
	require.Contains(t, shown.out, "reason:    Limit of fields exceeded\n{\n")
	require.Contains(t, shown.out, `  "n": 2`)
	require.Contains(t, inProcess(t, "dlq", "show", "9:9", "--path.data", data).err, "there is no dead letter at 9:9")
	require.Contains(t, inProcess(t, "dlq", "show", "nobody", "--path.data", data).err, `there is no dead letter queue "nobody"`)
}

func TestDLQGroup(t *testing.T) {
	data, _ := deadLetters(t, 10)
	r := inProcess(t, "dlq", "group", "--path.data", data, "--format", "json")
	var groups []groupJSON
	require.NoError(t, json.Unmarshal([]byte(r.out), &groups), r.err)
	require.Len(t, groups, 2)
	require.Equal(t, 7, groups[0].Count)
	require.Equal(t, "mapper_parsing_exception: failed to parse field [n] in document '…'", groups[0].Reason)
	require.Regexp(t, `^\d+:0$`, groups[0].Example)
	require.Equal(t, "other", groups[1].PluginID)
	require.Regexp(t, `(?m)^3\s.*Limit of fields exceeded`, inProcess(t, "dlq", "group", "--path.data", data).out)
}

func TestDLQPurge(t *testing.T) {
	data, dir := deadLetters(t, 9)
	f := func(code int, want string, left int, args ...string) {
		t.Helper()
		r := inProcess(t, append([]string{"dlq", "purge", "--path.data", data}, args...)...)
		require.Equal(t, code, r.code, r.err)
		require.Contains(t, r.out+r.err, want)
		require.Len(t, reasons(t, dir), left)
	}
	f(1, "say what to delete", 9)
	f(1, "say what to delete", 9, "--all", "--plugin", "es")
	f(0, "3 dead letters of "+dir+" would be deleted", 9, "--plugin", "other", "--dry-run")
	f(0, "3 dead letters of "+dir+" deleted", 6, "--plugin", "other")
	f(0, "6 dead letters", 0, "main", "--all")
	names, err := filepath.Glob(filepath.Join(dir, "*.dlq"))
	require.NoError(t, err)
	require.Empty(t, names)
}

func TestDLQReplayDryRun(t *testing.T) {
	data, dir := deadLetters(t, 4)
	out := filepath.Join(t.TempDir(), "out")
	conf := file(t, "fixed.conf", `input { tcp { port => 1 } }
filter { if [@metadata][dead_letter_queue][reason] =~ "Limit" { mutate { add_tag => ["fixed"] } } }
output { if [n] == 0 { file { id => "first" path => "`+out+`" } } else { elasticsearch_like { } } }`)
	bad := inProcess(t, "dlq", "replay", "--path.data", data, "--dry-run", "-f", conf)
	require.Equal(t, 1, bad.code)
	require.Contains(t, bad.err, `unknown output "elasticsearch_like"`)

	conf = file(t, "fixed.conf", strings.ReplaceAll(read(t, conf), "elasticsearch_like { }", `refuse { id => "es" }`))
	r := inProcess(t, "dlq", "replay", "--path.data", data, "--dry-run", "-f", conf, "-w", "1")
	require.Equal(t, 0, r.code, r.err)
	const doc = `{"@timestamp":"2023-12-31T00:00:00.000Z","@version":"1","n":`
	for _, want := range []string{"first: " + doc + "0}\n", "es: " + doc + "1}\n", "es: " + doc + `2,"tags":["fixed"]}` + "\n", "es: " + doc + "3}\n",
		"4 dead letters of " + dir + " would be sent\n"} {
		require.Contains(t, r.out, want)
	}
	require.NoFileExists(t, out)
	require.Len(t, reasons(t, dir), 4)

	r = inProcess(t, "dlq", "replay", "--path.data", data, "--dry-run", "-f", conf, "--plugin", "other", "--format", "json", "--outputs-only")
	require.Equal(t, `{"output":"es","event":`+doc+"2}}\n", r.out)
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	return string(text)
}

// replayConfig sends letters with an even n to a file, and refuses the others.
func replayConfig(t *testing.T) (conf, out string) {
	out = filepath.Join(t.TempDir(), "out")
	return file(t, "replay.conf", `input { stdin { } } output { if [n] in [1, 3, 5, 7, 9, 11] { refuse { id => "r" } }
else { file { path => "`+out+`" codec => line { format => "%{n} %{[@metadata][dead_letter_queue][plugin_id]}" } } } }`), out
}

func TestDLQReplay(t *testing.T) {
	data, dir := deadLetters(t, 12)
	conf, out := replayConfig(t)
	r := inProcess(t, "dlq", "replay", "main", "--path.data", data, "-f", conf, "--plugin", "es", "--keep")
	require.Equal(t, 0, r.code, r.err)
	require.Contains(t, r.out, "8 dead letters of "+dir+" sent: 4 events delivered to outputs, 4 failed again")
	require.Contains(t, r.out, "0 letters deleted from the queue, 8 kept")
	require.Len(t, reasons(t, dir), 12)

	require.NoError(t, os.Remove(out))
	r = inProcess(t, "dlq", "replay", "main", "--path.data", data, "-f", conf)
	require.Equal(t, 0, r.code, r.err)
	require.Contains(t, r.out, "12 dead letters of "+dir+" sent: 6 events delivered to outputs, 6 failed again")
	require.ElementsMatch(t, []string{"0 es", "2 other", "4 es", "6 es", "8 other", "10 es"}, strings.Split(strings.TrimSpace(read(t, out)), "\n"))
	left := reasons(t, dir)
	require.Len(t, left, 6, "what failed again is there once, with its new reason")
	for n := 1; n < 12; n += 2 {
		require.Equal(t, "still refused", left[n])
	}
}

// TestDLQReplayBesideAProcess replays while somebody else has the queue open.
func TestDLQReplayBesideAProcess(t *testing.T) {
	data, dir := deadLetters(t, 6)
	running, err := queue.OpenDeadLetters(dir, queue.DefaultDeadLetterOptions(), vfs.OS{})
	require.NoError(t, err)
	conf, out := replayConfig(t)
	r := inProcess(t, "dlq", "replay", "main", "--path.data", data, "-f", conf)
	require.Equal(t, 0, r.code, r.err)
	require.Contains(t, r.err, "letters go one at a time")
	require.Contains(t, r.out, "3 letters deleted from the queue, 3 kept")
	require.Len(t, strings.Fields(read(t, out)), 6)
	left := reasons(t, dir)
	require.Len(t, left, 3)
	require.Equal(t, "Limit of fields exceeded", left[5], "it stays as it was")
	require.NoError(t, running.Close())
}

func TestDLQReplayWithoutConfiguration(t *testing.T) {
	data, _ := deadLetters(t, 1)
	r := inProcess(t, "dlq", "replay", "--path.data", data)
	require.Equal(t, 1, r.code)
	require.Contains(t, r.err, "name one by -f")
}

// TestDeadLettersOfAPipeline has a pipeline refuse events, and another one read them.
func TestDeadLettersOfAPipeline(t *testing.T) {
	data := filepath.Join(t.TempDir(), "data")
	run := func(conf string, more ...string) result {
		return inProcess(t, append([]string{"--api.enabled=false", "--path.data", data, "-e", conf}, more...)...)
	}
	r := run(`input { generator { count => 3 } } output { null { } }`)
	require.Equal(t, 0, r.code, r.err)
	require.NoDirExists(t, data, "nothing is made before the first dead letter")
	r = run(`input { generator { count => 3 message => "x" } } output { refuse { id => "r" } }`, "-S", "dead_letter_queue.enable=false")
	require.Regexp(t, `dropped"?=>?3`, r.out)
	require.NoDirExists(t, data)
	r = run(`input { generator { count => 3 message => "x" } } output { refuse { id => "r" } }`)
	require.Equal(t, 0, r.code, r.err)
	require.Regexp(t, `dead letter queue .*written"?=>?3`, r.out)
	require.Contains(t, inProcess(t, "dlq", "list", "--path.data", data).out, "3 dead letters")

	readOnly := writeFile(t, t.TempDir(), "file", "")
	r = run(`input { generator { count => 3 message => "x" } } output { refuse { id => "r" } }`, "-S", "path.dead_letter_queue="+readOnly)
	require.Equal(t, 0, r.code, r.err)
	require.Contains(t, r.out, "an event that cannot be delivered is dropped")
	require.Regexp(t, `dropped"?=>?3`, r.out)

	out := filepath.Join(t.TempDir(), "out")
	conf := file(t, "read.conf", `input { dead_letter_queue { path => "`+filepath.Join(data, "dead_letter_queue")+`" } }
output { file { path => "`+out+`" codec => line { format => "%{message} %{[@metadata][dead_letter_queue][reason]}" } } }`)
	c := startChild(t, "-f", conf, "--path.data", filepath.Join(t.TempDir(), "data"), "-S", "queue.type=persisted")
	require.Eventually(t, func() bool {
		text, err := os.ReadFile(out)
		return err == nil && string(text) == strings.Repeat("x still refused\n", 3)
	}, patience, 5*time.Millisecond)
	c.end()

	// A pipeline that reads its own letters and fails again: they are dropped, and do not come back for ever.
	conf = file(t, "again.conf", `input { dead_letter_queue { path => "`+filepath.Join(data, "dead_letter_queue")+`" } } output { refuse { id => "r" } }`)
	c = startChild(t, "-f", conf, "--path.data", data)
	require.Eventually(t, func() bool { return strings.Contains(c.Output(), "does not go there again") }, patience, 5*time.Millisecond)
	require.Regexp(t, `dropped"?=>?3`, c.end())
	require.Contains(t, inProcess(t, "dlq", "list", "--path.data", data).out, "3 dead letters")
}
