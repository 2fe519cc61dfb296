package text

import "unicode/utf8"

// CheckValid returns the error that Ruby raises where a method needs the characters of a string and s is not valid UTF-8.
func CheckValid(s string) error {
	if utf8.ValidString(s) {
		return nil
	}
	return invalidBytes()
}
