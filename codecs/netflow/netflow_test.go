package netflow

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"millrace/codecs/internal/codectest"
	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

func codec(t testing.TB, change func(o *Options)) *plugin.Codec {
	t.Helper()
	o := *Plugin.Options().(*Options)
	change(&o)
	c, err := New(o, codectest.Env(plugin.ECSDisabled))
	require.NoError(t, err)
	return c
}

func none(*Options) {}

// bytesOf writes numbers in network order, each as wide as its type.
func bytesOf(parts ...any) string {
	var b []byte
	for _, p := range parts {
		if s, ok := p.(string); ok {
			b = append(b, s...)
			continue
		}
		var err error
		if b, err = binary.Append(b, binary.BigEndian, p); err != nil {
			panic(err)
		}
	}
	return string(b)
}

type (
	u8  = uint8
	u16 = uint16
	u32 = uint32
	u64 = uint64
)

const unix = u32(1715934615) // 2024-05-17T08:30:15Z

func packet5(flows int) string {
	p := bytesOf(u16(5), u16(flows), u32(100_000), unix, u32(250e6), u32(77), u8(1), u8(2), u16(1<<14|100))
	for range flows {
		p += bytesOf("\x0a\x00\x00\x01", "\x0a\x00\x00\x02", "\x00\x00\x00\x00", u16(3), u16(4), u32(10), u32(1000), u32(90_000), u32(99_500),
			u16(1234), u16(443), u8(0), u8(0x1b), u8(6), u8(0), u16(65000), u16(0), u8(24), u8(16), u16(0))
	}
	return p
}

const event5 = `{"@timestamp":"2024-05-17T08:30:15.250Z","netflow":{"version":5,"flow_seq_num":77,"engine_type":1,"engine_id":2,` +
	`"sampling_algorithm":1,"sampling_interval":100,"flow_records":1,"ipv4_src_addr":"10.0.0.1","ipv4_dst_addr":"10.0.0.2",` +
	`"ipv4_next_hop":"0.0.0.0","input_snmp":3,"output_snmp":4,"in_pkts":10,"in_bytes":1000,"first_switched":"2024-05-17T08:30:05.250Z",` +
	`"last_switched":"2024-05-17T08:30:15.750Z","l4_src_port":1234,"l4_dst_port":443,"tcp_flags":27,"protocol":6,"src_tos":0,` +
	`"src_as":65000,"dst_as":0,"src_mask":24,"dst_mask":16}}`

func TestVersion5(t *testing.T) {
	require.Equal(t, event5, codectest.Joined(codec(t, none), packet5(1)))
	require.Len(t, codectest.Decode(codec(t, none), packet5(30)), 30)
	docs := codectest.Decode(codec(t, none), packet5(2)[:24+48+10])
	require.Len(t, docs, 2)
	require.Contains(t, docs[1], FailureTag)
	require.Empty(t, codectest.Decode(codec(t, func(o *Options) { o.Versions = []int{9, 10} }), packet5(1)))
}

func set(id uint16, body string) string { return bytesOf(id, u16(4+len(body)), body) }

func packet9(sets ...string) string {
	p := bytesOf(u16(9), u16(len(sets)), u32(100_000), unix, u32(77), u32(5))
	for _, s := range sets {
		p += s
	}
	return p
}

var (
	template9 = set(0, bytesOf(u16(256), u16(9), u16(8), u16(4), u16(1), u16(4), u16(21), u16(4), u16(56), u16(6), u16(89), u16(1),
		u16(95), u16(4), u16(96), u16(4), u16(27), u16(16), u16(4242), u16(1)))
	data9 = set(256, bytesOf("\x0a\x00\x00\x01", u32(1000), u32(99_500), "\x00\x11\x22\x33\x44\x55", u8(0x41), "\x03\x00\x00\x50",
		"ssh\x00", "\x20\x01\x0d\xb8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01", u8(7)))
)

const event9 = `{"@timestamp":"2024-05-17T08:30:15.000Z","netflow":{"version":9,"flow_seq_num":77,"flowset_id":256,"ipv4_src_addr":"10.0.0.1",` +
	`"in_bytes":1000,"last_switched":"2024-05-17T08:30:15.500Z","in_src_mac":"00:11:22:33:44:55","forwarding_status":{"status":1,"reason":1},` +
	`"application_id":"3..80","application_name":"ssh","ipv6_src_addr":"2001:db8::1","field_4242":7}}`

func TestVersion9(t *testing.T) {
	c := codec(t, none)
	require.Empty(t, codectest.Decode(c, packet9(data9)), "the template has not come yet")
	require.Equal(t, event9, codectest.Joined(c, packet9(template9, data9)))
	require.Equal(t, event9, codectest.Joined(c, packet9(data9)), "another worker knows the template")
	options := set(1, bytesOf(u16(257), u16(4), u16(4), u16(1), u16(4), u16(34), u16(4)))
	require.Equal(t, `{"@timestamp":"2024-05-17T08:30:15.000Z","netflow":{"version":9,"flow_seq_num":77,"flowset_id":257,"scope_system":9,"sampling_interval":100}}`,
		codectest.Joined(c, packet9(options, set(257, bytesOf(u32(9), u32(100))))))
}

// What exporters of many makes send: fields by number and length, their bytes, and the event's fields.
func TestFieldsOfVersion9(t *testing.T) {
	f := func(number, length uint16, value, want string) {
		t.Helper()
		got := codectest.Joined(codec(t, none), packet9(set(0, bytesOf(u16(256), u16(2), number, length, u16(4), u16(1))), set(256, value+"\x06")))
		require.Equal(t, `{"@timestamp":"2024-05-17T08:30:15.000Z","netflow":{"version":9,"flow_seq_num":77,"flowset_id":256`+want+`,"protocol":6}}`, got)
	}
	f(8, 4, "\x0a\x00\x00\x01", `,"ipv4_src_addr":"10.0.0.1"`)
	f(1, 8, "\x00\x00\x00\x00\x00\x00\x01\x00", `,"in_bytes":256`)
	f(31, 4, "\x00\x00\x00\x01", `,"ipv6_flow_label":1`)
	f(56, 6, "\x00\x50\x56\xc0\x00\x01", `,"in_src_mac":"00:50:56:c0:00:01"`)
	f(22, 4, "\x00\x01\x5f\x90", `,"first_switched":"2024-05-17T08:30:06.000Z"`)
	f(22, 4, "\x00\x01\xad\xb0", `,"first_switched":"2024-05-17T08:30:26.000Z"`) // later than the exporter's clock
	f(89, 1, "\x40", `,"forwarding_status":{"status":1,"reason":0}`)
	f(92, 4, "\x00\x00\x00\x00", `,"src_traffic_index":0`)
	f(93, 4, "\xff\xff\xff\xff", `,"dst_traffic_index":4294967295`)
	f(95, 4, "\x0d\x00\x01\xaf", `,"application_id":"13..431"`)
	f(95, 9, "\x14\x00\x00\x30\x44\x00\x00\x8f\x34", `,"application_id":"20..12356..36660"`)
	f(96, 6, "argus\x00", `,"application_name":"argus"`)
	f(83, 4, "\x00\x00\x00\x00", `,"if_desc":""`)
	f(147, 4, "Test", `,"wlanSSID":"Test"`)
	f(150, 4, "\x5a\x21\x8c\xda", `,"flowStartSeconds":1512148186`)
	f(152, 8, "\x00\x00\x01\x50\x4c\x1d\xb1\xc9", `,"flow_start_msec":1444386025929`)
	f(195, 1, "\x2e", `,"ip_dscp":46`)
	f(201, 4, "\x00\x01\x2f\x04", `,"mpls_label_stack_octets":{"label":18,"experimental":7,"bottom_of_stack":1,"ttl":4}`)
	f(209, 8, "\x00\x00\x00\x00\x81\x00\x00\x00", `,"tcpOptions":2164260864`)
	f(234, 4, "\x60\x00\x00\x00", `,"ingressVRFID":1610612736`)
	f(252, 4, "\x00\x00\x00\x07", `,"ingressPhysicalInterface":7`)
	f(256, 2, "\x08\x00", `,"ethernetType":2048`)
	f(346, 4, "\x00\x00\x63\x75", `,"privateEnterpriseNumber":25461`)
	f(351, 8, "\x00\x00\x00\x00\x00\x00\x00\x00", `,"layer2SegmentId":0`)
	f(8384, 4, "\x00\x00\x04\x93", `,"streamcore_id_rule_1":1171`)
	f(33000, 12, "\x0f\x8e\x7f\xf3\xfc\x1a\x03\x0f\x00\x00\x00\x00", `,"ingress_acl_id":"0f8e7ff3-fc1a030f-00000000"`)
	f(40000, 4, "\x00\x00\x00\x00", `,"username":""`)
	f(56701, 4, "ssl\x00", `,"app_id":"ssl"`)
	f(43, 2, "\x00\x00", "")
}

func TestPadding(t *testing.T) {
	p := packet9(template9, data9, set(0, ""), strings.Repeat("\x00", 500))
	require.Equal(t, event9, codectest.Joined(codec(t, none), strings.Replace(p, "\x00\x00\x00\x04", "\x00\x00\x00\x00", 1)))
}

func TestFieldsOfEnterprises(t *testing.T) {
	f := func(pen uint32, number, length uint16, value, want string) {
		t.Helper()
		got := codectest.Joined(codec(t, none), packet10(set(2, bytesOf(u16(256), u16(1), u16(0x8000|number), length, pen)), set(256, value)))
		require.Equal(t, `{"@timestamp":"2024-05-17T08:30:15.000Z","netflow":{"version":10,`+want+`}}`, got)
	}
	f(5951, 192, 4, "\x00\xe0\xed\x1c", `"netscalerConnectionChainID":"00e0ed1c"`)
	f(5951, 131, 0xFFFF, "\xff\x01\x2c"+strings.Repeat("c", 300), `"netscalerHttpReqCookie":"`+strings.Repeat("c", 300)+`"`)
	f(5951, 205, 0xFFFF, "\x00", `"netscalerAaaUsername":""`)
	f(5951, 330, 2, "\x00\x05", `"netscalerUnknown330":5`)
	f(5951, 333, 0xFFFF, "\x01x", `"netscalerUnknown333":"x"`)
	f(6871, 33, 2, "\x00\x35", `"silkAppLabel":53`)
	f(6871, 16398, 1, "\x12", `"reverseInitialTCPFlags":18`)
	f(6876, 889, 1, "\x00", `"vmwareVxlanExportRole":0`)
	f(reversePEN, 32, 2, "\x00\x00", `"reverseIcmpTypeCodeIPv4":0`)
	f(5951, 205, 0xFFFF, "\x01a\x01b", `"netscalerAaaUsername":"a"}}`+"\n"+`{"@timestamp":"2024-05-17T08:30:15.000Z","netflow":{"version":10,"netscalerAaaUsername":"b"`)
	f(3054, 146, 4, "\x40\xad\x28\x8d", `"ixiaDstLatitude":5.411200046539307`)
	f(10704, 8, 4, "\xd5\xd0\x96\x63", `"BindIPv4Address":"213.208.150.99"`)
	f(41916, 4321, 8, "\x00\x00\x00\x00\x00\x00\x00\x64", `"viptelaVPNId":100`)
	f(9, 12235, 0xFFFF, "\x03www", `"ciscoAppHTTPHost":"www"`)
}

func packet10(sets ...string) string {
	body := ""
	for _, s := range sets {
		body += s
	}
	return bytesOf(u16(10), u16(16+len(body)), unix, u32(77), u32(5), body)
}

func TestIPFIX(t *testing.T) {
	template := set(2, bytesOf(u16(300), u16(7), u16(8), u16(4), u16(0x8000|1), u16(8), u32(reversePEN), u16(0x8000|7), u16(2), u32(9999),
		u16(152), u16(8), u16(154), u16(8), u16(82), u16(0xFFFF), u16(311), u16(8)))
	data := set(300, bytesOf("\x0a\x00\x00\x01", u64(1<<63), u16(8), u64(1715934615123), (u64(unix)+2208988800)<<32|1<<31, u8(4), "eth0", float64(0.5)))
	require.Equal(t, `{"@timestamp":"2024-05-17T08:30:15.000Z","netflow":{"version":10,"flowset_id":300,"sourceIPv4Address":"10.0.0.1",`+
		`"reverseOctetDeltaCount":9223372036854775808,"enterprise_9999_7":8,"flowStartMilliseconds":"2024-05-17T08:30:15.123Z",`+
		`"flowStartMicroseconds":"2024-05-17T08:30:15.500Z","interfaceName":"eth0","samplingProbability":0.5}}`,
		codectest.Joined(codec(t, func(o *Options) { o.IncludeFlowsetID = true }), packet10(template, data)))
}

func TestFailures(t *testing.T) {
	f := func(in string) {
		t.Helper()
		docs := codectest.Decode(codec(t, none), in)
		require.Len(t, docs, 1)
		require.Contains(t, docs[0], `"tags":["_netflowparsefailure"]`)
	}
	f("")
	f("x")
	f("hello world")
	f(bytesOf(u16(9), u16(1)))
	f(packet9(set(0, bytesOf(u16(256), u16(1), u16(8), u16(0))), set(256, "\x00\x00\x00\x00"))) // a template of nothing
}

func TestTemplatesAreKept(t *testing.T) {
	dir := t.TempDir()
	codectest.Decode(codec(t, func(o *Options) { o.CacheSavePath = dir }), packet9(template9))
	require.Equal(t, event9, codectest.Joined(codec(t, func(o *Options) { o.CacheSavePath = dir }), packet9(data9)))
	require.NoError(t, os.WriteFile(filepath.Join(dir, cacheFile), []byte("{"), 0o600))
	o := *Plugin.Options().(*Options)
	o.CacheSavePath = dir
	_, err := New(o, codectest.Env(plugin.ECSDisabled))
	require.ErrorContains(t, err, "reading netflow templates")
}

// Two exporters may give the same number to different templates.
func TestSendersApart(t *testing.T) {
	dir := t.TempDir()
	from := func(address string) *event.Source {
		return &event.Source{Fields: []event.SourceField{{Path: event.MustPath("host"), Value: event.StringValue(address)}}}
	}
	decode := func(d plugin.Decoder, s *event.Source, in string) string {
		d.(plugin.SourceDecoder).SetSource(s)
		e := event.New(nil)
		d.Decode(&event.Record{Data: in}, func() *event.Event { return e })
		return strings.TrimSuffix(string(e.AppendJSON(nil)), "{}")
	}
	one, two := from("192.0.2.1"), from("192.0.2.2")
	protocol, ports := set(0, bytesOf(u16(256), u16(1), u16(4), u16(1))), set(0, bytesOf(u16(256), u16(1), u16(7), u16(2)))
	d := codec(t, func(o *Options) { o.CacheSavePath = dir }).NewDecoder()
	decode(d, one, packet9(protocol))
	decode(d, two, packet9(ports))
	require.Contains(t, decode(d, one, packet9(set(256, "\x06"))), `"protocol":6}`)
	require.Contains(t, decode(d, two, packet9(set(256, "\x01\xbb"))), `"l4_src_port":443}`)
	require.Empty(t, decode(d, from("192.0.2.3"), packet9(set(256, "\x06"))))
	d = codec(t, func(o *Options) { o.CacheSavePath = dir }).NewDecoder()
	require.Contains(t, decode(d, one, packet9(set(256, "\x06"))), `"protocol":6}`)
}

// A flood of templates is not as many writes of the file, which holds all of them; what came last is in it soon after.
func TestTemplatesAreSavedNowAndThen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		saving := func(o *Options) { o.CacheSavePath = dir }
		c := codec(t, saving)
		one := func(number int) string { return packet9(set(0, bytesOf(u16(number), u16(1), u16(4), u16(1)))) }
		codectest.Decode(c, one(300))
		written, err := os.ReadFile(filepath.Join(dir, cacheFile))
		require.NoError(t, err)
		codectest.Decode(c, packet9(template9))
		for i := range 100 {
			codectest.Decode(c, one(400+i))
		}
		still, err := os.ReadFile(filepath.Join(dir, cacheFile))
		require.NoError(t, err)
		require.Equal(t, written, still)
		<-time.After(saveTime)
		codectest.Decode(c, one(300)) // as exporters do
		require.Equal(t, event9, codectest.Joined(codec(t, saving), packet9(data9)))
	})
}

func TestTemplatesAreForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := codec(t, func(o *Options) { o.CacheTTL = 1 })
		codectest.Decode(c, packet9(template9))
		<-time.After(61 * time.Second)
		require.Empty(t, codectest.Decode(c, packet9(data9)))
	})
}

// What is remembered of templates is bounded, whoever sends them and under how many names, and comes free when they are forgotten.
func TestTemplatesAreBounded(t *testing.T) {
	wide := func(number uint16) string {
		const fields = 10_000
		return packet9(set(0, bytesOf(u16(number), u16(fields))+strings.Repeat(bytesOf(u16(4), u16(1)), fields)))
	}
	synctest.Test(t, func(t *testing.T) {
		c := codec(t, func(o *Options) { o.CacheTTL = 1 })
		d := c.NewDecoder().(*decoder)
		refused := 0
		flood := func() {
			for i := range 2 * maxCost / 10_000 {
				d.Decode(&event.Record{Data: wide(uint16(256 + i))}, func() *event.Event { refused++; return event.New(nil) })
			}
		}
		flood()
		require.LessOrEqual(t, d.templates.cost, maxCost)
		require.Greater(t, refused, maxCost/10_000-1)
		<-time.After(2 * time.Minute)
		require.Equal(t, event9, codectest.Joined(c, packet9(template9, data9)))
		require.Len(t, d.templates.byID, 1)
		require.Equal(t, d.templates.byID[templateID{"", 9, 5, 256}].cost(), d.templates.cost)
	})
}

// A record of one byte with thousands of empty fields would take minutes for a packet full of them.
func TestTemplateOfEmptyFields(t *testing.T) {
	const empty = 15_000
	template := set(0, bytesOf(u16(256), u16(empty+1), u16(4), u16(1))+strings.Repeat(bytesOf(u16(82), u16(0)), empty))
	docs := codectest.Decode(codec(t, none), packet9(template, set(256, "\x06")))
	require.Len(t, docs, 1)
	require.Contains(t, docs[0], FailureTag)
}

func TestDefinitions(t *testing.T) {
	v9 := filepath.Join(t.TempDir(), "v9.yml")
	require.NoError(t, os.WriteFile(v9, []byte("---\n4242:\n- :uint8\n- :my_field\n1:\n- :skip\n"), 0o600))
	ipfix := filepath.Join(t.TempDir(), "ipfix.yml")
	require.NoError(t, os.WriteFile(ipfix, []byte("9999:\n  7:\n  - :uint16\n  - :theirs\n"), 0o600))
	c := codec(t, func(o *Options) { o.NetflowDefinitions, o.IpfixDefinitions = v9, ipfix })
	got := codectest.Joined(c, packet9(template9, data9))
	require.Contains(t, got, `"my_field":7`)
	require.NotContains(t, got, "in_bytes")
	require.NoError(t, os.WriteFile(v9, []byte("4242:\n- :unicorn\n- :my_field\n"), 0o600))
	o := *Plugin.Options().(*Options)
	o.NetflowDefinitions, o.Versions, o.CacheTTL = v9, []int{7}, 0
	_, err := New(o, codectest.Env(plugin.ECSDisabled))
	require.ErrorContains(t, err, "unknown type :unicorn")
	require.ErrorContains(t, err, "no version 7")
	require.ErrorContains(t, err, "at least 1")
}

func TestTarget(t *testing.T) {
	require.Contains(t, codectest.Joined(codec(t, func(o *Options) { o.Target = *event.MustPath("[a][b]") }), packet5(1)), `"a":{"b":{"version":5`)
}

func FuzzDecode(f *testing.F) {
	f.Add(packet5(2))
	f.Add(packet9(template9, data9))
	f.Add(packet10(set(2, bytesOf(u16(300), u16(1), u16(82), u16(0xFFFF))), set(300, "\x04eth0")))
	c := codec(f, none)
	f.Fuzz(func(t *testing.T, data string) { codectest.Decode(c, data) })
}

func BenchmarkDecode5(b *testing.B) { codectest.BenchmarkDecode(b, codec(b, none), packet5(1)) }

func BenchmarkDecode9(b *testing.B) {
	c := codec(b, none)
	codectest.Decode(c, packet9(template9))
	codectest.BenchmarkDecode(b, c, packet9(data9))
}
