package charset

import (
	"fmt"
	"strings"

	"golang.org/x/text/encoding"
)

// Charset is a character set that text can be converted from. The zero Charset is UTF-8. It is an option type.
type Charset struct{ def *definition }

// definition is one character set; it is immutable.
type definition struct {
	name     string
	table    *[128]rune        // of the bytes from 80 on, for a set of single bytes that begins with ASCII
	encoding encoding.Encoding // for all others
	ascii    bool              // ASCII text is its own UTF-8 form
	compose  bool              // decomposed UTF-8, as old file systems of Apple write it
	jis      bool              // seven signs are those of the standard, not of Microsoft, which x/text follows
}

// Find returns the character set that one of Ruby's names means, whatever its case.
func Find(name string) (Charset, error) {
	key := strings.ToLower(name)
	if def := singleByte(key); def != nil {
		return Charset{def}, nil
	}
	if def, ok := others(key); ok {
		return Charset{def}, nil
	}
	if unconvertible(key) {
		return Charset{}, fmt.Errorf("character set %q cannot be converted to UTF-8", name)
	}
	err := fmt.Errorf("unknown character set %q", name)
	if near := nearest(key); near != "" {
		err = fmt.Errorf("%w: did you mean %q?", err, near)
	}
	return Charset{}, err
}

// UnmarshalText makes Charset an option type.
func (c *Charset) UnmarshalText(text []byte) (err error) {
	*c, err = Find(string(text))
	return err
}

// MarshalText returns the name.
func (c Charset) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// OptionType names the type for descriptions.
func (Charset) OptionType() string { return "charset" }

// String returns Ruby's main name of the character set.
func (c Charset) String() string {
	if c.def == nil {
		return "UTF-8"
	}
	return c.def.name
}
