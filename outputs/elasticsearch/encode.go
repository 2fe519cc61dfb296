package elasticsearch

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"

	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

// encoder writes operations: action lines and documents. Workers share it; only a rollover alias may change.
type encoder struct {
	stream *stream // nil: no data stream

	action  *event.Template // nil: fixed
	fixed   string          // the action
	index   event.Template
	checked bool // an index name with an unresolved %{field} goes to the dead letters
	own     bool // the index is the default one, which [@metadata][_ingest_document][index] overrides
	id      *event.Template
	typ     *event.Template
	routing *event.Template
	ingest  *event.Template
	version *event.Template

	versionType []byte // JSON
	parent      *event.Template
	join        *event.Path
	update      *updater
	hashed      bool // ids are made of contents

	alias atomic.Pointer[event.Template] // takes the place of index
	line  atomic.Pointer[[]byte]         // the action line of an event without metadata, where it is the same for every event
}

var validAction = []string{"index", "create", "update", "delete"}

// Fields of @metadata by which an event says where it goes; filters like elastic_integration set them.
const (
	controlKey = "_ingest_document"
	targetKey  = "target_ingest_pipeline"
)

// errRefused is wrapped by errors of events that cannot be written.
var errRefused = errors.New("the event cannot be written")

func newEncoder(o *Options, env *plugin.Env, streams bool) (*encoder, error) {
	c := &encoder{
		fixed: "index", id: o.DocumentID, typ: o.DocumentType, routing: o.Routing, ingest: o.Pipeline, version: o.Version, parent: o.Parent,
		hashed: o.Idempotent && o.DocumentID == nil,
	}
	if streams {
		c.stream, c.fixed = newStream(o), "create"
	}
	var errs []error
	switch {
	case o.Action == nil:
	case o.Action.Static():
		c.fixed = o.Action.String()
		if !slices.Contains(validAction, c.fixed) {
			errs = append(errs, plugin.OptionError("action", fmt.Errorf("no action %q: index, create, update or delete", c.fixed)))
		}
	default:
		c.action = o.Action
	}
	if c.action == nil {
		errs = append(errs, o.checkAction(c.fixed))
	}
	if c.hashed {
		if c.action != nil || c.fixed == "update" || c.fixed == "delete" {
			errs = append(errs, plugin.OptionError("idempotent", errors.New("only documents that are created can have an id of their own content")))
		}
		c.fixed = "create"
	}
	if o.VersionType != "" {
		c.versionType = event.AppendJSONString(nil, o.VersionType)
	}
	if o.JoinField != "" {
		p, err := event.ParsePath(o.JoinField)
		if err != nil {
			errs = append(errs, plugin.OptionError("join_field", err))
		}
		c.join = &p
	}
	c.setIndex(o, env)
	u, err := newUpdater(o)
	c.update = u
	return c, errors.Join(append(errs, err)...)
}

func (c *encoder) setIndex(o *Options, env *plugin.Env) {
	if c.stream != nil {
		return
	}
	c.index = event.ParseTemplate(defaultIndex(env))
	if o.Index != nil {
		c.index = *o.Index
	}
	c.own = c.index.String() == defaultIndex(env)
	c.checked = o.DLQOnFailedIndex && len(c.index.Paths()) > 0
}

func defaultIndex(env *plugin.Env) string {
	if env.ECS.Enabled() {
		return "ecs-logstash-%{+yyyy.MM.dd}"
	}
	return "logstash-%{+yyyy.MM.dd}"
}

// useAlias makes a rollover alias the index, or no longer if alias is empty.
func (c *encoder) useAlias(alias string) {
	if alias == "" {
		c.alias.Store(nil)
	} else {
		t := event.ParseTemplate(alias)
		c.alias.Store(&t)
	}
	c.setLine()
}

// operation is scratch for one action line.
type operation struct {
	b      []byte
	e      *event.Event
	fields int
	err    error
}

// member begins the next member of the action's object.
func (op *operation) member(name string) {
	if op.fields > 0 {
		op.b = append(op.b, ',')
	}
	op.fields++
	op.b = append(append(append(op.b, '"'), name...), '"', ':')
}

// text appends what t is for the event, as JSON.
func (op *operation) text(t *event.Template) {
	op.b = append(op.b, '"')
	n := len(op.b)
	b, err := t.Append(op.b, op.e)
	if err != nil {
		op.err = err
		return
	}
	op.b = b
	op.quote(n)
}

// quote ends the string whose text begins at n, escaping it where that is needed.
func (op *operation) quote(n int) {
	for _, ch := range op.b[n:] {
		if ch < 0x20 || ch == '"' || ch == '\\' {
			text := string(op.b[n:])
			op.b = event.AppendJSONString(op.b[:n-1], text)
			return
		}
	}
	op.b = append(op.b, '"')
}

// value appends a field's value as a JSON string, as Logstash's sprintf makes it.
func (op *operation) value(v event.Value) {
	op.b = append(op.b, '"')
	n := len(op.b)
	op.b = v.AppendText(op.b)
	op.quote(n)
}

// appendLine appends the action line of e and returns the action. Members that have no value are left out.
func (c *encoder) appendLine(op *operation, e *event.Event) (action string) {
	op.e, op.fields, op.err = e, 0, nil
	action = c.actionOf(op, e)
	var control *event.Object
	if v, ok := e.Get(controlPath); ok {
		control = v.Object()
	}
	op.b = append(append(append(op.b, '{', '"'), action...), `":{`...)
	if c.typ != nil {
		op.member("_type")
		op.text(c.typ)
	}
	c.appendTarget(op, e, control)
	if c.hashed {
		op.member("_id")
		op.b = append(append(append(op.b, '"'), blankID...), '"')
	}
	c.either(op, "_id", c.id, control, "id")
	c.appendRouting(op, control)
	c.appendPipeline(op, e, control)
	if c.stream == nil { // data streams have no versions
		c.appendVersion(op, control)
	}
	if action == "update" && c.update.retry != nil {
		op.member("retry_on_conflict")
		op.b = append(op.b, c.update.retry...)
	}
	op.b = append(op.b, '}', '}', '\n')
	return action
}

// member returns a member of o, which may be nil, that is not null.
func member(o *event.Object, name string) (event.Value, bool) {
	if o == nil {
		return event.Value{}, false
	}
	v, ok := o.Get(name)
	return v, ok && !v.IsNull()
}

// either appends a member that an option gives, or else the event's own [@metadata][_ingest_document].
func (c *encoder) either(op *operation, name string, t *event.Template, control *event.Object, key string) {
	if t != nil {
		op.member(name)
		op.text(t)
	} else if v, ok := member(control, key); ok {
		op.member(name)
		op.value(v)
	}
}

// appendTarget appends the index.
func (c *encoder) appendTarget(op *operation, e *event.Event, control *event.Object) {
	op.member("_index")
	if v, ok := member(control, "index"); ok && (c.own || c.stream != nil) {
		op.value(v)
		return
	}
	if c.stream != nil {
		op.b = append(op.b, '"')
		n := len(op.b)
		op.b = c.stream.appendName(op.b, e)
		op.quote(n)
		return
	}
	if alias := c.alias.Load(); alias != nil {
		op.text(alias)
		return
	}
	n := len(op.b)
	op.text(&c.index)
	if c.checked && op.err == nil && unresolved(op.b[n:]) {
		op.err = fmt.Errorf("%w: badly formatted index, after interpolation still contains placeholder: %s", errRefused, op.b[n:])
	}
}

// unresolved reports whether a text holds %{…}.
func unresolved(b []byte) bool {
	i := bytes.Index(b, []byte("%{"))
	return i >= 0 && bytes.IndexByte(b[i:], '}') >= 0
}

// appendRouting appends the routing, which is the parent where there is a join field, and the parent of old servers.
func (c *encoder) appendRouting(op *operation, control *event.Object) {
	if c.parent != nil && c.join != nil {
		op.member("routing")
		op.text(c.parent)
		return
	}
	c.either(op, "routing", c.routing, control, "routing")
	if c.parent != nil {
		op.member("parent")
		op.text(c.parent)
	}
}

func (c *encoder) appendVersion(op *operation, control *event.Object) {
	c.either(op, "version", c.version, control, "version")
	if c.versionType != nil {
		op.member("version_type")
		op.b = append(op.b, c.versionType...)
	} else if v, ok := member(control, "version_type"); ok {
		op.member("version_type")
		op.value(v)
	}
}

func (c *encoder) appendPipeline(op *operation, e *event.Event, control *event.Object) {
	n, fields := len(op.b), op.fields
	op.member("pipeline")
	start := len(op.b)
	if c.ingest != nil {
		op.text(c.ingest)
	} else if v, ok := member(control, "pipeline"); ok {
		op.value(v)
	} else if v, ok := e.Get(targetPath); ok && !v.IsNull() {
		op.value(v)
	}
	if len(op.b) <= start+2 { // nothing, or an empty text
		op.b, op.fields = op.b[:n], fields
	}
}

// append appends the operation of e; hidden is the document of one that carries none. An error says that e cannot be written; what was
// appended is to be thrown away.
func (c *encoder) append(op *operation, e *event.Event) (hidden []byte, err error) {
	var action string
	if line := c.line.Load(); line != nil && c.sameTarget(e) {
		op.b, action = append(op.b, *line...), c.fixed
	} else if action = c.appendLine(op, e); op.err != nil {
		return nil, op.err
	}
	switch action {
	case "delete":
		return c.appendDocument(nil, e), nil
	case "update":
		if op.b, err = c.update.append(op.b, c, e); err != nil {
			return nil, err
		}
	default:
		op.b = c.appendDocument(op.b, e)
	}
	op.b = append(op.b, '\n')
	return nil, nil
}

// appendDocument appends the event as it is to be stored.
func (c *encoder) appendDocument(dst []byte, e *event.Event) []byte {
	if c.stream != nil {
		return c.stream.appendDocument(dst, e)
	}
	if c.join != nil && c.parent != nil {
		return c.appendJoined(dst, e)
	}
	return e.AppendJSON(dst)
}

// appendJoined writes the join field as {"name": what it was, "parent": id}; e is left as it was.
func (c *encoder) appendJoined(dst []byte, e *event.Event) []byte {
	name, ok := e.Get(c.join)
	parent, err := c.parent.Text(e)
	if err != nil {
		return e.AppendJSON(dst)
	}
	o := e.NewObject()
	o.Set("name", name)
	o.Set("parent", event.StringValue(parent))
	if e.Set(c.join, event.ObjectValue(o)) != nil {
		return e.AppendJSON(dst)
	}
	dst = e.AppendJSON(dst)
	if ok {
		_ = e.Set(c.join, name) // it was there a moment ago
	} else {
		e.Remove(c.join)
	}
	return dst
}

// setLine makes the action line once if it is the same for every event: nothing in it refers to one. What metadata and the field data_stream
// may change is asked for each event.
func (c *encoder) setLine() {
	constant := c.action == nil && c.id == nil && c.typ == nil && c.routing == nil && c.ingest == nil && c.version == nil &&
		c.parent == nil && !c.hashed && (c.stream != nil || c.index.Static() || c.alias.Load() != nil)
	if !constant {
		c.line.Store(nil)
		return
	}
	var op operation
	c.appendLine(&op, event.New(nil))
	if op.err == nil {
		c.line.Store(&op.b)
	}
}

// sameTarget reports whether nothing in e changes its action line: neither the metadata that Logstash reads nor the field data_stream.
func (c *encoder) sameTarget(e *event.Event) bool {
	return !e.Has(controlPath) && !e.Has(targetPath) && (c.stream == nil || !c.stream.routing || !e.Has(streamPath))
}

var (
	controlPath = event.MustPath("[@metadata][" + controlKey + "]")
	targetPath  = event.MustPath("[@metadata][" + targetKey + "]")
	streamPath  = event.MustPath("data_stream")
)

func (c *encoder) actionOf(op *operation, e *event.Event) string {
	if c.action == nil {
		return c.fixed
	}
	n := len(op.b)
	b, err := c.action.Append(op.b, e)
	if err != nil {
		op.err = err
		return ""
	}
	text := b[n:]
	for _, a := range validAction {
		if string(text) == a {
			return a
		}
	}
	op.err = fmt.Errorf("%w: Elasticsearch does not support the action %q", errRefused, text)
	return ""
}
