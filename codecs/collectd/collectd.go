// Package collectd stands for Logstash's codec of that name, which Millrace does not have: it says so when a config asks for it.
package collectd

import (
	"errors"

	"millrace/pipeline/config"
	"millrace/pipeline/plugin"
)

// Plugin defines the codec.
var Plugin = plugin.DefineCodec("collectd", Options{}, New)

// Options are those of Logstash, so that only what matters is reported.
type Options struct {
	TypesDB        config.Value `opt:"typesdb"`
	PruneIntervals config.Value `opt:"prune_intervals"`
	SecurityLevel  config.Value `opt:"security_level"`
	NaNHandling    config.Value `opt:"nan_handling"`
	NaNValue       config.Value `opt:"nan_value"`
	NaNTag         config.Value `opt:"nan_tag"`
	AuthFile       config.Value `opt:"authfile"`
	Target         config.Value `opt:"target"`
}

// New refuses.
func New(Options, *plugin.Env) (*plugin.Codec, error) {
	return nil, errors.New(`collectd's binary protocol is not read here: let collectd's plugin write_http send its values with Format "JSON" to the http input`)
}
