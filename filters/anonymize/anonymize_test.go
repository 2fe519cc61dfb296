package anonymize

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"millrace/filters/internal/digest"
	"millrace/filters/internal/filtertest"
)

func TestAnonymize(t *testing.T) {
	f := func(options, value, want string) {
		t.Helper()
		require.Equal(t, `{"c":`+want, filtertest.New(t, Plugin, `fields => ["c","missing"] `+options).Run(`{"c":`+value+`}`), options)
	}
	f(`key => 24 algorithm => "IPV4_NETWORK"`, `"233.255.13.44"`, `"233.255.13.0"}`)
	f(`key => "" algorithm => "MURMUR3"`, `"123.52.122.33"`, `1541804874}`)
	f(`key => "longencryptionkey"`, `"123.123.123.123"`, `"fdc60acc4773dc5ac569ffb78fcb93c9630797f4"}`)
	f(`key => "longencryptionkey" algorithm => "SHA256"`, `"123.123.123.123"`, `"345bec3eff242d53b568916c2610b3e393d885d6b96d643f38494fd74bf4a9ca"}`)
	f(`key => "longencryptionkey" algorithm => "MD5"`, `["123.123.123.123","223.223.223.223"]`, `["9336c879e305c9604a3843fc3e75948f","7a6c66b8d3f42a7d650e3354af508df3"]}`)
	f(`key => "k"`, `null`, `null}`)
	// What Logstash stops at or makes null is hidden too.
	f(`key => "k" algorithm => "MD5"`, `5`, `"`+md5of5+`"}`)
	f(`key => "k" algorithm => "MD5"`, `["5"]`, `["`+md5of5+`"]}`)
	f(`key => "k" algorithm => "MURMUR3"`, `{"a":1}`, fmt.Sprint(digest.Murmur32([]byte(`{"a"=>1}`)), "}"))
	f(`key => "24" algorithm => "IPV4_NETWORK"`, `"x"`, `"x","tags":["_filter_error"]}`)
	f(`key => "24" algorithm => "IPV4_NETWORK"`, `["10.1.1.1",5]`, `["10.1.1.1",5],"tags":["_filter_error"]}`)
}

const md5of5 = "53b4bc89c9e0045e587d05e6093d3c27" // with the key k

func TestDiagnostics(t *testing.T) {
	f := func(options, want string) {
		t.Helper()
		require.Contains(t, filtertest.Diagnose(Plugin, options), want)
	}
	f(`fields => ["a"]`, `option "key" is required`)
	f(`fields => ["a"] key => "x"`, "deprecated: use fingerprint")
	f(`fields => ["a"] key => "x" algorithm => "IPV4_NETWORK"`, "length of a prefix")
}

func BenchmarkFilter(b *testing.B) {
	filtertest.Bench(b, Plugin, `fields => ["user","ips"] key => "salt" algorithm => "SHA256"`, `{"user":"bob","ips":["10.0.0.1","10.0.0.2"]}`)
}
