package jdbcstatic

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"millrace/pipeline/event"
)

// query is a compiled query.
type query struct {
	table  *table
	items  []item
	where  condition // nil: all rows
	order  []ordering
	offset int
	most   int // -1: all

	key   int     // column with an index that has to be equal to probe, -1 if there is none
	probe operand // which is no column
}

type item struct {
	name string
	x    operand
}

type ordering struct {
	x    operand
	desc bool
}

// row is where operands get their values from.
type row struct {
	cells  []event.Value
	params []event.Value
}

// operand is a value of a row.
type operand interface {
	value(r *row) event.Value
}

type (
	column    int
	parameter int
	constant  struct{ v event.Value }
	call      struct {
		f func(string) string
		x operand
	}
)

func (c column) value(r *row) event.Value    { return r.cells[c] }
func (p parameter) value(r *row) event.Value { return r.params[p] }
func (c constant) value(*row) event.Value    { return c.v }

func (c call) value(r *row) event.Value {
	v := c.x.value(r)
	if v.IsNull() {
		return v
	}
	return event.StringValue(c.f(v.Text()))
}

var functions = map[string]func(string) string{
	"UPPER": strings.ToUpper, "UCASE": strings.ToUpper, "LOWER": strings.ToLower, "LCASE": strings.ToLower, "TRIM": func(s string) string { return strings.Trim(s, " ") },
}

// truth is that of SQL, where nothing is equal to null.
type truth uint8

const (
	no truth = iota
	yes
	unknown
)

func truthOf(b bool) truth {
	if b {
		return yes
	}
	return no
}

// condition is one that a row meets or not. Its error says that values cannot be compared.
type condition interface {
	meets(r *row) (truth, error)
}

type (
	allOf     []condition
	anyOf     []condition
	negation  struct{ c condition }
	isNull    struct{ x operand }
	comparing struct {
		op   operator
		a, b operand
	}
	like struct {
		a, pattern operand
		escape     byte
	}
)

type operator uint8

const (
	opEQ operator = iota
	opNE
	opLT
	opLE
	opGT
	opGE
)

var operators = map[string]operator{"=": opEQ, "<>": opNE, "!=": opNE, "<": opLT, "<=": opLE, ">": opGT, ">=": opGE}

func (l allOf) meets(r *row) (truth, error) {
	all := yes
	for _, c := range l {
		t, err := c.meets(r)
		if err != nil || t == no {
			return no, err
		}
		if t == unknown {
			all = unknown
		}
	}
	return all, nil
}

func (l anyOf) meets(r *row) (truth, error) {
	found := no
	for _, c := range l {
		t, err := c.meets(r)
		if err != nil || t == yes {
			return t, err
		}
		if t == unknown {
			found = unknown
		}
	}
	return found, nil
}

func (n negation) meets(r *row) (truth, error) {
	t, err := n.c.meets(r)
	if t == unknown {
		return t, err
	}
	return yes - t, err
}

func (n isNull) meets(r *row) (truth, error) { return truthOf(n.x.value(r).IsNull()), nil }

func (c comparing) meets(r *row) (truth, error) {
	a, b := c.a.value(r), c.b.value(r)
	if a.IsNull() || b.IsNull() {
		return unknown, nil
	}
	n, err := compare(a, b)
	if err != nil {
		return no, err
	}
	switch c.op {
	case opEQ:
		return truthOf(n == 0), nil
	case opNE:
		return truthOf(n != 0), nil
	case opLT:
		return truthOf(n < 0), nil
	case opLE:
		return truthOf(n <= 0), nil
	case opGT:
		return truthOf(n > 0), nil
	}
	return truthOf(n >= 0), nil
}

func (l like) meets(r *row) (truth, error) {
	a, pattern := l.a.value(r), l.pattern.value(r)
	if a.IsNull() || pattern.IsNull() {
		return unknown, nil
	}
	return truthOf(matches(a.Text(), pattern.Text(), l.escape)), nil
}

// matches reports whether s is like a pattern, in which % stands for any text and _ for one character. It goes back to the last % alone, so
// that its time is bounded by the product of the lengths.
func matches(s, pattern string, escape byte) bool {
	text, p := []rune(s), []rune(pattern)
	i, j, star, from := 0, 0, -1, 0
	for i < len(text) {
		escaped := j+1 < len(p) && escape != 0 && p[j] == rune(escape)
		switch {
		case escaped && p[j+1] == text[i]:
			i, j = i+1, j+2
		case !escaped && j < len(p) && p[j] == '%':
			star, from = j, i
			j++
		case !escaped && j < len(p) && (p[j] == '_' || p[j] == text[i]):
			i, j = i+1, j+1
		case star >= 0:
			from++
			i, j = from, star+1
		default:
			return false
		}
	}
	for j < len(p) && p[j] == '%' {
		j++
	}
	return j == len(p)
}

// compare orders two values that are not null. Texts are equal if they differ by blanks at the end only, as in Derby. A text is compared with
// another value as one of that kind, which Derby would not do.
func compare(a, b event.Value) (int, error) {
	if a.Kind() == event.String && b.Kind() != event.String {
		n, err := compare(b, a)
		return -n, err
	}
	switch k := kindOf(a.Kind()); k {
	case varchar:
		return strings.Compare(strings.TrimRight(a.Str(), " "), strings.TrimRight(b.Str(), " ")), nil
	default:
		c, err := k.convert(b)
		if err != nil {
			return 0, fmt.Errorf("a %s cannot be compared with a %s", a.Kind(), b.Kind())
		}
		switch {
		case a.Kind() == event.Int && c.Kind() == event.Int:
			return cmp.Compare(a.Int(), c.Int()), nil
		case k == number || k == integer:
			return cmp.Compare(float(a), float(c)), nil
		case k == boolean:
			return cmp.Compare(truthOf(a.Bool()), truthOf(c.Bool())), nil
		}
		return a.Time().Compare(c.Time()), nil
	}
}

// plan looks for an index: a column that has to be equal to what is no column, whatever else has to be.
func (q *query) plan() {
	q.key = -1
	all, ok := q.where.(allOf)
	if !ok && q.where != nil {
		all = allOf{q.where}
	}
	for _, c := range all {
		c, ok := c.(comparing)
		if !ok || c.op != opEQ {
			continue
		}
		for _, side := range [2][2]operand{{c.a, c.b}, {c.b, c.a}} {
			col, isColumn := side[0].(column)
			if !isColumn {
				continue
			}
			switch side[1].(type) {
			case parameter, constant:
				q.key, q.probe = int(col), side[1]
				q.table.indexed[q.key] = true
				return
			}
		}
	}
}

// find returns the rows that meet the conditions, in order.
func (q *query) find(params []event.Value) (rows [][]event.Value, err error) {
	d := q.table.data.Load()
	if d == nil {
		return nil, nil
	}
	r := row{params: params}
	if q.key < 0 || d.index[q.key] == nil {
		for _, cells := range d.rows {
			if rows, err = q.add(rows, &r, cells); err != nil {
				return nil, err
			}
		}
		return q.sorted(rows, &r), nil
	}
	v := q.probe.value(&r)
	if v.IsNull() {
		return nil, nil
	}
	if v, err = q.table.columns[q.key].kind.convert(v); err != nil {
		return nil, err
	}
	var buf [64]byte
	for _, i := range d.index[q.key][string(appendKey(buf[:0], v))] {
		if rows, err = q.add(rows, &r, d.rows[i]); err != nil {
			return nil, err
		}
	}
	return q.sorted(rows, &r), nil
}

// add appends a row if it meets the conditions.
func (q *query) add(rows [][]event.Value, r *row, cells []event.Value) ([][]event.Value, error) {
	if q.where != nil {
		r.cells = cells
		if t, err := q.where.meets(r); err != nil || t != yes {
			return rows, err
		}
	}
	return append(rows, cells), nil
}

// sorted orders the rows and cuts them.
func (q *query) sorted(rows [][]event.Value, r *row) [][]event.Value {
	if len(q.order) > 0 {
		slices.SortStableFunc(rows, func(x, y []event.Value) int {
			for _, o := range q.order {
				a, b := o.x.value(&row{x, r.params}), o.x.value(&row{y, r.params})
				n := 0
				switch {
				case a.IsNull() || b.IsNull(): // nulls come last, as in Derby
					n = cmp.Compare(truthOf(a.IsNull()), truthOf(b.IsNull()))
				default:
					n, _ = compare(a, b) // one column, one kind
				}
				if o.desc {
					n = -n
				}
				if n != 0 {
					return n
				}
			}
			return 0
		})
	}
	rows = rows[min(q.offset, len(rows)):]
	if q.most >= 0 {
		rows = rows[:min(q.most, len(rows))]
	}
	return rows
}

// list makes the rows the value of an event: an array of hashes.
func (q *query) list(e *event.Event, rows [][]event.Value, params []event.Value) event.Value {
	l := e.NewList()
	for _, cells := range rows {
		r := row{cells, params}
		o := e.NewObject()
		for _, it := range q.items {
			o.Set(it.name, it.x.value(&r))
		}
		l.Append(event.ObjectValue(o))
	}
	return event.ListValue(l)
}
