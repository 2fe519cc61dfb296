package fingerprint

import (
	"testing"

	"github.com/stretchr/testify/require"

	"millrace/filters/internal/filtertest"
)

func run(t *testing.T) func(options, in, want string) {
	return func(options, in, want string) {
		t.Helper()
		require.Equal(t, want, filtertest.New(t, Plugin, options).Run(in), options)
	}
}

// The digests are those of the upstream plugin's own specifications.
func TestMethods(t *testing.T) {
	g := run(t)
	f := func(options, value, want string) {
		t.Helper()
		g(`source => "c" `+options, `{"c":`+value+`}`, `{"c":`+value+`,"fingerprint":`+want+`} +`)
	}
	const ip = `"123.123.123.123"`
	f(`method => "IPV4_NETWORK" key => "24"`, ip, `"123.123.123.0"`)
	f(`method => "MURMUR3"`, ip, `4013733395`)
	f(`method => "MURMUR3"`, `123`, `823512154`)
	f(`method => "MURMUR3_128"`, `"hello world"`, `"4e54e0afea7fa69d314aade9c4856540"`)
	f(`method => "MURMUR3_128" base64encode => true`, `42`, `"FuWDKC1ysSykGOhD+I9W6w=="`)
	f(``, ip, `"3a5076c520b4b463f43806896ea0b3978d09dcae"`)
	f(`key => "longencryptionkey"`, ip, `"fdc60acc4773dc5ac569ffb78fcb93c9630797f4"`)
	f(`key => "longencryptionkey" base64encode => true`, ip, `"/cYKzEdz3FrFaf+3j8uTyWMHl/Q="`)
	f(`base64encode => true`, ip, `"OlB2xSC0tGP0OAaJbqCzl40J3K4="`)
	f(`method => "SHA256"`, ip, `"4dabcab210766e35f03e77120e6986d6e6d4752b2a9ff22980b9253d026080d8"`)
	f(`method => "SHA384"`, ip, `"fd605b0a3af3e04ce0d7a0b0d9c48d67a12dab811f60072e6eae84e35d567793ffb68a1807536f11c90874065c2a4392"`)
	f(`method => "SHA512" key => "longencryptionkey"`, ip, `"11c19b326936c08d6c50a3c847d883e5a1362e6a64dd55201a25f2c1ac1b673f7d8bf15b8f112a4978276d573275e3b14166e17246f670c2a539401c5bfdace8"`)
	f(`method => "MD5"`, ip, `"ccdd8d3d940a01b2fb3258c059924c0d"`)
	f(`method => "MD5" key => "longencryptionkey"`, ip, `"9336c879e305c9604a3843fc3e75948f"`)
	f(``, `["123.123.123.123","223.223.223.223"]`, `["3a5076c520b4b463f43806896ea0b3978d09dcae","47bbc4e06edebbace047fed35abeceec64968b81"]`)
	f(`method => "PUNCTUATION"`, `"PHP Warning:  json_encode() [<a href='function.json-encode'>function.json-encode</a>]: in /var/www/htdocs/test.php on line 233"`,
		`":_()[<='.-'>.-</>]:////."`)
	f(`method => "PUNCTUATION"`, `"a €+日。b"`, `"€+。"`)
}

func TestSources(t *testing.T) {
	f := run(t)
	f(`source => ["a","b"]`, `{"a":"test1","b":"test2"}`, `{"a":"test1","b":"test2","fingerprint":"109f4b3c50d7b0df729d299bc6f8e9ef9066971f"} +`)
	f(`source => ["b","a"] concatenate_sources => true target => "h"`, `{"a":"test1","b":"test2"}`, `{"a":"test1","b":"test2","h":"23c9f63b4e4acb2a2be6bc6dd33ad78b1c492760"} +`)
	f(`source => ["field2","field1"] concatenate_sources => true target => "h"`, `{"field1":"test1","field2":"test2"}`,
		`{"field1":"test1","field2":"test2","h":"e3b6b71eedc656f1d29408264e8a75535db985cb"} +`)
	f(`source => "missing"`, `{"a":1}`, `{"a":1} +`)
	f(`concatenate_all_fields => true`,
		`{"@timestamp":"2017-07-26T14:44:27.064Z","clientip":"123.123.123.123","message":"This is a test message","log_level":"INFO","offset":123456789,"type":"test"}`,
		`{"@timestamp":"2017-07-26T14:44:27.064Z","clientip":"123.123.123.123","message":"This is a test message","log_level":"INFO","offset":123456789,"type":"test","fingerprint":"cbf022518e97860403160ed8a41847c0db104e63"} +`)
	f(`source => "@timestamp" method => "MURMUR3"`, `{"@timestamp":"1970-01-01T00:00:00.000Z"}`, `{"@timestamp":"1970-01-01T00:00:00.000Z","fingerprint":743372282} +`)
	f(`source => "@timestamp" key => "0123"`, `{"@timestamp":"1970-01-01T00:00:00.000Z"}`,
		`{"@timestamp":"1970-01-01T00:00:00.000Z","fingerprint":"1d5379ec92d86a67cfc642d55aa050ca312d3b9a"} +`)
	f(`ecs_compatibility => "v1" method => "MURMUR3"`, `{"message":"a"}`, `{"message":"a","event":{"hash":1009084850}} +`)
}

// The order in which the members of a hash came makes no difference.
func TestOrderDoesNotCount(t *testing.T) {
	for _, options := range []string{`source => "a" target => "a"`, `source => ["a"] concatenate_sources => true target => "a"`} {
		r := filtertest.New(t, Plugin, options)
		require.Equal(t, r.Run(`{"a":{"x":0,"y":{"p":1,"q":2}}}`), r.Run(`{"a":{"y":{"q":2,"p":1},"x":0}}`))
	}
}

func TestUUID(t *testing.T) {
	require.Regexp(t, `^{"fingerprint":"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"} \+$`,
		filtertest.New(t, Plugin, `method => "UUID"`).Run(`{}`))
}

// Logstash stops at these.
func TestFailures(t *testing.T) {
	f := run(t)
	f(`source => "c" method => "IPV4_NETWORK" key => "24"`, `{"c":"no"}`, `{"c":"no","tags":["_filter_error"]}`)
	f(`source => "c" method => "IPV4_NETWORK" key => "24"`, `{"c":["10.1.1.1",5]}`, `{"c":["10.1.1.1",5],"tags":["_filter_error"]}`)
	f(`source => "c" method => "IPV4_NETWORK" key => "64"`, `{"c":"10.1.1.1"}`, `{"c":"10.1.1.1","tags":["_filter_error"]}`)
	f(`source => "c" method => "PUNCTUATION"`, `{"c":5}`, `{"c":5,"tags":["_filter_error"]}`)
	f(`source => "c" target => "[s][t]"`, `{"c":5,"s":"x"}`, `{"c":5,"s":"x","tags":["_filter_error"]}`)
}

func TestDiagnostics(t *testing.T) {
	f := func(options, want string) {
		t.Helper()
		require.Contains(t, filtertest.Diagnose(Plugin, options), want)
	}
	f(`key => 24`, "must be a string")
	f(`method => "IPV4_NETWORK"`, "the key is empty")
	f(`method => "IPV4_NETWORK" key => "x"`, "length of a prefix")
	f(`method => "SHA2"`, "must be one of")
	f(`source => ["[a"]`, "error")
}

func BenchmarkFilter(b *testing.B) {
	const doc = `{"message":"GET /index.html HTTP/1.1 200 12345 curl","host":{"name":"web01"},"offset":1234,"o":{"b":1,"a":[1,"x"]}}`
	f := func(name, options string) {
		b.Run(name, func(b *testing.B) { filtertest.Bench(b, Plugin, options, doc) })
	}
	f("sha256", `method => "SHA256"`)
	f("hmac", `method => "SHA1" key => "k"`)
	f("murmur3", `method => "MURMUR3"`)
	f("concatenated", `source => ["message","[host][name]","offset"] concatenate_sources => true method => "MD5"`)
	f("all", `concatenate_all_fields => true method => "MURMUR3"`)
}
