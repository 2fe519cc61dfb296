//go:build !unix

package engine

import "strings"

// noSpace tells whether an error says that there is no room on the disk: by its text, which bbolt keeps where it loses the number.
func noSpace(err error) bool { return strings.Contains(err.Error(), "not enough space") }

// syncDir has nothing to do: such systems cannot sync a folder, and keep names without it.
func syncDir(string) error { return nil }
