//go:build !purego

package charset

// isASCII reports whether all bytes of s are below 0x80, sixteen at a time: every line that is read passes here.
//
//go:noescape
func isASCII(s string) bool
