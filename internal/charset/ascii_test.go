package charset

import (
	"strings"
	"testing"
)

func TestIsASCII(t *testing.T) {
	for n := range 70 {
		s := []byte(strings.Repeat("\x7f", n))
		if !isASCII(string(s)) {
			t.Fatalf("%d bytes of ASCII are not", n)
		}
		for i := range s {
			for _, c := range []byte{0x80, 0xff} {
				s[i] = c
				if isASCII(string(s)) {
					t.Fatalf("byte %d of %d is %#x, and all are ASCII", i, n, c)
				}
				s[i] = 0
			}
		}
	}
}
