package jdbc

import (
	"database/sql"
	"errors"
	"reflect"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"millrace/pipeline/event"
)

// Rows is what a query found, as values of events.
type Rows struct {
	rows  *sql.Rows
	names []string
	conv  []converter
	cells []any
	ptrs  []any
}

// converter makes a value of what the driver gives for a column. The value owns its lists.
type converter func(v any) event.Value

// columnType is what the driver tells of a column.
type columnType struct {
	name   string // of the type, as the driver calls it
	length int    // MySQL's display width, -1 if it is not known
}

// Read returns the rows of a query to the database.
func (db *DB) Read(rows *sql.Rows) (*Rows, error) {
	types, err := rows.ColumnTypes()
	if err != nil {
		return nil, err
	}
	r := &Rows{rows: rows, cells: make([]any, len(types)), ptrs: make([]any, len(types))}
	for i, t := range types {
		c := columnType{t.DatabaseTypeName(), -1}
		if db.url.Dialect == MySQL {
			c.length = displayWidth(rows, i)
		}
		r.names = append(r.names, t.Name())
		r.conv = append(r.conv, db.converter(c))
		r.ptrs[i] = &r.cells[i]
	}
	return r, nil
}

// Names returns the names of the columns as the database has them.
func (r *Rows) Names() []string { return r.names }

// Next reads the next row. It returns false at the end, and after an error, which Close returns.
func (r *Rows) Next() bool {
	if !r.rows.Next() {
		return false
	}
	return r.rows.Scan(r.ptrs...) == nil
}

// Value returns the value of a column of the row. It belongs to nobody, so that events have to own it.
func (r *Rows) Value(i int) event.Value {
	if r.cells[i] == nil {
		return event.Value{}
	}
	v := r.conv[i](r.cells[i])
	if v.Kind() == event.String && !utf8.ValidString(v.Str()) {
		return event.StringValue(strings.ToValidUTF8(v.Str(), "\uFFFD"))
	}
	return v
}

// Bytes returns the bytes of a column whose value is text, also if they are no UTF-8; false for other values.
func (r *Rows) Bytes(i int) (string, bool) {
	if r.cells[i] == nil {
		return "", false
	}
	v := r.conv[i](r.cells[i])
	return v.Str(), v.Kind() == event.String
}

// Close ends the reading and returns the error that ended it, if there was one.
func (r *Rows) Close() error {
	err := r.rows.Err()
	if e := r.rows.Close(); err == nil {
		err = e
	}
	return err
}

// ErrTooMany says that a query found more rows than were wanted.
var ErrTooMany = errors.New("there are more rows than allowed")

// List reads all rows of a query to the database, at most so many if most is not 0, as a list of objects that belongs to nobody.
func (db *DB) List(found *sql.Rows, most int) (event.Value, error) {
	r, err := db.Read(found)
	if err != nil {
		return event.Value{}, errors.Join(err, found.Close())
	}
	l := new(event.List)
	for r.Next() {
		if most > 0 && l.Len() == most {
			return event.Value{}, errors.Join(ErrTooMany, r.Close())
		}
		row := new(event.Object)
		for i, name := range r.names {
			row.Set(name, r.Value(i))
		}
		l.Append(event.ObjectValue(row))
	}
	return event.ListValue(l), r.Close()
}

// displayWidth returns the width of a column of MySQL, -1 if the driver does not keep it any more: tinyint(1), which stands for a boolean,
// differs from other tinyints by nothing else, and the driver has it but does not tell. The fields are only read, once a query.
func displayWidth(rows *sql.Rows, column int) int {
	v := reflect.ValueOf(rows).Elem().FieldByName("rowsi")
	for v.IsValid() && (v.Kind() == reflect.Interface || v.Kind() == reflect.Pointer) {
		v = v.Elem()
	}
	for _, name := range [...]string{"rs", "columns"} {
		if !v.IsValid() || v.Kind() != reflect.Struct {
			return -1
		}
		v = v.FieldByName(name)
	}
	if !v.IsValid() || v.Kind() != reflect.Slice || column >= v.Len() || v.Index(column).Kind() != reflect.Struct {
		return -1
	}
	if v = v.Index(column).FieldByName("length"); !v.IsValid() || !v.CanUint() {
		return -1
	}
	return int(v.Uint())
}

func (db *DB) converter(t columnType) converter {
	if db.url.Dialect == Postgres {
		return db.postgres(t.name)
	}
	return db.mysql(t)
}

// postgres returns the converter for a type of PostgreSQL. Types that are not named are text: json, uuid, inet, intervals.
func (db *DB) postgres(name string) converter {
	if elem, ok := strings.CutPrefix(name, "_"); ok {
		return db.array(elem)
	}
	switch name {
	case "NUMERIC":
		return decimal
	case "TIMESTAMP":
		return db.clock
	case "DATE":
		return date
	case "TIME", "TIMETZ":
		return timeOfDay
	}
	return plain
}

// mysql returns the converter for a type of MySQL.
func (db *DB) mysql(t columnType) converter {
	switch t.name {
	case "DECIMAL":
		return decimal
	case "TINYINT", "UNSIGNED TINYINT":
		if t.length == 1 && !db.url.wideTinyInt {
			return truth
		}
	case "BIT":
		if t.length == 1 {
			return bit
		}
	case "DATETIME", "TIMESTAMP":
		return db.clock
	case "DATE":
		return date
	case "TIME":
		return timeOfDay
	case "YEAR":
		if !db.url.yearIsNumber {
			return year
		}
	}
	return plain
}

// plain converts what needs no knowledge of its type.
func plain(v any) event.Value {
	switch x := v.(type) {
	case int64:
		return event.IntValue(x)
	case uint64:
		return event.BigIntValue(strconv.FormatUint(x, 10))
	case float32:
		f, _ := strconv.ParseFloat(strconv.FormatFloat(float64(x), 'g', -1, 32), 64) // 1.1 stays 1.1
		return event.FloatValue(f)
	case float64:
		return event.FloatValue(x)
	case bool:
		return event.BoolValue(x)
	case string:
		return event.StringValue(x)
	case []byte:
		return event.StringValue(string(x))
	case time.Time:
		return event.TimeValue(x)
	}
	return event.Value{}
}

// text returns what the driver gave as text.
func text(v any) (string, bool) {
	switch x := v.(type) {
	case []byte:
		return string(x), true
	case string:
		return x, true
	}
	return "", false
}

func decimal(v any) event.Value {
	if s, ok := text(v); ok {
		if f, err := strconv.ParseFloat(s, 64); err == nil {
			return event.FloatValue(f)
		}
	}
	return plain(v)
}

func truth(v any) event.Value {
	switch x := plain(v); x.Kind() {
	case event.Int:
		return event.BoolValue(x.Int() != 0)
	case event.String:
		return event.BoolValue(x.Str() != "0")
	default:
		return x
	}
}

func bit(v any) event.Value {
	s, _ := text(v)
	return event.BoolValue(strings.Trim(s, "\x00") != "")
}

// timeLayouts are those of dates and times as MySQL writes them.
const (
	dateLayout  = "2006-01-02"
	clockLayout = "2006-01-02 15:04:05.999999999"
)

// zeroDate begins what MySQL takes for a date that is none. It is null, as with Connector/J's zeroDateTimeBehavior => CONVERT_TO_NULL.
const zeroDate = "0000-00-00"

// clock converts a time without a zone: it is that of the database.
func (db *DB) clock(v any) event.Value {
	if t, ok := v.(time.Time); ok {
		return event.TimeValue(db.zone.instant(t))
	}
	s, _ := text(v)
	if strings.HasPrefix(s, zeroDate) {
		return event.Value{}
	}
	if t, err := time.Parse(clockLayout, s); err == nil {
		return event.TimeValue(db.zone.instant(t))
	}
	return plain(v)
}

// date converts a day, which is its first instant here, as in Logstash.
func date(v any) event.Value {
	t, ok := v.(time.Time)
	if !ok {
		s, _ := text(v)
		if s == zeroDate {
			return event.Value{}
		}
		var err error
		if t, err = time.Parse(dateLayout, s); err != nil {
			return plain(v)
		}
	}
	y, m, d := t.Date()
	return event.TimeValue(time.Date(y, m, d, 0, 0, 0, 0, time.Local))
}

func year(v any) event.Value {
	n := plain(v)
	y := int(n.Int())
	if n.Kind() == event.String {
		var err error
		if y, err = strconv.Atoi(n.Str()); err != nil {
			return n
		}
	}
	return event.TimeValue(time.Date(y, 1, 1, 0, 0, 0, 0, time.Local))
}

// timeOfDay converts a time without a day, which is one of today, as in Logstash. MySQL's of more than a day are text.
func timeOfDay(v any) event.Value {
	t, ok := v.(time.Time)
	if !ok {
		s, _ := text(v)
		var err error
		if t, err = time.Parse("15:04:05.999999999", s); err != nil {
			return plain(v)
		}
	}
	y, m, d := time.Now().Date()
	return event.TimeValue(time.Date(y, m, d, t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), time.Local))
}
