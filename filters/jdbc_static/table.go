package jdbcstatic

import (
	"encoding/binary"
	"fmt"
	"math"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"millrace/pipeline/event"
)

// columnKind is what a column holds.
type columnKind uint8

const (
	varchar columnKind = iota
	integer
	number
	boolean
	timestamp
)

// kinds are the types of columns that Derby has.
var kinds = map[string]columnKind{
	"varchar": varchar, "char": varchar, "character": varchar, "long varchar": varchar, "text": varchar, "clob": varchar, "blob": varchar, "xml": varchar,
	"character varying": varchar, "char varying": varchar, "character large object": varchar, "char large object": varchar, "national character": varchar,
	"int": integer, "integer": integer, "smallint": integer, "bigint": integer, "tinyint": integer,
	"decimal": number, "dec": number, "numeric": number, "real": number, "double": number, "double precision": number, "float": number,
	"boolean": boolean, "date": timestamp, "time": timestamp, "timestamp": timestamp,
}

// kindNamed returns what a column of a type such as varchar(15) holds.
func kindNamed(typ string) (columnKind, bool) {
	name := strings.ToLower(strings.TrimSpace(typ))
	if i := strings.IndexByte(name, '('); i >= 0 {
		name = name[:i]
	}
	for _, constraint := range []string{" not null", " primary key", " unique"} {
		name = strings.ReplaceAll(name, constraint, "")
	}
	k, ok := kinds[strings.Join(strings.Fields(name), " ")]
	return k, ok
}

// kindOf returns the kind of a column for values of events.
func kindOf(k event.Kind) columnKind {
	switch k {
	case event.Int, event.BigInt:
		return integer
	case event.Float:
		return number
	case event.Bool:
		return boolean
	case event.Time:
		return timestamp
	}
	return varchar
}

// convert makes v one of the kind. A null stays one.
func (k columnKind) convert(v event.Value) (event.Value, error) {
	if v.IsNull() || kindOf(v.Kind()) == k && v.Kind() != event.BigInt && v.List() == nil && v.Object() == nil {
		return v, nil
	}
	text := v.Text()
	switch k {
	case varchar:
		if v.Kind() == event.Time {
			return event.StringValue(v.Time().Format("2006-01-02 15:04:05.000000")), nil
		}
		if v.List() == nil && v.Object() == nil {
			return event.StringValue(text), nil
		}
	case integer, number:
		if v.Kind() == event.Bool {
			return event.IntValue(int64(truthOf(v.Bool()))), nil
		}
		if n, err := strconv.ParseInt(strings.TrimSpace(text), 10, 64); err == nil && k == integer {
			return event.IntValue(n), nil
		}
		if f, err := strconv.ParseFloat(strings.TrimSpace(text), 64); err == nil && v.Kind() != event.Time {
			if k == integer && f == math.Trunc(f) && math.Abs(f) < 1<<53 {
				return event.IntValue(int64(f)), nil
			}
			return event.FloatValue(f), nil // finds no row of integers, as it should
		}
	case boolean:
		switch strings.ToLower(text) {
		case "true", "t", "1", "1.0":
			return event.BoolValue(true), nil
		case "false", "f", "0", "0.0":
			return event.BoolValue(false), nil
		}
	case timestamp:
		for _, layout := range []string{time.RFC3339Nano, "2006-01-02 15:04:05.999999999", "2006-01-02 15:04:05.999999999Z07:00", "2006-01-02", "15:04:05"} {
			if t, err := time.Parse(layout, text); err == nil && v.Kind() == event.String {
				return event.TimeValue(t), nil
			}
		}
	}
	return v, fmt.Errorf("a %s cannot be the value of a column of that type", v.Kind())
}

// float returns a number as a float.
func float(v event.Value) float64 {
	if v.Kind() == event.Int {
		return float64(v.Int())
	}
	return v.Float()
}

// appendKey appends what stands for a value in an index: equal values have equal keys.
func appendKey(dst []byte, v event.Value) []byte {
	switch v.Kind() {
	case event.Int, event.Float:
		return binary.LittleEndian.AppendUint64(dst, math.Float64bits(float(v)+0)) // the rows that are found are compared
	case event.Bool:
		return append(dst, byte(truthOf(v.Bool())))
	case event.Time:
		return binary.LittleEndian.AppendUint64(dst, uint64(v.Time().UnixNano()))
	}
	return append(dst, strings.TrimRight(v.Str(), " ")...)
}

// tableColumn is a column of a local table.
type tableColumn struct {
	name string // in lower case
	kind columnKind
}

// table is a local table. Its rows change all at once.
type table struct {
	name    string
	columns []tableColumn
	indexed []bool // columns that queries look for; settled before the first row
	data    atomic.Pointer[tableData]
}

// tableData is what a loader brought. Nobody changes it.
type tableData struct {
	rows  [][]event.Value
	index []map[string][]int32 // by column; nil for those without
}

// column returns the number of a column, -1 if there is none of that name.
func (t *table) column(name string) int {
	for i := range t.columns {
		if strings.EqualFold(t.columns[i].name, name) {
			return i
		}
	}
	return -1
}

// builder collects the rows of a table.
type builder struct {
	t    *table
	data tableData
	key  []byte
}

func (t *table) build() *builder {
	b := &builder{t: t}
	b.data.index = make([]map[string][]int32, len(t.columns))
	for i, indexed := range t.indexed {
		if indexed {
			b.data.index[i] = make(map[string][]int32)
		}
	}
	return b
}

// add adds a row, whose values are converted to those of the columns.
func (b *builder) add(cells []event.Value) error {
	n := int32(len(b.data.rows))
	for i, v := range cells {
		c := &b.t.columns[i]
		var err error
		if cells[i], err = c.kind.convert(v); err != nil {
			return fmt.Errorf("the column %s of row %d: %w", c.name, n+1, err)
		}
		if b.data.index[i] != nil && !cells[i].IsNull() {
			b.key = appendKey(b.key[:0], cells[i])
			b.data.index[i][string(b.key)] = append(b.data.index[i][string(b.key)], n)
		}
	}
	b.data.rows = append(b.data.rows, cells)
	return nil
}

// done makes the rows those of the table.
func (b *builder) done() { b.t.data.Store(&b.data) }
