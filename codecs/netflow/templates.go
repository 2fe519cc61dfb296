package netflow

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"sync"
	"time"

	flows "github.com/netsampler/goflow2/v2/decoders/netflow"

	"millrace/pipeline/plugin"
)

// cacheFile is where templates are kept over a restart, in cache_save_path.
const cacheFile = "millrace_netflow_templates.json"

// templates are what the exporters said of their records, shared by the workers: any of them may read the packet that has a template.
// It implements the template system of goflow2.
type templates struct {
	ttl  time.Duration
	path string // of the file, "" for none
	env  *plugin.Env

	mu   sync.RWMutex
	byID map[templateID]*template
}

type templateID struct {
	version uint16
	domain  uint32
	number  uint16
}

type template struct {
	record any
	seen   time.Time
}

// saved is one template in the file.
type saved struct {
	Version      uint16
	Domain       uint32
	Number       uint16
	Data         *flows.TemplateRecord             `json:",omitempty"`
	Options      *flows.NFv9OptionsTemplateRecord  `json:",omitempty"`
	IPFIXOptions *flows.IPFIXOptionsTemplateRecord `json:",omitempty"`
}

func newTemplates(folder string, ttl time.Duration, env *plugin.Env) (*templates, error) {
	t := &templates{ttl: ttl, env: env, byID: make(map[templateID]*template)}
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
		id := templateID{s.Version, s.Domain, s.Number}
		switch {
		case s.Data != nil:
			t.byID[id] = &template{*s.Data, time.Now()}
		case s.Options != nil:
			t.byID[id] = &template{*s.Options, time.Now()}
		case s.IPFIXOptions != nil:
			t.byID[id] = &template{*s.IPFIXOptions, time.Now()}
		}
	}
	return t, nil
}

var errEmptyTemplate = errors.New("a template without content")

// AddTemplate implements flows.NetFlowTemplateSystem.
func (t *templates) AddTemplate(version uint16, domain uint32, number uint16, record any) error {
	if recordLength(record) == 0 {
		return errEmptyTemplate // goflow2 would find endless records of it in any data
	}
	now := time.Now()
	id := templateID{version, domain, number}
	t.mu.Lock()
	defer t.mu.Unlock()
	old := t.byID[id]
	t.byID[id] = &template{record, now}
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

// recordLength returns how long a record of a template is at least.
func recordLength(record any) int {
	var fields []flows.Field
	switch r := record.(type) {
	case flows.TemplateRecord:
		fields = r.Fields
	case flows.NFv9OptionsTemplateRecord:
		fields = append(append(fields, r.Scopes...), r.Options...)
	case flows.IPFIXOptionsTemplateRecord:
		fields = append(append(fields, r.Scopes...), r.Options...)
	}
	n := 0
	for _, f := range fields {
		n += int(f.Length)
	}
	return n
}

// save writes the templates; the caller holds the lock. They change when an exporter starts, not with every packet.
func (t *templates) save() error {
	list := make([]saved, 0, len(t.byID))
	for id, tmpl := range t.byID {
		s := saved{Version: id.version, Domain: id.domain, Number: id.number}
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

// GetTemplate implements flows.NetFlowTemplateSystem.
func (t *templates) GetTemplate(version uint16, domain uint32, number uint16) (any, error) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	tmpl := t.byID[templateID{version, domain, number}]
	if tmpl == nil || time.Since(tmpl.seen) > t.ttl {
		return nil, flows.ErrorTemplateNotFound
	}
	return tmpl.record, nil
}

// RemoveTemplate implements flows.NetFlowTemplateSystem.
func (t *templates) RemoveTemplate(version uint16, domain uint32, number uint16) (any, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	id := templateID{version, domain, number}
	tmpl := t.byID[id]
	if tmpl == nil {
		return nil, flows.ErrorTemplateNotFound
	}
	delete(t.byID, id)
	return tmpl.record, nil
}

// GetTemplates implements flows.NetFlowTemplateSystem; the decoders do not call it.
func (t *templates) GetTemplates() flows.FlowBaseTemplateSet { return nil }
