package s3client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/encrypt"

	"millrace/internal/tlsconf"
	"millrace/pipeline/plugin"
)

// Client sends requests to a store. It is safe for concurrent use.
type Client struct {
	api    *minio.Client
	core   minio.Core
	region string
	http   *http.Transport
}

// Object is what is known of an object.
type Object = minio.ObjectInfo

// New checks the options and makes a client, which connects with its first request.
func (o *Options) New(env *plugin.Env) (*Client, error) {
	s, err := o.settings(env)
	host, secure, addressErr := o.address()
	if err := errors.Join(err, addressErr, o.check(env)); err != nil {
		return nil, err
	}
	t, err := o.transport(&s)
	if err != nil {
		return nil, err
	}
	keys, err := o.credentials(s.profile, &http.Client{Transport: t, Timeout: s.read})
	if err != nil {
		return nil, err
	}
	api, err := minio.New(host, &minio.Options{
		Creds: keys, Secure: secure, Transport: t, Region: o.Region, MaxRetries: s.tries,
		BucketLookupViaURL: func(u url.URL, bucket string) minio.BucketLookupType {
			if bucket == "" || s.byPath(u.Host, bucket, secure) {
				return minio.BucketLookupPath
			}
			return minio.BucketLookupDNS
		},
	})
	if err != nil {
		return nil, plugin.OptionError("endpoint", err)
	}
	api.SetAppInfo("Millrace", env.Version)
	api.SetS3EnableDualstack(s.dualStack)
	if s.accelerate {
		api.SetS3TransferAccelerate("s3-accelerate.amazonaws.com")
	}
	return &Client{api: api, core: minio.Core{Client: api}, region: o.Region, http: t}, nil
}

// transport makes what connects.
func (o *Options) transport(s *settings) (*http.Transport, error) {
	t := tlsconf.Options{VerificationMode: "full"}
	if !s.verify {
		t.VerificationMode = "none"
	}
	if s.caBundle != "" {
		t.Authorities = []string{s.caBundle}
	}
	conf, err := t.Client()
	if err != nil {
		return nil, plugin.OptionError("additional_settings", err)
	}
	dialer := &net.Dialer{Timeout: s.open, KeepAlive: 30 * time.Second}
	tr := &http.Transport{
		DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
			c, err := dialer.DialContext(ctx, network, addr)
			if err != nil {
				return nil, err
			}
			return &watched{Conn: c, patience: s.read}, nil
		},
		TLSClientConfig: conf, TLSHandshakeTimeout: s.open, ResponseHeaderTimeout: s.read, MaxIdleConnsPerHost: 16, IdleConnTimeout: 90 * time.Second,
		DisableCompression: true, // what is stored compressed stays so
	}
	if !o.Proxy.IsZero() {
		proxy := o.Proxy.URL()
		if proxy.Scheme == "" {
			proxy.Scheme = "http"
		}
		tr.Proxy = http.ProxyURL(proxy)
	}
	return tr, nil
}

// watched is a connection that fails when nothing moves for a while.
type watched struct {
	net.Conn
	patience time.Duration
}

// Read implements net.Conn.
func (c *watched) Read(p []byte) (int, error) {
	if err := c.SetReadDeadline(time.Now().Add(c.patience)); err != nil {
		return 0, err
	}
	return c.Conn.Read(p)
}

// Write implements net.Conn.
func (c *watched) Write(p []byte) (int, error) {
	if err := c.SetWriteDeadline(time.Now().Add(c.patience)); err != nil {
		return 0, err
	}
	return c.Conn.Write(p)
}

// Close closes idle connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// List calls each with the objects of a bucket whose keys begin with prefix, in the order of the keys, until it returns an error.
func (c *Client) List(ctx context.Context, bucket, prefix string, each func(Object) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	for o := range c.api.ListObjects(ctx, bucket, minio.ListObjectsOptions{Prefix: prefix, Recursive: true}) {
		if o.Err != nil {
			return fmt.Errorf("listing bucket %q: %w", bucket, o.Err)
		}
		if err := each(o); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// Get writes the version of an object that has an ETag to w.
func (c *Client) Get(ctx context.Context, bucket, key, etag string, w io.Writer) (Object, error) {
	var opts minio.GetObjectOptions
	if err := opts.SetMatchETag(etag); err != nil {
		return Object{}, err
	}
	body, o, _, err := c.core.GetObject(ctx, bucket, key, opts)
	if err == nil {
		defer func() { _ = body.Close() }() // it was read to its end, or failed anyway
		var n int64
		if n, err = io.Copy(w, body); err == nil && n != o.Size {
			err = io.ErrUnexpectedEOF
		}
	}
	if err != nil {
		return o, fmt.Errorf("getting object %q of bucket %q: %w", key, bucket, err)
	}
	return o, nil
}

// Stat tells about an object.
func (c *Client) Stat(ctx context.Context, bucket, key string) (Object, error) {
	o, err := c.api.StatObject(ctx, bucket, key, minio.StatObjectOptions{})
	if err != nil {
		return o, fmt.Errorf("asking for object %q of bucket %q: %w", key, bucket, err)
	}
	return o, nil
}

// Delete deletes an object.
func (c *Client) Delete(ctx context.Context, bucket, key string) error {
	if err := c.api.RemoveObject(ctx, bucket, key, minio.RemoveObjectOptions{}); err != nil {
		return fmt.Errorf("deleting object %q of bucket %q: %w", key, bucket, err)
	}
	return nil
}

// maxCopy is the size from which an object cannot be copied by one request.
const maxCopy = 5 << 30

// Copy copies the version of an object that o tells of.
func (c *Client) Copy(ctx context.Context, fromBucket string, o Object, toBucket, toKey string) error {
	src := minio.CopySrcOptions{Bucket: fromBucket, Object: o.Key, MatchETag: o.ETag}
	dst := minio.CopyDestOptions{Bucket: toBucket, Object: toKey}
	var err error
	if o.Size > maxCopy {
		_, err = c.api.ComposeObject(ctx, dst, src)
	} else {
		_, err = c.api.CopyObject(ctx, dst, src)
	}
	if err != nil {
		return fmt.Errorf("copying object %q of bucket %q to %q of %q: %w", o.Key, fromBucket, toKey, toBucket, err)
	}
	return nil
}

// EnsureBucket makes a bucket that does not exist.
func (c *Client) EnsureBucket(ctx context.Context, bucket string) error {
	there, err := c.api.BucketExists(ctx, bucket)
	if err == nil && !there {
		err = c.api.MakeBucket(ctx, bucket, minio.MakeBucketOptions{Region: c.region})
	}
	if err != nil {
		return fmt.Errorf("looking for bucket %q: %w", bucket, err)
	}
	return nil
}

// Put are the properties of what is uploaded.
type Put struct {
	ACL           string // a canned one; "" leaves it to the store
	Encryption    string // AES256 or aws:kms; "" leaves it to the store
	KMSKey        string
	StorageClass  string
	Encoding      string // of the content
	MultipartFrom int64  // bytes beyond which an object goes in parts
}

// The bounds of a part.
const (
	minPart  = 5 << 20
	maxParts = 10000
)

// options returns the properties for an object of a size.
func (p *Put) options(size int64) minio.PutObjectOptions {
	o := minio.PutObjectOptions{
		ContentType: "binary/octet-stream", ContentEncoding: p.Encoding, StorageClass: p.StorageClass, UserMetadata: map[string]string{},
		// A signature over the content would come in chunks, which some stores then name in the encoding of the object; a checksum does what it would.
		DisableContentSha256: true, SendContentMd5: true,
		DisableMultipart: size <= p.MultipartFrom, PartSize: uint64(max(minPart, (size+maxParts-1)/maxParts)), NumThreads: 2,
	}
	if p.ACL != "" {
		o.UserMetadata["X-Amz-Acl"] = p.ACL
	}
	switch p.Encryption {
	case "AES256":
		o.ServerSideEncryption = encrypt.NewSSE()
	case "aws:kms":
		o.ServerSideEncryption, _ = encrypt.NewSSEKMS(p.KMSKey, nil) // only a context could fail
	}
	return o
}

// PutFile uploads a file.
func (c *Client) PutFile(ctx context.Context, bucket, key, path string, p *Put) error {
	f, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("uploading to bucket %q: %w", bucket, err)
	}
	defer func() { _ = f.Close() }() // it was open for reading only
	info, err := f.Stat()
	if err == nil {
		err = c.PutReader(ctx, bucket, key, f, info.Size(), p)
	}
	return err
}

// PutReader uploads size bytes.
func (c *Client) PutReader(ctx context.Context, bucket, key string, r io.Reader, size int64, p *Put) error {
	info, err := c.api.PutObject(ctx, bucket, key, r, size, p.options(size))
	if err == nil && info.Size != size {
		err = fmt.Errorf("%d of %d bytes arrived", info.Size, size)
	}
	if err != nil {
		return fmt.Errorf("uploading %q to bucket %q: %w", key, bucket, err)
	}
	return nil
}

// Status returns the HTTP status that the store answered with, 0 if err says that it did not answer.
func Status(err error) int {
	var e minio.ErrorResponse
	if !errors.As(err, &e) {
		return 0
	}
	return e.StatusCode
}
