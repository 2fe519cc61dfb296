package cef

import (
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"millrace/codecs/internal/codectest"
	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

func codec(t testing.TB, mode plugin.ECS, change func(o *Options)) *plugin.Codec {
	t.Helper()
	o := *Plugin.Options().(*Options)
	o.DefaultTimezone = "UTC"
	change(&o)
	c, err := New(o, codectest.Env(mode))
	require.NoError(t, err)
	return c
}

func none(*Options) {}

const header = "CEF:0|V|P|1|sig|name|5|"

func TestExtensions(t *testing.T) {
	f := func(extensions, want string) {
		t.Helper()
		got := codectest.Joined(codec(t, plugin.ECSDisabled, none), header+extensions)
		prefix := `{"cefVersion":"0","deviceVendor":"V","deviceProduct":"P","deviceVersion":"1","deviceEventClassId":"sig","name":"name","severity":"5"`
		require.True(t, strings.HasPrefix(got, prefix), got)
		require.Equal(t, want, strings.TrimSuffix(strings.TrimPrefix(got, prefix), "}"))
	}
	f("", ``)
	f("  src=10.0.0.1 spt=1 ", `,"sourceAddress":"10.0.0.1","sourcePort":"1"`)
	f("msg=with  spaces in it act=x", `,"message":"with  spaces in it","deviceAction":"x"`)
	f("msg=a=b c act=", `,"message":"a=b c","deviceAction":""`)
	f(`msg=a\=b \\ \n\r\x cs1=x|y`, `,"message":"a=b \\ \n\r\\x","deviceCustomString1":"x|y"`)
	f("ad.k-1=1 ad.arr[0]=x ad.arr[1]=y _cefVer=0.1", `,"ad.k-1":"1","ad.arr":{"0":"x","1":"y"},"_cefVer":"0.1"`)
	f("cn15=1 cn15Label=L msg=at end \\", `,"deviceCustomNumber15":"1","deviceCustomNumber15Label":"L","message":"at end \\"`)
	f("url=http://x/?a=1 b=2 rt=1715934615123", `,"url":"http://x/?a=1","b":"2","deviceReceiptTime":"1715934615123"`)
	f("tags=x", `,"tags":"x"`)
}

func TestHeader(t *testing.T) {
	f := func(mode plugin.ECS, in, want string) {
		t.Helper()
		require.Equal(t, want, codectest.Joined(codec(t, mode, none), in))
	}
	f(plugin.ECSDisabled, `<13>May 17 host CEF:0|V\|x|P\\|1|a\b|n|`+"5|\r\n",
		`{"syslog":"<13>May 17 host","cefVersion":"0","deviceVendor":"V|x","deviceProduct":"P\\","deviceVersion":"1","deviceEventClassId":"a\\b","name":"n","severity":"5"}`)
	f(plugin.ECSDisabled, `"CEF:0|V|P|1|s|n|5|a=b"`,
		`{"cefVersion":"0","deviceVendor":"V","deviceProduct":"P","deviceVersion":"1","deviceEventClassId":"s","name":"n","severity":"5","a":"b"}`)
	f(plugin.ECSDisabled, "hello", `{"message":"hello","tags":["_cefparsefailure"]}`)
	f(plugin.ECSDisabled, header+"no key", `{"message":"`+header+`no key","tags":["_cefparsefailure"]}`)
	f(plugin.ECSv8, header+"dvc=1.2.3.4 dvchost=h",
		`{"cef":{"version":"0","name":"name"},"observer":{"vendor":"V","product":"P","version":"1","ip":"1.2.3.4","hostname":"h"},"event":{"code":"sig","severity":"5"}}`)
}

func TestDeviceHost(t *testing.T) {
	c := codec(t, plugin.ECSv8, func(o *Options) { o.Device = "host"; o.RawDataField = *event.MustPath("[event][original]") })
	require.Contains(t, codectest.Joined(c, header+"dvc=1.2.3.4 dvchost=h deviceExternalId=7"), `"host":{"ip":"1.2.3.4","name":"h","id":"7"}`)
	require.Contains(t, codectest.Joined(c, header+"a=1"), `"original":"`+header+`a=1"`)
}

func TestTimes(t *testing.T) {
	f := func(extensions, want string) {
		t.Helper()
		synctest.Test(t, func(t *testing.T) { // where it is midnight, 2000-01-01
			e := event.New(nil)
			v, _, _, err := e.ParseJSON(codectest.Joined(codec(t, plugin.ECSv8, none), header+extensions))
			require.NoError(t, err)
			start := ""
			if ev, ok := v.Object().Get("event"); ok {
				at, _ := ev.Object().Get("start")
				start = at.Text()
			}
			require.Equal(t, want, start, "%s: %s", extensions, v.AppendJSON(nil))
		})
	}
	f("start=1715934615123", "2024-05-17T08:30:15.123Z")
	f("start=1715934615123.25", "2024-05-17T08:30:15.123250Z")
	f("start=May 17 2024 10:22:31", "2024-05-17T10:22:31.000Z")
	f("start=May 17 2024 10:22:31.250 CEST", "2024-05-17T08:22:31.250Z")
	f("start=May 17 2024 10:22:31 GMT+02:00", "2024-05-17T08:22:31.000Z")
	f("start=May 17 2024 10:22:31.123456 Europe/Berlin", "2024-05-17T08:22:31.123456Z")
	f("start=May 17 2024 10:22:31 dtz=Europe/Berlin", "2024-05-17T08:22:31.000Z")
	f("start=May 17 10:22:31", "1999-05-17T10:22:31.000Z")
	f("start=Jan 02 10:22:31", "2000-01-02T10:22:31.000Z")
	f("start=yesterday", "")
}

func TestReceiptTime(t *testing.T) {
	require.Contains(t, codectest.Joined(codec(t, plugin.ECSv8, none), header+"rt=1715934615123"), `"@timestamp":"2024-05-17T08:30:15.123Z"`)
}

func TestStream(t *testing.T) {
	in := header + "a=1\r\n" + header + "a=2"
	for _, delimiter := range []*string{nil, new(string)} {
		c := codec(t, plugin.ECSDisabled, func(o *Options) {
			if o.Delimiter = delimiter; delimiter != nil {
				*delimiter = `\r\n`
			}
		})
		for n := 1; n <= len(in); n++ {
			docs := codectest.Documents(c, codectest.Records(c, in, n))
			require.Len(t, docs, 2)
			require.Contains(t, docs[0], `"a":"1"`)
			require.Contains(t, docs[1], `"a":"2"`)
		}
	}
}

func TestEncode(t *testing.T) {
	f := func(mode plugin.ECS, change func(o *Options), doc, want string) {
		t.Helper()
		require.Equal(t, want, codectest.Encode(t, codec(t, mode, change), doc))
	}
	f(plugin.ECSDisabled, none, `{}`, "CEF:0|Elasticsearch|Logstash|1.0|Logstash|Logstash|6|")
	f(plugin.ECSDisabled, func(o *Options) {
		o.Vendor, o.Name, o.Severity = event.ParseTemplate("%{v}"), event.ParseTemplate("%{n}"), event.ParseTemplate("%{s}")
	}, `{"v":"a|b\\c\r\nd\ne","n":"","s":"10.0"}`, `CEF:0|a\|b\\c d e|Logstash|1.0|Logstash|Logstash|10|`)
	f(plugin.ECSDisabled, func(o *Options) { o.Severity = event.ParseTemplate("11") }, `{}`, "CEF:0|Elasticsearch|Logstash|1.0|Logstash|Logstash|6|")
	f(plugin.ECSDisabled, func(o *Options) { o.Fields = []string{"a_b", "[n][x]", "l", "f", "@timestamp", "none", "null"} },
		`{"a_b":"x=y\\z\r\n1\r2","n":{"x":{"k":"v"}},"l":[1,"a"],"f":1.5,"null":null}`,
		`CEF:0|Elasticsearch|Logstash|1.0|Logstash|Logstash|6|ab=x\=y\\z\n1\n2 nx={"k":"v"} l=[1,"a"] f=1.5 timestamp=2024-05-17T08:30:15.123Z`)
	nl := `\n`
	f(plugin.ECSv8, func(o *Options) {
		o.Fields, o.ReverseMapping, o.Delimiter = []string{"[source][ip]", "[source][registered_domain]", "[cef][device_custom_string_2][label]"}, true, &nl
	}, `{"source":{"ip":"1.2.3.4","registered_domain":"d"},"cef":{"device_custom_string_2":{"label":"L"}}}`,
		"CEF:0|Elasticsearch|Logstash|1.0|Logstash|Logstash|6|src=1.2.3.4 sourceDnsDomain=d cs2Label=L\n")
}

func TestRefused(t *testing.T) {
	f := func(change func(o *Options), want string) {
		t.Helper()
		o := *Plugin.Options().(*Options)
		change(&o)
		_, err := New(o, codectest.Env(plugin.ECSDisabled))
		require.ErrorContains(t, err, want)
	}
	f(func(o *Options) { o.DefaultTimezone = "Mars/Olympus" }, "unknown time zone")
	f(func(o *Options) { o.Locale = "xx_YY" }, "not known")
	f(func(o *Options) { o.Fields = []string{"[a"} }, "FieldReference")
}

func FuzzDecode(f *testing.F) {
	f.Add(header + `msg=a\=b act=c[0].d=e src[1]=x`)
	f.Add(`"<1>x CEF:0|\||\\|1|s|n|5|rt=May 17 2024 10:22:31.250 CEST"`)
	f.Fuzz(func(t *testing.T, data string) {
		for _, mode := range []plugin.ECS{plugin.ECSDisabled, plugin.ECSv8} {
			require.NotEmpty(t, codectest.Decode(codec(t, mode, none), data+"\n"))
		}
	})
}

const line = header + "src=10.0.0.1 dst=2.1.2.2 spt=1232 dpt=443 proto=TCP act=blocked msg=with spaces in it cs1Label=Rule cs1=deny all"

func BenchmarkDecode(b *testing.B) {
	codectest.BenchmarkDecode(b, codec(b, plugin.ECSDisabled, none), line)
}

func BenchmarkDecodeECS(b *testing.B) {
	codectest.BenchmarkDecode(b, codec(b, plugin.ECSv8, none), line)
}

func BenchmarkEncode(b *testing.B) {
	codectest.BenchmarkEncode(b, codec(b, plugin.ECSDisabled, func(o *Options) { o.Fields = []string{"sourceAddress", "message"} }),
		`{"sourceAddress":"10.0.0.1","message":"with spaces in it"}`)
}
