package s3

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/gzip"
	"github.com/stretchr/testify/require"

	"millrace/internal/inputtest"
	"millrace/internal/s3client"
	"millrace/internal/testenv"
	"millrace/pipeline/config"
	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

var store testenv.SharedS3

func TestMain(m *testing.M) { os.Exit(store.Run(m)) }

// bucket is a bucket of the test's own in the real store.
type bucket struct {
	t      *testing.T
	server *testenv.S3Server
	client *s3client.Client
	name   string
	dir    string // of the sincedb and the temporary files
}

func newBucket(t *testing.T) *bucket {
	t.Helper()
	b := &bucket{t: t, server: store.Get(t), dir: t.TempDir()}
	b.name = "in-" + strings.ToLower(strings.NewReplacer("/", "-", "_", "-").Replace(t.Name()))
	o := s3client.Defaults()
	o.Endpoint, o.AccessKeyID, o.SecretAccessKey = b.server.URL, b.server.AccessKey, config.Password(b.server.SecretKey)
	c, err := o.New(&plugin.Env{})
	require.NoError(t, err)
	b.client = c
	require.NoError(t, c.EnsureBucket(t.Context(), b.name))
	return b
}

func (b *bucket) put(key, text string) {
	b.t.Helper()
	require.NoError(b.t, b.client.PutReader(b.t.Context(), b.name, key, strings.NewReader(text), int64(len(text)), &s3client.Put{MultipartFrom: 1 << 30}))
}

// putLater is put for an object that is younger than others: stores may tell times in whole seconds.
func (b *bucket) putLater(key, text string, than time.Time) {
	b.t.Helper()
	for {
		b.put(key, text)
		o, err := b.client.Stat(b.t.Context(), b.name, key)
		require.NoError(b.t, err)
		if o.LastModified.After(than) {
			return
		}
	}
}

// written returns when an object was written.
func (b *bucket) written(key string) time.Time {
	b.t.Helper()
	o, err := b.client.Stat(b.t.Context(), b.name, key)
	require.NoError(b.t, err)
	return o.LastModified
}

func zipped(t *testing.T, text string) string {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, err := w.Write([]byte(text))
	require.NoError(t, err)
	require.NoError(t, w.Close())
	return b.String()
}

// keys returns the names of the objects of a bucket.
func (b *bucket) keys(name string) (keys []string) {
	b.t.Helper()
	require.NoError(b.t, b.client.List(context.Background(), name, "", func(o s3client.Object) error {
		keys = append(keys, o.Key)
		return nil
	}))
	return keys
}

func (b *bucket) sincedb() string { return filepath.Join(b.dir, "sincedb") }

// build makes an input of the bucket.
func (b *bucket) build(more string, ecs plugin.ECS) *plugin.Built {
	b.t.Helper()
	conf := fmt.Sprintf(`bucket => %q endpoint => %q access_key_id => %q secret_access_key => %q sincedb_path => %q temporary_directory => %q
		cutoff_second => 0 interval => 0.05 additional_settings => { "retry_limit" => 0 "force_path_style" => true } %s`,
		b.name, b.server.URL, b.server.AccessKey, b.server.SecretKey, b.sincedb(), filepath.Join(b.dir, "tmp"), more)
	built, diags := inputtest.Build(b.t, Plugin, conf, plugin.Builder{ECS: ecs})
	require.NotNil(b.t, built, diags.String())
	return built
}

// once reads what is there and returns the events.
func (b *bucket) once(more string, ecs plugin.ECS) []string {
	b.t.Helper()
	built := b.build("watch_for_new_files => false "+more, ecs)
	sink := inputtest.NewSink(built)
	require.NoError(b.t, built.Input.Run(b.t.Context(), sink))
	return sink.Wait(0)
}

func TestReads(t *testing.T) {
	b := newBucket(t)
	b.put("logs/", "")
	b.put("logs/a.txt", "one\r\ntwo")
	b.put("logs/b.gz", zipped(t, "three\r\nfour"))
	b.put("logs/none", "")
	b.put("logs/skip/c", "no")
	b.put("other/d", "no")
	event := func(message, key string) string {
		return fmt.Sprintf(`{"message":%q,"@metadata":{"s3":{"key":%q}}}`, message, key)
	}
	want := []string{event("one\r\n", "logs/a.txt"), event("two", "logs/a.txt"), event("three", "logs/b.gz"), event("four", "logs/b.gz")}
	const conf = `prefix => "logs/" exclude_pattern => "/sk(?>ip)/"`
	require.ElementsMatch(t, want, b.once(conf, plugin.ECSDisabled))
	require.Empty(t, b.once(conf, plugin.ECSDisabled), "what was read is not read again")
	data, err := os.ReadFile(b.sincedb())
	require.NoError(t, err)
	require.Regexp(t, `^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d+)? UTC$`, string(data))
	require.NoFileExists(t, b.sincedb()+listSuffix)
	entries, err := os.ReadDir(filepath.Join(b.dir, "tmp"))
	require.NoError(t, err)
	require.Empty(t, entries)
}

func TestWatch(t *testing.T) {
	b := newBucket(t)
	built := b.build("", plugin.ECSDisabled)
	sink := inputtest.NewSink(built)
	stop := inputtest.Run(t, built.Input, sink)
	b.put("a", "one")
	require.Contains(t, sink.Wait(1)[0], "one")
	b.server.Kill() // looks fail for a while
	require.Eventually(t, func() bool { return built.Input.(*input).failed.Load() > 0 }, time.Minute, time.Millisecond)
	b.server.Start()
	b.putLater("b", "two", b.written("a"))
	require.Contains(t, sink.Wait(2)[1], "two")
	stop()
	require.Equal(t, 2, sink.Len())
}

// underWay has an object read that is to be deleted, and not delivered.
func (b *bucket) underWay() (sink *inputtest.Sink, stop func()) {
	b.t.Helper()
	b.put("a", "one")
	built := b.build("delete => true", plugin.ECSDisabled)
	sink = inputtest.NewSink(built)
	sink.Hold = true
	stop = inputtest.Run(b.t, built.Input, sink)
	sink.Wait(1)
	return sink, stop
}

// TestDelivered: only what is delivered is kept as read, also when that happens after the input has stopped.
func TestDelivered(t *testing.T) {
	b := newBucket(t)
	sink, stop := b.underWay()
	stop()
	require.NoFileExists(t, b.sincedb())
	require.Equal(t, []string{"a"}, b.keys(b.name))
	sink.Release()
	require.FileExists(t, b.sincedb())
	require.Empty(t, b.keys(b.name))
	require.Empty(t, b.once("", plugin.ECSDisabled))
}

// TestStopInTheMiddle: an object of which a stop cut off the rest is read again as a whole.
func TestStopInTheMiddle(t *testing.T) {
	b := newBucket(t)
	var text strings.Builder
	const n = 50000
	for i := range n {
		fmt.Fprintf(&text, "line %06d\n", i)
	}
	b.put("big", text.String())
	built := b.build("", plugin.ECSDisabled)
	sink := &limited{Sink: inputtest.NewSink(built), left: 2, full: make(chan struct{})}
	stop := inputtest.Run(t, built.Input, sink)
	<-sink.full
	stop()
	require.NotZero(t, sink.Len())
	require.Less(t, sink.Len(), n)
	require.NoFileExists(t, b.sincedb())
	events := b.once("", plugin.ECSDisabled)
	require.Len(t, events, n)
	require.Contains(t, events[n-1], fmt.Sprintf("line %06d", n-1))
}

// limited is a sink that takes some batches and then none.
type limited struct {
	*inputtest.Sink
	left int
	full chan struct{}
}

// Push implements plugin.Sink.
func (l *limited) Push(ctx context.Context, b *event.Batch) error {
	if l.left == 0 {
		close(l.full)
		<-ctx.Done()
		return ctx.Err()
	}
	l.left--
	return l.Sink.Push(ctx, b)
}

func TestBackup(t *testing.T) {
	b := newBucket(t)
	dir := filepath.Join(b.dir, "backup")
	b.put("x/a.log", "one\n")
	b.put("y/a.log", "two\n")
	b.put("done/old", "not read")
	conf := fmt.Sprintf(`delete => true backup_to_bucket => %q backup_add_prefix => "done/" backup_to_dir => %q`, b.name, dir)
	require.Len(t, b.once(conf, plugin.ECSDisabled), 2)
	require.Equal(t, []string{"done/old", "done/x/a.log", "done/y/a.log"}, b.keys(b.name))
	var copies []string
	for _, name := range []string{"a.log", "a.log.1"} {
		data, err := os.ReadFile(filepath.Join(dir, name))
		require.NoError(t, err)
		copies = append(copies, string(data))
	}
	require.ElementsMatch(t, []string{"one\n", "two\n"}, copies)

	other := b.name + "-2" // is made
	b.putLater("z", "three", b.written("done/old").Add(time.Second))
	require.Len(t, b.once(`backup_to_bucket => "`+other+`" exclude_pattern => "^done/"`, plugin.ECSDisabled), 1)
	require.Equal(t, []string{"z"}, b.keys(other))
	require.Contains(t, b.keys(b.name), "z")
}

// TestReplaced: an object that is replaced while it is on its way is not deleted, and its new version is read.
func TestReplaced(t *testing.T) {
	b := newBucket(t)
	sink, stop := b.underWay()
	b.putLater("a", "two", b.written("a"))
	sink.Release()
	require.Contains(t, sink.Wait(2)[1], "two")
	stop()
	require.Empty(t, b.keys(b.name), "the new version is deleted when it is delivered")
}

func TestDamaged(t *testing.T) {
	b := newBucket(t)
	whole := zipped(t, strings.Repeat("a line\n", 3))
	b.put("a.gz", whole[:len(whole)-6])
	b.put("b.gz", "no gzip")
	b.put("c", "fine")
	require.Len(t, b.once("delete => true", plugin.ECSDisabled), 4)
	require.Equal(t, []string{"a.gz", "b.gz"}, b.keys(b.name), "what is damaged stays")
	require.Empty(t, b.once("", plugin.ECSDisabled), "and is not read for ever")
}

func TestCodecs(t *testing.T) {
	f := func(name, codec, text string, want ...string) {
		t.Helper()
		t.Run(name, func(t *testing.T) {
			b := newBucket(t)
			b.put("k.gz", text)
			for i, doc := range b.once("codec => "+codec, plugin.ECSDisabled) {
				require.JSONEq(t, want[i], strings.ReplaceAll(doc, `,"@metadata":{"s3":{"key":"k.gz"}}`, ""))
			}
		})
	}
	f("cloudtrail", "cloudtrail", zipped(t, `{"Records":[{"eventName":"a"},{"eventName":"b"}]}`), `{"eventName":"a"}`, `{"eventName":"b"}`)
	log := zipped(t, "#Version: 1.0\n#Fields: date time\n2010-03-12\t23:51\n")
	f("cloudfront", "cloudfront", log, `{"message":"2010-03-12\t23:51\n","cloudfront_version":"1.0","cloudfront_fields":"date time"}`)
	f("gzip-lines", "gzip_lines", zipped(t, "a\n"), `{"message":"a\n"}`)
	f("heads", "plain", log, `{"message":"2010-03-12\t23:51","cloudfront_version":"1.0","cloudfront_fields":"date time"}`)
	f("json", "json", zipped(t, "{\"a\":1}\n{\"a\":2}\n"), `{"a":1}`, `{"a":2}`)
	f("multiline", `multiline { pattern => "^ " what => "previous" }`, zipped(t, "a\n b\nc"), `{"message":"a\n b","tags":["multiline"]}`, `{"message":"c"}`)
	f("line", "line", zipped(t, "a\nb"), `{"message":"a"}`, `{"message":"b"}`)
}

func TestHeadsOfCloudFront(t *testing.T) {
	b := newBucket(t)
	b.put("a", "first\n#Version: 1.0\n#Fields: a b\nx\ny\n")
	docs := b.once("", plugin.ECSv8)
	require.Len(t, docs, 3)
	require.NotContains(t, docs[0], "cloudfront")
	require.Contains(t, docs[1], `"cloudfront":{"version":"1.0","fields":"a b"}`)
	require.Contains(t, docs[2], `"message":"y\n"`)
}

func TestProperties(t *testing.T) {
	b := newBucket(t)
	b.put("a", "text")
	docs := b.once("include_object_properties => true", plugin.ECSDisabled)
	require.Len(t, docs, 1)
	for _, want := range []string{`"key":"a"`, `"content_length":4`, `"content_type":"binary/octet-stream"`, `"last_modified":"20`, `"etag":"\"1cb251ec0d568de6a929b520c4aed8d1\""`} {
		require.Contains(t, docs[0], want)
	}
}

func TestLines(t *testing.T) {
	f := func(bare bool, text string, want ...string) {
		t.Helper()
		for size := 1; size <= len(text); size++ { // whatever a read brings
			l, rest, got := newLines(bare), "", []event.Record(nil)
			for data := text; data != ""; {
				n := min(size, len(data))
				got, rest = l.Frame(rest+data[:n], got)
				data = data[n:]
			}
			got = l.Flush(rest, got)
			var texts []string
			for _, r := range got {
				texts = append(texts, r.Data)
			}
			require.Equal(t, want, texts)
		}
	}
	f(false, "a\nb\r\n\nc", "a\n", "b\r\n", "\n", "c")
	f(true, "a\nb\r\n\nc", "a", "b", "", "c")
	f(false, "a\n", "a\n")
}

const offline = `bucket => "bucket" access_key_id => "a" secret_access_key => "b" `

func TestMistakes(t *testing.T) {
	f := func(conf, want string) {
		t.Helper()
		inputtest.Refused(t, Plugin, conf, want)
	}
	f(`region => "x"`, `"bucket" is required`)
	f(offline+`exclude_pattern => "("`, "exclude_pattern")
	f(offline+`gzip_pattern => "["`, "gzip_pattern")
	f(offline+`interval => 0`, "longer than nothing")
	f(offline+`cutoff_second => -1`, "younger than nothing")
	f(offline+`sincedb_path => "/"`, "is a folder")
	f(offline+`backup_to_bucket => "bucket"`, "needs backup_add_prefix")
	f(offline+`backup_to_bucket => "a/b"`, "no name of a bucket")
	f(offline+`role_arn => 1 endpoint => "x"`, "begins with http://")
	warned := func(conf, want string) {
		t.Helper()
		built, diags := inputtest.Build(t, Plugin, offline+conf, plugin.Builder{})
		require.NotNil(t, built, diags.String())
		require.Contains(t, diags.String(), want)
	}
	warned(`backup_add_prefix => "x"`, "has no effect without backup_to_bucket")
	warned(`watch_for_new_files => false interval => 5`, "has no effect without watch_for_new_files")
	shared := new(plugin.Shared)
	_, diags := inputtest.Build(t, Plugin, offline+`id => "a"`, plugin.Builder{Shared: shared, DataDir: "d"})
	require.NotContains(t, diags.String(), "missed")
	_, diags = inputtest.Build(t, Plugin, offline+`id => "b"`, plugin.Builder{Shared: shared, DataDir: "d"})
	require.Contains(t, diags.String(), "objects will be missed")
}
