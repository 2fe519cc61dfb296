package store

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"sort"
	"strconv"
	"strings"

	"millrace/internal/store/mapping"
	"millrace/internal/store/query"
)

// rootInfo answers GET /, by which clients know the product and the version.
func (q *request) rootInfo() error {
	if err := q.only(); err != nil {
		return err
	}
	q.send(http.StatusOK, object{
		"name": q.s.o.Name, "cluster_name": "millrace", "cluster_uuid": q.s.cat.g.ClusterUUID, "tagline": "You Know, for Search",
		"version": object{
			"number": Version, "build_flavor": "default", "build_type": "millrace", "build_hash": "unknown", "build_date": "1970-01-01T00:00:00.000Z",
			"build_snapshot": false, "lucene_version": "9.12.0", "minimum_wire_compatibility_version": "7.17.0", "minimum_index_compatibility_version": "7.0.0",
		},
	})
	return nil
}

// license answers as a cluster with the free licence: shippers ask before they send.
func (q *request) license() error {
	q.send(http.StatusOK, object{"license": object{
		"status": "active", "uid": q.s.cat.g.ClusterUUID, "type": "basic", "issue_date": "1970-01-01T00:00:00.000Z", "issue_date_in_millis": 0,
		"max_nodes": 1000, "max_resource_units": nil, "issued_to": "millrace", "issuer": "elasticsearch", "start_date_in_millis": -1,
	}})
	return nil
}

func (q *request) xpack() error {
	on, off := object{"available": true, "enabled": true}, object{"available": false, "enabled": false}
	q.send(http.StatusOK, object{
		"license":  object{"uid": q.s.cat.g.ClusterUUID, "type": "basic", "mode": "basic", "status": "active"},
		"features": object{"data_streams": on, "ilm": on, "security": off, "monitoring": off, "ml": off},
	})
	return nil
}

// cluster answers _cluster/health and refuses what else there is below _cluster.
func (q *request) cluster() error {
	if len(q.parts) < 2 || q.parts[1] != "health" || !q.is(http.MethodGet, http.MethodHead) || len(q.parts) > 3 {
		return q.noHandler()
	}
	if err := q.only("wait_for_status", "wait_for_nodes", "wait_for_active_shards", "wait_for_no_relocating_shards", "wait_for_no_initializing_shards",
		"wait_for_events", "level", "expand_wildcards"); err != nil {
		return err
	}
	list, err := q.s.cat.expand(q.arg(2), false)
	if err != nil {
		return err
	}
	q.send(http.StatusOK, object{
		"cluster_name": "millrace", "status": "green", "timed_out": false, "number_of_nodes": 1, "number_of_data_nodes": 1,
		"active_primary_shards": len(list), "active_shards": len(list), "relocating_shards": 0, "initializing_shards": 0, "unassigned_shards": 0,
		"unassigned_primary_shards": 0, "delayed_unassigned_shards": 0, "number_of_pending_tasks": 0, "number_of_in_flight_fetch": 0,
		"task_max_waiting_in_queue_millis": 0, "active_shards_percent_as_number": 100.0,
	})
	return nil
}

// nodes answers the requests by which clients look for the nodes of a cluster: there is one, and it is at the address asked.
func (q *request) nodes() error {
	if len(q.parts) > 1 && q.parts[1] != "http" && q.parts[1] != "_all" || len(q.parts) > 2 {
		return q.noHandler()
	}
	q.send(http.StatusOK, object{"cluster_name": "millrace", "_nodes": object{"total": 1, "successful": 1, "failed": 0}, "nodes": object{
		q.s.cat.g.ClusterUUID: object{"name": q.s.o.Name, "version": Version, "roles": []string{"data", "ingest", "master"},
			"http": object{"publish_address": q.Host, "bound_address": []string{q.Host}}},
	}})
	return nil
}

// catColumn is a column of _cat/indices.
type catColumn struct {
	name, short string
	left        bool
	value       func(*index, *query.IndexInfo) string
}

var catColumns = []catColumn{
	{"health", "h", true, func(*index, *query.IndexInfo) string { return "green" }},
	{"status", "s", true, func(*index, *query.IndexInfo) string { return "open" }},
	{"index", "i", true, func(ix *index, _ *query.IndexInfo) string { return ix.name }},
	{"uuid", "id", true, func(ix *index, _ *query.IndexInfo) string { return ix.uuid }},
	{"pri", "p", false, func(*index, *query.IndexInfo) string { return "1" }},
	{"rep", "r", false, func(*index, *query.IndexInfo) string { return "0" }},
	{"docs.count", "dc", false, func(_ *index, i *query.IndexInfo) string { return itoa(i.Docs) }},
	{"docs.deleted", "dd", false, func(_ *index, i *query.IndexInfo) string { return itoa(i.Deleted) }},
	{"store.size", "ss", false, func(_ *index, i *query.IndexInfo) string { return itoa(i.Bytes) }},
	{"pri.store.size", "", false, func(_ *index, i *query.IndexInfo) string { return itoa(i.Bytes) }},
	{"dataset.size", "", false, func(_ *index, i *query.IndexInfo) string { return itoa(i.Bytes) }},
	{"creation.date", "cd", false, func(ix *index, _ *query.IndexInfo) string { return itoa(ix.created) }},
	{"creation.date.string", "cds", true, func(ix *index, _ *query.IndexInfo) string { return string(mapping.AppendISO(nil, ix.created, nil)) }},
}

// defaultColumns is how many of catColumns are shown where no h= says which.
const defaultColumns = 11

// catAPI answers _cat/indices, _cat/health and _cat/count.
func (q *request) catAPI() error {
	if !q.is(http.MethodGet, http.MethodHead) || len(q.parts) < 2 || len(q.parts) > 3 || q.parts[1] != "indices" {
		return q.noHandler()
	}
	if err := q.only("v", "h", "s", "bytes", "health", "expand_wildcards", "help", "pri", "include_unloaded_segments"); err != nil {
		return err
	}
	for _, k := range []string{"health", "help", "pri"} {
		if q.q.Has(k) {
			return unsupported("the parameter [%s] of _cat/indices", k)
		}
	}
	list, err := q.s.cat.expand(q.arg(2), false)
	if err != nil {
		return err
	}
	columns, err := chooseColumns(q.q.Get("h"))
	if err != nil {
		return err
	}
	size := humanSize
	switch b := q.q.Get("bytes"); b {
	case "":
	case "b":
		size = itoa
	default:
		return unsupported("[bytes=%s]", b)
	}
	info := q.s.cat.info()
	rows := make([][]string, 0, len(list))
	for _, ix := range list {
		i := info[ix.name]
		row := make([]string, len(columns))
		for k, c := range columns {
			row[k] = c.value(ix, &i)
			if strings.HasSuffix(c.name, ".size") {
				row[k] = size(i.Bytes)
			}
		}
		rows = append(rows, row)
	}
	if err := sortRows(rows, columns, q.q.Get("s")); err != nil {
		return err
	}
	switch f := q.q.Get("format"); f {
	case "json":
		q.catJSON(columns, rows)
	case "", "text":
		q.catText(columns, rows)
	default:
		return unsupported("[format=%s]", f)
	}
	return nil
}

func chooseColumns(h string) ([]catColumn, error) {
	if h == "" {
		return catColumns[:defaultColumns], nil
	}
	var chosen []catColumn
	for name := range strings.SplitSeq(h, ",") {
		n := len(chosen)
		for _, c := range catColumns {
			if mapping.Simple(name, c.name) || name == c.short {
				chosen = append(chosen, c)
			}
		}
		if len(chosen) == n {
			return nil, unsupported("column [%s] of _cat/indices", name)
		}
	}
	return chosen, nil
}

// sortRows orders rows by s=column[:desc],…
func sortRows(rows [][]string, columns []catColumn, by string) error {
	if by == "" {
		return nil
	}
	keys := strings.Split(by, ",")
	for _, key := range slices.Backward(keys) {
		name, order, _ := strings.Cut(key, ":")
		k := slices.IndexFunc(columns, func(c catColumn) bool { return c.name == name || c.short == name })
		if k < 0 {
			return unsupported("sorting _cat/indices by [%s], which is not among its columns,", name)
		}
		sort.SliceStable(rows, func(i, j int) bool {
			a, b := rows[i][k], rows[j][k]
			if order == "desc" {
				a, b = b, a
			}
			x, err1 := strconv.ParseInt(a, 10, 64)
			y, err2 := strconv.ParseInt(b, 10, 64)
			if err1 == nil && err2 == nil {
				return x < y
			}
			return a < b
		})
	}
	return nil
}

func (q *request) catJSON(columns []catColumn, rows [][]string) {
	out := []byte{'['}
	for _, row := range rows {
		out = append(out, '{')
		for k, v := range row {
			out = appendString(append(appendString(out, columns[k].name), ':'), v)
			out = append(out, ',')
		}
		out = append(out[:len(out)-1], "},"...)
	}
	if len(rows) > 0 {
		out = out[:len(out)-1]
	}
	q.sendJSON(http.StatusOK, append(out, ']'))
}

func (q *request) catText(columns []catColumn, rows [][]string) {
	if on, _ := q.flag("v", false); on {
		head := make([]string, len(columns))
		for k, c := range columns {
			head[k] = c.name
		}
		rows = append([][]string{head}, rows...)
	}
	width := make([]int, len(columns))
	for _, row := range rows {
		for k, v := range row {
			width[k] = max(width[k], len(v))
		}
	}
	var b strings.Builder
	for _, row := range rows {
		for k, v := range row {
			if k > 0 {
				b.WriteByte(' ')
			}
			if columns[k].left {
				fmt.Fprintf(&b, "%-*s", width[k], v)
			} else {
				fmt.Fprintf(&b, "%*s", width[k], v)
			}
		}
		b.WriteByte('\n')
	}
	q.sendText(b.String())
}

// humanSize writes a size as Elasticsearch does: 9.2kb.
func humanSize(n int64) string {
	units := []string{"b", "kb", "mb", "gb", "tb"}
	v, u := float64(n), 0
	for v >= 1024 && u < len(units)-1 {
		v /= 1024
		u++
	}
	return strings.TrimSuffix(strconv.FormatFloat(float64(int64(v*10))/10, 'f', 1, 64), ".0") + units[u]
}

// resolveIndex answers _resolve/index/…
func (q *request) resolveIndex(expr string) error {
	if err := q.only("expand_wildcards", "ignore_unavailable", "allow_no_indices", "mode"); err != nil {
		return err
	}
	list, err := q.s.cat.expand(expr, true)
	if err != nil {
		return err
	}
	indices, streams, aliases := []object{}, []object{}, map[string][]string{}
	backing := map[string][]string{}
	for _, ix := range list {
		o := object{"name": ix.name, "attributes": []string{"open"}, "mode": "standard"}
		if ix.stream != "" {
			if mapping.Simple(expr, ix.stream) || !strings.HasPrefix(expr, ".") {
				backing[ix.stream] = append(backing[ix.stream], ix.name)
				continue
			}
			o["data_stream"] = ix.stream
		}
		for a := range q.s.aliasesOf(ix) {
			aliases[a] = append(aliases[a], ix.name)
		}
		indices = append(indices, o)
	}
	for name, list := range backing {
		streams = append(streams, object{"name": name, "backing_indices": list, "timestamp_field": "@timestamp"})
	}
	slices.SortFunc(streams, func(a, b object) int { return cmp.Compare(a["name"].(string), b["name"].(string)) })
	shown := []object{}
	for name, list := range aliases {
		shown = append(shown, object{"name": name, "indices": list})
	}
	slices.SortFunc(shown, func(a, b object) int { return cmp.Compare(a["name"].(string), b["name"].(string)) })
	q.send(http.StatusOK, object{"indices": indices, "aliases": shown, "data_streams": streams})
	return nil
}

// fieldCaps answers _field_caps.
func (q *request) fieldCaps(expr string) error {
	if err := q.only("fields", "ignore_unavailable", "allow_no_indices", "expand_wildcards", "include_unmapped", "filters", "types", "include_empty_fields"); err != nil {
		return err
	}
	for _, k := range []string{"include_unmapped", "filters", "types"} {
		if v := q.q.Get(k); v != "" && v != "false" {
			return unsupported("the parameter [%s] of _field_caps", k)
		}
	}
	body, err := q.json()
	if err != nil {
		return err
	}
	patterns := strings.Split(q.q.Get("fields"), ",")
	for k, v := range body {
		if k != "fields" {
			return unsupported("[%s] of _field_caps", k)
		}
		patterns = textList(v)
	}
	list, err := q.s.cat.expand(expr, q.q.Get("ignore_unavailable") == "true")
	if err != nil {
		return err
	}
	names := []string{}
	byType := map[string]map[string][]string{} // path, type, indices
	nodes := map[string]*mapping.Node{}
	for _, ix := range list {
		names = append(names, ix.name)
		ix.mu.RLock()
		ix.mapping.Leaves(func(n *mapping.Node) {
			if !matchesAny(patterns, n.Path) {
				return
			}
			f := ix.mapping.Field(n.Path)
			typ := capsType(f)
			if byType[n.Path] == nil {
				byType[n.Path] = map[string][]string{}
			}
			byType[n.Path][typ] = append(byType[n.Path][typ], ix.name)
			nodes[n.Path+"\x00"+typ] = f
		})
		ix.mu.RUnlock()
	}
	fields := object{}
	for path, types := range byType {
		o := object{}
		for typ, in := range types {
			n := nodes[path+"\x00"+typ]
			c := object{"type": typ, "metadata_field": false, "searchable": n.Refused == "" && n.Index, "aggregatable": n.Refused == "" && n.DocValues && n.Type.Kind() != query.Text}
			if len(types) > 1 {
				c["indices"] = in
			}
			o[typ] = c
		}
		fields[path] = o
	}
	q.send(http.StatusOK, object{"indices": names, "fields": fields})
	return nil
}

// capsType is the family of a type, as _field_caps names it.
func capsType(n *mapping.Node) string {
	switch n.Type {
	case mapping.MatchOnlyText:
		return "text"
	case mapping.ConstantKeyword, mapping.Wildcard:
		return "keyword"
	}
	return string(n.Type)
}

func textList(v any) []string {
	switch v := v.(type) {
	case string:
		return strings.Split(v, ",")
	case []any:
		var all []string
		for _, e := range v {
			all = append(all, fmt.Sprint(e))
		}
		return all
	}
	return nil
}

func marshal(v any) json.RawMessage {
	b, err := json.Marshal(v)
	if err != nil {
		panic("BUG: " + err.Error())
	}
	return b
}
