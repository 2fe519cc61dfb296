package syntax

// kind is what a token is.
type kind uint8

const (
	tEOF   kind = iota
	tNL         // the end of a line or ;
	tNode       // a literal that is read
	tIdent      // foo, foo?, foo!
	tConst
	tIVar
	tCVar
	tGVar
	tLabel // foo: or "foo":
	tOp
	tKw
)

// token is a piece of the source.
type token struct {
	kind   kind
	text   string
	node   Node // of a tNode; of a tLabel with interpolation
	pos    int
	end    int
	spaced bool // white space before it
	local  bool // an identifier that is a local variable
	name   bool // stands where only the name of a method can: after a dot or def
	minus  bool // a number with a minus in front of it
}

func (t *token) is(op string) bool { return t.kind == tOp && t.text == op }

func (t *token) kw(word string) bool { return t.kind == tKw && t.text == word }

// keywords are the words that are no names.
var keywords = map[string]bool{
	"alias": true, "and": true, "begin": true, "break": true, "case": true, "class": true, "def": true, "defined?": true, "do": true, "else": true, "elsif": true,
	"end": true, "ensure": true, "false": true, "for": true, "if": true, "in": true, "module": true, "next": true, "nil": true, "not": true, "or": true,
	"redo": true, "rescue": true, "retry": true, "return": true, "self": true, "super": true, "then": true, "true": true, "undef": true, "unless": true,
	"until": true, "when": true, "while": true, "yield": true, "__method__": true, "__FILE__": true, "__LINE__": true, "__dir__": true, "BEGIN": true, "END": true,
	"__ENCODING__": true,
}

// valueKeywords are those that end a value, so that an operator may follow.
var valueKeywords = map[string]bool{
	"end": true, "self": true, "true": true, "false": true, "nil": true, "redo": true, "retry": true, "super": true, "__method__": true, "__FILE__": true,
	"__LINE__": true, "__dir__": true, "__ENCODING__": true,
}

// lineKeywords are those behind which the end of a line counts, although a value might follow.
var lineKeywords = map[string]bool{
	"return": true, "break": true, "next": true, "rescue": true, "ensure": true, "else": true, "begin": true, "do": true, "then": true, "yield": true,
	"case": true, "class": true, "module": true,
}

// operators, the longer ones first.
var operators = []string{
	"**=", "<=>", "===", "...", "<<=", ">>=", "&&=", "||=",
	"**", "==", "!=", ">=", "<=", "&&", "||", "=~", "!~", "..", "::", "+=", "-=", "*=", "/=", "%=", "&=", "|=", "^=", "<<", ">>", "->", "=>", "&.",
	"+", "-", "*", "/", "%", "=", "<", ">", "!", "&", "|", "^", "~", "?", ":", ",", ".", "(", ")", "[", "]", "{", "}", ";",
}

// methodOperators may be the name of a method.
var methodOperators = []string{
	"[]=", "[]", "<=>", "===", "==", "=~", "!~", "!=", "**", "+@", "-@", "~@", "!@", "<<", ">>", "<=", ">=", "+", "-", "*", "/", "%", "<", ">", "!", "&", "|", "^", "~",
}

// valueEnd reports whether t is the end of a value: what follows it is an operator rather than another value.
func (t *token) valueEnd() bool {
	switch t.kind {
	case tNode, tIdent, tConst, tIVar, tCVar, tGVar:
		return true
	case tKw:
		return t.name || valueKeywords[t.text]
	case tOp:
		return t.name || t.text == ")" || t.text == "]" || t.text == "}"
	}
	return false
}

// takesArgs reports whether a value behind t, with a space between, may be an argument of a call without parentheses.
func (t *token) takesArgs() bool {
	switch t.kind {
	case tIdent:
		return !t.local
	case tKw:
		return t.name || t.text == "super" || t.text == "yield"
	case tConst:
		return t.name
	}
	return false
}

func isIdentStart(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_' || c >= 0x80
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

func isIdent(c byte) bool { return isIdentStart(c) || isDigit(c) }

func isSpace(c byte) bool { return c == ' ' || c >= '\t' && c <= '\r' }
