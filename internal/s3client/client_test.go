package s3client

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"millrace/internal/testenv"
	"millrace/pipeline/config"
	"millrace/pipeline/plugin"
)

var store testenv.SharedS3

func TestMain(m *testing.M) { os.Exit(store.Run(m)) }

func client(t *testing.T, s *testenv.S3Server) *Client {
	t.Helper()
	o := Defaults()
	o.Endpoint, o.AccessKeyID, o.SecretAccessKey = s.URL, s.AccessKey, config.Password(s.SecretKey)
	c, err := o.New(&plugin.Env{})
	require.NoError(t, err)
	t.Cleanup(c.Close)
	return c
}

func TestObjects(t *testing.T) {
	s := store.Get(t)
	c, ctx := client(t, s), t.Context()
	require.NoError(t, c.EnsureBucket(ctx, "objects"))
	require.NoError(t, c.EnsureBucket(ctx, "objects"), "one that exists")
	put := &Put{MultipartFrom: 6 << 20}
	require.NoError(t, c.PutReader(ctx, "objects", "a/ü +1.txt", strings.NewReader("hello"), 5, put))
	big := bytes.Repeat([]byte("0123456789abcdef"), 13<<16) // 13 MiB: three parts
	path := filepath.Join(t.TempDir(), "big")
	require.NoError(t, os.WriteFile(path, big, 0o600))
	require.NoError(t, c.PutFile(ctx, "objects", "a/big", path, put))

	list := func(bucket, prefix string) (keys []string) {
		require.NoError(t, c.List(ctx, bucket, prefix, func(o Object) error {
			keys = append(keys, o.Key)
			return nil
		}))
		return keys
	}
	require.Equal(t, []string{"a/big", "a/ü +1.txt"}, slices.Sorted(slices.Values(list("objects", "a/"))))
	require.Empty(t, list("objects", "b/"))

	o, err := c.Stat(ctx, "objects", "a/big")
	require.NoError(t, err)
	require.Equal(t, int64(len(big)), o.Size)
	require.True(t, strings.HasSuffix(o.ETag, "-3"), "%s is not the mark of three parts", o.ETag)
	var got bytes.Buffer
	_, err = c.Get(ctx, "objects", "a/big", o.ETag, &got)
	require.NoError(t, err)
	require.True(t, bytes.Equal(big, got.Bytes()))

	require.NoError(t, c.EnsureBucket(ctx, "backup"))
	small, err := c.Stat(ctx, "objects", "a/ü +1.txt")
	require.NoError(t, err)
	require.NoError(t, c.Copy(ctx, "objects", small, "backup", "x/copy of ü"))
	require.Equal(t, []string{"x/copy of ü"}, list("backup", ""))

	require.NoError(t, c.PutReader(ctx, "objects", "a/ü +1.txt", strings.NewReader("other"), 5, put))
	_, err = c.Get(ctx, "objects", small.Key, small.ETag, io.Discard)
	require.Equal(t, http.StatusPreconditionFailed, Status(err), "the object was replaced")
	require.NoError(t, c.Delete(ctx, "objects", small.Key))
	_, err = c.Stat(ctx, "objects", small.Key)
	require.Equal(t, http.StatusNotFound, Status(err))
}

func TestWrongKeys(t *testing.T) {
	s := *store.Get(t)
	s.SecretKey = "wrong"
	c := client(t, &s)
	err := c.PutReader(t.Context(), "objects", "a", strings.NewReader("x"), 1, &Put{})
	require.Equal(t, http.StatusForbidden, Status(err), "%v", err)
}

// asked is what a store was asked for.
type asked struct {
	method, host, path string
	header             http.Header
}

// recorder is a store that answers every request in the same way.
func recorder(t *testing.T, status int, body string) (address string, requests chan asked) {
	requests = make(chan asked, 100)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		requests <- asked{r.Method, r.Host, r.URL.Path, r.Header}
		w.Header().Set("ETag", `"d41d8cd98f00b204e9800998ecf8427e"`)
		if r.Method == http.MethodDelete && status == http.StatusOK {
			w.WriteHeader(http.StatusNoContent)
			return
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}))
	t.Cleanup(srv.Close)
	return srv.URL, requests
}

func TestHeadersOfAnUpload(t *testing.T) {
	address, requests := recorder(t, http.StatusOK, "")
	o := Defaults()
	o.Endpoint, o.AccessKeyID, o.SecretAccessKey, o.SessionToken, o.Region = address, "id", "secret", "token", "eu-central-1"
	c, err := o.New(&plugin.Env{})
	require.NoError(t, err)
	p := &Put{ACL: "public-read", Encryption: "aws:kms", KMSKey: "k1", StorageClass: "STANDARD_IA", Encoding: "gzip", MultipartFrom: 10}
	require.NoError(t, c.PutReader(t.Context(), "bucket", "k", strings.NewReader("x"), 1, p))
	r := <-requests
	require.Equal(t, "/bucket/k", r.path)
	for name, want := range map[string]string{
		"X-Amz-Acl": "public-read", "X-Amz-Server-Side-Encryption": "aws:kms", "X-Amz-Server-Side-Encryption-Aws-Kms-Key-Id": "k1",
		"X-Amz-Storage-Class": "STANDARD_IA", "X-Amz-Security-Token": "token", "Content-Type": "binary/octet-stream",
	} {
		require.Equal(t, want, r.header.Get(name), name)
	}
	require.Equal(t, "gzip", r.header.Get("Content-Encoding"))
	require.Equal(t, "ndTkYSaMgDT1yFZOFVxnpg==", r.header.Get("Content-Md5"))
	require.Contains(t, r.header.Get("Authorization"), "/eu-central-1/s3/aws4_request")
}

// TestProxy: a bucket is part of the host's name where that has one, and requests go through the proxy.
func TestProxy(t *testing.T) {
	address, requests := recorder(t, http.StatusOK, "")
	f := func(settings, host, path string) {
		t.Helper()
		o := Defaults()
		o.Endpoint, o.AccessKeyID, o.SecretAccessKey = "http://store.test:7000", "id", "secret"
		require.NoError(t, o.Proxy.UnmarshalText([]byte(address)))
		if settings != "" {
			o.AdditionalSettings = config.Map[string]{{Key: settings, Value: "true"}}
		}
		c, err := o.New(&plugin.Env{})
		require.NoError(t, err)
		require.NoError(t, c.Delete(t.Context(), "bucket", "k"))
		r := <-requests
		require.Equal(t, host, r.host)
		require.Equal(t, path, r.path)
	}
	f("", "bucket.store.test:7000", "/k")
	f("force_path_style", "store.test:7000", "/bucket/k")
}

const assumed = `<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult><Credentials><AccessKeyId>ASIATEMP</AccessKeyId>
<SecretAccessKey>tempsecret</SecretAccessKey><SessionToken>temptoken</SessionToken><Expiration>2999-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>`

func TestRole(t *testing.T) {
	service, asks := recorder(t, http.StatusOK, assumed)
	address, requests := recorder(t, http.StatusOK, "")
	t.Setenv("AWS_ENDPOINT_URL_STS", service)
	o := Defaults()
	o.Endpoint, o.AccessKeyID, o.SecretAccessKey, o.RoleARN = address, "id", "secret", "arn:aws:iam::1:role/x"
	c, err := o.New(&plugin.Env{})
	require.NoError(t, err)
	for range 2 {
		require.NoError(t, c.Delete(t.Context(), "bucket", "k"))
		r := <-requests
		require.Contains(t, r.header.Get("Authorization"), "Credential=ASIATEMP/")
		require.Equal(t, "temptoken", r.header.Get("X-Amz-Security-Token"))
	}
	require.Len(t, asks, 1, "keys are kept until they expire")
	require.Contains(t, (<-asks).header.Get("Authorization"), "Credential=id/")

	refused, _ := recorder(t, http.StatusForbidden, `<ErrorResponse><Error><Code>AccessDenied</Code><Message>no</Message></Error></ErrorResponse>`)
	t.Setenv("AWS_ENDPOINT_URL_STS", refused)
	c, err = o.New(&plugin.Env{})
	require.NoError(t, err)
	require.ErrorContains(t, c.Delete(t.Context(), "bucket", "k"), "taking on the role arn:aws:iam::1:role/x")
}

func TestKeys(t *testing.T) {
	for _, name := range []string{"AWS_ACCESS_KEY_ID", "AWS_ACCESS_KEY", "AWS_SECRET_ACCESS_KEY", "AWS_SECRET_KEY", "AWS_SESSION_TOKEN", "AMAZON_ACCESS_KEY_ID", "AMAZON_SECRET_ACCESS_KEY"} {
		t.Setenv(name, "")
	}
	file := filepath.Join(t.TempDir(), "keys.yml")
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", file+"2")
	require.NoError(t, os.WriteFile(file, []byte(":access_key_id: \"12345\"\n:secret_access_key: \"54321\"\n"), 0o600))
	require.NoError(t, os.WriteFile(file+"2", []byte("[default]\naws_access_key_id = shared\naws_secret_access_key = s\n[other]\naws_access_key_id = other\naws_secret_access_key = s\n"), 0o600))
	f := func(o Options, profile, want string) {
		t.Helper()
		keys, err := o.credentials(profile, http.DefaultClient)
		require.NoError(t, err)
		v, err := keys.GetWithContext(nil)
		require.NoError(t, err)
		require.Equal(t, want, v.AccessKeyID)
	}
	f(Options{AccessKeyID: "a", SecretAccessKey: "b", CredentialsFile: file}, "", "a")
	f(Options{CredentialsFile: file}, "", "12345")
	f(Options{}, "other", "other")
	f(Options{}, "", "shared")
	t.Setenv("AMAZON_ACCESS_KEY_ID", "amazon")
	t.Setenv("AMAZON_SECRET_ACCESS_KEY", "s")
	f(Options{}, "", "amazon")
	t.Setenv("AWS_ACCESS_KEY_ID", "aws")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "s")
	f(Options{}, "", "aws")

	for _, text := range []string{"access_key_id: a\n", "- a\n", ": :"} {
		require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
		_, err := (&Options{CredentialsFile: file}).credentials("", http.DefaultClient)
		require.Error(t, err, text)
	}
}

func TestMistakes(t *testing.T) {
	f := func(change func(*Options), want string) {
		t.Helper()
		o := Defaults()
		change(&o)
		_, err := o.New(&plugin.Env{})
		require.ErrorContains(t, err, want)
	}
	f(func(o *Options) { o.AccessKeyID = "a" }, "go together")
	f(func(o *Options) { o.Region = "http://x" }, "no region")
	f(func(o *Options) { o.Endpoint = "minio:9000" }, "begins with http://")
	f(func(o *Options) { o.Endpoint = "http://h/path" }, "nothing but a host and a port")
	set := func(k, v string) func(o *Options) {
		return func(o *Options) { o.AdditionalSettings = config.Map[string]{{Key: k, Value: v}} }
	}
	f(set("force_path_style", "yes"), "neither true nor false")
	f(set("http_open_timeout", "-1"), "no number of seconds")
	f(set("retry_limit", "x"), "no number of repetitions")
	f(set("ssl_ca_bundle", "/not/there"), "/not/there")
	require.Error(t, CheckBucket("bucket", "a/b/c"))
	require.NoError(t, CheckBucket("bucket", "my.bucket-1"))
}

func TestTokenService(t *testing.T) {
	none := func(string) string { return "" }
	require.Equal(t, "https://sts.eu-west-1.amazonaws.com", (&Options{Region: "eu-west-1"}).tokenService(none))
	require.Equal(t, "https://sts.cn-north-1.amazonaws.com.cn", (&Options{Region: "cn-north-1"}).tokenService(none))
}

// TestSilence: a store that stops in the middle of an answer is given up.
func TestSilence(t *testing.T) {
	stop := make(chan struct{})
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "100")
		w.Header().Set("Last-Modified", time.Unix(0, 0).UTC().Format(http.TimeFormat))
		_, _ = io.WriteString(w, "some")
		_ = http.NewResponseController(w).Flush()
		<-stop
	}))
	defer srv.Close()
	defer close(stop)
	o := Defaults()
	o.Endpoint, o.AccessKeyID, o.SecretAccessKey = srv.URL, "id", "secret"
	o.AdditionalSettings = config.Map[string]{{Key: "http_read_timeout", Value: "0.2"}}
	c, err := o.New(&plugin.Env{})
	require.NoError(t, err)
	_, err = c.Get(context.Background(), "bucket", "k", "e", io.Discard)
	require.ErrorIs(t, err, os.ErrDeadlineExceeded)
}
