// Package protobuf stands for Logstash's codec of that name, which Millrace does not have: it says so when a config asks for it.
package protobuf

import (
	"errors"

	"millrace/pipeline/config"
	"millrace/pipeline/plugin"
)

// Plugin defines the codec.
var Plugin = plugin.DefineCodec("protobuf", Options{}, New)

// Options are those of Logstash, so that only what matters is reported.
type Options struct {
	ClassName             config.Value `opt:"class_name"`
	ClassFile             config.Value `opt:"class_file"`
	ProtobufRootDirectory config.Value `opt:"protobuf_root_directory"`
	IncludePath           config.Value `opt:"include_path"`
	ProtobufVersion       config.Value `opt:"protobuf_version"`
	StopOnError           config.Value `opt:"stop_on_error"`
	AutoconvertTypes      config.Value `opt:"pb3_encoder_autoconvert_types"`
	SetOneofMetainfo      config.Value `opt:"pb3_set_oneof_metainfo"`
}

// New refuses.
func New(Options, *plugin.Env) (*plugin.Codec, error) {
	return nil, errors.New("the message classes of this codec are Ruby code, which Millrace does not run: have the producer send JSON")
}
