package config

// The kinds of a section, and of the plugins in it.
const (
	KindInput  = "input"
	KindFilter = "filter"
	KindOutput = "output"
	KindCodec  = "codec"
)

// Node is any part of the syntax tree.
type Node interface{ Range() Span }

// Section is one input, filter or output section. Open and Close are the offsets of its braces;
// Close is -1 where the closing brace is missing.
type Section struct {
	Span
	Kind        string
	Open, Close int
	Body        []Statement
}

// Statement is a *PluginNode or an *IfNode.
type Statement interface {
	Node
	statement()
}

// PluginNode is one plugin with its attributes, in a section or (a codec) as the value of an attribute.
type PluginNode struct {
	Span
	File *File
	// Kind is that of the section, or KindCodec for a plugin inside a value.
	Kind        string
	Name        string
	NameSpan    Span
	Open, Close int
	Attributes  []*Attribute
}

// Attribute is one `name => value` of a plugin. Name has no quotes.
type Attribute struct {
	Span
	Name     string
	NameSpan Span
	Arrow    Span
	Value    Expr
}

// IfNode is a whole chain of if, else if and else.
type IfNode struct {
	Span
	File     *File
	Branches []*Branch
}

// Branch is one arm of an IfNode. Cond is nil for else, and for a condition that could not be parsed.
type Branch struct {
	Span
	Else        bool
	Cond        Cond
	Open, Close int
	Body        []Statement
}

func (*PluginNode) statement() {}
func (*IfNode) statement()     {}

// Expr is a value: *String, *Number, *Bareword, *Array, *HashLit or *PluginNode, and in conditions also
// *FieldRef, *Regexp and *Call.
type Expr interface {
	Node
	expr()
}

// String is a quoted string. Text is what stands between the quotes, with escapes replaced where
// config.support_escapes is on; Raw is the text between the quotes as written.
type String struct {
	Span
	Text, Raw string
}

// Number is a number as Logstash reads it: a leading zero makes an integer octal, a point makes it a float.
type Number struct {
	Span
	Text    string
	IsFloat bool
	Int     int64
	Float   float64
}

// Bareword is an unquoted word of at least two letters, digits or underscores; it is a string.
type Bareword struct {
	Span
	Text string
}

// Array is `[ value, value ]`.
type Array struct {
	Span
	Items []Expr
}

// HashLit is `{ key => value  key => value }` in the order of the text. Keys are *String, *Bareword or, refused, *Number.
type HashLit struct {
	Span
	Entries []*HashEntry
}

// HashEntry is one `key => value` of a HashLit.
type HashEntry struct {
	Span
	Key   Expr
	Arrow Span
	Value Expr
}

// FieldRef is a field reference in a condition, Text being all of it with its brackets: `[http][status]`.
type FieldRef struct {
	Span
	Text string
}

// Regexp is a regular expression literal. Text is what stands between the slashes, as written: `\/` stays.
type Regexp struct {
	Span
	Text string
}

// Call is a method call in a condition, which Logstash parses and ignores.
// It remains in the tree of a parsed text only as an operand that has no meaning.
type Call struct {
	Span
	Name string
	Args []Expr
}

func (*String) expr()     {}
func (*Number) expr()     {}
func (*Bareword) expr()   {}
func (*Array) expr()      {}
func (*HashLit) expr()    {}
func (*PluginNode) expr() {}
func (*FieldRef) expr()   {}
func (*Regexp) expr()     {}
func (*Call) expr()       {}

// Cond is a condition: *Logical, *Not, *Compare, *In, *Match or *Truth. Parentheses leave no trace but the shape of the tree.
type Cond interface {
	Node
	cond()
}

// Logical joins two conditions with Op, one of and, or, nand, xor. The shape is the one that Logstash builds.
type Logical struct {
	Span
	Op          string
	OpSpan      Span
	Left, Right Cond
}

// Not is `!(…)` or `![field]`.
type Not struct {
	Span
	X Cond
}

// Compare is a comparison with Op, one of == != < > <= >=. The operands are those that Logstash looks at:
// of an array literal its first item, of a method call its argument.
type Compare struct {
	Span
	Op          string
	OpSpan      Span
	Left, Right Expr
}

// In is `left in right` or, with Negate, `left not in right`.
type In struct {
	Span
	Negate      bool
	OpSpan      Span
	Left, Right Expr
}

// Match is `left =~ pattern` or, with Negate, `left !~ pattern`. Pattern is a *Regexp or a *String.
type Match struct {
	Span
	Negate  bool
	OpSpan  Span
	Left    Expr
	Pattern Expr
}

// Truth is a value standing alone as a condition: a field is tested for being set and not false; all else is constant.
type Truth struct {
	Span
	X Expr
}

func (*Logical) cond() {}
func (*Not) cond()     {}
func (*Compare) cond() {}
func (*In) cond()      {}
func (*Match) cond()   {}
func (*Truth) cond()   {}

// Walk calls visit for every plugin of the statements and, by way of branches, of those inside them, in the order of the text.
func Walk(body []Statement, visit func(*PluginNode)) {
	for _, s := range body {
		switch s := s.(type) {
		case *PluginNode:
			visit(s)
		case *IfNode:
			for _, b := range s.Branches {
				Walk(b.Body, visit)
			}
		}
	}
}
