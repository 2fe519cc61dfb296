package elasticsearch

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

// updater writes the second line of an update.
type updater struct {
	retry       []byte // retry_on_conflict
	script      *event.Template
	scriptKey   string // inline, id or file
	scriptLang  []byte // JSON; nil: none
	variable    []byte // JSON
	scripted    bool   // scripted_upsert
	docAsUpsert bool
	upsert      *event.Template
}

func newUpdater(o *Options) (*updater, error) {
	u := &updater{
		retry: strconv.AppendInt(nil, int64(*o.RetryOnConflict), 10), scripted: *o.ScriptedUpsert, docAsUpsert: *o.DocAsUpsert,
		variable: event.AppendJSONString(nil, *o.ScriptVarName),
	}
	var errs []error
	if o.Script != nil && o.Script.String() != "" {
		u.script = o.Script
	}
	if o.Upsert != nil && o.Upsert.String() != "" {
		u.upsert = o.Upsert
		if o.Upsert.Static() && !json.Valid([]byte(o.Upsert.String())) {
			errs = append(errs, plugin.OptionError("upsert", errors.New("it is not a JSON document")))
		}
	}
	if *o.ScriptLang != "" {
		u.scriptLang = event.AppendJSONString(nil, *o.ScriptLang)
	}
	kind := "inline"
	if len(o.ScriptType) > 0 {
		kind = o.ScriptType[0]
	}
	keys := map[string]string{"inline": "inline", "indexed": "id", "file": "file"}
	if u.scriptKey = keys[kind]; u.scriptKey == "" {
		errs = append(errs, plugin.OptionError("script_type", fmt.Errorf("no script type %q: inline, indexed or file", kind)))
	}
	if *o.DocAsUpsert && *o.ScriptedUpsert {
		errs = append(errs, plugin.OptionError("doc_as_upsert", errors.New("doc_as_upsert and scripted_upsert exclude each other")))
	}
	return u, errors.Join(errs...)
}

// checkAction returns what is wrong with options for an action that is the same for every event.
func (o *Options) checkAction(action string) error {
	external := strings.HasPrefix(o.VersionType, "external")
	switch {
	case action == "update" && (o.DocumentID == nil || o.DocumentID.String() == ""):
		return plugin.OptionError("action", errors.New("update needs document_id"))
	case external && (action == "create" || action == "update"):
		return plugin.OptionError("version_type", fmt.Errorf("the action %s knows no external versions", action))
	case external && o.Version == nil:
		return plugin.OptionError("version_type", errors.New("external versions need the option version"))
	}
	return nil
}

// append appends the line of e without its line end.
func (u *updater) append(dst []byte, c *encoder, e *event.Event) ([]byte, error) {
	if u.script == nil {
		dst = c.appendDocument(append(dst, `{"doc":`...), e)
		if u.docAsUpsert {
			return append(dst, `,"doc_as_upsert":true}`...), nil
		}
		dst, err := u.appendUpsert(dst, e)
		return append(dst, '}'), err
	}
	dst = append(append(append(dst, `{"script":{"params":{`...), u.variable...), ':')
	dst = append(c.appendDocument(dst, e), `},"`...)
	dst = append(append(dst, u.scriptKey...), `":`...)
	text, err := u.script.Text(e)
	if err != nil {
		return dst, err
	}
	dst = event.AppendJSONString(dst, text)
	if u.scriptLang != nil {
		dst = append(append(dst, `,"lang":`...), u.scriptLang...)
	}
	dst = append(dst, '}')
	switch {
	case u.scripted:
		dst = append(dst, `,"scripted_upsert":true,"upsert":{}`...)
	case u.docAsUpsert:
		dst = c.appendDocument(append(dst, `,"upsert":`...), e)
	default:
		dst, err = u.appendUpsert(dst, e)
	}
	return append(dst, '}'), err
}

func (u *updater) appendUpsert(dst []byte, e *event.Event) ([]byte, error) {
	if u.upsert == nil {
		return dst, nil
	}
	text, err := u.upsert.Text(e)
	if err != nil {
		return dst, err
	}
	if !json.Valid([]byte(text)) {
		return dst, fmt.Errorf("%w: upsert is not a JSON document: %q", errRefused, text)
	}
	compact, err := json.Marshal(json.RawMessage(text)) // one line
	return append(append(dst, `,"upsert":`...), compact...), err
}
