// Package fingerprint makes digests of fields, to recognise equal events by.
package fingerprint

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"slices"
	"strconv"
	"time"
	"unicode"

	"millrace/filters/internal/digest"
	"millrace/filters/internal/ruby"
	"millrace/internal/throttle"
	"millrace/internal/uuid4"
	"millrace/pipeline/config"
	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

// Plugin defines the filter.
var Plugin = plugin.DefineFilter("fingerprint", Options{Source: []string{"message"}, Method: "SHA1"}, New, plugin.Borrowing())

// Options configures the filter.
type Options struct {
	// Fields to take. Without concatenate_sources each gives a digest of its own, and the last one stays.
	Source []string `opt:"source"`

	// Field for the digest; fingerprint if not given, [event][hash] with ECS.
	Target event.Path `opt:"target"`

	// Key that makes an HMAC of SHA and MD5. For IPV4_NETWORK the length of the network's prefix.
	Key Key `opt:"key"`

	// Write SHA, MD5 and MURMUR3_128 in base64 in place of hexadecimal digits.
	Base64Encode bool `opt:"base64encode"`

	// How to make the digest. UUID gives a random UUID, PUNCTUATION what is left of the text without letters, digits and white space.
	Method string `opt:"method,enum=SHA1|SHA256|SHA384|SHA512|MD5|MURMUR3|MURMUR3_128|IPV4_NETWORK|UUID|PUNCTUATION"`

	// Make one digest of all sources, their names included, in the order of their names.
	ConcatenateSources bool `opt:"concatenate_sources"`

	// Make one digest of all fields of the event.
	ConcatenateAllFields bool `opt:"concatenate_all_fields"`
}

// Key is a secret that has to be a text, as Logstash has it.
type Key struct {
	Given  bool
	Secret config.Password
}

// OptionType names the type for descriptions.
func (Key) OptionType() string { return "password" }

// UnmarshalOption takes texts alone.
func (k *Key) UnmarshalOption(v config.Value) error {
	if v.Type != config.TypeString {
		return errors.New("the key must be a string; write it in quotes")
	}
	*k = Key{true, config.Password(v.Str)}
	return nil
}

// failureTag is that of filters without one of their own.
const failureTag = "_filter_error"

type filter struct {
	o       Options
	sources []event.Path
	bits    int // of IPV4_NETWORK
	stats   *plugin.Stats
	log     *throttle.Logger

	hash   *digest.Hash // of this worker, for SHA and MD5
	ids    uuid4.Source
	buf    []byte
	fields []event.Field
}

// New compiles the references.
func New(o Options, env *plugin.Env) (plugin.Filter, error) {
	f := &filter{o: o, stats: env.Stats, log: throttle.New(env.Log, time.Minute)}
	if o.Target.IsZero() {
		f.o.Target = *event.MustPath("fingerprint")
		if env.ECS.Enabled() {
			f.o.Target = *event.MustPath("[event][hash]")
		}
	}
	var errs []error
	f.o.Source = slices.Clone(o.Source)
	if o.ConcatenateSources || o.Method == "PUNCTUATION" {
		slices.Sort(f.o.Source)
	}
	for _, name := range f.o.Source {
		p, err := event.ParsePath(name)
		if err != nil {
			errs = append(errs, plugin.OptionError("source", err))
		}
		f.sources = append(f.sources, p)
	}
	if o.Method == "IPV4_NETWORK" {
		if err := f.prefix(); err != nil {
			errs = append(errs, plugin.OptionError("key", err))
		}
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return f.ForWorker(), nil
}

// prefix reads the key as the length of a prefix.
func (f *filter) prefix() (err error) {
	if !f.o.Key.Given {
		return errors.New("the key is empty: IPV4_NETWORK needs the length of the network's prefix")
	}
	if f.bits, err = strconv.Atoi(f.o.Key.Secret.Reveal()); err != nil || f.bits < 0 || f.bits > 128 {
		return errors.New("the key of IPV4_NETWORK must be the length of a prefix, such as \"24\"")
	}
	return nil
}

// ForWorker returns the filter for one worker.
func (f *filter) ForWorker() plugin.Filter {
	w := &filter{o: f.o, sources: f.sources, bits: f.bits, stats: f.stats, log: f.log}
	switch f.o.Method {
	case "SHA1", "SHA256", "SHA384", "SHA512", "MD5":
		w.hash = digest.NewHash(f.o.Method, f.o.Key.Secret.Reveal(), f.o.Key.Given)
	}
	return w
}

// Filter sets the digest.
func (f *filter) Filter(e *event.Event) bool {
	if err := f.set(e); err != nil {
		e.Tag(failureTag)
		f.stats.Failures.Add(1)
		f.log.Warn("a fingerprint could not be made", slog.Any("error", err))
		return false
	}
	return true
}

func (f *filter) set(e *event.Event) error {
	switch {
	case f.o.Method == "UUID":
		return e.Set(&f.o.Target, event.StringValue(e.Arena.Take(f.ids.Append(e.Arena.Free()))))
	case f.o.Method == "PUNCTUATION":
		return f.each(e, f.punctuation)
	case f.o.ConcatenateAllFields || f.o.ConcatenateSources:
		v, err := f.digest(e, event.StringValue(e.Arena.String(f.concatenate(e))))
		if err != nil {
			return err
		}
		return e.Set(&f.o.Target, v)
	}
	return f.each(e, f.items)
}

// each sets the target for one source after the other; those that are missing are passed over.
func (f *filter) each(e *event.Event, make func(*event.Event, event.Value) (event.Value, error)) error {
	for i := range f.sources {
		v, ok := e.Get(&f.sources[i])
		if !ok {
			continue
		}
		v, err := make(e, v)
		if err != nil {
			return err
		}
		if err := e.Set(&f.o.Target, v); err != nil {
			return err
		}
	}
	return nil
}

// items makes a digest of v, or of each item of an array.
func (f *filter) items(e *event.Event, v event.Value) (event.Value, error) {
	l := v.List()
	if l == nil {
		return f.digest(e, v)
	}
	out := e.NewList()
	for _, item := range l.Items() {
		d, err := f.digest(e, item)
		if err != nil {
			return v, err
		}
		out.Append(d)
	}
	return event.ListValue(out), nil
}

// concatenate returns |name|value|name|value|, the bytes that documents in an index may have been recognised by for years.
func (f *filter) concatenate(e *event.Event) []byte {
	dst := f.buf[:0]
	add := func(name string, v event.Value) {
		dst = append(append(append(dst, '|'), name...), '|')
		dst = ruby.AppendText(dst, v)
	}
	if f.o.ConcatenateAllFields {
		f.fields = ruby.Sorted(f.fields[:0], e.Root())
		for _, field := range f.fields {
			add(field.Key, field.Val)
		}
		clear(f.fields)
	} else {
		for i := range f.sources {
			v, _ := e.Get(&f.sources[i])
			add(f.o.Source[i], v)
		}
	}
	f.buf = append(dst, '|')
	return f.buf
}

func (f *filter) digest(e *event.Event, v event.Value) (event.Value, error) {
	switch f.o.Method {
	case "MURMUR3":
		return event.IntValue(int64(digest.Murmur32(f.murmurInput(v, false)))), nil
	case "MURMUR3_128":
		return f.murmur128(e, v), nil
	case "IPV4_NETWORK":
		if v.Kind() != event.String {
			return v, fmt.Errorf("the %s is no IP address", v.Kind())
		}
		text, err := digest.Network(e.Arena, v.Str(), f.bits)
		return event.StringValue(text), err
	}
	text := f.hash.Text(e.Arena, f.o.Base64Encode, func(dst []byte) []byte { return ruby.AppendText(dst, v) })
	return event.StringValue(text), nil
}

// murmurInput returns the bytes that MurmurHash3 is made of: an integer's own, of four or eight bytes, or the text of anything else.
func (f *filter) murmurInput(v event.Value, short bool) []byte {
	f.buf = f.buf[:0]
	switch n := v.Int(); {
	case v.Kind() != event.Int:
		f.buf = ruby.AppendText(f.buf, v)
	case short && n >= math.MinInt32 && n <= math.MaxInt32:
		f.buf = binary.LittleEndian.AppendUint32(f.buf, uint32(n))
	default:
		f.buf = binary.LittleEndian.AppendUint64(f.buf, uint64(n))
	}
	return f.buf
}

// murmur128 is MurmurHash3 of 128 bits with the seed 2 that Logstash's plugin has.
func (f *filter) murmur128(e *event.Event, v event.Value) event.Value {
	h1, h2 := digest.Murmur128(f.murmurInput(v, true), 2)
	var sum [16]byte
	binary.LittleEndian.PutUint64(sum[:], h1)
	binary.LittleEndian.PutUint64(sum[8:], h2)
	dst := e.Arena.Free()
	if f.o.Base64Encode {
		dst = base64.StdEncoding.AppendEncode(dst, sum[:])
	} else {
		dst = hex.AppendEncode(dst, sum[:])
	}
	return event.StringValue(e.Arena.Take(dst))
}

// punctuation keeps punctuation and symbols.
func (f *filter) punctuation(e *event.Event, v event.Value) (event.Value, error) {
	if v.Kind() != event.String {
		return v, fmt.Errorf("the %s holds no punctuation", v.Kind())
	}
	dst, s := e.Arena.Free(), v.Str()
	for i, r := range s {
		if unicode.IsPunct(r) || unicode.IsSymbol(r) && (r != unicode.ReplacementChar || s[i] == 0xef) {
			dst = append(dst, string(r)...)
		}
	}
	return event.StringValue(e.Arena.Take(dst)), nil
}
