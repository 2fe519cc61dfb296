// Package s3 reads the objects of a bucket in a store that speaks the protocol of Amazon S3, each once, in the order in which they were written.
package s3

import (
	"crypto/md5"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"
	"time"

	"millrace/internal/netout"
	"millrace/internal/onig"
	"millrace/internal/s3client"
	"millrace/internal/schedule"
	"millrace/internal/throttle"
	"millrace/pipeline/plugin"
)

// Plugin is the s3 input.
var Plugin = plugin.DefineInput("s3", Options{
	Options: s3client.Defaults(), Interval: time.Minute, Watch: true, Cutoff: 3 * time.Second, GzipPattern: `\.gz(ip)?$`,
}, New)

// Options configures the input. Each line of an object is an event; with the codecs cloudfront and gzip_lines an object is given to the codec as it is. How far
// the input came is kept when everything up to there is delivered: a stop in the middle of an object means that the object is read again.
type Options struct {
	// Bucket to read.
	Bucket string `opt:"bucket,required"`

	// What the names of objects have to begin with.
	Prefix string `opt:"prefix"`

	// Objects not to read, by a regular expression for their names.
	ExcludePattern string `opt:"exclude_pattern"`

	// Which objects are compressed, by a regular expression for their names.
	GzipPattern string `opt:"gzip_pattern"`

	// How often to look for new objects.
	Interval time.Duration `opt:"interval,unit=s"`

	// Go on looking for new objects; else the input ends when those that are there are delivered.
	Watch bool `opt:"watch_for_new_files"`

	// How old an object has to be to be read; a younger one waits for the next look.
	Cutoff time.Duration `opt:"cutoff_second,unit=s"`

	// File that keeps when the last object that was delivered had been written; by default one in path.data, named by bucket and prefix. Beside it, with .done
	// behind the name, is a list of objects that were delivered although older ones are not. /dev/null keeps nothing.
	SincedbPath string `opt:"sincedb_path"`

	// Delete objects that are delivered. One that was damaged or has been replaced stays.
	Delete bool `opt:"delete"`

	// Bucket to copy objects to that are delivered. It is made if it does not exist.
	BackupToBucket string `opt:"backup_to_bucket"`

	// What the names of the copies begin with. Objects that begin like that are not read in a bucket that is its own backup.
	BackupAddPrefix string `opt:"backup_add_prefix"`

	// Folder to copy objects to that are delivered, under the last part of their names. Where that is taken by something else, a number is added.
	BackupToDir string `opt:"backup_to_dir"`

	// Tell of each object in [@metadata][s3], beside its name in [@metadata][s3][key]: last_modified, content_length, content_type, etag, metadata and others.
	ObjectProperties bool `opt:"include_object_properties"`

	// Folder for objects while they are read; logstash in the system's folder for temporary files by default.
	TemporaryDirectory string `opt:"temporary_directory"`

	s3client.Options
}

// inFlight bounds objects that are read and not delivered. Small objects in a row do not wait for each other then.
const inFlight = 64

// input reads one bucket.
type input struct {
	o        Options
	env      *plugin.Env
	client   *s3client.Client
	log      *throttle.Logger
	schedule schedule.Schedule
	exclude  *onig.Regexp // nil: nothing
	gzip     *onig.Regexp
	sincedb  string
	whole    bool // the codec takes objects as they are
	heads    bool // lines by which a log of CloudFront tells of itself would be events

	gate *netout.Gate // of objects that are read and not done
	t    *tracker     // nil before the first Run; a later one goes on with it, as what the one before read may still be on its way

	read, failed *atomic.Int64
}

// New checks the options; nothing is opened.
func New(o Options, env *plugin.Env) (plugin.Input, error) {
	in := &input{
		o: o, env: env, log: throttle.New(env.Log, time.Minute), sincedb: o.SincedbPath, gate: netout.NewGate(inFlight),
		read:   env.Counter("s3_objects", "Objects read and delivered."),
		failed: env.Counter("s3_failures", "Objects that could not be read, copied or deleted, and buckets that could not be listed."),
	}
	errs := []error{s3client.CheckBucket("bucket", o.Bucket)}
	bad := func(option string, err error) {
		if err != nil {
			errs = append(errs, plugin.OptionError(option, err))
		}
	}
	var err error
	in.gzip, err = onig.Compile(o.GzipPattern)
	bad("gzip_pattern", err)
	if o.ExcludePattern != "" {
		in.exclude, err = onig.Compile(o.ExcludePattern)
		bad("exclude_pattern", err)
	}
	if o.Interval <= 0 {
		bad("interval", errors.New("the time between two looks must be longer than nothing"))
	}
	if o.Cutoff < 0 {
		bad("cutoff_second", errors.New("no object is younger than nothing"))
	}
	if info, err := os.Stat(o.SincedbPath); o.SincedbPath != "" && err == nil && info.IsDir() {
		bad("sincedb_path", fmt.Errorf("%q is a folder, and has to be a file", o.SincedbPath))
	}
	if o.BackupToBucket != "" {
		errs = append(errs, s3client.CheckBucket("backup_to_bucket", o.BackupToBucket))
		if o.BackupToBucket == o.Bucket && o.BackupAddPrefix == "" {
			bad("backup_to_bucket", errors.New("a bucket that is its own backup needs backup_add_prefix"))
		}
	} else if o.BackupAddPrefix != "" {
		env.Warn("backup_add_prefix", "option \"backup_add_prefix\" has no effect without backup_to_bucket")
	}
	in.client, err = o.Options.New(env)
	if err := errors.Join(append(errs, err)...); err != nil {
		return nil, err
	}
	if !o.Watch {
		env.WarnIdle("interval", "watch_for_new_files => true")
	}
	in.defaults()
	return in, nil
}

// defaults settles what the options leave open.
func (in *input) defaults() {
	in.schedule = schedule.Every(in.o.Interval)
	if in.sincedb == "" {
		name := fmt.Sprintf("sincedb_%x", md5.Sum([]byte(in.o.Bucket+"+"+in.o.Prefix)))
		in.sincedb = filepath.Join(in.env.DataDir, "plugins", "inputs", "s3", name)
	}
	if in.o.TemporaryDirectory == "" {
		in.o.TemporaryDirectory = filepath.Join(os.TempDir(), "logstash")
	}
	if c := in.env.Codec(); c != nil {
		in.whole = c.Name == "cloudfront" || c.Name == "gzip_lines"
		in.heads = slices.Contains([]string{"plain", "line", "multiline", "json", "json_lines"}, c.Name)
	}
	if in.sincedb == os.DevNull {
		return
	}
	if id := in.env.Shared.Claim(in.sincedb, in.env.ID); id != "" {
		in.env.Warn("sincedb_path", "the input %s keeps its place in the same file, and objects will be missed; each needs a sincedb_path of its own", id)
	}
}
