package netflow

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	flows "github.com/netsampler/goflow2/v2/decoders/netflow"

	"millrace/internal/throttle"
	"millrace/pipeline/plugin"
)

// cacheFile is where templates are kept over a restart, in cache_save_path.
const cacheFile = "millrace_netflow_templates.json"

// templates are what the exporters said of their records, shared by the workers: any of them may read the packet that has a template.
type templates struct {
	ttl  time.Duration
	path string // of the file, "" for none
	env  *plugin.Env

	undecoded *atomic.Int64 // sets whose template had not come
	log       *throttle.Logger

	mu   sync.RWMutex
	byID map[templateID]*template
}

type templateID struct {
	sender  string // exporters choose domain and number without knowing of each other
	version uint16
	domain  uint32
	number  uint16
}

// sender is the templates as one exporter may see and change them. It implements the template system of goflow2.
type sender struct {
	*templates
	name string
}

type template struct {
	record any // as goflow2 has it
	fields []flows.Field
	scopes int // how many of the fields tell what an option is about
	least  int // how long a record is at least
	seen   time.Time
}

func newTemplate(record any) *template {
	t := &template{record: record, seen: time.Now()}
	switch r := record.(type) {
	case flows.TemplateRecord:
		t.fields = r.Fields
	case flows.NFv9OptionsTemplateRecord:
		t.fields, t.scopes = slices.Concat(r.Scopes, r.Options), len(r.Scopes)
	case flows.IPFIXOptionsTemplateRecord:
		t.fields, t.scopes = slices.Concat(r.Scopes, r.Options), len(r.Scopes)
	}
	for _, f := range t.fields {
		if f.Length == variable {
			t.least++
		} else {
			t.least += int(f.Length)
		}
	}
	return t
}

// saved is one template in the file.
type saved struct {
	Sender       string `json:",omitempty"`
	Version      uint16
	Domain       uint32
	Number       uint16
	Data         *flows.TemplateRecord             `json:",omitempty"`
	Options      *flows.NFv9OptionsTemplateRecord  `json:",omitempty"`
	IPFIXOptions *flows.IPFIXOptionsTemplateRecord `json:",omitempty"`
}

func newTemplates(folder string, ttl time.Duration, env *plugin.Env) (*templates, error) {
	t := &templates{
		ttl: ttl, env: env, byID: make(map[templateID]*template), log: throttle.New(env.Log, time.Minute),
		undecoded: env.Counter("netflow_template_missing", "Sets of flows whose template had not come yet, which cannot be decoded."),
	}
	if folder == "" {
		return t, nil
	}
	t.path = filepath.Join(folder, cacheFile)
	data, err := os.ReadFile(t.path)
	if errors.Is(err, os.ErrNotExist) {
		return t, nil
	}
	var list []saved
	if err == nil {
		err = json.Unmarshal(data, &list)
	}
	if err != nil {
		return nil, fmt.Errorf("reading netflow templates in %q: %w", t.path, err)
	}
	for _, s := range list {
		id := templateID{s.Sender, s.Version, s.Domain, s.Number}
		switch {
		case s.Data != nil:
			t.byID[id] = newTemplate(*s.Data)
		case s.Options != nil:
			t.byID[id] = newTemplate(*s.Options)
		case s.IPFIXOptions != nil:
			t.byID[id] = newTemplate(*s.IPFIXOptions)
		}
	}
	return t, nil
}

var errEmptyTemplate = errors.New("a template without content")

// AddTemplate implements flows.NetFlowTemplateSystem.
func (t *sender) AddTemplate(version uint16, domain uint32, number uint16, record any) error {
	tmpl := newTemplate(record)
	if tmpl.least == 0 {
		return errEmptyTemplate // there would be endless records of it in any data
	}
	now := tmpl.seen
	id := templateID{t.name, version, domain, number}
	t.mu.Lock()
	defer t.mu.Unlock()
	old := t.byID[id]
	t.byID[id] = tmpl
	if old != nil && reflect.DeepEqual(old.record, record) {
		return nil
	}
	for id, old := range t.byID {
		if now.Sub(old.seen) > t.ttl {
			delete(t.byID, id)
		}
	}
	if t.path == "" {
		return nil
	}
	if err := t.save(); err != nil {
		t.env.Log.Warn("netflow templates cannot be saved", "path", t.path, "error", err)
	}
	return nil
}

// save writes the templates; the caller holds the lock. They change when an exporter starts, not with every packet.
func (t *templates) save() error {
	list := make([]saved, 0, len(t.byID))
	for id, tmpl := range t.byID {
		s := saved{Sender: id.sender, Version: id.version, Domain: id.domain, Number: id.number}
		switch r := tmpl.record.(type) {
		case flows.TemplateRecord:
			s.Data = &r
		case flows.NFv9OptionsTemplateRecord:
			s.Options = &r
		case flows.IPFIXOptionsTemplateRecord:
			s.IPFIXOptions = &r
		}
		list = append(list, s)
	}
	data, err := json.Marshal(list)
	if err != nil {
		return err
	}
	if err := os.WriteFile(t.path+".tmp", data, 0o600); err != nil {
		return err
	}
	return os.Rename(t.path+".tmp", t.path)
}

// missing counts a set of flows that cannot be decoded, because its template has not come yet.
func (t *templates) missing(p *packet, set uint16) {
	t.undecoded.Add(1)
	t.log.Warn("flows cannot be decoded before the exporter has sent their template, which it usually does within a minute",
		slog.Int("version", int(p.version)), slog.Int64("source_id", int64(p.domain)), slog.Int("flowset_id", int(set)))
}

// find returns a template, nil if it has not come or was not sent again for too long.
func (t *templates) find(id templateID) *template {
	t.mu.RLock()
	defer t.mu.RUnlock()
	tmpl := t.byID[id]
	if tmpl == nil || time.Since(tmpl.seen) > t.ttl {
		return nil
	}
	return tmpl
}

// GetTemplate implements flows.NetFlowTemplateSystem. It says that there is none, so that goflow2 leaves data as they are.
func (t *sender) GetTemplate(uint16, uint32, uint16) (any, error) {
	return nil, flows.ErrorTemplateNotFound
}

// RemoveTemplate implements flows.NetFlowTemplateSystem.
func (t *sender) RemoveTemplate(version uint16, domain uint32, number uint16) (any, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	id := templateID{t.name, version, domain, number}
	tmpl := t.byID[id]
	if tmpl == nil {
		return nil, flows.ErrorTemplateNotFound
	}
	delete(t.byID, id)
	return tmpl.record, nil
}

// GetTemplates implements flows.NetFlowTemplateSystem; the decoders do not call it.
func (t *sender) GetTemplates() flows.FlowBaseTemplateSet { return nil }
