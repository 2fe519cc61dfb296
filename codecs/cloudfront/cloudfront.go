// Package cloudfront reads the compressed access logs of Amazon CloudFront.
package cloudfront

import (
	"strings"

	"millrace/codecs/internal/zipped"
	"millrace/internal/charset"
	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

// Plugin defines the codec.
var Plugin = plugin.DefineCodec("cloudfront", Options{}, New)

// FailureTag marks what could not be decompressed.
const FailureTag = "_cloudfrontfailure"

// Options configures the codec. The comments below are its documentation.
type Options struct {
	// Character set of the lines.
	Charset charset.Charset `opt:"charset"`
}

// New returns the codec.
func New(o Options, _ *plugin.Env) (*plugin.Codec, error) {
	return &plugin.Codec{
		NewFramer:  func() plugin.Framer { return zipped.Framer{} },
		NewDecoder: func() plugin.Decoder { return &decoder{text: o.Charset.NewDecoder()} },
	}, nil
}

type decoder struct {
	text *charset.Decoder
	in   zipped.Reader
}

// Decode implements plugin.Decoder. The first two lines tell the version of the format and the names of the fields, which all events
// get; the others are events, with their newline, as in Logstash. What is broken gives the lines before the fault, and an event that
// says so.
func (d *decoder) Decode(r *event.Record, next func() *event.Event) {
	n := 0
	var version, fields event.Value
	err := d.in.Lines(r.Data, func(line []byte) {
		n++
		switch n {
		case 1:
			version = behind("#Version: ", line)
		case 2:
			fields = behind("#Fields: ", line)
		default:
			e := next()
			e.Root().Set("message", event.StringValue(d.text.Decode(e.Arena, e.Arena.String(line))))
			e.Root().Set("cloudfront_version", version)
			e.Root().Set("cloudfront_fields", fields)
		}
	})
	if err != nil {
		zipped.Fail(next(), err, FailureTag)
	}
}

// behind returns what follows a prefix, null if the line does not begin with it.
func behind(prefix string, line []byte) event.Value {
	rest, ok := strings.CutPrefix(strings.TrimSpace(string(line)), prefix)
	if !ok {
		return event.Value{}
	}
	return event.StringValue(strings.ToValidUTF8(rest, "\uFFFD"))
}
