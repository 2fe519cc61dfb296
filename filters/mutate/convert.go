package mutate

import (
	"fmt"
	"log/slog"
	"math"
	"math/big"
	"strconv"
	"strings"
	"time"

	"millrace/filters/internal/ruby"
	"millrace/internal/throttle"
	"millrace/pipeline/config"
	"millrace/pipeline/event"
)

// conversion is a type that convert knows.
type conversion uint8

const (
	toString conversion = iota
	toInteger
	toFloat
	toBoolean
	toIntegerEU
	toFloatEU
)

var conversions = [...]string{"string", "integer", "float", "boolean", "integer_eu", "float_eu"}

func (c *compiler) conversions(o config.Map[config.Value]) {
	log := throttle.New(c.env.Log, time.Minute)
	for _, p := range o {
		op := &convert{field: c.ref("convert", p.Key), to: conversion(len(conversions)), log: log}
		for i, name := range conversions {
			if p.Value.Text() == name {
				op.to = conversion(i)
			}
		}
		if int(op.to) == len(conversions) {
			c.unknownConversion(p.Key, p.Value)
			continue
		}
		c.add(op)
	}
}

func (c *compiler) unknownConversion(key string, v config.Value) {
	text := v.Text()
	c.fail("convert", key, "invalid conversion type %q, expected one of %s", text, strings.Join(conversions[:], ", "))
	hint := config.DidYouMean(text, conversions[:])
	switch strings.ToLower(text) {
	case "int", "long", "number":
		hint = `did you mean "integer"?`
	case "double", "decimal":
		hint = `did you mean "float"?`
	case "bool":
		hint = `did you mean "boolean"?`
	}
	if hint != "" {
		last := &c.errs[len(c.errs)-1]
		*last = hinted(*last, hint)
	}
}

// convert changes the type of a field.
type convert struct {
	field ref
	to    conversion
	log   *throttle.Logger
}

func (op *convert) apply(e *event.Event, s *scratch) error {
	if op.field.err != nil {
		return op.field.err
	}
	if op.to == toInteger && op.field.top { // as most are: digits
		if f := e.Top(&op.field.path); f != nil {
			if n, ok := ruby.Plain(f.Val.Str()); ok {
				f.Val = event.IntValue(n)
				return nil
			}
		}
	}
	v, at := op.field.get(e)
	if v.Kind() == event.Null || v.Kind() == event.KindObject {
		return nil
	}
	l := v.List()
	if l == nil {
		c, err := op.value(e, s, v)
		if err != nil {
			return err
		}
		return op.field.set(e, at, c)
	}
	out := e.NewList()
	for _, item := range l.Items() {
		if item.Kind() != event.Null {
			var err error
			if item, err = op.value(e, s, item); err != nil {
				return err
			}
		}
		out.Append(item)
	}
	return op.field.set(e, at, event.ListValue(out))
}

// value converts one value that is not null.
func (op *convert) value(e *event.Event, s *scratch, v event.Value) (event.Value, error) {
	switch op.to {
	case toString:
		return convertString(e, v), nil
	case toBoolean:
		return op.boolean(s, v), nil
	case toInteger, toIntegerEU:
		return convertInteger(e, s, v, op.to == toIntegerEU)
	}
	return convertFloat(s, v, op.to == toFloatEU)
}

func convertString(e *event.Event, v event.Value) event.Value {
	if v.Kind() == event.String {
		return v
	}
	dst := e.Arena.Free()
	if v.Kind() == event.Float {
		dst = event.AppendRubyFloat(dst, v.Float())
	} else {
		dst = v.AppendRubyText(dst)
	}
	return event.StringValue(e.Arena.Take(dst))
}

// boolean knows true, t, yes, y, 1, 1.0 and their opposites in any case, on any line of a text; what else there is stays. As in
// Logstash the dot of 1.0 stands for any character, so the integer 100 is true.
func (op *convert) boolean(s *scratch, v event.Value) event.Value {
	text := v.Str()
	switch v.Kind() {
	case event.Bool:
		return v
	case event.String:
	default:
		s.buf = v.AppendRubyText(s.buf[:0])
		text = string(s.buf)
	}
	switch {
	case anyLine(text, "true", "t", "yes", "y", '1'):
		return event.BoolValue(true)
	case text == "", anyLine(text, "false", "f", "no", "n", '0'):
		return event.BoolValue(false)
	}
	op.log.Warn("a value cannot be converted to a boolean and stays as it is", slog.String("value", shorten(v.Text())))
	return v
}

// anyLine reports whether a line of s is one of the words, the digit, or the digit, any character and 0.
func anyLine(s, word, letter, word2, letter2 string, digit byte) bool {
	for more := true; more; {
		var line string
		line, s, more = strings.Cut(s, "\n")
		switch {
		case line == "":
		case line[0] == digit:
			if rest := line[1:]; rest == "" || len(rest) > 1 && rest[len(rest)-1] == '0' && oneRune(rest[:len(rest)-1]) {
				return true
			}
		case line[0]|0x20 != word[0] && line[0]|0x20 != word2[0]: // no other first letter folds to one of these
		case strings.EqualFold(line, word), strings.EqualFold(line, letter),
			strings.EqualFold(line, word2), strings.EqualFold(line, letter2):
			return true
		}
	}
	return false
}

func oneRune(s string) bool {
	for i := range s {
		if i > 0 {
			return false
		}
	}
	return s != ""
}

func shorten(s string) string {
	if len(s) > 100 {
		return s[:100] + "…"
	}
	return s
}

func convertInteger(e *event.Event, s *scratch, v event.Value, eu bool) (event.Value, error) {
	switch v.Kind() {
	case event.Int, event.BigInt:
		return v, nil
	case event.Bool:
		if v.Bool() {
			return event.IntValue(1), nil
		}
		return event.IntValue(0), nil
	case event.Float:
		return truncate(e, v.Float())
	case event.Time:
		return event.IntValue(v.Time().Unix()), nil
	case event.String:
		if n, ok := ruby.Plain(v.Str()); ok {
			return event.IntValue(n), nil
		}
		return ruby.Integer(e.Arena, s.number(v.Str(), eu)), nil
	}
	return v, fmt.Errorf("the %s %s cannot be converted to an integer", v.Kind(), shorten(v.Text()))
}

// truncate makes an integer of any size of f.
func truncate(e *event.Event, f float64) (event.Value, error) {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return event.Value{}, fmt.Errorf("the float %v cannot be converted to an integer", f)
	}
	if math.Abs(f) < 1<<63 {
		return event.IntValue(int64(f)), nil
	}
	i, _ := big.NewFloat(f).Int(nil)
	return event.BigIntValue(e.Arena.Take(i.Append(e.Arena.Free(), 10))), nil
}

func convertFloat(s *scratch, v event.Value, eu bool) (event.Value, error) {
	switch v.Kind() {
	case event.Float:
		return v, nil
	case event.Int:
		return event.FloatValue(float64(v.Int())), nil
	case event.BigInt:
		f, _ := strconv.ParseFloat(v.Str(), 64) // ±Inf beyond the range, as in Ruby
		return event.FloatValue(f), nil
	case event.Bool:
		if v.Bool() {
			return event.FloatValue(1), nil
		}
		return event.FloatValue(0), nil
	case event.Time:
		t := v.Time()
		return event.FloatValue(float64(t.Unix()) + float64(t.Nanosecond())/1e9), nil
	case event.String:
		if n, ok := ruby.Plain(v.Str()); ok && n != 0 { // "-0" is -0.0
			return event.FloatValue(float64(n)), nil
		}
		return event.FloatValue(ruby.Float(s.number(v.Str(), eu))), nil
	}
	return v, fmt.Errorf("the %s %s cannot be converted to a float", v.Kind(), shorten(v.Text()))
}
