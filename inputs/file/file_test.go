package file

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"millrace/internal/inputtest"
	"millrace/pipeline/config"
	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

// quick makes the input look often.
const quick = ` stat_interval => "2 ms" discover_interval => 1 `

// build makes the input of a config, in which DIR stands for dir.
func build(t testing.TB, dir, conf string, ecs plugin.ECS) (*plugin.Built, config.Diagnostics) {
	t.Helper()
	return inputtest.Build(t, Plugin, strings.ReplaceAll(conf+quick, "DIR", dir), plugin.Builder{ECS: ecs, DataDir: dir})
}

// start runs the input of a config.
func start(t testing.TB, dir, conf string) (*inputtest.Sink, func()) {
	t.Helper()
	built, diags := build(t, dir, conf+` codec => plain `, plugin.ECSDisabled)
	require.NotNil(t, built, diags.String())
	out := inputtest.NewSink(built)
	return out, inputtest.Run(t, built.Input, out)
}

func write(t testing.TB, path, text string) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	require.NoError(t, err)
	_, err = f.WriteString(text)
	require.NoError(t, err)
	require.NoError(t, f.Close())
}

// messages returns the messages of documents.
func messages(docs []string) (all []string) {
	for _, d := range docs {
		_, rest, _ := strings.Cut(d, `"message":"`)
		m, _, _ := strings.Cut(rest, `"`)
		all = append(all, m)
	}
	return all
}

// settled waits until the sincedb in the folder says that a file was delivered up to an offset; it is saved when the input stops.
func offsets(t testing.TB, dir string) map[string]int64 {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "plugins/inputs/file/.sincedb_*"))
	require.NoError(t, err)
	all := make(map[string]int64)
	for _, name := range names {
		data, err := os.ReadFile(name)
		require.NoError(t, err)
		for _, p := range parseSincedb(data, time.Now()) {
			all[filepath.Base(p.path)] = p.offset
		}
	}
	return all
}

func TestFields(t *testing.T) {
	for _, ecs := range []plugin.ECS{plugin.ECSDisabled, plugin.ECSv8} {
		dir := t.TempDir()
		path := filepath.Join(dir, "in.log")
		write(t, path, "from a file\n")
		built, diags := build(t, dir, `path => "DIR/*.log" start_position => beginning type => file`, ecs)
		require.NotNil(t, built, diags.String())
		out := inputtest.NewSink(built)
		inputtest.Run(t, built.Input, out)
		want := `{"message":"from a file","host":"host1","path":"` + path + `","type":"file","@metadata":{"host":"host1","path":"` + path + `"}}`
		if ecs.Enabled() {
			want = `{"message":"from a file","event":{"original":"from a file"},"host":{"name":"host1"},"log":{"file":{"path":"` + path + `"}},"type":"file",
				"@metadata":{"host":"host1","path":"` + path + `"}}`
		}
		require.JSONEq(t, want, out.Wait(1)[0])
	}
}

func TestTail(t *testing.T) {
	dir := t.TempDir()
	old, fresh := filepath.Join(dir, "old.log"), filepath.Join(dir, "fresh.log")
	write(t, old, "before\n")
	built, diags := build(t, dir, `path => "DIR/*.log"`, plugin.ECSDisabled)
	require.NotNil(t, built, diags.String())
	out := inputtest.NewSink(built)
	stop := inputtest.Run(t, built.Input, out)
	require.Eventually(t, func() bool { return built.Input.(*input).matched.Load() == 1 }, time.Minute, time.Millisecond)
	write(t, fresh, "one\ntwo\r\nhal")
	require.Equal(t, []string{"one", `two\r`}, messages(out.Wait(2)))
	write(t, old, "after\n")
	require.Equal(t, "after", messages(out.Wait(3))[2])
	write(t, fresh, "f\n")
	require.Equal(t, "half", messages(out.Wait(4))[3])
	write(t, fresh, "unfinished")
	stop()
	require.Equal(t, map[string]int64{"old.log": 13, "fresh.log": 14}, offsets(t, dir))

	write(t, old, "while away\n")
	write(t, fresh, " line\n")
	out, _ = start(t, dir, `path => "DIR/*.log" file_sort_by => path`)
	require.Equal(t, []string{"unfinished line", "while away"}, messages(out.Wait(2)))
}

// TestPositionsAreThoseOfSettledBatches: what was read and not delivered is read again.
func TestPositionsAreThoseOfSettledBatches(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a.log")
	const conf = `path => "DIR/a.log" start_position => beginning`
	built, _ := build(t, dir, conf, plugin.ECSDisabled)
	out := inputtest.NewSink(built)
	out.Hold = true
	stop := inputtest.Run(t, built.Input, out)
	write(t, path, "one\n")
	out.Wait(1)
	write(t, path, "two\n")
	out.Wait(2)
	stop()
	require.Empty(t, offsets(t, dir))

	out2, stop := start(t, dir, conf)
	require.Equal(t, []string{"one", "two"}, messages(out2.Wait(2)))
	stop()
	require.Equal(t, map[string]int64{"a.log": 8}, offsets(t, dir))
	require.NoError(t, os.Remove(filepath.Join(dir, "plugins/inputs/file", fs2(t, dir))))
	out.Release() // settled while the pipeline drained: saved all the same
	require.Equal(t, map[string]int64{"a.log": 8}, offsets(t, dir))
}

func fs2(t testing.TB, dir string) string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "plugins/inputs/file/.sincedb_*"))
	require.NoError(t, err)
	require.Len(t, names, 1)
	return filepath.Base(names[0])
}

func TestRotationByRename(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a.log")
	write(t, path, "one\n")
	out, stop := start(t, dir, `path => "DIR/a.log*" start_position => beginning`)
	out.Wait(1)
	write(t, path, "two\n")
	require.NoError(t, os.Rename(path, path+".1"))
	write(t, path+".1", "late\n")
	write(t, path, "three\n")
	got := messages(out.Wait(4))
	slices.Sort(got)
	require.Equal(t, []string{"late", "one", "three", "two"}, got)
	write(t, path+".1", "later\n")
	require.Equal(t, "later", messages(out.Wait(5))[4])
	stop()
	require.Equal(t, 5, out.Len())
	require.Equal(t, map[string]int64{"a.log": 6, "a.log.1": 19}, offsets(t, dir))
}

func TestRotationToAnUnwatchedName(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a.log")
	write(t, path, "one\n")
	out, _ := start(t, dir, `path => "DIR/a.log" start_position => beginning`)
	out.Wait(1)
	write(t, path, "two\nwithout an end")
	require.NoError(t, os.Rename(path, filepath.Join(dir, "gone")))
	write(t, path, "three\n")
	require.Equal(t, []string{"one", "two", "without an end", "three"}, messages(out.Wait(4)))
}

func TestCopyTruncate(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a.log")
	write(t, path, "a long first line\n")
	out, stop := start(t, dir, `path => "DIR/a.log" start_position => beginning`)
	out.Wait(1)
	require.NoError(t, os.Truncate(path, 0))
	write(t, path, "short\n")
	require.Equal(t, []string{"a long first line", "short"}, messages(out.Wait(2)))
	stop()
	require.Equal(t, map[string]int64{"a.log": 6}, offsets(t, dir))
}

func TestManyFilesWithFewOpen(t *testing.T) {
	dir := t.TempDir()
	for i := range 20 {
		write(t, filepath.Join(dir, fmt.Sprintf("%02d.log", i)), fmt.Sprintf("line %d\n", i))
	}
	out, _ := start(t, dir, `path => "DIR/*.log" start_position => beginning max_open_files => 3 close_older => "1 ms"`)
	out.Wait(20)
	write(t, filepath.Join(dir, "03.log"), "again\n")
	require.Equal(t, "again", messages(out.Wait(21))[20])
}

func TestIgnoreOlder(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a.log")
	write(t, path, "old\n")
	long := time.Now().Add(-time.Hour)
	require.NoError(t, os.Chtimes(path, long, long))
	write(t, filepath.Join(dir, "b.log"), "new\n")
	out, _ := start(t, dir, `path => "DIR/*.log" start_position => beginning ignore_older => "10 min"`)
	require.Equal(t, []string{"new"}, messages(out.Wait(1)))
	write(t, path, "woken\n")
	require.Equal(t, []string{"new", "woken"}, messages(out.Wait(2)))
}

func TestExclude(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "a.log"), "a\n")
	write(t, filepath.Join(dir, "b.log.gz"), "b\n")
	out, stop := start(t, dir, `path => "DIR/**/*" exclude => ["*.gz", ".*"] start_position => beginning`)
	out.Wait(1)
	write(t, filepath.Join(dir, "c.log"), "c\n")
	require.Equal(t, []string{"a", "c"}, messages(out.Wait(2)))
	stop()
}

func TestDelimiterAndChunks(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "a"), "one||two|x||three||")
	out, _ := start(t, dir, `path => "DIR/a" start_position => beginning delimiter => "||" file_chunk_size => 3 file_chunk_count => 1`)
	require.Equal(t, []string{"one", "two|x", "three"}, messages(out.Wait(3)))
}

// Memory that lines were read into is used again while a file is read; the lines are those of the file, and so is the position.
func TestLongFile(t *testing.T) {
	dir := t.TempDir()
	var text strings.Builder
	want := make([]string, 20_000)
	for i := range want {
		want[i] = fmt.Sprintf("line %d %s", i, strings.Repeat("x", i%211))
		text.WriteString(want[i] + "\n")
	}
	write(t, filepath.Join(dir, "a"), text.String()+"no end")
	out, stop := start(t, dir, `path => "DIR/a" start_position => beginning`)
	require.Equal(t, want, messages(out.Wait(len(want))))
	stop()
	require.Equal(t, map[string]int64{"a": int64(text.Len())}, offsets(t, dir))
}

func TestMultiline(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a")
	write(t, path, "first\n more\nsecond\n  trace\n")
	built, diags := build(t, dir, `path => "DIR/a" start_position => beginning codec => multiline { pattern => "^\s" what => previous auto_flush_interval => 0.05 }`, plugin.ECSDisabled)
	require.NotNil(t, built, diags.String())
	out := inputtest.NewSink(built)
	stop := inputtest.Run(t, built.Input, out)
	require.Equal(t, []string{`first\n more`, `second\n  trace`}, messages(out.Wait(2)))
	stop()
	require.Equal(t, map[string]int64{"a": 27}, offsets(t, dir))
}

func gz(t testing.TB, path, text string) {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, err := z.Write([]byte(text))
	require.NoError(t, err)
	require.NoError(t, z.Close())
	require.NoError(t, os.WriteFile(path, b.Bytes(), 0o644))
}

func TestReadMode(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "a.log"), "one\ntwo")
	write(t, filepath.Join(dir, "empty.log"), "")
	gz(t, filepath.Join(dir, "b.log.gz"), strings.Repeat("packed\n", 30_000))
	gz(t, filepath.Join(dir, "damaged.log.gz"), "x")
	require.NoError(t, os.Truncate(filepath.Join(dir, "damaged.log.gz"), 15))
	built, diags := build(t, dir, `path => ["DIR/*.log", "DIR/*.gz"] mode => read exit_after_read => true file_completed_action => log_and_delete
		file_completed_log_path => "DIR/done" file_sort_by => path check_archive_validity => true`, plugin.ECSDisabled)
	require.NotNil(t, built, diags.String())
	out := inputtest.NewSink(built)
	require.NoError(t, built.Input.Run(context.Background(), out))
	require.Equal(t, 30_002, out.Len())
	require.Equal(t, []string{"one", "two", "packed"}, messages(out.Wait(0)[:3]))
	done, err := os.ReadFile(filepath.Join(dir, "done"))
	require.NoError(t, err)
	lines := strings.Split(strings.TrimSpace(string(done)), "\n")
	slices.Sort(lines)
	require.Equal(t, []string{filepath.Join(dir, "a.log"), filepath.Join(dir, "b.log.gz"), filepath.Join(dir, "empty.log")}, lines)
	require.NoFileExists(t, filepath.Join(dir, "a.log"))
	require.NoFileExists(t, filepath.Join(dir, "b.log.gz"))
	require.FileExists(t, filepath.Join(dir, "damaged.log.gz"))
}

// TestReadModeDeletesWhatIsDelivered: a file is there until its last batch is settled, and none of it is read twice.
func TestReadModeDeletesWhatIsDelivered(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a.log")
	write(t, path, "one\ntwo\n")
	built, _ := build(t, dir, `path => "DIR/*.log" mode => read`, plugin.ECSDisabled)
	out := inputtest.NewSink(built)
	out.Hold = true
	stop := inputtest.Run(t, built.Input, out)
	out.Wait(2)
	write(t, filepath.Join(dir, "b.log"), "three\n") // and while the input looks again, a.log is known
	out.Wait(3)
	require.FileExists(t, path)
	out.Release()
	require.NoFileExists(t, path)
	stop()
	require.Equal(t, 3, out.Len())
	require.Empty(t, offsets(t, dir))

	write(t, path, "a new file of that name\n")
	out2, _ := start(t, dir, `path => "DIR/*.log" mode => read file_completed_action => log file_completed_log_path => "DIR/done"`)
	out2.Wait(1)
	require.Eventually(t, func() bool { d, _ := os.ReadFile(filepath.Join(dir, "done")); return len(d) > 0 }, time.Minute, time.Millisecond)
	require.FileExists(t, path)
}

// TestBackPressure: what the pipeline does not take is not read.
func TestBackPressure(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "a.log"), strings.Repeat(strings.Repeat("x", 99)+"\n", 100_000))
	built, _ := build(t, dir, `path => "DIR/*.log" start_position => beginning`, plugin.ECSDisabled)
	out := inputtest.NewSink(built)
	out.Blocked, out.Entered = make(chan struct{}), make(chan struct{}, 1)
	stop := inputtest.Run(t, built.Input, out)
	<-out.Entered
	stop()
	require.Zero(t, out.Len())
	require.Empty(t, offsets(t, dir), "nothing was taken, so nothing is remembered")
}

func TestSincedbOfLogstash(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a.log")
	write(t, path, "known\nnew\n")
	info, err := os.Stat(path)
	require.NoError(t, err)
	id := identityOf(info)
	// An entry of release 5, one of an old release, and lines that are none.
	since := fmt.Sprintf("%d %d %d 6 1700000000.123456 %s\n4711 0 64768 12\nnonsense\n1 2\n", id.inode, id.major, id.minor, path)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "since"), []byte(since), 0o644))
	out, stop := start(t, dir, `path => "DIR/a.log" start_position => beginning sincedb_path => "DIR/since"`)
	require.Equal(t, []string{"new"}, messages(out.Wait(1)))
	stop()
	data, err := os.ReadFile(filepath.Join(dir, "since"))
	require.NoError(t, err)
	all := parseSincedb(data, time.Now())
	require.EqualValues(t, 10, all[id].offset)
	require.Equal(t, path, all[id].path)
	require.EqualValues(t, 12, all[identity{4711, 0, 64768}].offset)
}

func TestSincedbThatKeepsNothing(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "a.log"), "x\n")
	for range 2 {
		out, stop := start(t, dir, `path => "DIR/a.log" start_position => beginning sincedb_path => "/dev/null"`)
		out.Wait(1)
		stop()
	}
	info, err := os.Stat("/dev/null")
	require.NoError(t, err)
	require.NotZero(t, info.Mode()&os.ModeCharDevice)
}

func TestSincedbForgetsOldFiles(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "a.log"), "x\n")
	since := filepath.Join(dir, "since")
	require.NoError(t, os.WriteFile(since, []byte("4711 0 1 12 1500000000.5 /old\n4712 0 1 12 "+fmt.Sprint(time.Now().Unix())+" /a path with spaces\n"), 0o644))
	out, stop := start(t, dir, `path => "DIR/a.log" start_position => beginning sincedb_path => "DIR/since" sincedb_clean_after => 1`)
	out.Wait(1)
	stop()
	data, err := os.ReadFile(since)
	require.NoError(t, err)
	require.NotContains(t, string(data), "4711")
	require.Contains(t, string(data), " /a path with spaces\n")
}

func TestMistakes(t *testing.T) {
	dir := t.TempDir()
	f := func(conf, want string) {
		t.Helper()
		inputtest.Refused(t, Plugin, conf, want)
	}
	f(``, `option "path" is required`)
	f(`path => "relative.log"`, "must be absolute")
	f(`path => "/var/[a"`, "malformed pattern")
	f(`path => "/a" sincedb_path => "`+dir+`"`, "is a folder")
	f(`path => "/a" exit_after_read => true`, "needs mode => read")
	f(`path => "/a" mode => read file_completed_action => log`, "needs file_completed_log_path")
	f(`path => "/a" stat_interval => "soon"`, "is not a duration")
	f(`path => "/a" stat_interval => 0`, "longer than nothing")
	f(`path => "/a" max_open_files => 0`, "less than 1")
	f(`path => "/a" exclude => ["["]`, "malformed pattern")
	f(`path => "/a" delimiter => ""`, "at least one character")
	built, diags := inputtest.Build(t, Plugin, `path => "/a" delimiter => "x" codec => multiline { pattern => "x" what => next }`, plugin.Builder{})
	require.NotNil(t, built)
	require.Contains(t, diags.String(), "the codec finds the ends of records itself")
}

func TestDurations(t *testing.T) {
	f := func(text string, want time.Duration) {
		t.Helper()
		d, err := parseDuration(text, time.Second)
		require.NoError(t, err)
		require.Equal(t, want, d)
	}
	f("1", time.Second)
	f("0.5", 500*time.Millisecond)
	f("250 ms", 250*time.Millisecond)
	f("200usecs", 200*time.Microsecond)
	f("5 min", 5*time.Minute)
	f("18hours", 18*time.Hour)
	f("2w", 14*24*time.Hour)
	f("1 week", 7*24*time.Hour)
	_, err := parseDuration("1 fortnight", time.Second)
	require.Error(t, err)
}

func FuzzSincedb(f *testing.F) {
	f.Add([]byte("1 2 3 4\n1 2 3 4 5.678 /a b\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		at := time.Unix(1_700_000_000, 0)
		all := parseSincedb(data, at)
		var out []byte
		for id, p := range all {
			out = appendSincedb(out, id, p)
		}
		if again := parseSincedb(out, at); len(again) != len(all) {
			t.Fatalf("%q: %d entries became %d", data, len(all), len(again))
		}
	})
}

type counter struct{ n int64 }

func (c *counter) Push(_ context.Context, b *event.Batch) error {
	c.n += int64(len(b.Records))
	b.Expect(0)
	return nil
}

func BenchmarkRead(b *testing.B) {
	dir := b.TempDir()
	const lines = 200_000
	write(b, filepath.Join(dir, "a"), strings.Repeat(strings.Repeat("x", 159)+"\n", lines))
	b.ReportAllocs()
	for b.Loop() {
		built, _ := build(b, dir, `path => "DIR/a" mode => read exit_after_read => true file_completed_action => log file_completed_log_path => "/dev/null" sincedb_path => "/dev/null"`, plugin.ECSv8)
		c := new(counter)
		require.NoError(b, built.Input.Run(context.Background(), c))
		require.EqualValues(b, lines, c.n)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/lines, "ns/line")
}
