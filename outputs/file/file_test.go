package file

import (
	"compress/gzip"
	"context"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"millrace/codecs"
	"millrace/internal/logging"
	"millrace/pipeline/config"
	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

// open makes the output of a config, in which DIR stands for a folder of the test's own.
func open(t *testing.T, conf string) (plugin.Output, *plugin.Env, string) {
	t.Helper()
	dir := t.TempDir()
	f, diags := config.Parse("test", []byte("output { file { "+strings.ReplaceAll(conf, "DIR", dir)+" } }"), config.ParseOptions{})
	require.Empty(t, diags)
	reg := plugin.NewRegistry([]*plugin.Definition{Plugin}, codecs.All())
	built, diags := reg.Build(f.Sections[0].Body[0].(*config.PluginNode), plugin.Builder{Log: logging.Discard()})
	require.NotNil(t, built, diags.String())
	return built.Output, built.Env, dir
}

func write(t *testing.T, w plugin.Writer, docs ...string) {
	t.Helper()
	for _, doc := range docs {
		e := event.New(nil)
		v, _, _, err := e.ParseJSON(doc)
		require.NoError(t, err)
		e.SetRoot(v.Object())
		require.NoError(t, w.Append(e))
	}
	b := new(event.Batch)
	settled := false
	b.Done = func(*event.Batch) { settled = true }
	b.Expect(1)
	require.NoError(t, w.Flush(context.Background(), b))
	require.True(t, settled)
}

func content(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	return string(data)
}

func TestPathOfTheEvent(t *testing.T) {
	o, env, dir := open(t, `path => "DIR/logs/%{app}/x.log"`)
	w := o.NewWriter()
	write(t, w, `{"app":"a","n":1}`, `{"app":"b","n":2}`, `{"app":"a","n":3}`)
	write(t, w, `{"app":"a","n":4}`)
	require.NoError(t, o.Close(context.Background()))
	require.Equal(t, "{\"app\":\"a\",\"n\":1}\n{\"app\":\"a\",\"n\":3}\n{\"app\":\"a\",\"n\":4}\n", content(t, filepath.Join(dir, "logs/a/x.log")))
	require.Equal(t, "{\"app\":\"b\",\"n\":2}\n", content(t, filepath.Join(dir, "logs/b/x.log")))
	require.Equal(t, int64(4), env.Stats.Delivered.Load())
}

func TestPathThatLeadsAway(t *testing.T) {
	o, _, dir := open(t, `path => "DIR/logs/%{app}.log"`)
	w := o.NewWriter()
	write(t, w, `{"app":"../../etc/evil"}`, `{"app":"../logs/fine"}`)
	require.NoError(t, o.Close(context.Background()))
	require.Equal(t, "{\"app\":\"../../etc/evil\"}\n", content(t, filepath.Join(dir, "logs/_filepath_failures")))
	require.FileExists(t, filepath.Join(dir, "logs/fine.log"))
}

func TestDeletedFile(t *testing.T) {
	for _, create := range []string{"true", "false"} {
		o, _, dir := open(t, `path => "DIR/x.log" codec => line { format => "%{n}" } create_if_deleted => `+create)
		require.NoError(t, os.WriteFile(filepath.Join(dir, "x.log"), nil, 0o600))
		w := o.NewWriter()
		write(t, w, `{"n":1}`)
		require.Equal(t, "1\n", content(t, filepath.Join(dir, "x.log")))
		require.NoError(t, os.Remove(filepath.Join(dir, "x.log")))
		write(t, w, `{"n":2}`)
		write(t, w, `{"n":3}`)
		name := "x.log"
		if create == "false" {
			name = "_filepath_failures"
		}
		require.Equal(t, "2\n3\n", content(t, filepath.Join(dir, name)), create)
	}
}

func TestGzip(t *testing.T) {
	o, _, dir := open(t, `path => "DIR/x.gz" gzip => true codec => line { format => "%{n}" }`)
	w := o.NewWriter()
	write(t, w, `{"n":1}`)
	write(t, w, `{"n":2}`)
	require.NoError(t, o.Close(context.Background()))
	require.Equal(t, "1\n2\n", unpacked(t, filepath.Join(dir, "x.gz")))

	o, _, dir = open(t, `path => "DIR/x.gz" gzip => true write_behavior => overwrite codec => line { format => "%{n}" }`)
	w = o.NewWriter()
	write(t, w, `{"n":1}`)
	write(t, w, `{"n":2}`)
	require.NoError(t, o.Close(context.Background()))
	require.Equal(t, "2\n", unpacked(t, filepath.Join(dir, "x.gz")))
}

func unpacked(t *testing.T, path string) string {
	t.Helper()
	f, err := os.Open(path)
	require.NoError(t, err)
	defer f.Close()
	gz, err := gzip.NewReader(f)
	require.NoError(t, err)
	text, err := io.ReadAll(gz)
	require.NoError(t, err)
	return string(text)
}

// Where a disk was full for a while all can be read afterwards.
func TestGzipWhereAWriteFailed(t *testing.T) {
	o, _, dir := open(t, `path => "DIR/x.gz" gzip => true codec => line { format => "%{n}" }`)
	out, path := o.(*output), filepath.Join(dir, "x.gz")
	f := func(text string) error { return out.write(&part{path: path, buf: []byte(text)}) }
	require.NoError(t, f("1\n"))
	limit(t, path, 3)
	require.Error(t, f("lost in part\n"))
	require.Error(t, f("lost\n"), "there is no room for the end of the data")
	limit(t, path, -1)
	require.NoError(t, f("2\n"))
	require.NoError(t, f("3\n"))
	limit(t, path, 3)
	require.Error(t, f("lost\n"))
	limit(t, path, -1)
	require.NoError(t, o.Close(context.Background()))
	require.Equal(t, "1\n2\n3\n", unpacked(t, path))
}

// limit lets files grow by so many bytes beyond the size of the one at path, by -1 without limit.
func limit(t *testing.T, path string, more int) {
	t.Helper()
	signal.Ignore(syscall.SIGXFSZ) // or the test ends
	info, err := os.Stat(path)
	require.NoError(t, err)
	var l syscall.Rlimit
	require.NoError(t, syscall.Getrlimit(syscall.RLIMIT_FSIZE, &l))
	if l.Cur = l.Max; more >= 0 {
		l.Cur = uint64(info.Size()) + uint64(more)
	}
	require.NoError(t, syscall.Setrlimit(syscall.RLIMIT_FSIZE, &l))
}

// A pipe is written to like a file.
func TestPipe(t *testing.T) {
	o, _, dir := open(t, `path => "DIR/fifo" codec => line { format => "%{n}" }`)
	path := filepath.Join(dir, "fifo")
	require.NoError(t, syscall.Mkfifo(path, 0o600))
	r, err := os.OpenFile(path, os.O_RDWR, 0)
	require.NoError(t, err)
	defer r.Close()
	require.NoError(t, o.(*output).write(&part{path: path, buf: []byte("1\n")}))
	got := make([]byte, 2)
	_, err = io.ReadFull(r, got)
	require.NoError(t, err)
	require.Equal(t, "1\n", string(got))
	require.NoError(t, o.Close(context.Background()))
}

func TestOverwrite(t *testing.T) {
	o, _, dir := open(t, `path => "DIR/last" write_behavior => overwrite codec => line { format => "%{n}" }`)
	w := o.NewWriter()
	write(t, w, `{"n":1}`, `{"n":2}`)
	write(t, w, `{"n":3}`)
	require.Equal(t, "3\n", content(t, filepath.Join(dir, "last")))
}

func TestUnwritableFileIsHeld(t *testing.T) {
	o, env, dir := open(t, `path => "DIR/x.log"`)
	require.NoError(t, os.MkdirAll(filepath.Join(dir, "x.log"), 0o755)) // a folder in its place
	w := o.NewWriter()
	e := event.New(nil)
	require.NoError(t, w.Append(e))
	b := new(event.Batch)
	b.Expect(1)
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Millisecond)
	defer cancel()
	require.ErrorIs(t, w.Flush(ctx, b), context.DeadlineExceeded)
	require.Zero(t, env.Stats.Delivered.Load())
	require.NoError(t, os.Remove(filepath.Join(dir, "x.log")))
	require.NoError(t, w.Flush(context.Background(), b))
	require.Equal(t, int64(1), env.Stats.Delivered.Load())
}

func TestConfigThatLetsEventsWriteAnywhere(t *testing.T) {
	for _, path := range []string{"/%{path}", "/a%{name}/x", "/a- %{name}", "/app-%{+YYYY}.log"} {
		_, err := fixedPart(path)
		require.Error(t, err, path)
	}
	root, err := fixedPart("/logs/app-%{+YYYY}.log")
	require.NoError(t, err)
	require.Equal(t, "/logs", root)
}
