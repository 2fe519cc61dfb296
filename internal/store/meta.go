package store

import (
	"encoding/json"
	"strconv"
	"unicode/utf8"
	"unsafe"

	"millrace/internal/store/mapping"
)

// parseMeta reads the action line of an operation. The usual form is read without building anything.
func (it *item) parseMeta(line []byte, number int) error {
	var m mapping.Lines
	if !m.Start(line) {
		return badRequest("Malformed action/metadata line [%d], expected START_OBJECT or END_OBJECT but found another value", number)
	}
	name, ok := m.Key()
	if !ok {
		return badRequest("Malformed action/metadata line [%d], expected a field name", number)
	}
	switch name {
	case "index":
		it.act = actIndex
	case "create":
		it.act = actCreate
	case "update":
		it.act = actUpdate
	case "delete":
		it.act = actDelete
	default:
		return badRequest("Malformed action/metadata line [%d], expected field [create], [delete], [index] or [update] but found [%s]", number, name)
	}
	if !m.Enter() {
		return badRequest("Malformed action/metadata line [%d], expected START_OBJECT but found another value", number)
	}
	for m.More() {
		key, ok := m.Key()
		var v string
		var null bool
		if ok {
			v, null, ok = m.Scalar()
		}
		if !ok {
			return badRequest("Malformed action/metadata line [%d], expected a simple value for field [%s]", number, key)
		}
		if null {
			continue
		}
		if err := it.setMeta(key, v, number); err != nil {
			return err
		}
	}
	if !m.End() {
		return badRequest("Malformed action/metadata line [%d]", number)
	}
	return nil
}

func (it *item) setMeta(key, v string, number int) error {
	integer := func(to *int64) error {
		n, err := strconv.ParseInt(v, 10, 64)
		if err != nil {
			return badRequest("Malformed action/metadata line [%d], field [%s]: For input string: \"%s\"", number, key, v)
		}
		*to = n
		return nil
	}
	var n int64
	var err error
	switch key {
	case "_index":
		it.name = v
	case "_id":
		it.id = v
	case "routing", "_routing", "list_executed_pipelines", "_type", "type":
		// One index has one shard here, and no type.
	case "if_seq_no":
		err = integer(&it.ifSeqNo)
	case "if_primary_term":
		err = integer(&it.ifTerm)
	case "retry_on_conflict":
		err = integer(&n)
		it.retry = int(n)
	case "pipeline":
		if v != "_none" {
			it.special = badRequest("pipeline with id [%s] does not exist", v)
		}
	case "version", "version_type":
		if key != "version_type" || v != "internal" {
			it.special = unsupported("[%s: %s] of an operation", key, v)
		}
	case "require_alias", "require_data_stream":
		if v == "true" {
			it.special = unsupported("[%s] of an operation", key)
		}
	default:
		err = badRequest("Action/metadata line [%d] contains an unknown parameter [%s]", number, key)
	}
	return err
}

func stringOf(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

func itoa(n int64) string { return strconv.FormatInt(n, 10) }

func appendInt(dst []byte, n int64) []byte { return strconv.AppendInt(dst, n, 10) }

func appendBool(dst []byte, b bool) []byte { return strconv.AppendBool(dst, b) }

// appendString appends a text as JSON.
func appendString(dst []byte, s string) []byte {
	for i := 0; i < len(s); i++ {
		if c := s[i]; c < ' ' || c == '"' || c == '\\' || c >= utf8.RuneSelf {
			b, err := json.Marshal(s)
			if err != nil {
				panic("BUG: " + err.Error())
			}
			return append(dst, b...)
		}
	}
	dst = append(dst, '"')
	dst = append(dst, s...)
	return append(dst, '"')
}
