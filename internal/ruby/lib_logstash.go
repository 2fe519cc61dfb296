package ruby

import (
	"context"
	"log/slog"

	"millrace/internal/joda"
)

// logstashMethods fills the module LogStash.
func logstashMethods(c *core) {
	m := c.mod(c.object, "LogStash")
	c.event = c.defineIn(m, "Event", c.object)
	ts := c.defineIn(m, "Timestamp", c.object)
	c.timestamp = ts
	c.timestampParserError = c.defineIn(m, "TimestampParserError", c.argumentError)
	c.defineIn(m, "Error", c.standardError)
	c.defineIn(m, "ConfigurationError", c.standardError)
	m.consts["VERSION"] = &String{s: "8.19.0", frozen: true}
	c.javaErrors(m)
	timestampMethods(c, ts)
	j := c.mod(m, "Json")
	parser := c.defineIn(j, "ParserError", c.standardError)
	c.defineIn(j, "GeneratorError", c.standardError)
	j.sdef("load", 1, 2, func(t *Interp, self Value, a []Value, b *Proc) Value {
		if t.text(a[0]) == "" {
			return nil
		}
		v, exc := t.protect(func() Value { return t.parseJSON(t.text(a[0]), false) })
		if exc != nil {
			return t.raise(parser, "%s", t.message(exc))
		}
		return v
	})
	j.sdef("dump", 1, 1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		return strValue(string(t.appendJSON(nil, a[0], nil)))
	})
	j.meta.alias("load", "jruby_load")
	j.meta.alias("dump", "jruby_dump")
	utilMethods(c, m)
	loggerMethods(c)
}

// javaErrors makes the exceptions that Logstash's Java raises.
func (c *core) javaErrors(m *Class) {
	java := c.mod(c.object, "Java")
	org := c.mod(java, "OrgLogstash")
	c.missingConverter = c.defineIn(org, "MissingConverterException", c.standardError)
	accessors := c.mod(org, "Accessors")
	c.invalidFieldSet = c.defineIn(accessors, "InvalidFieldSetException", c.standardError)
	c.invalidTags = c.defineIn(org, "EventInvalidTagsTypeException", c.standardError)
	c.invalidTags.name = "Java::OrgLogstash::Event::InvalidTagsTypeException"
	c.fieldRefSyntax = c.defineIn(org, "FieldReferenceIllegalSyntaxException", c.standardError)
	c.fieldRefSyntax.name = "Java::OrgLogstash::FieldReference::IllegalSyntaxException"
}

func timestampMethods(c *core, k *Class) {
	k.includes = []*Class{c.comparable}
	for _, name := range []string{
		"year", "month", "mon", "day", "mday", "hour", "min", "sec", "usec", "tv_usec", "nsec", "tv_nsec", "wday", "yday", "to_i", "tv_sec", "to_f", "to_r", "-", "+", "<=>", "==", "eql?", "hash", "strftime",
		"to_time", "to_datetime", "utc_offset", "subsec", "round",
	} {
		m := *c.time.methods[name]
		k.methods[name] = &m
	}
	k.def("time", 0, func(t *Interp, self Value, a []Value, b *Proc) Value { return &Time{t: self.(*Time).t.UTC()} })
	k.def("utc", 0, func(t *Interp, self Value, a []Value, b *Proc) Value { return self })
	k.alias("utc", "gmtime")
	k.def("to_s", 0, func(t *Interp, self Value, a []Value, b *Proc) Value { return strValue(timestampText(self.(*Time).t)) })
	k.alias("to_s", "to_iso8601", "iso8601")
	k.def("inspect", 0, func(t *Interp, self Value, a []Value, b *Proc) Value { return strValue(timestampText(self.(*Time).t)) })
	k.defn("to_json", 0, -1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		return strValue("\"" + timestampText(self.(*Time).t) + "\"")
	})
	k.sdef("now", 0, 0, func(t *Interp, self Value, a []Value, b *Proc) Value { return &Time{t.now().UTC(), timestampKind} })
	k.sdef("at", 1, 2, func(t *Interp, self Value, a []Value, b *Proc) Value { return &Time{t.timeAt(a).UTC(), timestampKind} })
	k.sdef("new", 0, 1, func(t *Interp, self Value, a []Value, b *Proc) Value { return t.timestamp(a) })
	k.sdef("parse_iso8601", 1, 1, func(t *Interp, self Value, a []Value, b *Proc) Value { return t.timestamp(a) })
	k.sdef("coerce", 1, 1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		switch v := a[0].(type) {
		case *Time:
			if v.kind == timestampKind {
				return v
			}
			return &Time{v.t.UTC(), timestampKind}
		case *String:
			return t.timestamp(a)
		}
		return nil
	})
}

// timestamp is LogStash::Timestamp.new.
func (t *Interp) timestamp(a []Value) Value {
	if len(a) == 0 || a[0] == nil {
		return &Time{t.now().UTC(), timestampKind}
	}
	switch v := a[0].(type) {
	case *Time:
		return &Time{v.t.UTC(), timestampKind}
	case *String:
		at, ok := joda.ParseTimestamp(v.s)
		if !ok {
			return t.raise(t.core.timestampParserError, "invalid timestamp string format %s", v.s)
		}
		return &Time{at.UTC(), timestampKind}
	}
	return t.typeError("wrong argument type %s (expected Time)", t.className(a[0]))
}

func utilMethods(c *core, m *Class) {
	u := c.mod(m, "Util")
	u.sdef("normalize", 1, 1, func(t *Interp, self Value, a []Value, b *Proc) Value { return a[0] })
	u.sdef("hash_merge", 2, 2, func(t *Interp, self Value, a []Value, b *Proc) Value {
		dst := t.toHash(a[0])
		t.merge(dst, a[1:], nil)
		return dst
	})
	u.sdef("hash_merge_many", 0, -1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		dst := newHash()
		t.merge(dst, a, nil)
		return dst
	})
	c.mod(u, "Loggable")
	f := c.mod(m, "Filters")
	c.defineIn(f, "Base", c.object)
	c.element = c.defineIn(c.defineIn(f, "Aggregate", c.object), "Element", c.object)
	for _, name := range []string{"task_id", "creation_timestamp", "lastevent_timestamp", "map"} {
		c.element.def(name, 0, func(t *Interp, self Value, a []Value, b *Proc) Value {
			v, _ := self.(*Object).data.(*Hash).symbol(name)
			return v
		})
	}
}

// loggerMethods fills the logger of a plugin.
func loggerMethods(c *core) {
	c.logger = newClass("LogStash::Logging::Logger", c.object)
	c.logger.core = true
	c.logger.meta = newClass("", c.class)
	k := c.logger
	level := func(name string, l slog.Level) {
		k.defn(name, 0, 2, func(t *Interp, self Value, a []Value, b *Proc) Value {
			msg := ""
			switch {
			case len(a) > 0:
				msg = t.toS(a[0])
			case b != nil:
				msg = t.toS(t.callProc(b, nil, nil))
			}
			var attrs []any
			if len(a) > 1 {
				if h, ok := a[1].(*Hash); ok {
					h.eachEntry(t, func(k, v Value) bool { attrs = append(attrs, slog.String(t.toS(k), t.toS(v))); return true })
				}
			}
			t.log.Log(context.Background(), l, msg, attrs...)
			return true
		}).kw = true
		k.def(name+"?", 0, func(t *Interp, self Value, a []Value, b *Proc) Value { return t.log.Enabled(context.Background(), l) })
	}
	level("debug", slog.LevelDebug)
	level("info", slog.LevelInfo)
	level("warn", slog.LevelWarn)
	level("error", slog.LevelError)
	level("fatal", slog.LevelError)
	level("trace", slog.LevelDebug)
	c.object.consts["\x00Logger"] = k
}
