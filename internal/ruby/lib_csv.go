package ruby

import (
	"strings"

	"millrace/internal/ruby/text"
)

// csvMethods fills CSV and Shellwords.
func csvMethods(c *core) {
	k := c.define("CSV", c.object)
	k.alloc = nil
	c.csvError = c.defineIn(k, "MalformedCSVError", c.runtimeError)
	k.sdef("parse_line", 1, 2, func(t *Interp, self Value, a []Value, b *Proc) Value {
		row, ok, err := text.ParseCSVLine(t.text(a[0]), t.csvOptions(a))
		t.check(err)
		if !ok {
			return nil
		}
		return t.csvRow(row, a)
	}).kw = true
	c.str.defn("parse_csv", 0, 1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		row, ok, err := text.ParseCSVLine(self.(*String).s, t.csvOptions(a))
		t.check(err)
		if !ok {
			return nil
		}
		return t.csvRow(row, a)
	}).kw = true
	k.sdef("parse", 1, 2, func(t *Interp, self Value, a []Value, b *Proc) Value { return t.csvTable(t.text(a[0]), a, b) }).kw = true
	k.sdef("read", 1, 2, func(t *Interp, self Value, a []Value, b *Proc) Value {
		return t.csvTable(t.readFile(t.text(a[0])), a, nil)
	}).kw = true
	k.meta.alias("read", "readlines")
	k.sdef("foreach", 1, 3, func(t *Interp, self Value, a []Value, b *Proc) Value {
		return t.csvTable(t.readFile(t.text(a[0])), a, b)
	}).kw = true
	k.sdef("generate_line", 1, 2, func(t *Interp, self Value, a []Value, b *Proc) Value { return t.csvLine(t.list(a[0]), a) }).kw = true
	csvObjects(c, k)
	c.array.defn("to_csv", 0, 1, func(t *Interp, self Value, a []Value, b *Proc) Value { return t.csvLine(self.(*Array).v, a) }).kw = true
	shellMethods(c)
}

// csvObject is what CSV.new makes: rows that are still to be read, and a text that rows are added to.
type csvObject struct {
	rows []Value
	out  *String
	opts []Value
}

func csvObjects(c *core, k *Class) {
	of := func(v Value) *csvObject { return v.(*Object).data.(*csvObject) }
	k.includes = []*Class{c.enumerable}
	k.sdef("new", 1, 2, func(t *Interp, self Value, a []Value, b *Proc) Value {
		o := &csvObject{out: str(""), opts: keepNamed(a)}
		var s Value = a[0]
		if _, ok := s.(*String); !ok {
			s = t.send(s, "read")
		}
		o.rows = t.list(t.csvTable(t.text(s), a, nil))
		return &Object{class: self.(*Class), data: o}
	}).kw = true
	k.sdef("generate", 0, 2, func(t *Interp, self Value, a []Value, b *Proc) Value {
		o := &csvObject{out: str(""), opts: keepNamed(a)}
		if p := positional(a); len(p) > 0 {
			o.out.s = t.text(p[0])
		}
		t.yield(b, &Object{class: self.(*Class), data: o})
		return o.out
	}).kw = true
	k.def("<<", 1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		o := of(self)
		row := a[0]
		if h, ok := row.(*Hash); ok {
			row = t.send(h, "values")
		}
		o.out.append(t.toS(t.csvLine(t.list(row), o.opts)))
		t.tooLong(len(o.out.s))
		return self
	})
	k.alias("<<", "add_row", "puts")
	k.def("shift", 0, func(t *Interp, self Value, a []Value, b *Proc) Value {
		o := of(self)
		if len(o.rows) == 0 {
			return nil
		}
		v := o.rows[0]
		o.rows = o.rows[1:]
		return v
	})
	k.alias("shift", "gets", "readline")
	k.def("read", 0, func(t *Interp, self Value, a []Value, b *Proc) Value {
		rows := of(self).rows
		of(self).rows = nil
		return arrayOf(rows)
	})
	k.alias("read", "readlines")
	k.each("each", 0, 0, func(t *Interp, self Value, a []Value, b *Proc) Value {
		for _, r := range t.list(t.send(self, "read")) {
			t.yield(b, r)
		}
		return self
	})
}

func (t *Interp) csvLine(fields []Value, a []Value) Value {
	row := make([]text.CSVField, len(fields))
	for i, v := range fields {
		row[i] = text.CSVField{Value: t.toS(v), Nil: v == nil}
	}
	s, err := text.GenerateCSVLine(row, t.csvOptions(a))
	t.check(err)
	return strValue(s)
}

// csvOptions reads the options of CSV.
func (t *Interp) csvOptions(a []Value) *text.CSVOptions {
	o := &text.CSVOptions{}
	h := named(a)
	if h == nil {
		return o
	}
	h.eachEntry(t, func(k, v Value) bool {
		switch t.toS(k) {
		case "col_sep":
			o.ColSep = t.text(v)
		case "row_sep":
			if s, ok := v.(*String); ok {
				o.RowSep = s.s
			}
		case "quote_char":
			if v == nil {
				o.NoQuote = true
			} else {
				o.QuoteChar = t.text(v)
			}
		case "liberal_parsing":
			o.LiberalParsing = truthy(v)
		case "skip_blanks":
			o.SkipBlanks = truthy(v)
		case "force_quotes":
			o.ForceQuotes = truthy(v)
		case "strip":
			o.Strip = truthy(v)
		case "headers", "header_converters", "converters", "return_headers", "encoding", "write_headers":
		default:
			t.argError("unknown keyword: %s", t.inspect(k))
		}
		return true
	})
	return o
}

// csvRow returns a row with its converters applied.
func (t *Interp) csvRow(row []text.CSVField, a []Value) *Array {
	out := make([]Value, len(row))
	conv, _ := option(a, "converters")
	for i, f := range row {
		if f.Nil {
			continue
		}
		out[i] = t.convertCSV(f, conv)
	}
	return arrayOf(out)
}

func (t *Interp) convertCSV(f text.CSVField, conv Value) Value {
	for _, c := range t.splat(conv) {
		s, ok := c.(*Symbol)
		if !ok {
			return t.send(c, "call", strValue(f.Value))
		}
		if s.name == "integer" || s.name == "numeric" || s.name == "all" {
			if n, err := text.StrictInteger(f.Value, 10); err == nil {
				return intValue(n)
			}
		}
		if s.name == "float" || s.name == "numeric" || s.name == "all" {
			if n, err := text.StrictFloat(f.Value); err == nil {
				return n
			}
		}
	}
	return strValue(f.Value)
}

// csvTable returns all rows, as Hashes if there are headers.
func (t *Interp) csvTable(s string, a []Value, b *Proc) Value {
	rows, err := text.ParseCSV(s, t.csvOptions(a))
	t.check(err)
	out := &Array{}
	headers, _ := option(a, "headers")
	symbols := false
	if v, ok := option(a, "header_converters"); ok {
		sym, isSym := v.(*Symbol)
		symbols = isSym && sym.name == "symbol"
	}
	var names []Value
	if l, ok := headers.(*Array); ok {
		names = l.v
	}
	for _, r := range rows {
		row := t.csvRow(r, a)
		if !truthy(headers) {
			out.v = append(out.v, row)
			continue
		}
		if names == nil {
			names = append([]Value{}, row.v...)
			for i, n := range names {
				if n != nil && symbols {
					names[i] = t.sym(strings.ReplaceAll(strings.ToLower(strings.TrimSpace(t.toS(n))), " ", "_"))
				}
			}
			continue
		}
		h := newHash()
		for i, n := range names {
			h.set(t, n, row.at(int64(i)))
		}
		out.v = append(out.v, h)
	}
	if b != nil {
		for _, r := range out.v {
			t.yield(b, r)
		}
		return nil
	}
	return out
}

func shellMethods(c *core) {
	m := c.mod(c.object, "Shellwords")
	split := func(t *Interp, s string) Value {
		l, err := text.ShellSplit(s)
		t.check(err)
		return stringArray(l)
	}
	m.sdef("split", 1, 1, func(t *Interp, self Value, a []Value, b *Proc) Value { return split(t, t.text(a[0])) })
	m.meta.alias("split", "shellwords", "shellsplit")
	c.str.def("shellsplit", 0, func(t *Interp, self Value, a []Value, b *Proc) Value { return split(t, self.(*String).s) })
	m.sdef("escape", 1, 1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		return strValue(text.ShellEscape(t.text(a[0])))
	})
	m.meta.alias("escape", "shellescape")
	c.str.def("shellescape", 0, func(t *Interp, self Value, a []Value, b *Proc) Value { return t.send(m, "escape", self) })
}
