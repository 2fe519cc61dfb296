// Package cond compiles the conditions of a configuration and evaluates them, with Logstash's semantics (EventCondition.java) and one
// deviation: nothing an event holds can fail. What Logstash cannot compare, and drops the event or stops the pipeline for, is false
// here and counted.
package cond

import (
	"strings"
	"sync/atomic"

	"millrace/pipeline/config"
	"millrace/pipeline/event"
)

// Matcher searches texts for one regular expression; it is used by one goroutine.
type Matcher interface{ Match(s string) bool }

// CompileRegexp compiles a regular expression and returns what makes a Matcher of it for each worker.
type CompileRegexp func(pattern string) (newMatcher func() Matcher, err error)

// Condition is a compiled condition. It belongs to one goroutine; [Condition.ForWorker] gives others theirs.
type Condition struct {
	root node
	errs *atomic.Int64
}

// Eval reports whether the condition holds for e.
func (c *Condition) Eval(e *event.Event) bool { return c.root.eval(e) }

// ForWorker returns the condition with scratch space of its own.
func (c *Condition) ForWorker() *Condition { return &Condition{root: c.root.clone(), errs: c.errs} }

// Mismatches returns how many comparisons were false because their values cannot be compared, over all workers.
func (c *Condition) Mismatches() int64 { return c.errs.Load() }

// Compile compiles c, which stands in file. Its diagnostics name malformed field references and regular expressions.
func Compile(file *config.File, c config.Cond, re CompileRegexp) (*Condition, config.Diagnostics) {
	b := builder{file: file, re: re, errs: new(atomic.Int64)}
	root := b.cond(c)
	return &Condition{root: root, errs: b.errs}, b.diags
}

type node interface {
	eval(e *event.Event) bool
	clone() node
}

type builder struct {
	file  *config.File
	re    CompileRegexp
	errs  *atomic.Int64
	diags config.Diagnostics
}

func (b *builder) errorf(n config.Node, code, format string, args ...any) {
	b.diags = append(b.diags, config.Errorf(config.Place{File: b.file, Span: n.Range()}, code, format, args...))
}

func (b *builder) cond(c config.Cond) node {
	switch c := c.(type) {
	case *config.Logical:
		return b.logical(c)
	case *config.Not:
		return not{b.cond(c.X)}
	case *config.Truth:
		if ref, ok := c.X.(*config.FieldRef); ok {
			return truth{b.path(ref)}
		}
		return constant(true)
	case *config.Compare:
		return b.compare(c)
	case *config.In:
		n := b.in(c)
		if c.Negate {
			return not{n}
		}
		return n
	case *config.Match:
		n := b.match(c)
		if c.Negate {
			return not{n}
		}
		return n
	}
	return constant(false) // could not be parsed, and was reported
}

func (b *builder) logical(c *config.Logical) node {
	l, r := b.cond(c.Left), b.cond(c.Right)
	switch c.Op {
	case "and":
		return and{l, r}
	case "or":
		return or{l, r}
	case "nand":
		return not{and{l, r}}
	}
	return xor{l, r}
}

func (b *builder) path(ref *config.FieldRef) *event.Path {
	p, err := event.ParsePath(ref.Text)
	if err != nil {
		b.errorf(ref, "invalid-field-reference", "%v", err)
		p = *event.MustPath("invalid")
	}
	return &p
}

// operand compiles one side of a comparison: a field, or a constant.
func (b *builder) operand(x config.Expr) operand {
	if ref, ok := x.(*config.FieldRef); ok {
		return operand{path: b.path(ref)}
	}
	v, ok := constantValue(x)
	return operand{value: v, none: !ok}
}

// constantValue returns the value of a literal; false for what stands for nothing, as a method call does.
func constantValue(x config.Expr) (event.Value, bool) {
	switch x := x.(type) {
	case *config.String:
		return event.StringValue(x.Text), true
	case *config.Bareword:
		return event.StringValue(x.Text), true
	case *config.Regexp:
		return event.StringValue(x.Text), true
	case *config.Number:
		if x.IsFloat {
			return event.FloatValue(x.Float), true
		}
		return event.IntValue(x.Int), true
	}
	return event.Value{}, false
}

func (b *builder) compare(c *config.Compare) node {
	l, r := b.operand(c.Left), b.operand(c.Right)
	switch c.Op {
	case "==":
		return equal{l, r}
	case "!=":
		return not{equal{l, r}}
	}
	return order{l: l, r: r, op: c.Op, errs: b.errs}
}

func (b *builder) in(c *config.In) node {
	left := b.operand(c.Left)
	if list, ok := c.Right.(*config.Array); ok {
		return b.inList(left, list)
	}
	right := b.operand(c.Right)
	switch {
	case left.path != nil && right.path == nil:
		return fieldInText{left.path, right.value.Text()}
	case left.path == nil && right.path == nil:
		return constant(false) // two constants, as in Logstash
	case left.path == nil:
		return constInField{left.value, right.path}
	}
	return fieldInField{left.path, right.path}
}

// inList compares the text of a field with the texts of the items. An item that is a field reference or a list equals nothing.
func (b *builder) inList(left operand, list *config.Array) node {
	if left.path == nil {
		return constant(false)
	}
	n := fieldInList{path: left.path, texts: make(map[string]struct{}, len(list.Items))}
	for _, item := range list.Items {
		if v, ok := constantValue(item); ok {
			n.texts[v.Text()] = struct{}{}
		}
	}
	return n
}

func (b *builder) match(c *config.Match) node {
	var pattern string
	switch p := c.Pattern.(type) {
	case *config.Regexp:
		pattern = strings.ReplaceAll(p.Text, `\/`, "/")
	case *config.String:
		pattern = p.Text
	}
	newMatcher, err := b.re(pattern)
	if err != nil {
		b.errorf(c.Pattern, "invalid-regexp", "invalid regular expression: %v", err)
		return constant(false)
	}
	left := b.operand(c.Left)
	if left.path == nil {
		return constant(newMatcher().Match(left.value.Str()))
	}
	return match{path: left.path, newMatcher: newMatcher, m: newMatcher()}
}
