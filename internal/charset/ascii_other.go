//go:build !amd64 || purego

package charset

// isASCII reports whether all bytes of s are below 0x80.
func isASCII(s string) bool { return asciiPrefix(s) == len(s) }
