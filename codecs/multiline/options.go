// Package multiline joins the lines of one message, such as a stack trace, into one event.
package multiline

import (
	"errors"
	"fmt"
	"time"

	"millrace/codecs/internal/message"
	"millrace/filters/grok/patterns"
	"millrace/internal/charset"
	"millrace/internal/onig"
	"millrace/pipeline/config"
	"millrace/pipeline/plugin"
)

// Plugin defines the codec.
var Plugin = plugin.DefineCodec("multiline", Options{
	MultilineTag: "multiline", MaxLines: 500, MaxBytes: 10 << 20, AutoFlushInterval: 5 * time.Second,
}, New)

// Options configures the codec. The comments below are its documentation.
type Options struct {
	// Regular expression that tells the lines that belong to another one. Grok patterns may be used.
	Pattern string `opt:"pattern,required"`

	// Whether a line that matches belongs to the previous line or to the next.
	What string `opt:"what,required,enum=previous|next"`

	// Whether the lines that do not match are meant.
	Negate bool `opt:"negate"`

	// Files, folders or globs with grok patterns of your own.
	PatternsDir []string `opt:"patterns_dir"`

	// Character set of the lines.
	Charset charset.Charset `opt:"charset"`

	// Tag of events that were made of several lines; empty for none.
	MultilineTag string `opt:"multiline_tag"`

	// Number of lines beyond which an event ends, with the tag multiline_codec_max_lines_reached.
	MaxLines int `opt:"max_lines"`

	// Number of bytes from which an event ends, with the tag multiline_codec_max_bytes_reached.
	MaxBytes config.Bytes `opt:"max_bytes"`

	// Seconds without new data on a connection after which the lines that came so far are an event; 0 is never. Logstash waits for
	// ever unless told otherwise, so the last event of a connection only came out with the next one.
	AutoFlushInterval time.Duration `opt:"auto_flush_interval"`
}

// New returns the codec.
func New(o Options, env *plugin.Env) (*plugin.Codec, error) {
	re, err := compile(&o, env)
	err = errors.Join(err, atLeast("max_lines", int64(o.MaxLines), 1), atLeast("max_bytes", int64(o.MaxBytes), 1),
		atLeast("auto_flush_interval", int64(o.AutoFlushInterval), 0))
	if err != nil {
		return nil, err
	}
	return &plugin.Codec{
		NewFramer: func() plugin.Framer {
			return &framer{o: &o, matcher: re.NewMatcher(), text: o.Charset.NewDecoder()}
		},
		NewDecoder: func() plugin.Decoder {
			return &decoder{o: &o, text: o.Charset.NewDecoder(), original: env.ECS.Enabled()}
		},
		NewEncoder: func() plugin.Encoder { return message.NewEncoder(nil, "") },
	}, nil
}

func atLeast(option string, n, low int64) error {
	if n < low {
		return plugin.OptionError(option, fmt.Errorf("must be at least %d, not %d", low, n))
	}
	return nil
}

// compile makes the regular expression of the pattern.
func compile(o *Options, env *plugin.Env) (*onig.Regexp, error) {
	set := patterns.Library(patterns.Legacy)
	if len(o.PatternsDir) > 0 {
		set = set.Extend()
	}
	if err := set.AddOption(env, o.PatternsDir, "*"); err != nil {
		return nil, err
	}
	x, err := set.Expand(o.Pattern, true)
	if err != nil {
		err = plugin.OptionError("pattern", err)
		if pe := (*patterns.Error)(nil); errors.As(err, &pe) && pe.Hint != "" {
			err = plugin.Hinted(err, "%s", pe.Hint)
		}
		return nil, err
	}
	re, err := onig.Compile(x.Regexp, onig.MultiLine)
	if se := (*onig.SyntaxError)(nil); errors.As(err, &se) {
		err = x.ErrorAt(se.Offset, se.Msg)
	}
	if err != nil {
		return nil, plugin.OptionError("pattern", err)
	}
	return re, nil
}
