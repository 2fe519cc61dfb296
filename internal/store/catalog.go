package store

import (
	"cmp"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"millrace/internal/store/mapping"
	"millrace/internal/store/query"
)

// catalogName is the index whose meta holds what belongs to no index: templates and policies. It has no documents and is never listed.
const catalogName = ".millrace-catalog"

// index is one index, which may be the backing index of a data stream.
type index struct {
	name, uuid string
	created    int64
	stream     string // the data stream it belongs to
	template   string // the index template it was made by

	mu      sync.RWMutex // guards what follows
	mapping *mapping.Mapping
	version int // of the mapping
	saved   int // the version on disk

	saving   sync.Mutex
	settings map[string]string // guarded by catalog.mu
	aliases  map[string]alias  // guarded by catalog.mu
}

type alias struct {
	Write bool `json:"is_write_index,omitempty"`
}

// indexMeta is what the engine keeps of an index for us.
type indexMeta struct {
	UUID     string            `json:"uuid"`
	Created  int64             `json:"created"`
	Stream   string            `json:"stream,omitempty"`
	Template string            `json:"template,omitempty"`
	Settings map[string]string `json:"settings,omitempty"`
	Aliases  map[string]alias  `json:"aliases,omitempty"`
	Mapping  object            `json:"mappings"`
}

// globals are what belongs to no index.
type globals struct {
	ClusterUUID string            `json:"cluster_uuid"`
	Templates   map[string]object `json:"index_templates,omitempty"`
	Components  map[string]object `json:"component_templates,omitempty"`
	Legacy      map[string]object `json:"templates,omitempty"`
	Policies    map[string]object `json:"policies,omitempty"`
}

// catalog knows all indices, data streams, aliases and templates.
type catalog struct {
	engine query.Engine
	log    *slog.Logger
	now    func() time.Time

	mu      sync.RWMutex
	indices map[string]*index
	g       globals
}

func openCatalog(engine query.Engine, log *slog.Logger, now func() time.Time) (*catalog, error) {
	c := &catalog{engine: engine, log: log, now: now, indices: map[string]*index{}}
	for _, info := range engine.Indices() {
		if info.Name == catalogName {
			if err := json.Unmarshal(info.Meta, &c.g); err != nil {
				return nil, fmt.Errorf("reading the templates of the store: %w", err)
			}
			continue
		}
		ix, err := readIndex(info.Name, info.Meta)
		if err != nil {
			return nil, fmt.Errorf("reading the mapping of index %q: %w", info.Name, err)
		}
		c.indices[ix.name] = ix
	}
	if c.g.ClusterUUID == "" {
		c.g.ClusterUUID = newUUID()
	}
	for _, m := range []*map[string]object{&c.g.Templates, &c.g.Components, &c.g.Legacy, &c.g.Policies} {
		if *m == nil {
			*m = map[string]object{}
		}
	}
	meta, err := json.Marshal(&c.g)
	if err == nil {
		err = engine.CreateIndex(catalogName, meta)
	}
	if err != nil {
		return nil, fmt.Errorf("writing the templates of the store: %w", err)
	}
	return c, nil
}

func newUUID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	return base64.RawURLEncoding.EncodeToString(b[:])
}

func readIndex(name string, data []byte) (*index, error) {
	meta, err := decodeObject(data)
	if err != nil {
		return nil, err
	}
	var m indexMeta
	if err := json.Unmarshal(data, &m); err != nil {
		return nil, err
	}
	def, _ := meta["mappings"].(object) // with json.Number, which indexMeta would not keep
	ix := &index{name: name, uuid: m.UUID, created: m.Created, stream: m.Stream, template: m.Template, settings: m.Settings, aliases: m.Aliases}
	return ix, ix.setUp(def)
}

// setUp makes the index's mapping.
func (ix *index) setUp(def object) error {
	if ix.settings == nil {
		ix.settings = map[string]string{}
	}
	if ix.aliases == nil {
		ix.aliases = map[string]alias{}
	}
	m := mapping.New()
	m.Stream = ix.stream != ""
	m.IgnoreMalformed = ix.settings["index.mapping.ignore_malformed"] == "true"
	m.IgnoreBeyond = ix.settings["index.mapping.total_fields.ignore_dynamic_beyond_limit"] == "true"
	if n, err := strconv.Atoi(ix.settings["index.mapping.total_fields.limit"]); err == nil && n > 0 {
		m.Limit = n
	}
	ix.mapping = m
	if err := m.Merge(def); err != nil || !m.Stream {
		return err
	}
	add := object{"_data_stream_timestamp": object{"enabled": true}}
	if m.Field("@timestamp") == nil {
		add["properties"] = object{"@timestamp": object{"type": "date"}}
	}
	return m.Merge(add)
}

// meta returns what the engine is to keep. The caller holds ix.mu, or nobody else knows the index yet.
func (ix *index) meta() []byte {
	b, err := json.Marshal(&indexMeta{ix.uuid, ix.created, ix.stream, ix.template, ix.settings, ix.aliases, ix.mapping.Definition()})
	if err != nil {
		panic("BUG: " + err.Error())
	}
	return b
}

// save writes the mapping to disk if it has grown since it was.
func (c *catalog) save(ix *index) error {
	ix.mu.RLock()
	clean := ix.saved == ix.version
	ix.mu.RUnlock()
	if clean {
		return nil
	}
	ix.saving.Lock()
	defer ix.saving.Unlock()
	ix.mu.RLock()
	version, clean := ix.version, ix.saved == ix.version
	var meta []byte
	if !clean {
		meta = ix.meta()
	}
	ix.mu.RUnlock()
	if clean {
		return nil
	}
	if err := c.engine.SetMeta(ix.name, meta); err != nil {
		return err
	}
	ix.mu.Lock()
	ix.saved = max(ix.saved, version)
	ix.mu.Unlock()
	return nil
}

// changed says that the meta of an index has to be written. The caller holds c.mu.
func (c *catalog) changed(ix *index) error {
	ix.mu.Lock()
	ix.version++
	ix.mu.Unlock()
	return c.save(ix)
}

// saveGlobals writes templates and policies. The caller holds c.mu.
func (c *catalog) saveGlobals() error {
	meta, err := json.Marshal(&c.g)
	if err != nil {
		panic("BUG: " + err.Error())
	}
	return c.engine.SetMeta(catalogName, meta)
}

const forbiddenInNames = "\\/*?\"<>| ,#:"

// checkName refuses names that Elasticsearch refuses.
func checkName(name string) error {
	why := ""
	switch {
	case name == "":
		why = "must not be empty"
	case name != strings.ToLower(name):
		why = "must be lowercase"
	case strings.ContainsAny(name, forbiddenInNames):
		bad := name[strings.IndexAny(name, forbiddenInNames)]
		if bad == '#' || bad == ':' {
			why = fmt.Sprintf("must not contain '%c'", bad)
		} else {
			why = `must not contain the following characters ['\\','/','*','?','"','<','>','|',' ',',']`
		}
	case strings.ContainsRune("_-+", rune(name[0])):
		why = "must not start with '_', '-', or '+'"
	case name == "." || name == "..":
		why = "must not be '.' or '..'"
	case len(name) > 255:
		why = fmt.Sprintf("index name is too long, (%d > 255)", len(name))
	case name == catalogName:
		why = "is kept by the store for itself"
	default:
		return nil
	}
	return &apiError{status: http.StatusBadRequest, typ: "invalid_index_name_exception", reason: fmt.Sprintf("Invalid index name [%s], %s", name, why),
		more: object{"index_uuid": "_na_", "index": name}}
}

// resolveDateMath replaces <name-{now/d}> by the name that it means.
func resolveDateMath(name string, now time.Time) (string, error) {
	if !strings.HasPrefix(name, "<") || !strings.HasSuffix(name, ">") {
		return name, nil
	}
	var b strings.Builder
	rest := name[1 : len(name)-1]
	for {
		head, tail, ok := strings.Cut(rest, "{")
		b.WriteString(head)
		if !ok {
			return b.String(), nil
		}
		depth, end := 1, -1
		for i, c := range tail {
			switch c {
			case '{':
				depth++
			case '}':
				depth--
			}
			if depth == 0 {
				end = i
				break
			}
		}
		if end < 0 {
			return "", badRequest("invalid dynamic name expression [%s]. date math placeholder is open ended", name)
		}
		text, err := dateMathName(tail[:end], now)
		if err != nil {
			return "", err
		}
		b.WriteString(text)
		rest = tail[end+1:]
	}
}

// dateMathName writes one placeholder: now/d, now-1d/d{yyyy.MM.dd}, now/d{yyyy.MM.dd|+01:00}.
func dateMathName(expr string, now time.Time) (string, error) {
	expr, format, formatted := strings.Cut(expr, "{")
	text, zone := "yyyy.MM.dd", time.UTC
	if formatted {
		f, z, zoned := strings.Cut(strings.TrimSuffix(format, "}"), "|")
		text = f
		if zoned {
			var err error
			if zone, err = loadZone(z); err != nil {
				return "", err
			}
		}
	}
	ms, err := evalDateMath(expr, now, zone)
	if err != nil {
		return "", err
	}
	f, err := mapping.NewDateFormat(text)
	if err != nil {
		return "", badRequest("%s", err)
	}
	return string(f.Append(nil, ms, zone)), nil
}

// streams returns the backing indices of each data stream, oldest first. The caller holds c.mu.
func (c *catalog) streams() map[string][]*index {
	all := map[string][]*index{}
	for _, ix := range c.indices {
		if ix.stream != "" {
			all[ix.stream] = append(all[ix.stream], ix)
		}
	}
	for _, list := range all {
		slices.SortFunc(list, func(a, b *index) int { return cmp.Compare(generation(a.name), generation(b.name)) })
	}
	return all
}

// generation is the number at the end of a backing index's name.
func generation(name string) int {
	n, _ := strconv.Atoi(name[strings.LastIndexByte(name, '-')+1:]) // 0 for a name of another form
	return n
}

// target is where a write goes.
type target struct {
	ix     *index
	stream bool
}

// lookUp finds where writes to a name go. The caller holds c.mu; ix is nil if there is no such name.
func (c *catalog) lookUp(name string) (target, error) {
	if ix := c.indices[name]; ix != nil {
		return target{ix, false}, nil
	}
	var newest *index
	var members []*index
	for _, ix := range c.indices {
		if ix.stream == name && (newest == nil || generation(ix.name) > generation(newest.name)) {
			newest = ix
		}
		if _, ok := ix.aliases[name]; ok {
			members = append(members, ix)
		}
	}
	if newest != nil {
		return target{newest, true}, nil
	}
	switch len(members) {
	case 0:
		return target{}, nil
	case 1:
		return target{members[0], false}, nil
	}
	for _, ix := range members {
		if ix.aliases[name].Write {
			return target{ix, false}, nil
		}
	}
	return target{}, badRequest("no write index is defined for alias [%s]. The write index may be explicitly disabled using is_write_index=false or the alias points to multiple indices without one being designated as a write index", name)
}

// forWrite finds where writes to a name go, and makes the index or data stream where there is none.
func (c *catalog) forWrite(name string, create bool) (target, error) {
	name, err := resolveDateMath(name, c.now())
	if err != nil {
		return target{}, err
	}
	c.mu.RLock()
	t, err := c.lookUp(name)
	c.mu.RUnlock()
	if t.ix != nil || err != nil {
		return t, err
	}
	if err := checkName(name); err != nil {
		return target{}, err
	}
	name = strings.Clone(name) // it may be part of a request's body
	c.mu.Lock()
	defer c.mu.Unlock()
	if t, err := c.lookUp(name); t.ix != nil || err != nil {
		return t, err
	}
	tmpl := c.templateFor(name)
	if tmpl != nil && tmpl.stream {
		if !create {
			return target{}, onlyCreate(name)
		}
		ix, err := c.addBacking(name, tmpl, 1)
		return target{ix, true}, err
	}
	ix, err := c.addIndex(name, tmpl, nil)
	return target{ix, false}, err
}

func onlyCreate(name string) error {
	e := badRequest("only write ops with an op_type of create are allowed in data streams")
	e.cause = noSuchIndex(name)
	return e
}

// addBacking makes the backing index of a data stream. The caller holds c.mu.
func (c *catalog) addBacking(stream string, tmpl *template, gen int) (*index, error) {
	name := fmt.Sprintf(".ds-%s-%s-%06d", stream, c.now().UTC().Format("2006.01.02"), gen)
	ix := &index{name: name, stream: stream}
	return ix, c.finish(ix, tmpl, nil)
}

// addIndex makes an index by a template and what a request says beyond it. The caller holds c.mu.
func (c *catalog) addIndex(name string, tmpl *template, def object) (*index, error) {
	if c.indices[name] != nil {
		e := failure(http.StatusBadRequest, "resource_already_exists_exception", "index [%s/%s] already exists", name, c.indices[name].uuid)
		e.index = c.indices[name]
		return nil, e
	}
	if t, _ := c.lookUp(name); t.ix != nil {
		return nil, failure(http.StatusBadRequest, "invalid_index_name_exception", "Invalid index name [%s], already exists as alias or data stream", name)
	}
	ix := &index{name: name}
	return ix, c.finish(ix, tmpl, def)
}

// finish gives a new index its settings and mapping, and makes it.
func (c *catalog) finish(ix *index, tmpl *template, def object) error {
	ix.uuid, ix.created = newUUID(), c.now().UnixMilli()
	var layers []object
	if tmpl != nil {
		ix.template = tmpl.name
		layers = append(layers, tmpl.layers...)
	}
	if def != nil {
		layers = append(layers, def)
	}
	var err error
	if ix.settings, err = mergeSettings(layers); err != nil {
		return err
	}
	if ix.aliases, err = mergeAliases(layers, ix.name); err != nil {
		return err
	}
	def, err = mergeMappings(layers)
	if err == nil {
		err = ix.setUp(def)
	}
	if err != nil {
		return err
	}
	if err := c.engine.CreateIndex(ix.name, ix.meta()); err != nil {
		return err
	}
	c.indices[ix.name] = ix
	c.log.Info("the store has a new index", "index", ix.name, "template", ix.template)
	return nil
}

// info returns what the engine knows of all indices but the catalog's own.
func (c *catalog) info() map[string]query.IndexInfo {
	all := map[string]query.IndexInfo{}
	for _, i := range c.engine.Indices() {
		if i.Name != catalogName {
			all[i.Name] = i
		}
	}
	return all
}

// expand finds the indices that an expression such as a*,-ab,c names, sorted. A name that does not exist is an error unless lenient.
func (c *catalog) expand(expr string, lenient bool) ([]*index, error) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	streams := c.streams()
	found := map[string]*index{}
	all := expr == "" || expr == "_all"
	if all {
		expr = "*"
	}
	for i, part := range strings.Split(expr, ",") {
		exclude := i > 0 && strings.HasPrefix(part, "-")
		part = strings.TrimPrefix(part, "-")
		if !exclude && i == 0 && strings.HasPrefix(expr, "-") {
			part = "-" + part
		}
		part, err := resolveDateMath(part, c.now())
		if err != nil {
			return nil, err
		}
		names := c.named(part, streams)
		if len(names) == 0 && !strings.Contains(part, "*") && !lenient && !exclude {
			if strings.HasPrefix(part, "_") {
				return nil, failure(http.StatusBadRequest, "invalid_index_name_exception", "Invalid index name [%s], must not start with '_'.", part)
			}
			return nil, noSuchIndex(part)
		}
		for _, ix := range names {
			if exclude {
				delete(found, ix.name)
			} else {
				found[ix.name] = ix
			}
		}
	}
	return slices.SortedFunc(maps.Values(found), func(a, b *index) int { return cmp.Compare(a.name, b.name) }), nil
}

// named finds the indices that one name or pattern stands for.
func (c *catalog) named(part string, streams map[string][]*index) []*index {
	var list []*index
	if !strings.Contains(part, "*") {
		if ix := c.indices[part]; ix != nil {
			return []*index{ix}
		}
		list = append(list, streams[part]...)
		for _, ix := range c.indices {
			if _, ok := ix.aliases[part]; ok {
				list = append(list, ix)
			}
		}
		return list
	}
	for _, ix := range c.indices {
		hidden := strings.HasPrefix(ix.name, ".") && !strings.HasPrefix(part, ".")
		match := !hidden && mapping.Simple(part, ix.name) || ix.stream != "" && mapping.Simple(part, ix.stream)
		for a := range ix.aliases {
			match = match || mapping.Simple(part, a)
		}
		if match {
			list = append(list, ix)
		}
	}
	return list
}
