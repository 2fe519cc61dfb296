package config

import (
	"fmt"
	"strings"
)

// Substitute returns s, a text outside of pipeline files such as a setting, with its ${VARIABLES} replaced. Its error names a
// variable that is not set and has no default.
func Substitute(s string, lookup Lookup) (string, error) {
	var b strings.Builder
	done := 0
	for v, ok := nextVariable(s, 0); ok; v, ok = nextVariable(s, v.end) {
		value, found := "", false
		if lookup != nil {
			value, found = lookup(v.name)
		}
		if !found && !v.hasDefault {
			return "", fmt.Errorf("the variable %s is not set and has no default", v.name)
		}
		if !found {
			value = v.value
		}
		b.WriteString(s[done:v.start])
		b.WriteString(value)
		done = v.end
	}
	return b.String() + s[done:], nil
}
