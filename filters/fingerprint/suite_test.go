package fingerprint

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"millrace/filters/internal/filtertest"
)

// The digests that the plugin's own test suite asserts, without ECS and with it. Where that suite tells Logstash 7 from 8, by how a
// time without a fraction is written, the values are those of 7: since 8.4 the three digits are written again.
func TestSuite(t *testing.T) {
	f := func(options, in, want string) {
		t.Helper()
		in = strings.TrimSuffix(in, "}")
		legacy := filtertest.New(t, Plugin, options+` ecs_compatibility => disabled`)
		require.Equal(t, in+`,"fingerprint":`+want+`} +`, legacy.Run(in+"}"), options)
		for _, mode := range []string{"v1", "v8"} {
			r := filtertest.New(t, Plugin, options+` ecs_compatibility => `+mode)
			require.Equal(t, in+`,"event":{"hash":`+want+`}} +`, r.Run(in+"}"), options)
		}
	}
	ip := func(options, want string) { t.Helper(); f(`source => ["c"] `+options, `{"c":"123.123.123.123"}`, want) }
	ip(`method => "IPV4_NETWORK" key => "24"`, `"123.123.123.0"`)
	ip(`method => "MURMUR3"`, `4013733395`)
	f(`source => ["c"] method => "MURMUR3"`, `{"c":123}`, `823512154`)
	ip(`method => "MURMUR3_128"`, `"41cbc4056eed401d091dfbeabf7ea9e0"`)
	ip(`method => "MURMUR3_128" base64encode => true`, `"QcvEBW7tQB0JHfvqv36p4A=="`)
	f(`source => ["c"] method => "MURMUR3_128"`, `{"c":123}`, `"286816c693ac410ed63e1430dcd6f6fe"`)
	f(`source => ["c"] method => "MURMUR3_128" base64encode => true`, `{"c":123}`, `"KGgWxpOsQQ7WPhQw3Nb2/g=="`)
	f(`source => ["c"] method => "MURMUR3_128"`, `{"c":2148483647}`, `"fdc7699a82556c8c584131f0133ee989"`)
	f(`source => ["c"] method => "MURMUR3_128" base64encode => true`, `{"c":2148483647}`, `"/cdpmoJVbIxYQTHwEz7piQ=="`)

	const key = ` key => "longencryptionkey"`
	ip(`method => "SHA1"`, `"3a5076c520b4b463f43806896ea0b3978d09dcae"`)
	ip(`method => "SHA1"`+key, `"fdc60acc4773dc5ac569ffb78fcb93c9630797f4"`)
	ip(`method => "SHA1" base64encode => true`+key, `"/cYKzEdz3FrFaf+3j8uTyWMHl/Q="`)
	ip(`method => "SHA1" base64encode => true`, `"OlB2xSC0tGP0OAaJbqCzl40J3K4="`)
	ip(`method => "SHA256"`, `"4dabcab210766e35f03e77120e6986d6e6d4752b2a9ff22980b9253d026080d8"`)
	ip(`method => "SHA256"`+key, `"345bec3eff242d53b568916c2610b3e393d885d6b96d643f38494fd74bf4a9ca"`)
	ip(`method => "SHA256" base64encode => true`+key, `"NFvsPv8kLVO1aJFsJhCz45PYhda5bWQ/OElP10v0qco="`)
	ip(`method => "SHA384"`, `"fd605b0a3af3e04ce0d7a0b0d9c48d67a12dab811f60072e6eae84e35d567793ffb68a1807536f11c90874065c2a4392"`)
	ip(`method => "SHA384"`+key, `"22d4c0e8c4fbcdc4887d2038fca7650f0e2e0e2457ff41c06eb2a980dded6749561c814fe182aff93e2538d18593947a"`)
	ip(`method => "SHA384" base64encode => true`+key, `"ItTA6MT7zcSIfSA4/KdlDw4uDiRX/0HAbrKpgN3tZ0lWHIFP4YKv+T4lONGFk5R6"`)
	ip(`method => "SHA512"`, `"5468e2dc64ea92b617782aae884b35af60041ac9e168a283615b6a462c54c13d42fa9542cce9b7d76a8124ac6616818905e3e5dd35d6e519f77c3b517558639a"`)
	ip(`method => "SHA512"`+key, `"11c19b326936c08d6c50a3c847d883e5a1362e6a64dd55201a25f2c1ac1b673f7d8bf15b8f112a4978276d573275e3b14166e17246f670c2a539401c5bfdace8"`)
	ip(`method => "SHA512" base64encode => true`+key, `"EcGbMmk2wI1sUKPIR9iD5aE2Lmpk3VUgGiXywawbZz99i/FbjxEqSXgnbVcydeOxQWbhckb2cMKlOUAcW/2s6A=="`)
	ip(`method => "MD5"`, `"ccdd8d3d940a01b2fb3258c059924c0d"`)
	ip(`method => "MD5"`+key, `"9336c879e305c9604a3843fc3e75948f"`)
	ip(`method => "MD5" base64encode => true`+key, `"kzbIeeMFyWBKOEP8PnWUjw=="`)

	f(`source => ["c"]`, `{"c":["123.123.123.123","223.223.223.223"]}`, `["3a5076c520b4b463f43806896ea0b3978d09dcae","47bbc4e06edebbace047fed35abeceec64968b81"]`)
	f(`concatenate_all_fields => true`,
		`{"@timestamp":"2017-07-26T14:44:27.064Z","clientip":"123.123.123.123","message":"This is a test message","log_level":"INFO","offset":123456789,"type":"test"}`,
		`"cbf022518e97860403160ed8a41847c0db104e63"`)
	f(`source => ["field1","field2"]`, `{"field1":"test1","field2":"test2"}`, `"109f4b3c50d7b0df729d299bc6f8e9ef9066971f"`)
	f(`source => ["field1","field2"] concatenate_sources => true`, `{"field1":"test1","field2":"test2"}`, `"e3b6b71eedc656f1d29408264e8a75535db985cb"`)
	f(`source => ["field1","field2"]`, `{"field1":[{"inner_key":"🂡"},{"1":"2"}],"field2":"🂡"}`, `"58fa9e0e60c9f0d24b51d84cddb26732a39eeb3d"`)
	f(`source => ["field1","field2"] concatenate_sources => true`, `{"field1":[{"inner_key":"🂡"},{"1":"2"}],"field2":"🂡"}`, `"d74f41841c7cdc793a97c218d2ff18064a5f1950"`)
	f(`source => "f" method => "PUNCTUATION"`,
		`{"f":"PHP Warning:  json_encode() [<a href='function.json-encode'>function.json-encode</a>]: Invalid UTF-8 sequence in argument in /var/www/htdocs/test.php on line 233"}`,
		`":_()[<='.-'>.-</>]:-////."`)

	const epoch = `{"@timestamp":"1970-01-01T00:00:00.000Z"}`
	f(`source => ["@timestamp"] method => "SHA1" key => "0123"`, epoch, `"1d5379ec92d86a67cfc642d55aa050ca312d3b9a"`)
	f(`source => ["@timestamp"] method => "MURMUR3"`, epoch, `743372282`)
	f(`source => ["@timestamp"] method => "MURMUR3_128"`, epoch, `"37785b62a8cae473acc315d39b66d86e"`)
}

func TestSuiteOrder(t *testing.T) {
	digest := func(options, in string) string {
		out := filtertest.New(t, Plugin, options).Run(in)
		_, digest, found := strings.Cut(out, `"fingerprint":`)
		require.True(t, found)
		return digest
	}
	for _, options := range []string{`source => ["a"]`, `source => ["a","b"] concatenate_sources => true`, `concatenate_all_fields => true`} {
		require.Equal(t,
			digest(options, `{"@timestamp":"2024-01-01T00:00:00.000Z","a":{"a0":0,"a1":1},"b":{"b0":0,"b1":1}}`),
			digest(options, `{"@timestamp":"2024-01-01T00:00:00.000Z","b":{"b1":1,"b0":0},"a":{"a1":1,"a0":0}}`), options)
	}
}
