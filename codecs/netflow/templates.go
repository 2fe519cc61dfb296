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

	mu    sync.RWMutex
	byID  map[templateID]*template
	cost  int       // of all of them
	swept time.Time // when those that were not sent again were last looked for
	saved time.Time // when the file was last written

	unsaved bool // there is something new since then
}

// The bounds on what exporters, or whoever writes their addresses into datagrams, may have remembered: 100 MB in all, and few fields without
// bytes, each of which costs time in every record of a packet that may hold one for every byte.
const (
	maxCost   = 4 << 20 // fields
	ownCost   = 8       // of a template, beside its fields
	maxSparse = 64      // fields beyond eight for every byte
	sweepTime = time.Minute
	saveTime  = time.Second // between two writes of the file
)

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

func (t *template) cost() int { return ownCost + len(t.fields) }

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

// record returns what the template is for goflow2, nil for none.
func (s *saved) record() any {
	switch {
	case s.Data != nil:
		return *s.Data
	case s.Options != nil:
		return *s.Options
	case s.IPFIXOptions != nil:
		return *s.IPFIXOptions
	}
	return nil
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
		if record := s.record(); record != nil {
			id := templateID{s.Sender, s.Version, s.Domain, s.Number}
			_ = t.put(id, newTemplate(record)) // what there is no room for is sent again
		}
	}
	return t, nil
}

var (
	errEmptyTemplate = errors.New("a template without content")
	errSparse        = errors.New("a template of fields without content")
	errTooMany       = errors.New("there is no room for a further template")
)

// AddTemplate implements flows.NetFlowTemplateSystem.
func (t *sender) AddTemplate(version uint16, domain uint32, number uint16, record any) error {
	tmpl := newTemplate(record)
	if tmpl.least == 0 {
		return errEmptyTemplate // there would be endless records of it in any data
	}
	if len(tmpl.fields) > maxSparse+8*tmpl.least {
		return errSparse
	}
	id := templateID{t.name, version, domain, number}
	t.mu.Lock()
	defer t.mu.Unlock()
	old := t.byID[id]
	if err := t.put(id, tmpl); err != nil {
		t.log.Error("a template is refused", slog.Any("error", err), slog.String("sender", t.name), slog.Int("templates", len(t.byID)))
		return err
	}
	if old == nil || !reflect.DeepEqual(old.record, record) {
		t.unsaved = true
	}
	if t.path == "" || !t.unsaved || tmpl.seen.Sub(t.saved) < saveTime {
		return nil // what changed is saved with the next template, which exporters send again and again
	}
	err := t.save()
	if t.unsaved, t.saved = err != nil, tmpl.seen; err != nil {
		t.env.Log.Warn("netflow templates cannot be saved", "path", t.path, "error", err)
	}
	return nil
}

// put remembers a template, in the place of an older one. The caller holds the lock.
func (t *templates) put(id templateID, tmpl *template) error {
	if now := tmpl.seen; now.Sub(t.swept) > sweepTime {
		t.swept = now
		for id, old := range t.byID {
			if now.Sub(old.seen) > t.ttl {
				t.drop(id, old)
			}
		}
	}
	more := tmpl.cost()
	if old := t.byID[id]; old != nil {
		more -= old.cost()
	}
	if more > 0 && t.cost+more > maxCost {
		return errTooMany
	}
	t.byID[id] = tmpl
	t.cost += more
	return nil
}

func (t *templates) drop(id templateID, old *template) {
	delete(t.byID, id)
	t.cost -= old.cost()
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
	t.drop(id, tmpl)
	return tmpl.record, nil
}

// GetTemplates implements flows.NetFlowTemplateSystem; the decoders do not call it.
func (t *sender) GetTemplates() flows.FlowBaseTemplateSet { return nil }
