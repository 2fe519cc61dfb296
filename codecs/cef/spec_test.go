package cef

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"millrace/codecs/internal/codectest"
	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

// fields reads the fields of the single event that in gives, by their references.
func fields(t *testing.T, c *plugin.Codec, in string, want map[string]string) {
	t.Helper()
	docs := codectest.Decode(c, in)
	require.Len(t, docs, 1)
	e := codectest.Event(t, docs[0])
	for reference, text := range want {
		v, ok := e.Get(event.MustPath(reference))
		require.True(t, ok, "%s in %s", reference, docs[0])
		require.Equal(t, text, v.Text(), "%s in %s", reference, docs[0])
	}
}

// What arrives in the wild, with the fields of both modes: legacy name, ECS reference, text.
func TestWildExtensions(t *testing.T) {
	f := func(in string, want ...[3]string) {
		t.Helper()
		legacy, ecs := make(map[string]string), make(map[string]string)
		for _, w := range want {
			legacy[w[0]], ecs[w[1]] = w[2], w[2]
		}
		fields(t, codec(t, plugin.ECSDisabled, none), in, legacy)
		fields(t, codec(t, plugin.ECSv8, none), in, ecs)
	}
	f(`CEF:0|V|P|1|c|two\\\\|10|src=10.0.0.1`, [3]string{"name", "[cef][name]", `two\\`}, [3]string{"severity", "[event][severity]", "10"})
	f(`CEF:0|V\\\||P\\|1|c|n|\|9|`, [3]string{"deviceVendor", "[observer][vendor]", `V\|`}, [3]string{"deviceProduct", "[observer][product]", `P\`},
		[3]string{"severity", "[event][severity]", "|9"})
	f(`CEF:0|||1|c|n|9|spt=12`, [3]string{"deviceVendor", "[observer][vendor]", ""}, [3]string{"sourcePort", "[source][port]", "12"})
	f(header+`x=a\|b`, [3]string{"x", "x", `a\|b`})
	f(header+`x=a =b = c\=`, [3]string{"x", "x", "a =b = c="})
	f(header+`x=a \b \ c\`, [3]string{"x", "x", `a \b \ c\`})
	f(header+"rt=Sep 07 2018 14:50:39 request='https://h/x' requestClientApplication='A/1; E:u@h; G:t=' cs1= cs1Label=Two Words",
		[3]string{"requestClientApplication", "[user_agent][original]", "'A/1; E:u@h; G:t='"}, [3]string{"deviceCustomString1", "[cef][device_custom_string_1][value]", ""},
		[3]string{"deviceCustomString1Label", "[cef][device_custom_string_1][label]", "Two Words"}, [3]string{"requestUrl", "[url][original]", "'https://h/x'"})
	f(header+`go=start now q=k1\=v1&k2\=v2 a.b&k3\=v3 end=1715934615123`, [3]string{"q", "q", "k1=v1&k2=v2 a.b&k3=v3"}, [3]string{"go", "go", "start now"})
	f(header+"dproc=IE  x.x.x.x  dvchost=h ad.nn=T ad.Error_,Code=32 ad.f[0]=zero ad.g.h[1]=one destinationPort=53",
		[3]string{"destinationProcessName", "[destination][process][name]", "IE  x.x.x.x"}, [3]string{"ad.nn", "ad.nn", "T"},
		[3]string{"ad.Error_,Code", "ad.Error_,Code", "32"}, [3]string{"[ad.f][0]", "[ad.f][0]", "zero"}, [3]string{"[ad.g.h][1]", "[ad.g.h][1]", "one"},
		[3]string{"destinationPort", "[destination][port]", "53"})
	f(header+"proto=TCP shost=s outcome=Success amac=00:80 fileHash=1bad cfp15=3.14 c6a12=::1 cn7Label=m sourceLatitude=9.1 destinationLongitude=-73.6",
		[3]string{"transportProtocol", "[network][transport]", "TCP"}, [3]string{"sourceHostName", "[source][domain]", "s"},
		[3]string{"eventOutcome", "[event][outcome]", "Success"}, [3]string{"agentMacAddress", "[agent][mac]", "00:80"}, [3]string{"fileHash", "[file][hash]", "1bad"},
		[3]string{"deviceCustomFloatingPoint15", "[cef][device_custom_floating_point_15][value]", "3.14"},
		[3]string{"deviceCustomIPv6Address12", "[cef][device_custom_ipv6_address_12][value]", "::1"},
		[3]string{"deviceCustomNumber7Label", "[cef][device_custom_number_7][label]", "m"},
		[3]string{"sourceLatitude", "[source][geo][location][lat]", "9.1"}, [3]string{"destinationLongitude", "[destination][geo][location][lon]", "-73.6"})
	f(header+"target=aaああ msg=x", [3]string{"target", "target", "aaああ"})
	f("date host "+header, [3]string{"syslog", "[log][syslog][header]", "date host"}, [3]string{"cefVersion", "[cef][version]", "0"})
}

// The zone of a device holds for all times of its event, whatever their order, and not for the next event.
func TestDeviceZone(t *testing.T) {
	c := codec(t, plugin.ECSv8, none)
	fields(t, c, header+"art=1500464384997 rt=Jul 19 2017 10:50:21.127 dtz=Europe/Moscow", map[string]string{
		"@timestamp": "2017-07-19T07:50:21.127Z", "[event][timezone]": "Europe/Moscow",
	})
	fields(t, c, header+"rt=Jul 19 2017 10:50:21.127", map[string]string{"@timestamp": "2017-07-19T10:50:21.127Z"})
	fields(t, c, header+"destinationTimeZone=Europe/Moscow rt=Jul 19 2017 10:50:21", map[string]string{"@timestamp": "2017-07-19T07:50:21.000Z"})
	fields(t, c, header+"start= end=1715934615123", map[string]string{"[event][start]": "", "[event][end]": "2024-05-17T08:30:15.123Z"})
	fields(t, c, header+"rt= a=b", map[string]string{"message": header + "rt= a=b"})
	german := codec(t, plugin.ECSv8, func(o *Options) { o.Locale = "de_DE" })
	fields(t, german, header+"start=März 17 2019 17:57:06.456 +01:00", map[string]string{"[event][start]": "2019-03-17T16:57:06.456Z"})
}

// CEF is UTF-8 by definition.
func TestOtherCharset(t *testing.T) {
	require.Equal(t, `{"message":"`+header+`x=caf\\xE9","tags":["_cefparsefailure"]}`, codectest.Joined(codec(t, plugin.ECSDisabled, none), header+"x=caf\xe9"))
}

// Every long name becomes its short key and back.
func TestNamesBothWays(t *testing.T) {
	names := strings.Fields("deviceAction act applicationProtocol app deviceEventCategory cat baseEventCount cnt destinationHostName dhost destinationMacAddress dmac " +
		"destinationNtDomain dntdom destinationProcessId dpid destinationUserPrivileges dpriv destinationProcessName dproc destinationPort dpt destinationAddress dst " +
		"destinationUserId duid destinationUserName duser deviceAddress dvc deviceHostName dvchost deviceProcessId dvcpid endTime end fileName fname fileSize fsize " +
		"bytesIn in message msg bytesOut out eventOutcome outcome transportProtocol proto requestUrl request deviceReceiptTime rt sourceHostName shost sourceMacAddress smac " +
		"sourceNtDomain sntdom sourceProcessId spid sourceUserPrivileges spriv sourceProcessName sproc sourcePort spt sourceAddress src startTime start sourceUserId suid " +
		"sourceUserName suser agentHostName ahost agentReceiptTime art agentType at agentId aid agentAddress agt agentVersion av agentTimeZone atz destinationTimeZone dtz " +
		"sourceLongitude slong sourceLatitude slat destinationLongitude dlong destinationLatitude dlat categoryDeviceType catdt managerReceiptTime mrt agentMacAddress amac " +
		"deviceCustomIPv6Address4 c6a4 deviceCustomFloatingPoint4Label cfp4Label deviceCustomNumber3 cn3 deviceCustomString6Label cs6Label")
	for i := 0; i < len(names); i += 2 {
		long, short := names[i], names[i+1]
		for _, mode := range []plugin.ECS{plugin.ECSDisabled, plugin.ECSv8} {
			for _, reverse := range []bool{false, true} {
				c := codec(t, mode, func(o *Options) { o.Fields, o.ReverseMapping = []string{long}, reverse })
				want := long
				if reverse {
					want = short
				}
				require.Equal(t, "CEF:0|Elasticsearch|Logstash|1.0|Logstash|Logstash|6|"+want+"=x", codectest.Encode(t, c, `{"`+long+`":"x"}`))
			}
		}
		if !slices.Contains([]string{"dtz", "slong", "slat", "dlong", "dlat"}, short) { // whose long names have changed
			fields(t, codec(t, plugin.ECSDisabled, none), header+short+"=x", map[string]string{long: "x"})
		}
	}
}

func TestSeverity(t *testing.T) {
	for text, want := range map[string]string{"0": "0", "10": "10", "1.0": "1", "4\n": "4", "": "6", "x": "6", "1.5": "6", "-1": "6", "11": "6", " 7 ": "7"} {
		c := codec(t, plugin.ECSDisabled, func(o *Options) { o.Severity = event.ParseTemplate(text) })
		require.Equal(t, "CEF:0|Elasticsearch|Logstash|1.0|Logstash|Logstash|"+want+"|", codectest.Encode(t, c, `{}`), "%q", text)
	}
}

// A time without a year is that of the last twelve months, or of the two days to come, whatever the day on which it is read.
func TestYearIsGuessed(t *testing.T) {
	stamps := []string{
		"2001-01-20T04:10:22.961Z", "2001-06-08T03:38:55.518Z", "2001-10-30T18:52:29.263Z", "2001-12-31T17:52:50.101Z", "2002-01-02T16:55:57.829Z",
		"2002-02-28T18:51:59.504Z", "2002-03-01T00:00:00.000Z", "2003-12-30T03:18:38.333Z", "2004-02-29T01:23:45.678Z", "2004-03-01T01:23:45.678Z", "2005-02-28T01:23:45.678Z",
	}
	for _, stamp := range stamps {
		want, err := time.Parse(time.RFC3339, stamp)
		require.NoError(t, err)
		for _, ago := range []time.Duration{30 * time.Second, 7 * 24 * time.Hour, 346 * 24 * time.Hour, -36 * time.Hour} {
			synctest.Test(t, func(t *testing.T) { // where it is midnight, 2000-01-01
				<-time.After(time.Until(want.Add(ago)))
				in := header + "start=" + want.Format("Jan 02 15:04:05.000") + " Z"
				fields(t, codec(t, plugin.ECSv8, none), in, map[string]string{"[event][start]": stamp})
			})
		}
	}
}
