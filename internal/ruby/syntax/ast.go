// Package syntax reads the Ruby that configurations hold: it makes a tree of the code of a ruby or aggregate filter, and an [Error] with its place of
// what is no Ruby or no part of the Ruby that is understood.
package syntax

import "math/big"

// Node is a piece of the tree.
type Node interface {
	// At returns where the piece begins, in bytes of the source.
	At() int
}

// P is the place of a node.
type P int

// At returns the place.
func (p P) At() int { return int(p) }

// Literals.
type (
	// Nil is nil.
	Nil struct{ P }
	// True is true.
	True struct{ P }
	// False is false.
	False struct{ P }
	// Self is self.
	Self struct{ P }
	// Int is an integer.
	Int struct {
		P
		Val *big.Int
	}
	// Float is a floating point number.
	Float struct {
		P
		Val float64
	}
	// Rational is a literal such as 3r or 1.5r.
	Rational struct {
		P
		Text string
	}
	// Str is a string without interpolation.
	Str struct {
		P
		Val string
	}
	// DStr is a string with interpolation: the texts of its parts, one after the other.
	DStr struct {
		P
		Parts []Node
	}
	// Sym is a symbol.
	Sym struct {
		P
		Name string
	}
	// DSym is a symbol with interpolation.
	DSym struct {
		P
		Parts []Node
	}
	// Regex is a regular expression.
	Regex struct {
		P
		Parts []Node
		Flags string
	}
	// Array is an array; its elements may be a Splat.
	Array struct {
		P
		Elems []Node
	}
	// Hash is a hash; Bare tells that it has no braces, as the named arguments of a call.
	Hash struct {
		P
		Pairs []Pair
		Bare  bool
	}
	// Pair is an entry of a hash; without a Key its Value is a hash to be merged.
	Pair struct{ Key, Value Node }
	// Range is lo..hi; either may be nil.
	Range struct {
		P
		Lo, Hi Node
		Excl   bool
	}
)

// Names.
type (
	// LVar is a local variable.
	LVar struct {
		P
		Name string
	}
	// IVar is an instance variable, with its @.
	IVar struct {
		P
		Name string
	}
	// CVar is a class variable, with its @@.
	CVar struct {
		P
		Name string
	}
	// GVar is a global variable, with its $; $1 and $~ too.
	GVar struct {
		P
		Name string
	}
	// Const is a constant, in Scope if there is one.
	Const struct {
		P
		Scope Node
		Top   bool
		Name  string
	}
)

// Assignments and calls.
type (
	// Asgn is target = value.
	Asgn struct {
		P
		Target, Value Node
	}
	// OpAsgn is target op= value; Op is without the =.
	OpAsgn struct {
		P
		Target Node
		Op     string
		Value  Node
	}
	// MAsgn is a multiple assignment.
	MAsgn struct {
		P
		Target *MLHS
		Value  Node
	}
	// MLHS is the left of a multiple assignment: targets, of which one may be a Splat, and others an MLHS.
	MLHS struct {
		P
		Items []Node
	}
	// Splat is *value; without a Value in an MLHS it takes what nobody wants.
	Splat struct {
		P
		Value Node
	}
	// BlockPass is &value as the last argument.
	BlockPass struct {
		P
		Value Node
	}
	// Call is a call of a method. Without Recv self gets it.
	Call struct {
		P
		Recv   Node
		Name   string
		Args   []Node
		Block  *Block
		Pass   Node // of a BlockPass
		Safe   bool // &.
		Parens bool
		VCall  bool // a bare name: a variable perhaps
		Place  int  // of the name
	}
	// Super is a call of the method of the superclass; without Given it gets the arguments of the method it stands in.
	Super struct {
		P
		Given bool
		Args  []Node
		Block *Block
		Pass  Node
	}
	// Yield calls the method's block.
	Yield struct {
		P
		Args []Node
	}
	// Block is a block or the body of a lambda.
	Block struct {
		P
		Params   *Params
		Body     Node
		Numbered int // how many of _1, _2 … it uses; it counts as 1
		Lambda   bool
	}
	// Lambda is ->(x) { }.
	Lambda struct {
		P
		Block *Block
	}
)

// Params are the parameters of a method or block.
type Params struct {
	Req     []Param
	Opt     []OptParam
	Rest    string // "*" if it has no name
	Post    []Param
	Kw      []OptParam // without Default: required
	KwRest  string     // "**" if it has no name
	Block   string
	Locals  []string
	Comma   bool // |a,|
	NoKw    bool
	Forward bool // (...)
}

// Param is a required parameter: a name, or a pattern that takes an array apart.
type Param struct {
	Name    string
	Pattern *MLHS
}

// OptParam is a parameter with a default.
type OptParam struct {
	Name    string
	Default Node
}

// Control flow.
type (
	// Not is !x.
	Not struct {
		P
		X Node
	}
	// And is x && y.
	And struct {
		P
		X, Y Node
	}
	// Or is x || y.
	Or struct {
		P
		X, Y Node
	}
	// Defined is defined?(x).
	Defined struct {
		P
		X Node
	}
	// If is if, unless and ?:.
	If struct {
		P
		Cond, Then, Else Node
	}
	// While is while or until; DoWhile runs the body once before it looks.
	While struct {
		P
		Cond, Body     Node
		Until, DoWhile bool
	}
	// For is for x in y.
	For struct {
		P
		Var  Node
		Iter Node
		Body Node
	}
	// Case is case/when.
	Case struct {
		P
		Subject Node
		Whens   []When
		Else    Node
	}
	// When is one when.
	When struct {
		Conds []Node
		Body  Node
	}
	// CaseIn is case/in; NoElse tells that nothing matching raises. A one-line `x in p` has Test, `x => p` has not.
	CaseIn struct {
		P
		Subject Node
		Ins     []In
		Else    Node
		HasElse bool
		Test    bool
	}
	// In is one in.
	In struct {
		Pat   Node
		Guard Node
		Body  Node
	}
	// Begin is a body with rescue, else and ensure.
	Begin struct {
		P
		Body    Node
		Rescues []Rescue
		Else    Node
		Ensure  Node
	}
	// Rescue is one rescue.
	Rescue struct {
		Classes []Node
		Var     Node
		Body    Node
	}
	// Seq is one statement after the other.
	Seq struct {
		P
		List []Node
	}
	// Break is break.
	Break struct {
		P
		Value Node
	}
	// Next is next.
	Next struct {
		P
		Value Node
	}
	// Redo is redo.
	Redo struct{ P }
	// Retry is retry.
	Retry struct{ P }
	// Return is return.
	Return struct {
		P
		Value Node
	}
)

// Definitions.
type (
	// Def is def; Singleton is the receiver of def self.x.
	Def struct {
		P
		Singleton Node
		Name      string
		Params    *Params
		Body      Node
	}
	// Class is class Path < Super.
	Class struct {
		P
		Path  *Const
		Super Node
		Body  Node
	}
	// SClass is class << self.
	SClass struct {
		P
		X    Node
		Body Node
	}
	// Module is module Path.
	Module struct {
		P
		Path *Const
		Body Node
	}
	// Alias is alias new old.
	Alias struct {
		P
		New, Old string
	}
	// Undef is undef names.
	Undef struct {
		P
		Names []string
	}
	// FileName is __FILE__, or __dir__.
	FileName struct {
		P
		Dir bool
	}
	// MethodName is __method__.
	MethodName struct{ P }
)

// Patterns of case/in beyond plain values.
type (
	// PatArray is [a, *b, c], with a Const in front perhaps.
	PatArray struct {
		P
		Const Node
		Items []Node // of which one may be a Splat of an LVar or nil
	}
	// PatHash is {a:, b: pattern, **rest}.
	PatHash struct {
		P
		Const Node
		Keys  []string
		Pats  []Node // nil: a variable of the key's name
		Rest  string // name of the rest, "*" for none, "nil" for **nil, "" if not given
	}
	// PatAlt is a | b.
	PatAlt struct {
		P
		X, Y Node
	}
	// PatBind is pattern => name.
	PatBind struct {
		P
		Pat  Node
		Name string
	}
	// PatVar is a name that takes anything.
	PatVar struct {
		P
		Name string
	}
	// PatPin is ^name or ^(expression).
	PatPin struct {
		P
		X Node
	}
)
