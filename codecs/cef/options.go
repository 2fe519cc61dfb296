// Package cef reads and writes ArcSight's Common Event Format: seven header fields between pipes, then keys with values.
package cef

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"millrace/internal/joda"
	"millrace/internal/lines"
	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

// Plugin defines the codec.
var Plugin = plugin.DefineCodec("cef", Options{
	Vendor: event.ParseTemplate(defaultVendor), Product: event.ParseTemplate(defaultName), Version: event.ParseTemplate(defaultVersion),
	Signature: event.ParseTemplate(defaultName), Name: event.ParseTemplate(defaultName), Severity: event.ParseTemplate(defaultSeverity),
	Device: "observer",
}, New)

const (
	defaultVendor   = "Elasticsearch"
	defaultName     = "Logstash"
	defaultVersion  = "1.0"
	defaultSeverity = "6"
)

// FailureTag marks what is no CEF.
const FailureTag = "_cefparsefailure"

// Options configures the codec. The comments below are its documentation.
type Options struct {
	// Vendor in the header on the way out.
	Vendor event.Template `opt:"vendor"`

	// Product in the header on the way out.
	Product event.Template `opt:"product"`

	// Version of the product in the header on the way out.
	Version event.Template `opt:"version"`

	// Signature in the header on the way out.
	Signature event.Template `opt:"signature"`

	// Name of the event in the header on the way out.
	Name event.Template `opt:"name"`

	// Severity in the header on the way out: a whole number from 0 to 10; anything else is 6.
	Severity event.Template `opt:"severity,alias=sev"`

	OldFields bool `opt:"deprecated_v1_fields,obsolete=the fields of the codec's first version are gone: cef_vendor is deviceVendor, cef_ext_src is sourceAddress"`

	// Fields to write as extensions.
	Fields []string `opt:"fields"`

	// Whether to write the short keys of the format (src) in place of the long names (sourceAddress).
	ReverseMapping bool `opt:"reverse_mapping"`

	// What ends an event, in and out; \r and \n stand for carriage return and newline. If not given, events that come in end at a
	// newline, and nothing is written behind those that go out.
	Delimiter *string `opt:"delimiter"`

	// Zone of times that tell none, in ECS mode: Europe/Moscow, +03:00. That of the machine if not given.
	DefaultTimezone string `opt:"default_timezone"`

	// Language of the names of months, in ECS mode; English if not given.
	Locale string `opt:"locale"`

	// Field for the text as it came.
	RawDataField event.Path `opt:"raw_data_field"`

	// Whether fields about the device belong to the observer of the event or to the host on which it happened, in ECS mode.
	Device string `opt:"device,enum=observer|host"`
}

// idleAfter is how long a stream without delimiter may rest before what came so far is an event: Logstash takes every read for one.
const idleAfter = time.Second

// New returns the codec.
func New(o Options, env *plugin.Env) (*plugin.Codec, error) {
	times, err := newTimes(&o)
	fields, err2 := newFields(&o)
	if err := errors.Join(err, err2); err != nil {
		return nil, err
	}
	names := newNames(o.Device, env.ECS.Enabled())
	delimiter := ""
	if o.Delimiter != nil {
		delimiter = strings.NewReplacer(`\r`, "\r", `\n`, "\n").Replace(*o.Delimiter)
	}
	for i := range fields {
		fields[i].key = names.encodeKey(fields[i].reference, o.ReverseMapping)
	}
	return &plugin.Codec{
		NewFramer: func() plugin.Framer {
			if delimiter != "" {
				return lines.New(delimiter, lines.DefaultLimit, "_linetoolong")
			}
			return idleFramer{lines.New("\n", lines.DefaultLimit, "_linetoolong")}
		},
		NewDecoder: func() plugin.Decoder { return newDecoder(&o, names, times) },
		NewEncoder: func() plugin.Encoder { return &encoder{o: &o, fields: fields, delimiter: delimiter} },
	}, nil
}

type idleFramer struct{ *lines.Framer }

// IdleAfter implements plugin.IdleFramer.
func (idleFramer) IdleAfter() time.Duration { return idleAfter }

// field is one of the option fields.
type field struct {
	reference string
	path      event.Path
	key       string
}

func newFields(o *Options) ([]field, error) {
	fields := make([]field, len(o.Fields))
	var errs []error
	for i, reference := range o.Fields {
		path, err := event.ParsePath(reference)
		if err != nil {
			errs = append(errs, plugin.OptionError("fields", err))
		}
		fields[i] = field{reference: reference, path: path}
	}
	return fields, errors.Join(errs...)
}

func newTimes(o *Options) (*times, error) {
	t := &times{zone: joda.LocalZone()}
	if o.DefaultTimezone != "" {
		zone, err := joda.LoadZone(o.DefaultTimezone)
		if err != nil {
			return nil, plugin.OptionError("default_timezone", err)
		}
		t.zone = zone
	}
	locale := strings.ReplaceAll(o.Locale, "_", "-")
	if locale != "" && !joda.KnownLocale(locale) {
		return nil, plugin.OptionError("locale", fmt.Errorf("the names of months of locale %q are not known", o.Locale))
	}
	p, err := joda.NewParser("MMM dd yyyy HH:mm:ss", joda.Options{Locale: locale, Zone: t.zone})
	if err != nil {
		panic("BUG: " + err.Error())
	}
	t.parser = p
	return t, nil
}
