// Package collectd reads the binary protocol of collectd's plugin network: values and notifications, signed and encrypted or not.
package collectd

import (
	"errors"
	"fmt"
	"math"
	"time"

	"millrace/internal/throttle"
	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

// Plugin defines the codec.
var Plugin = plugin.DefineCodec("collectd", Options{
	PruneIntervals: true, SecurityLevel: levelNone, NaNHandling: nanChange, NaNTag: "_collectdNaN",
}, New)

// The values of security_level and nan_handling.
const (
	levelNone    = "None"
	levelSign    = "Sign"
	levelEncrypt = "Encrypt"

	nanChange = "change_value"
	nanWarn   = "warn"
	nanDrop   = "drop"
)

// Options configures the codec. The comments below are its documentation.
type Options struct {
	// Files like collectd's types.db, which name the values of types that have several. What they say goes before what is known without
	// them, and what a later file says before an earlier one. A single value is always called value.
	TypesDB []string `opt:"typesdb"`

	// Whether the parts of a packet that tell the interval of the values give no event of their own.
	PruneIntervals bool `opt:"prune_intervals"`

	// What is accepted: everything (None), what is signed or encrypted (Sign), or what is encrypted (Encrypt).
	SecurityLevel string `opt:"security_level,enum=None|Sign|Encrypt"`

	// What becomes of a value that is not a number: it is replaced by nan_value and the event gets nan_tag, the same with a warning in
	// the log, or the event is dropped.
	NaNHandling string `opt:"nan_handling,enum=change_value|warn|drop"`

	// Number in the place of one that is none.
	NaNValue float64 `opt:"nan_value"`

	// Tag of events in which a number was replaced; empty for none.
	NaNTag string `opt:"nan_tag"`

	// File with the passwords of users, one a line: name, colon, blank, password. It is read again when it changes.
	AuthFile string `opt:"authfile,path"`

	// Field below which the fields are put; the top level of the event if not given.
	Target event.Path `opt:"target"`
}

// New returns the codec.
func New(o Options, env *plugin.Env) (*plugin.Codec, error) {
	types, err := readTypes(o.TypesDB)
	if err != nil {
		err = plugin.OptionError("typesdb", err)
	}
	var users *passwords
	if o.AuthFile != "" {
		var err2 error
		if users, err2 = readPasswords(o.AuthFile); err2 != nil {
			err = errors.Join(err, plugin.OptionError("authfile", err2))
		}
	} else if o.SecurityLevel != levelNone {
		err = errors.Join(err, plugin.OptionError("security_level", fmt.Errorf("%s needs authfile, the passwords of the senders", o.SecurityLevel)))
	}
	if err != nil {
		return nil, err
	}
	log := throttle.New(env.Log, time.Minute)
	refused := env.Counter("collectd_refused", "Packets of collectd that were refused or broken off.")
	replacement := event.FloatValue(o.NaNValue)
	if o.NaNValue == math.Trunc(o.NaNValue) {
		replacement = event.IntValue(int64(o.NaNValue))
	}
	return &plugin.Codec{NewDecoder: func() plugin.Decoder {
		return &decoder{o: &o, types: types, users: users, nan: replacement, log: log, refused: refused}
	}}, nil
}
