package elasticsearch

import (
	"errors"
	"fmt"
	"strings"

	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

// useDataStream decides whether the output writes to a data stream, as Logstash 8 does: data_stream => true says so, and refuses options
// that data streams do not know; without the option, or with auto, it does if ECS is on and no such option is given.
func (o *Options) useDataStream(env *plugin.Env) (bool, error) {
	incompatible, given := o.streamless(), o.streamOptions()
	switch o.DataStream {
	case "true":
		if len(incompatible) > 0 {
			return false, plugin.OptionError(incompatible[0], fmt.Errorf("data_stream => true excludes %s", strings.Join(incompatible, ", ")))
		}
		if !env.ECS.Enabled() {
			env.Warn("data_stream", "data streams expect the fields of the Elastic Common Schema, but ecs_compatibility is disabled")
		}
		return true, o.checkStreamName()
	case "false":
		if len(given) > 0 {
			return false, plugin.OptionError(given[0], errors.New("data_stream => false excludes the data_stream_* options"))
		}
		return false, nil
	}
	if len(incompatible) == 0 && env.ECS.Enabled() {
		return true, o.checkStreamName()
	}
	if len(given) > 0 {
		why := "ecs_compatibility is disabled"
		if len(incompatible) > 0 {
			why = strings.Join(incompatible, ", ") + " cannot be combined with them"
		}
		return false, plugin.OptionError(given[0], fmt.Errorf("no data stream is written to, as %s", why))
	}
	return false, nil
}

// streamOptions returns the data_stream_* options given.
func (o *Options) streamOptions() (names []string) {
	for _, g := range []struct {
		given bool
		name  string
	}{
		{o.DataStreamType != "", "data_stream_type"}, {o.DataStreamDataset != "", "data_stream_dataset"},
		{o.DataStreamNamespace != "", "data_stream_namespace"}, {o.DataStreamSync != nil, "data_stream_sync_fields"},
		{o.DataStreamRouting != nil, "data_stream_auto_routing"},
	} {
		if g.given {
			names = append(names, g.name)
		}
	}
	return names
}

// streamless returns the options given that data streams do not know.
func (o *Options) streamless() []string {
	var names []string
	add := func(given bool, name string) {
		if given {
			names = append(names, name)
		}
	}
	add(o.Action != nil && o.Action.String() != "create", "action")
	add(o.DocumentID != nil, "document_id")
	add(o.Index != nil, "index")
	add(o.DocumentType != nil, "document_type")
	add(o.Version != nil, "version")
	add(o.VersionType != "", "version_type")
	add(o.Parent != nil, "parent")
	add(o.JoinField != "", "join_field")
	add(o.Upsert != nil, "upsert")
	add(o.DocAsUpsert != nil, "doc_as_upsert")
	add(o.Script != nil, "script")
	add(o.ScriptType != nil, "script_type")
	add(o.ScriptLang != nil, "script_lang")
	add(o.ScriptVarName != nil, "script_var_name")
	add(o.ScriptedUpsert != nil, "scripted_upsert")
	add(o.RetryOnConflict != nil, "retry_on_conflict")
	add(o.ManageTemplate != nil && *o.ManageTemplate, "manage_template")
	add(o.Template != "", "template")
	add(o.TemplateName != "", "template_name")
	add(o.TemplateOverwrite != nil, "template_overwrite")
	add(o.TemplateAPI != "", "template_api")
	add(o.ILMEnabled != "", "ilm_enabled")
	add(o.ILMRolloverAlias != "", "ilm_rollover_alias")
	add(o.ILMPattern != "", "ilm_pattern")
	add(o.ILMPolicy != "", "ilm_policy")
	return names
}

const streamForbidden = "\\/*?\"<>| ,#:"

func (o *Options) checkStreamName() error {
	check := func(option, s string) error {
		switch {
		case len(s) > 100:
			return plugin.OptionError(option, errors.New("it is longer than 100 bytes"))
		case strings.ContainsAny(s, streamForbidden):
			return plugin.OptionError(option, fmt.Errorf("it may not hold any of %s", streamForbidden))
		}
		return nil
	}
	return errors.Join(check("data_stream_dataset", o.DataStreamDataset), check("data_stream_namespace", o.DataStreamNamespace))
}

// stream resolves data stream names and adds the field data_stream to documents.
type stream struct {
	parts   [3]string
	sync    bool
	routing bool
	name    string // of the stream that the options name
	field   []byte // "data_stream":{…}
}

var streamKeys = [3]string{"type", "dataset", "namespace"}

func newStream(o *Options) *stream {
	s := &stream{parts: [3]string{o.DataStreamType, o.DataStreamDataset, o.DataStreamNamespace}, sync: *o.DataStreamSync, routing: *o.DataStreamRouting}
	s.name = strings.Join(s.parts[:], "-")
	s.field = append(s.field, `"data_stream":{`...)
	for i, k := range streamKeys {
		if i > 0 {
			s.field = append(s.field, ',')
		}
		s.field = append(append(event.AppendJSONString(s.field, k), ':'), event.AppendJSONString(nil, s.parts[i])...)
	}
	s.field = append(s.field, '}')
	return s
}

// appendName appends the name of e's stream, without quotes.
func (s *stream) appendName(dst []byte, e *event.Event) []byte {
	o := s.object(e)
	if o == nil || !s.routing {
		return append(dst, s.name...)
	}
	for i, k := range streamKeys {
		if i > 0 {
			dst = append(dst, '-')
		}
		if v, ok := o.Get(k); ok && said(v) {
			dst = v.AppendText(dst)
		} else {
			dst = append(dst, s.parts[i]...)
		}
	}
	return dst
}

// said reports whether v names a part of a stream. False does not, any more than null does.
func said(v event.Value) bool { return !v.IsNull() && !(v.Kind() == event.Bool && !v.Bool()) }

func (s *stream) object(e *event.Event) *event.Object {
	v, _ := e.Root().Get("data_stream")
	return v.Object()
}

// appendDocument appends e with its field data_stream. What the event says itself stays, but for parts that must name the stream it goes to
// because data_stream_auto_routing is off, and for a field that is no hash; e is left as it was.
func (s *stream) appendDocument(dst []byte, e *event.Event) []byte {
	if !s.sync {
		return e.AppendJSON(dst)
	}
	v, ok := e.Root().Get("data_stream")
	if !ok {
		dst = e.AppendJSON(dst)
		dst = dst[:len(dst)-1]
		if e.Root().Len() > 0 {
			dst = append(dst, ',')
		}
		return append(append(dst, s.field...), '}')
	}
	o := v.Object()
	if o != nil && s.complete(o) {
		return e.AppendJSON(dst)
	}
	own := e.NewObject()
	for _, f := range o.Fields() {
		own.Set(f.Key, f.Val)
	}
	for i, k := range streamKeys {
		if old, ok := own.Get(k); !ok || !said(old) || !s.routing {
			own.Set(k, event.StringValue(s.parts[i]))
		}
	}
	e.Root().Set("data_stream", event.ObjectValue(own))
	dst = e.AppendJSON(dst)
	e.Root().Set("data_stream", v)
	return dst
}

// complete reports whether o has all parts as they should be.
func (s *stream) complete(o *event.Object) bool {
	for i, k := range streamKeys {
		v, ok := o.Get(k)
		if !ok || !said(v) || !s.routing && v.Str() != s.parts[i] {
			return false
		}
	}
	return true
}
