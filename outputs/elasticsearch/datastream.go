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
	incompatible := o.streamless()
	given := o.DataStreamDataset != "generic" || o.DataStreamType != "logs" || o.DataStreamNamespace != "default" || !o.DataStreamSync || !o.DataStreamRouting
	switch o.DataStream {
	case "true":
		if len(incompatible) > 0 {
			return false, plugin.OptionError(incompatible[0], fmt.Errorf("data_stream => true excludes %s", strings.Join(incompatible, ", ")))
		}
		return true, o.checkStreamName()
	case "false":
		if given {
			return false, plugin.OptionError("data_stream", errors.New("data_stream => false excludes the data_stream_* options"))
		}
		return false, nil
	}
	if len(incompatible) == 0 && env.ECS.Enabled() {
		return true, o.checkStreamName()
	}
	if given {
		why := "ECS is off"
		if len(incompatible) > 0 {
			why = strings.Join(incompatible, ", ") + " is given"
		}
		return false, plugin.OptionError("data_stream", fmt.Errorf("the data_stream_* options need data_stream => true, as %s", why))
	}
	return false, nil
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
	add(o.Routing != nil, "routing")
	add(o.Pipeline != nil, "pipeline")
	add(o.Version != nil, "version")
	add(o.VersionType != "", "version_type")
	add(o.Parent != nil, "parent")
	add(o.JoinField != "", "join_field")
	add(o.Upsert != nil, "upsert")
	add(o.DocAsUpsert, "doc_as_upsert")
	add(o.Script != nil, "script")
	add(o.ScriptedUpsert, "scripted_upsert")
	add(o.Template != "", "template")
	add(o.TemplateName != "", "template_name")
	add(o.TemplateOverwrite, "template_overwrite")
	add(o.ILMEnabled == "true", "ilm_enabled")
	add(o.ILMRolloverAlias != "", "ilm_rollover_alias")
	add(o.ILMPolicy != defaultPolicy, "ilm_policy")
	return names
}

const streamForbidden = "\\/*?\"<>| ,#:-"

func (o *Options) checkStreamName() error {
	check := func(option, s, forbidden string) error {
		switch {
		case s == "" || len(s) > 100:
			return plugin.OptionError(option, errors.New("it must have 1 to 100 bytes"))
		case strings.ContainsAny(s, forbidden):
			return plugin.OptionError(option, fmt.Errorf("it may not hold any of %s", forbidden))
		case s != strings.ToLower(s):
			return plugin.OptionError(option, errors.New("it must be in lower case"))
		}
		return nil
	}
	return errors.Join(check("data_stream_dataset", o.DataStreamDataset, streamForbidden),
		check("data_stream_namespace", o.DataStreamNamespace, streamForbidden))
}

// stream resolves data stream names and adds the field data_stream to documents.
type stream struct {
	parts   [3]string
	sync    bool
	routing bool
	name    string // of the stream that the options name
	field   []byte // "data_stream":{…}
}

var (
	streamKeys = [3]string{"type", "dataset", "namespace"}
	streamPath = event.MustPath("data_stream")
)

func newStream(o *Options) *stream {
	s := &stream{parts: [3]string{o.DataStreamType, o.DataStreamDataset, o.DataStreamNamespace}, sync: o.DataStreamSync, routing: o.DataStreamRouting}
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
		if v, ok := o.Get(k); ok && !v.IsNull() {
			dst = v.AppendText(dst)
		} else {
			dst = append(dst, s.parts[i]...)
		}
	}
	return dst
}

func (s *stream) object(e *event.Event) *event.Object {
	v, _ := e.Root().Get("data_stream")
	return v.Object()
}

// appendDocument appends e with its field data_stream. What the event says itself stays, but for parts that must name the stream it goes to
// because data_stream_auto_routing is off; e is left as it was.
func (s *stream) appendDocument(dst []byte, e *event.Event) []byte {
	v, ok := e.Root().Get("data_stream")
	o := v.Object()
	switch {
	case !s.sync || ok && o == nil && !v.IsNull():
		return e.AppendJSON(dst)
	case !ok:
		dst = e.AppendJSON(dst)
		dst = dst[:len(dst)-1]
		if e.Root().Len() > 0 {
			dst = append(dst, ',')
		}
		return append(append(dst, s.field...), '}')
	case o == nil:
		_ = e.Set(streamPath, event.ObjectValue(e.NewObject())) // a top-level name that is not reserved can be set
		defer func() { _ = e.Set(streamPath, v) }()
		o = s.object(e)
	}
	var old [3]event.Value
	var had [3]bool
	for i, k := range streamKeys {
		old[i], had[i] = o.Get(k)
		if !had[i] || !s.routing {
			o.Set(k, event.StringValue(s.parts[i]))
		}
	}
	dst = e.AppendJSON(dst)
	for i, k := range streamKeys {
		if had[i] {
			o.Set(k, old[i])
		} else {
			o.Delete(k)
		}
	}
	return dst
}
