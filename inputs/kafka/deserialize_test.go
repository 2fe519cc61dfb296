package kafka

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// A record without a value is none that its deserializer could not read.
func TestNoData(t *testing.T) {
	for _, class := range []string{"String", "ByteArray", "Short", "Integer", "Long", "Float", "Double", "UUID"} {
		d, err := newDeserializer(serialization + class + "Deserializer")
		require.NoError(t, err)
		text, err := d(nil)
		require.NoError(t, err, class)
		require.Empty(t, text)
	}
	d, err := newDeserializer(serialization + "LongDeserializer")
	require.NoError(t, err)
	_, err = d([]byte{})
	require.Error(t, err)
}
