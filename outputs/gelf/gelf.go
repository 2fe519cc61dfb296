// Package gelf sends events as messages of the Graylog Extended Log Format.
package gelf

import (
	"context"
	"errors"
	"fmt"

	"millrace/internal/netout"
	"millrace/pipeline/config"
	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

// Plugin is the gelf output.
var Plugin = plugin.DefineOutput("gelf", Options{
	Port: 12201, ChunkSize: 1420, Protocol: "UDP", Sender: event.ParseTemplate("%{host}"),
	Level: []event.Template{event.ParseTemplate("%{severity}"), event.ParseTemplate("INFO")}, ShipMetadata: true, ShipTags: true,
	IgnoreMetadata: []string{"@timestamp", "@version", "severity", "host", "source_host", "source_path", "short_message"},
	FullMessage:    event.ParseTemplate("%{message}"), ShortMessage: *event.MustPath("short_message"),
}, New)

// Options configures the output. The option codec has no effect: an event becomes a message by its fields.
type Options struct {
	// Host to send to.
	Host string `opt:"host,required"`

	// Port to send to.
	Port int `opt:"port"`

	// Bytes of a message that one datagram holds; a longer message is sent in chunks.
	ChunkSize int `opt:"chunksize"`

	// Whether to send compressed datagrams (UDP) or over a connection (TCP).
	Protocol string `opt:"protocol,enum=TCP|UDP"`

	// Name of the sender.
	Sender event.Template `opt:"sender"`

	// Level: the first of these whose fields exist. A number, or debug, info, notice, warn, error, critical, alert, emergency, their first
	// letters, and what the filter syslog_pri calls them.
	Level []event.Template `opt:"level"`

	// Send the event's fields as additional fields.
	ShipMetadata bool `opt:"ship_metadata"`

	// Send the event's tags as the additional field _tags.
	ShipTags bool `opt:"ship_tags"`

	// Fields that ship_metadata leaves out.
	IgnoreMetadata []string `opt:"ignore_metadata"`

	// Further additional fields. The name id is reserved and left out.
	CustomFields config.Map[string] `opt:"custom_fields"`

	// Text of full_message.
	FullMessage event.Template `opt:"full_message"`

	// Field that is sent as short_message; without it the message is.
	ShortMessage event.Path `opt:"short_message"`

	ContentType string `opt:"contenttype,obsolete=it has no effect"`
}

// New checks the options; nothing is opened.
func New(o Options, env *plugin.Env) (plugin.Output, error) {
	var errs []error
	if o.Port < 1 || o.Port > 65535 {
		errs = append(errs, plugin.OptionError("port", fmt.Errorf("%d is not a port", o.Port)))
	}
	if o.ChunkSize < 1 || o.ChunkSize > maxDatagram-chunkHeader {
		errs = append(errs, plugin.OptionError("chunksize", fmt.Errorf("%d bytes are no part of a datagram", o.ChunkSize)))
	}
	for option, t := range map[string]*event.Template{"sender": &o.Sender, "full_message": &o.FullMessage} {
		if t.Err() != nil {
			errs = append(errs, plugin.OptionError(option, t.Err()))
		}
	}
	for i := range o.Level {
		if o.Level[i].Err() != nil {
			errs = append(errs, plugin.OptionError("level", o.Level[i].Err()))
		}
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	stream := o.Protocol == "TCP"
	return &output{o: o, env: env, stream: stream, peer: netout.NewPeer(stream, o.Host, o.Port, env)}, nil
}

type output struct {
	o      Options
	env    *plugin.Env
	stream bool
	peer   netout.Peer
}

// NewWriter implements plugin.Output.
func (o *output) NewWriter() plugin.Writer {
	m := &maker{o: &o.o, scratch: event.New(nil)}
	if o.stream {
		return &netout.Writer{Env: o.env, Encode: m.frame, Send: o.peer.Send}
	}
	return &netout.Writer{Env: o.env, Encode: m.datagrams, Send: o.peer.Send}
}

// Close implements plugin.Output.
func (o *output) Close(context.Context) error { return o.peer.Close() }
