package text

import (
	"fmt"
	"math/big"
)

// Error is what Ruby would raise.
type Error struct {
	Class string // the name of the exception's class, such as ArgumentError
	Msg   string
}

// Error returns the message alone, as Exception#message does.
func (e *Error) Error() string { return e.Msg }

func argumentError(format string, args ...any) error {
	return &Error{"ArgumentError", fmt.Sprintf(format, args...)}
}

func typeError(format string, args ...any) error {
	return &Error{"TypeError", fmt.Sprintf(format, args...)}
}

func rangeError(format string, args ...any) error {
	return &Error{"RangeError", fmt.Sprintf(format, args...)}
}

// Arg is an argument of Format and Pack: int64, *big.Int, float64, string, Bytes, bool, nil, or a Value.
type Arg any

// Bytes is a string whose encoding is ASCII-8BIT.
type Bytes string

// Value is any other object. It may implement Numeric and Lookup too.
type Value interface {
	ClassName() string        // as in "can't convert Array into Integer"
	ToS() (string, error)     // for %s
	Inspect() (string, error) // for %p
}

// Numeric is a Value that converts to a number, such as Rational or Time.
type Numeric interface {
	ToInteger() (Arg, error) // an int64 or *big.Int, as Kernel#Integer returns it
	ToFloat() (float64, error)
}

// Lookup is a Value that %<name> and %{name} find their values in: a Hash with symbols as keys.
type Lookup interface {
	Lookup(name string) (v Arg, found bool, err error)
}

// normalInt returns n as an int64 where it fits.
func normalInt(n *big.Int) Arg {
	if n.IsInt64() {
		return n.Int64()
	}
	return n
}

// Int is an Integer of any size: Big, or Small where Big is nil. Big is never set to what Small could hold.
type Int struct {
	Small int64
	Big   *big.Int
}

// IntOf returns n, in Small where it fits.
func IntOf(n *big.Int) Int {
	if n.IsInt64() {
		return Int{Small: n.Int64()}
	}
	return Int{Big: n}
}

// BigInt returns i as a big.Int, which the caller must not change.
func (i Int) BigInt() *big.Int {
	if i.Big != nil {
		return i.Big
	}
	return big.NewInt(i.Small)
}

// String returns the decimal digits.
func (i Int) String() string {
	if i.Big != nil {
		return i.Big.String()
	}
	return fmt.Sprint(i.Small)
}
