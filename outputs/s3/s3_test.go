package s3

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/klauspost/compress/gzip"
	"github.com/stretchr/testify/require"

	"millrace/internal/outputtest"
	"millrace/internal/s3client"
	"millrace/internal/testenv"
	"millrace/internal/uuid4"
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
	dir    string // the temporary directory of its outputs
}

func newBucket(t *testing.T) *bucket {
	t.Helper()
	b := &bucket{t: t, server: store.Get(t), name: "b-" + uuid4.New(), dir: t.TempDir()}
	o := s3client.Defaults()
	o.Endpoint, o.AccessKeyID, o.SecretAccessKey = b.server.URL, b.server.AccessKey, config.Password(b.server.SecretKey)
	c, err := o.New(&plugin.Env{})
	require.NoError(t, err)
	b.client = c
	require.NoError(t, c.EnsureBucket(t.Context(), b.name))
	return b
}

// conf is that of an output to the bucket.
func (b *bucket) conf(more string) string {
	return fmt.Sprintf(`bucket => %q endpoint => %q access_key_id => %q secret_access_key => %q temporary_directory => %q retry_delay => 0.02
		additional_settings => { "retry_limit" => 0 "http_open_timeout" => 2 "force_path_style" => true } codec => line { format => "%%{n}" } %s`,
		b.name, b.server.URL, b.server.AccessKey, b.server.SecretKey, b.dir, more)
}

// output makes an output to the bucket.
func (b *bucket) output(more string) (*outputtest.Output, *output) {
	b.t.Helper()
	o := outputtest.New(b.t, Plugin, b.conf(more))
	return o, o.Output.(*output)
}

// keys returns the names of all objects.
func (b *bucket) keys() (keys []string) {
	b.t.Helper()
	require.NoError(b.t, b.client.List(context.Background(), b.name, "", func(o s3client.Object) error {
		keys = append(keys, o.Key)
		return nil
	}))
	return keys
}

// content returns what an object holds.
func (b *bucket) content(key string) string {
	b.t.Helper()
	o, err := b.client.Stat(context.Background(), b.name, key)
	require.NoError(b.t, err)
	var got bytes.Buffer
	_, err = b.client.Get(context.Background(), b.name, key, o.ETag, &got)
	require.NoError(b.t, err)
	if !strings.HasSuffix(key, ".gz") {
		return got.String()
	}
	require.Equal(b.t, "gzip", o.Metadata.Get("Content-Encoding"))
	return unpacked(b.t, &got)
}

func unpacked(t *testing.T, r io.Reader) string {
	t.Helper()
	z, err := gzip.NewReader(r)
	require.NoError(t, err)
	text, err := io.ReadAll(z)
	require.NoError(t, err)
	return string(text)
}

// lines returns the lines of all objects, sorted.
func (b *bucket) lines() (lines []string) {
	b.t.Helper()
	for _, k := range b.keys() {
		lines = append(lines, strings.Fields(b.content(k))...)
	}
	slices.Sort(lines)
	return lines
}

// left returns the files in the temporary directory.
func (b *bucket) left() (files []string) {
	b.t.Helper()
	require.NoError(b.t, filepath.WalkDir(b.dir, func(path string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			files = append(files, path)
		}
		return nil
	}))
	return files
}

func numbers(from, to int) (docs, lines []string) {
	for n := from; n < to; n++ {
		docs = append(docs, fmt.Sprintf(`{"n":"n%06d","p":"p%d"}`, n, n%100))
		lines = append(lines, fmt.Sprintf("n%06d", n))
	}
	return docs, lines
}

const uuid = `[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}`

func TestPrefixOfTheEvent(t *testing.T) {
	b := newBucket(t)
	o, _ := b.output(`prefix => "logs/%{app}/" tags => ["a", "b"] storage_class => "REDUCED_REDUNDANCY" canned_acl => "private"`)
	require.NoError(t, o.Output.(plugin.Starter).Start(t.Context()))
	require.Empty(t, b.keys(), "the object of the permission check is gone")
	o.Write(t, `{"app":"x","n":1}`, `{"app":"../../y<","n":2}`, `{"app":"x","n":3}`)
	o.Write(t, `{"app":"x","n":4}`)
	require.Zero(t, o.Env.Stats.Delivered.Load(), "what the store does not have is not delivered")
	require.Len(t, b.left(), 2)
	require.NoError(t, o.Close(t.Context()))
	keys := b.keys()
	require.Len(t, keys, 2)
	require.Regexp(t, `^logs/_/_/y_/ls\.s3\.`+uuid+`\.\d{4}-\d\d-\d\dT\d\d\.\d\d\.tag_a\.b\.part0\.txt$`, keys[0])
	require.Equal(t, "2\n", b.content(keys[0]))
	require.Regexp(t, `^logs/x/ls\.s3\.`+uuid, keys[1])
	require.Equal(t, "1\n3\n4\n", b.content(keys[1]))
	require.Equal(t, int64(4), o.Env.Stats.Delivered.Load())
	entries, err := os.ReadDir(b.dir)
	require.NoError(t, err)
	require.Empty(t, entries)
}

func TestSize(t *testing.T) {
	b := newBucket(t)
	o, out := b.output(`size_file => 21 rotation_strategy => size`)
	for _, n := range []int{0, 2, 4, 6, 8} { // 16 bytes a turn
		docs, _ := numbers(n, n+2)
		o.Write(t, docs...)
	}
	require.NoError(t, o.Close(t.Context()))
	_, lines := numbers(0, 10)
	require.Equal(t, lines, b.lines())
	var parts []string
	for _, k := range b.keys() {
		parts = append(parts, k[strings.Index(k, ".part"):])
	}
	require.ElementsMatch(t, []string{".part0.txt", ".part1.txt", ".part2.txt"}, parts)
	require.Equal(t, int64(3), out.uploaded.Load())
}

func TestAge(t *testing.T) {
	b := newBucket(t)
	o, out := b.output(`time_file => 0.0001`)
	o.Write(t, `{"n":1}`)
	require.Eventually(t, func() bool { // no event comes: the sweep does it
		out.sweep()
		return o.Env.Stats.Delivered.Load() == 1
	}, time.Minute, 10*time.Millisecond)
	require.Equal(t, []string{"1"}, b.lines())
	out.mu.Lock()
	out.places[""].used = time.Now().Add(-forgetAfter - time.Second)
	out.mu.Unlock()
	out.sweep()
	require.Empty(t, out.places)
}

// TestManyPrefixes: more files than may be open, compressed, from several workers.
func TestManyPrefixes(t *testing.T) {
	b := newBucket(t)
	o, out := b.output(`prefix => "%{p}" encoding => gzip size_file => 2000`)
	var all sync.WaitGroup
	for worker := range 3 {
		w := out.NewWriter()
		all.Go(func() {
			for turn := range 4 {
				docs, _ := numbers(worker*1000+turn*200, worker*1000+turn*200+200)
				for _, d := range docs {
					if err := w.Append(outputtest.Event(t, d)); err != nil {
						t.Error(err)
					}
				}
				batch := new(event.Batch)
				batch.Expect(1)
				if err := w.Flush(t.Context(), batch); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	require.NoError(t, o.Close(t.Context()))
	var want []string
	for worker := range 3 {
		_, lines := numbers(worker*1000, worker*1000+800)
		want = append(want, lines...)
	}
	require.Equal(t, want, b.lines())
	require.Equal(t, int64(2400), o.Env.Stats.Delivered.Load())
	require.Empty(t, b.left())
}

// TestOutage: while the store is away files wait, then the pipeline does, and nothing is lost.
func TestOutage(t *testing.T) {
	b := newBucket(t)
	o, out := b.output(`size_file => 1 upload_workers_count => 1 upload_queue_size => 2 upload_multipart_threshold => 1000000`)
	b.server.Kill()
	for n := range 3 {
		docs, _ := numbers(n, n+1)
		o.Write(t, docs...)
	}
	docs, _ := numbers(3, 4)
	require.Empty(t, o.Append(t, docs...))
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	settled, err := o.Flush(ctx)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.False(t, settled)
	require.Zero(t, o.Env.Stats.Delivered.Load())
	require.Len(t, b.left(), 3)

	b.server.Start()
	settled, err = o.Flush(t.Context())
	require.NoError(t, err)
	require.True(t, settled)
	require.NoError(t, o.Close(t.Context()))
	_, lines := numbers(0, 4)
	require.Equal(t, lines, b.lines())
	require.Equal(t, int64(4), o.Env.Stats.Delivered.Load())
	require.NotZero(t, out.failed.Load())
}

// TestStopDuringOutage: what a stop cannot upload in time stays on disk, and the next run uploads it.
func TestStopDuringOutage(t *testing.T) {
	b := newBucket(t)
	o, _ := b.output(``)
	b.server.Kill()
	o.Write(t, `{"n":1}`)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	require.NoError(t, o.Close(ctx))
	require.Zero(t, o.Env.Stats.Delivered.Load()+o.Env.Stats.Dropped.Load())
	require.Len(t, b.left(), 1)

	next, _ := b.output(``)
	require.NoError(t, next.Output.(plugin.Starter).Start(t.Context()), "a store that is away is no reason not to begin")
	b.server.Start()
	require.NoError(t, next.Close(t.Context()))
	require.Equal(t, []string{"1"}, b.lines())
	require.Empty(t, b.left())
}

// crash leaves an output as the end of its process would.
func crash(t *testing.T, o *output) {
	t.Helper()
	o.mu.Lock()
	defer o.mu.Unlock()
	o.cancel()
	require.NoError(t, o.own.lock.Close())
	o.own, o.places = nil, make(map[string]*place)
}

func TestCrash(t *testing.T) {
	for _, encoding := range []string{"none", "gzip"} {
		b := newBucket(t)
		o, out := b.output(`prefix => "a/b" encoding => ` + encoding)
		docs, lines := numbers(0, 10)
		o.Write(t, docs[:5]...)
		o.Write(t, docs[5:]...)
		crash(t, out)

		alive, _ := b.output(`prefix => "c" encoding => ` + encoding)
		alive.Write(t, `{"n":"later"}`)
		next, restoring := b.output(`encoding => ` + encoding)
		require.NoError(t, next.Output.(plugin.Starter).Start(t.Context()))
		require.NoError(t, next.Close(t.Context()))
		require.Equal(t, lines, b.lines(), "what an output that works has is not taken for left over")
		require.Equal(t, int64(1), restoring.restored.Load())
		keys := b.keys()
		require.Len(t, keys, 1)
		require.Regexp(t, map[string]string{"none": `^a/b/ls\.s3\.[^/]*part0\.txt$`, "gzip": `^a/b/ls\.s3\.[^/]*part0-recovered\.txt\.gz$`}[encoding], keys[0])
		require.NoError(t, alive.Close(t.Context()))
		require.Len(t, b.keys(), 2)
		require.Empty(t, b.left())
	}
}

// TestRestoreLeavesAlone: what no s3 output made stays, and so does what cannot be read.
func TestRestoreLeavesAlone(t *testing.T) {
	b := newBucket(t)
	folder := filepath.Join(b.dir, uuid4.New())
	write := func(name, text string) string {
		path := filepath.Join(folder, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		return path
	}
	other, damaged := write("x/other.txt", "o"), write("ls.s3.d.part0.txt.gz", "no gzip")
	write("x/ls.s3.e.part0.txt", "")
	write("x/ls.s3.f.part0.txt", "left\n")
	write("y/ls.s3.g.part0.txt.gz"+halfRecovered, "half")
	o, _ := b.output(`restore => false`)
	require.NoError(t, o.Output.(plugin.Starter).Start(t.Context()))
	require.NoError(t, o.Close(t.Context()))
	require.Len(t, b.left(), 5)
	o, _ = b.output(``)
	require.NoError(t, o.Output.(plugin.Starter).Start(t.Context()))
	require.NoError(t, o.Close(t.Context()))
	require.Equal(t, []string{"x/ls.s3.f.part0.txt"}, b.keys())
	require.ElementsMatch(t, []string{other, damaged}, b.left())
}

func TestGivenUp(t *testing.T) {
	b := newBucket(t)
	b.name = "no-such-bucket"
	o, _ := b.output(`retry_count => 2 validate_credentials_on_root_bucket => false`)
	o.Write(t, `{"n":1}`, `{"n":2}`)
	require.NoError(t, o.Close(t.Context()))
	require.Equal(t, int64(2), o.Env.Stats.Dropped.Load())
	require.Equal(t, int64(4), o.Env.Stats.Retried.Load())
	require.Len(t, b.left(), 1, "the file stays")
}

func TestFileTakenAway(t *testing.T) {
	b := newBucket(t)
	o, _ := b.output(``)
	o.Write(t, `{"n":1}`)
	require.NoError(t, os.Remove(b.left()[0]))
	require.NoError(t, o.Close(t.Context()))
	require.Equal(t, int64(1), o.Env.Stats.Dropped.Load())
}

func TestCredentialsAreChecked(t *testing.T) {
	b := newBucket(t)
	b.server.SecretKey = "wrong"
	_, out := b.output(``)
	require.ErrorContains(t, out.Start(t.Context()), "validate_credentials_on_root_bucket")
	_, out = b.output(`validate_credentials_on_root_bucket => false`)
	require.NoError(t, out.Start(t.Context()))
	b.dir = "/dev/null/x"
	_, out = b.output(``)
	require.ErrorContains(t, out.Start(t.Context()), "temporary directory")
}

// limit lets files grow to a size, to any by -1.
func limit(t *testing.T, size int) {
	t.Helper()
	signal.Ignore(syscall.SIGXFSZ) // or the test ends
	var l syscall.Rlimit
	require.NoError(t, syscall.Getrlimit(syscall.RLIMIT_FSIZE, &l))
	if l.Cur = l.Max; size >= 0 {
		l.Cur = uint64(size)
	}
	require.NoError(t, syscall.Setrlimit(syscall.RLIMIT_FSIZE, &l))
}

// TestFullDisk: what was written in part is written again, once.
func TestFullDisk(t *testing.T) {
	for _, gz := range []bool{false, true} {
		dir := t.TempDir()
		f := &file{root: dir, path: filepath.Join(dir, "f"), gzip: gz}
		var zips []*gzip.Writer
		f.add([]byte("one\n"), 1, &zips)
		require.NoError(t, f.flush())
		f.add([]byte("two, which does not fit\n"), 1, &zips)
		limit(t, int(f.written)+3)
		require.Error(t, f.flush())
		require.Error(t, f.end(&zips))
		limit(t, -1)
		require.NoError(t, f.end(&zips))
		data, err := os.ReadFile(f.path)
		require.NoError(t, err)
		if gz {
			data = []byte(unpacked(t, bytes.NewReader(data)))
			require.Len(t, zips, 1)
		}
		require.Equal(t, "one\ntwo, which does not fit\n", string(data))
	}
}

func TestPrefixes(t *testing.T) {
	f := func(text, want string) {
		t.Helper()
		require.Equal(t, want, normalize(text))
		require.NoError(t, checkPrefix(want))
	}
	f("", "")
	f("a/b.c/..d/", "a/b.c/..d/")
	f("/a", "/a")
	f("../a/./b/..", "_/a/_/b/_")
	f("a^b`c>d<e\x00f", "a_b_c_d_e_f")
	require.Error(t, checkPrefix(strings.Repeat("x", 256)))
	require.Error(t, checkPrefix(strings.Repeat("x/", 500)))
	o := new(output)
	require.Regexp(t, "^ls.s3.", o.key("", 0, time.Now()))
	require.Regexp(t, "^ls.s3.", o.key("/", 0, time.Now()))
	require.Regexp(t, "^a/ls.s3.", o.key("/a//", 0, time.Now()))
}

const offline = `bucket => "bucket" access_key_id => "a" secret_access_key => "b" `

// TestUnusablePrefix: an event whose prefix can be none holds nobody up.
func TestUnusablePrefix(t *testing.T) {
	o := outputtest.New(t, Plugin, offline+`prefix => "%{p}" temporary_directory => "`+t.TempDir()+`"`)
	require.Len(t, o.Append(t, `{"p":"`+strings.Repeat("x", 300)+`"}`), 1)
	require.Equal(t, int64(1), o.Env.Stats.Dropped.Load())
}

func TestMistakes(t *testing.T) {
	f := func(conf, want string) {
		t.Helper()
		outputtest.Refused(t, Plugin, conf, want)
	}
	f(`region => "x"`, `"bucket" is required`)
	f(offline+`prefix => "a^b"`, "none of the characters")
	f(offline+`size_file => 0`, "no size")
	f(offline+`time_file => 0`, "no number of minutes")
	f(offline+`rotation_strategy => "hourly"`, "rotation_strategy")
	f(offline+`upload_workers_count => 0`, "less than 1")
	f(offline+`retry_count => -1`, "less than 0")
	f(offline+`tags => ["a/b"]`, "no slash")
	f(offline+`signature_version => "v2"`, "not spoken")
	f(`bucket => "a/b/c"`, "no name of a bucket")
	f(offline+`endpoint => "minio:9000"`, "begins with http://")
	outputtest.Warned(t, Plugin, offline+`server_side_encryption_algorithm => "aws:kms"`, "has no effect without server_side_encryption")
	outputtest.Warned(t, Plugin, offline+`server_side_encryption => true ssekms_key_id => "k"`, "has no effect without")
	outputtest.Warned(t, Plugin, offline+`additional_settings => { "stub_responses" => true }`, "has no effect")
	outputtest.Warned(t, Plugin, offline+`role_session_name => "x"`, "has no effect without role_arn")
	outputtest.Warned(t, Plugin, offline+`use_aws_bundled_ca => true`, "ssl_ca_bundle")
}

func TestPutOptions(t *testing.T) {
	f := func(conf string, want s3client.Put) {
		t.Helper()
		built, diags := outputtest.Build(t, Plugin, offline+conf)
		require.NotNil(t, built, diags.String())
		want.MultipartFrom = 15 << 20
		require.Equal(t, want, built.Output.(*output).put)
	}
	f(``, s3client.Put{})
	f(`rotation_strategy => "size" time_file => 0 server_side_encryption => true`, s3client.Put{Encryption: "AES256"})
	f(`server_side_encryption => true server_side_encryption_algorithm => "aws:kms" ssekms_key_id => "k" canned_acl => "public-read" storage_class => "GLACIER_IR"`,
		s3client.Put{Encryption: "aws:kms", KMSKey: "k", ACL: "public-read", StorageClass: "GLACIER_IR"})
}

// BenchmarkWrite is a turn of 500 events.
func BenchmarkWrite(b *testing.B) {
	built, _ := outputtest.Build(b, Plugin, offline+`size_file => 1000000000000 temporary_directory => "`+b.TempDir()+`"`)
	w := built.Output.NewWriter()
	e := outputtest.Event(b, `{"message":"`+strings.Repeat("x", 200)+`"}`)
	b.ReportAllocs()
	for b.Loop() {
		for range 500 {
			require.NoError(b, w.Append(e))
		}
		batch := new(event.Batch)
		batch.Expect(1)
		require.NoError(b, w.Flush(b.Context(), batch))
	}
}
