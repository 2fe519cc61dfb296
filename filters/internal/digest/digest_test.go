package digest

import (
	"testing"

	"github.com/stretchr/testify/require"

	"millrace/pipeline/event"
)

func TestMurmur(t *testing.T) {
	require.EqualValues(t, 1586663183, Murmur32([]byte("hello world")))
	require.EqualValues(t, 0, Murmur32(nil))
	require.EqualValues(t, 2285673222, Murmur32([]byte("abcdefg")))
	h1, h2 := Murmur128([]byte("hello world"), 0)
	require.Equal(t, [2]uint64{0x533f6046eb7f610e, 0xab97467d60eb63b1}, [2]uint64{h1, h2}, "as smhasher's reference has it")
}

func TestHash(t *testing.T) {
	f := func(name, key string, keyed, inBase64 bool, want string) {
		t.Helper()
		h := NewHash(name, key, keyed)
		for range 2 { // what was hashed before does not count
			require.Equal(t, want, h.Text(new(event.Arena), inBase64, func(dst []byte) []byte { return append(dst, "123.123.123.123"...) }))
		}
	}
	f("MD5", "", false, false, "ccdd8d3d940a01b2fb3258c059924c0d")
	f("SHA1", "", false, true, "OlB2xSC0tGP0OAaJbqCzl40J3K4=")
	f("SHA1", "longencryptionkey", true, false, "fdc60acc4773dc5ac569ffb78fcb93c9630797f4")
	f("SHA384", "longencryptionkey", true, true, "ItTA6MT7zcSIfSA4/KdlDw4uDiRX/0HAbrKpgN3tZ0lWHIFP4YKv+T4lONGFk5R6")
}

func TestNetwork(t *testing.T) {
	f := func(address string, bits int, want string) {
		t.Helper()
		got, err := Network(new(event.Arena), address, bits)
		if want == "" {
			require.Error(t, err)
			return
		}
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
	f("123.123.123.123", 24, "123.123.123.0")
	f("123.123.123.123", 0, "0.0.0.0")
	f("123.123.123.123", 32, "123.123.123.123")
	f("123.123.123.123/8", 24, "123.0.0.0")
	f("2001:db8::1%eth0", 32, "2001:db8::")
	f("123.123.123.123", 33, "")
	f("not an address", 24, "")
	f("", 24, "")
}
