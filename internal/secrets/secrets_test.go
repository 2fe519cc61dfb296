package secrets

import (
	"os"
	"testing"

	"github.com/stretchr/testify/require"
)

// The files in testdata were written by keytool of Java 17, as logstash-keystore writes its entries; legacy.keystore in the format of before
// 11.0.12. own.keystore holds its password behind the PKCS#12 structure.

func TestRead(t *testing.T) {
	f := func(file, password string) {
		t.Helper()
		s, err := Read("testdata/"+file, password)
		require.NoError(t, err)
		require.Equal(t, map[string]string{"es_pwd": `s3cr3t "ä"`, "empty.name_2": "two"}, s.values)
	}
	f("own.keystore", "")
	f("password.keystore", "changeit")
	f("nonascii.keystore", "pässword")
}

func TestLookup(t *testing.T) {
	s, err := Read("testdata/own.keystore", "")
	require.NoError(t, err)
	v, ok := s.Lookup("ES_PWD")
	require.True(t, ok)
	require.Equal(t, `s3cr3t "ä"`, v)
	_, ok = s.Lookup("other")
	require.False(t, ok)
	_, ok = s.Lookup("keystore.seed")
	require.False(t, ok)
	_, ok = (*Store)(nil).Lookup("ES_PWD")
	require.False(t, ok)
}

func TestReadFailures(t *testing.T) {
	f := func(file, password, want string) {
		t.Helper()
		_, err := Read("testdata/"+file, password)
		require.ErrorContains(t, err, want)
	}
	f("password.keystore", "wrong", "the password (LOGSTASH_KEYSTORE_PASS) is wrong")
	f("password.keystore", "", "it does not hold its password")
	f("legacy.keystore", "changeit", "it is no keystore of Logstash")
	f("legacy.keystore", "wrong", "is wrong")
	f("nothing.keystore", "x", "no such file")
}

func TestLegacy(t *testing.T) {
	data, err := os.ReadFile("testdata/legacy.keystore")
	require.NoError(t, err)
	keys, err := decode(data, "changeit")
	require.NoError(t, err)
	require.Equal(t, map[string][]byte{"urn:logstash:secret:v1:a": []byte("YQ==")}, keys)
}

func FuzzParse(f *testing.F) {
	for _, name := range []string{"own", "legacy"} {
		data, err := os.ReadFile("testdata/" + name + ".keystore")
		require.NoError(f, err)
		f.Add(data, "changeit")
		f.Add(data, "")
	}
	f.Fuzz(func(t *testing.T, data []byte, password string) {
		_, _ = parse(data, password)
	})
}
