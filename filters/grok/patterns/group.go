package patterns

import "strings"

// Cast is the type that a capture asks for.
type Cast uint8

const (
	// NoCast leaves the text.
	NoCast Cast = iota

	// Int reads a whole number as Ruby's to_i does: what follows the digits is ignored, no digits are 0.
	Int

	// Float reads a number as Ruby's to_f does.
	Float
)

// ParseGroup takes the name of a group of an expansion apart: NAME:field:cast, NAME:field, or a field alone. A cast that
// is neither int nor float leaves the text. A group written by hand as (?<a:b>...) follows the same rule, which makes b
// its field.
func ParseGroup(group string) (field string, cast Cast) {
	parts := strings.Split(strings.TrimRight(group, ":"), ":")
	if len(parts) == 1 {
		return parts[0], NoCast
	}
	if len(parts) > 2 {
		switch parts[2] {
		case "int":
			cast = Int
		case "float":
			cast = Float
		}
	}
	return parts[1], cast
}
