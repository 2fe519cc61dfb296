// Package s3 uploads events to object stores that speak the protocol of Amazon S3. Events gather in files of a temporary directory, which are uploaded when
// they are large or old enough.
package s3

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"millrace/internal/netout"
	"millrace/internal/s3client"
	"millrace/internal/throttle"
	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

// Plugin is the s3 output.
var Plugin = plugin.DefineOutput("s3", Options{
	Options: s3client.Defaults(), SizeFile: 5 << 20, TimeFile: 15, Restore: true, ACL: "private", Algorithm: "AES256", StorageClass: "STANDARD",
	MultipartThreshold: 15 << 20, Encoding: "none", Rotation: "size_and_time",
	ValidateCredentials: true, RetryDelay: time.Second,
}, New, plugin.WithCodec("line"))

// Options configures the output. An object is called ls.s3.UUID.TIME.partN.txt, and .gz behind it if it is compressed. What is written to a file of the temporary
// directory is taken for safe, and stays there until the store has confirmed the upload.
type Options struct {
	// Bucket that files are uploaded to.
	Bucket string `opt:"bucket,required"`

	// What object names begin with; references to fields and dates make it the event's own. Each prefix has a file of its own.
	Prefix event.Template `opt:"prefix"`

	// When a file is uploaded: when it is large enough, old enough, or whichever comes first.
	Rotation string `opt:"rotation_strategy,enum=size_and_time|size|time"`

	// Bytes from which a file is uploaded.
	SizeFile int64 `opt:"size_file"`

	// Minutes after which a file is uploaded.
	TimeFile float64 `opt:"time_file"`

	// Whether files are compressed.
	Encoding string `opt:"encoding,enum=none|gzip"`

	// Folder in which files gather; logstash in the system's folder for temporary files by default. Outputs may share it.
	TemporaryDirectory string `opt:"temporary_directory"`

	// Upload what an earlier run has left in the temporary directory, one of Logstash included.
	Restore bool `opt:"restore"`

	// Who may do what with the objects. private, which is how S3 keeps objects anyway, is not said to it, as buckets without such lists refuse to hear of them.
	ACL string `opt:"canned_acl,enum=private|public-read|public-read-write|authenticated-read|aws-exec-read|bucket-owner-read|bucket-owner-full-control|log-delivery-write"`

	// Whether the store is to encrypt objects.
	Encryption bool `opt:"server_side_encryption"`

	// How it encrypts them.
	Algorithm string `opt:"server_side_encryption_algorithm,enum=AES256|aws:kms"`

	// Key for aws:kms; the account's own by default.
	KMSKey string `opt:"ssekms_key_id"`

	// Storage class of the objects.
	StorageClass string `opt:"storage_class,enum=STANDARD|REDUCED_REDUNDANCY|STANDARD_IA|ONEZONE_IA|INTELLIGENT_TIERING|GLACIER|DEEP_ARCHIVE|OUTPOSTS|GLACIER_IR|SNOW|EXPRESS_ONEZONE"`

	// Bytes from which a file is uploaded in parts.
	MultipartThreshold int64 `opt:"upload_multipart_threshold"`

	// Files that are uploaded at a time; half as many as there are cores by default.
	UploadWorkers *int `opt:"upload_workers_count"`

	// Files that may wait for their upload. When there are more the pipeline waits. By default half as many as there are cores, 2 at least.
	UploadQueue *int `opt:"upload_queue_size"`

	// How often an upload that failed is repeated; for ever by default. The file of one that is given up stays in the temporary directory, and its events
	// count as dropped.
	RetryCount *int `opt:"retry_count"`

	// How long to wait before an upload is repeated.
	RetryDelay time.Duration `opt:"retry_delay,unit=s"`

	// Upload a small object at the start, and do not begin if the store refuses it.
	ValidateCredentials bool `opt:"validate_credentials_on_root_bucket"`

	// Texts that object names get: ls.s3.UUID.TIME.tag_a.b.partN.txt.
	Tags []string `opt:"tags"`

	// Version of the signatures. Only v4 is spoken: S3 itself takes no other any more.
	SignatureVersion string `opt:"signature_version,enum=v2|v4"`

	s3client.Options
}

// invalidCharacters are those that a prefix may not have; in what events bring they become underscores.
const invalidCharacters = "^`><"

// New checks the options; nothing is opened.
func New(o Options, env *plugin.Env) (plugin.Output, error) {
	var errs []error
	bad := func(option, format string, args ...any) {
		errs = append(errs, plugin.OptionError(option, fmt.Errorf(format, args...)))
	}
	o.check(env, bad)
	client, err := o.Options.New(env)
	if err := errors.Join(append(errs, err, s3client.CheckBucket("bucket", o.Bucket))...); err != nil {
		return nil, err
	}
	if o.TemporaryDirectory == "" {
		o.TemporaryDirectory = filepath.Join(os.TempDir(), "logstash")
	}
	workers, waiting := o.uploads()
	out := &output{
		o: o, env: env, client: client, log: throttle.New(env.Log, time.Minute), places: make(map[string]*place), opened: make(map[*file]struct{}),
		backlog:  netout.NewGate(int64(workers + waiting)),
		workers:  workers,
		uploaded: env.Counter("s3_uploads", "Files uploaded."),
		failed:   env.Counter("s3_upload_failures", "Uploads that failed; they are repeated as retry_count says."),
		restored: env.Counter("s3_restored", "Files of an earlier run that were uploaded."),
	}
	out.put = s3client.Put{StorageClass: o.StorageClass, MultipartFrom: o.MultipartThreshold}
	if o.StorageClass == "STANDARD" {
		out.put.StorageClass = "" // what it is without a word, and not every store knows the word
	}
	if o.ACL != "private" {
		out.put.ACL = o.ACL
	}
	if o.Encryption {
		if out.put.Encryption = o.Algorithm; o.Algorithm == "aws:kms" {
			out.put.KMSKey = o.KMSKey
		}
	}
	if len(o.Tags) > 0 {
		out.tag = ".tag_" + strings.Join(o.Tags, ".")
	}
	out.pending.L = &out.queueLock
	return out, nil
}

// check reports what is wrong with the options.
func (o *Options) check(env *plugin.Env, bad func(option, format string, args ...any)) {
	if strings.ContainsAny(o.Prefix.String(), invalidCharacters) {
		bad("prefix", "a prefix has none of the characters %s", invalidCharacters)
	}
	if o.Rotation != "time" && o.SizeFile <= 0 {
		bad("size_file", "%d is no size that a file can reach", o.SizeFile)
	}
	if o.Rotation != "size" && !(o.TimeFile > 0) {
		bad("time_file", "%v is no number of minutes that a file can reach", o.TimeFile)
	}
	for option, n := range map[string]*int{"upload_workers_count": o.UploadWorkers, "upload_queue_size": o.UploadQueue} {
		if n != nil && *n < 1 {
			bad(option, "%d is less than 1", *n)
		}
	}
	if o.RetryCount != nil && *o.RetryCount < 0 {
		bad("retry_count", "%d is less than 0", *o.RetryCount)
	}
	if strings.ContainsAny(strings.Join(o.Tags, ""), "/\x00") || len(strings.Join(o.Tags, ".")) > maxTag {
		bad("tags", "tags are parts of a file's name: they have no slash, and %d bytes at most", maxTag)
	}
	if o.SignatureVersion == "v2" {
		bad("signature_version", "signatures of version 2 are not spoken: S3 takes them no more")
	}
	if !o.Encryption {
		env.WarnIdle("server_side_encryption_algorithm", "server_side_encryption => true")
	}
	if o.KMSKey != "" && !(o.Encryption && o.Algorithm == "aws:kms") {
		env.Warn("ssekms_key_id", "option \"ssekms_key_id\" has no effect without server_side_encryption => true and server_side_encryption_algorithm => \"aws:kms\"")
	}
}

// uploads returns how many files are uploaded at a time, and how many may wait.
func (o *Options) uploads() (workers, waiting int) {
	cores := runtime.GOMAXPROCS(0)
	workers, waiting = (cores+1)/2, 2*((cores+3)/4)
	if o.UploadWorkers != nil {
		workers = *o.UploadWorkers
	}
	if o.UploadQueue != nil {
		waiting = *o.UploadQueue
	}
	return workers, waiting
}
