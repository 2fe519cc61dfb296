// Package anonymize replaces values by digests of them.
package anonymize

import (
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"strconv"
	"time"

	"millrace/filters/internal/digest"
	"millrace/filters/internal/ruby"
	"millrace/internal/throttle"
	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

// Plugin defines the filter.
var Plugin = plugin.DefineFilter("anonymize", Options{Algorithm: "SHA1"}, New, plugin.Borrowing())

// Options configures the filter. As in Logstash the common options are never applied.
type Options struct {
	// Fields to replace; the items of an array are replaced one by one.
	Fields []event.Path `opt:"fields,required"`

	// Key of the HMAC. For IPV4_NETWORK the length of the network's prefix; MURMUR3 ignores it.
	Key string `opt:"key,required"`

	// How to make the digest.
	Algorithm string `opt:"algorithm,enum=SHA1|SHA256|SHA384|SHA512|MD5|MURMUR3|IPV4_NETWORK"`
}

// failureTag is that of filters without one of their own.
const failureTag = "_filter_error"

type filter struct {
	o     Options
	bits  int // of IPV4_NETWORK
	stats *plugin.Stats
	log   *throttle.Logger

	hash *digest.Hash // of this worker, for SHA and MD5
	buf  []byte
}

// New checks the key.
func New(o Options, env *plugin.Env) (plugin.Filter, error) {
	env.Warn("", "anonymize is deprecated: use fingerprint")
	f := &filter{o: o, stats: env.Stats, log: throttle.New(env.Log, time.Minute)}
	if o.Algorithm == "IPV4_NETWORK" {
		var err error
		if f.bits, err = strconv.Atoi(o.Key); err != nil || f.bits < 0 || f.bits > 128 {
			return nil, plugin.OptionError("key", errors.New("the key of IPV4_NETWORK must be the length of a prefix, such as \"24\""))
		}
	}
	return f.ForWorker(), nil
}

// ForWorker returns the filter for one worker.
func (f *filter) ForWorker() plugin.Filter {
	w := &filter{o: f.o, bits: f.bits, stats: f.stats, log: f.log}
	if f.o.Algorithm != "IPV4_NETWORK" && f.o.Algorithm != "MURMUR3" {
		w.hash = digest.NewHash(f.o.Algorithm, f.o.Key, true)
	}
	return w
}

// Filter replaces the fields.
func (f *filter) Filter(e *event.Event) bool {
	for i := range f.o.Fields {
		if err := f.field(e, &f.o.Fields[i]); err != nil {
			e.Tag(failureTag)
			f.stats.Failures.Add(1)
			f.log.Warn("a field could not be anonymized", slog.String("field", f.o.Fields[i].String()), slog.Any("error", err))
		}
	}
	return false
}

func (f *filter) field(e *event.Event, p *event.Path) error {
	v, ok := e.Get(p)
	if !ok {
		return nil
	}
	l := v.List()
	if l == nil {
		d, err := f.digest(e, v)
		if err != nil {
			return err
		}
		return e.Set(p, d)
	}
	out := e.NewList()
	for _, item := range l.Items() {
		d, err := f.digest(e, item)
		if err != nil {
			return err
		}
		out.Append(d)
	}
	return e.Set(p, event.ListValue(out))
}

// digest returns what takes the place of v; null stays null. Logstash stops the pipeline at what is no string, or makes it null; a value
// that should be hidden is not left as it is here, its text is hidden.
func (f *filter) digest(e *event.Event, v event.Value) (event.Value, error) {
	switch {
	case v.IsNull():
		return v, nil
	case f.o.Algorithm == "IPV4_NETWORK":
		if v.Kind() != event.String {
			return v, fmt.Errorf("the %s is no IP address", v.Kind())
		}
		text, err := digest.Network(e.Arena, v.Str(), f.bits)
		return event.StringValue(text), err
	case f.o.Algorithm == "MURMUR3":
		return event.IntValue(int64(digest.Murmur32(f.murmurInput(v)))), nil
	}
	text := f.hash.Text(e.Arena, false, func(dst []byte) []byte { return ruby.AppendText(dst, v) })
	return event.StringValue(text), nil
}

func (f *filter) murmurInput(v event.Value) []byte {
	f.buf = f.buf[:0]
	switch n := v.Int(); {
	case v.Kind() != event.Int:
		f.buf = ruby.AppendText(f.buf, v)
	case n >= math.MinInt32 && n <= math.MaxInt32:
		f.buf = binary.LittleEndian.AppendUint32(f.buf, uint32(n))
	default:
		f.buf = binary.LittleEndian.AppendUint64(f.buf, uint64(n))
	}
	return f.buf
}
