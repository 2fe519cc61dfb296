package sflow

import (
	"encoding/binary"
	"testing"

	"github.com/stretchr/testify/require"

	"millrace/codecs/internal/codectest"
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

// words writes numbers in network order, each as wide as its type, and strings as they are.
func words(parts ...any) string {
	var b []byte
	for _, p := range parts {
		switch p := p.(type) {
		case string:
			b = append(b, p...)
		case int:
			b = binary.BigEndian.AppendUint32(b, uint32(p))
		default:
			var err error
			if b, err = binary.Append(b, binary.BigEndian, p); err != nil {
				panic(err)
			}
		}
	}
	return string(b)
}

func sized(kind int, body string) string { return words(kind, len(body), body) }

func packet(samples ...string) string {
	d := words(5, 1, "\x0a\x00\x00\x01", 2, 77, 123456, len(samples))
	for _, s := range samples {
		d += s
	}
	return d
}

func flow(records ...string) string {
	body := words(9, 0x03000007, 512, 2048, 1, 3, 4, len(records))
	for _, r := range records {
		body += r
	}
	return sized(flowSample, body)
}

var (
	ethernet = "\x00\x11\x22\x33\x44\x55" + "\x66\x77\x88\x99\xaa\xbb"
	ip       = words("\x45\xb8", uint16(60), uint16(1), uint16(0x4000), uint8(64), uint8(6), uint16(7), "\xc0\x00\x02\x01", "\xc6\x33\x64\x02")
	tcp      = words(uint16(443), uint16(50123), 11, 12, uint16(0x5012), uint16(1024), uint16(9), uint16(0), "payload")
	udp      = words(uint16(53), uint16(40000), uint16(28), uint16(0))
)

func raw(protocol int, data string) string {
	return sized(rawHeader, words(protocol, 1518, 4, len(data), data, string(make([]byte, -len(data)&3))))
}

const (
	common = `{"agent_ip":"10.0.0.1","sub_agent_id":"2","uptime_in_ms":"123456","source_id_type":"3","source_id_index":"7"`
	sample = common + `,"sampling_rate":"512","sample_pool":"2048","drops":"1","input_interface":"3","output_interface":"4"`
	frame  = `,"frame_length":"1518","stripped":"4","frame_length_times_sampling_rate":777216`
	kind   = `,"sflow_type":"flow_sample"}`
)

func TestFlows(t *testing.T) {
	f := func(want string, records ...string) {
		t.Helper()
		require.Equal(t, []string{sample + want + kind}, codectest.Decode(codec(t, none), packet(flow(records...))))
	}
	const macs = `,"eth_dst":"00:11:22:33:44:55","eth_src":"66:77:88:99:aa:bb"`
	const four = `,"ip_version":"4","ip_protocol":"6","src_ip":"192.0.2.1","dst_ip":"198.51.100.2","src_port":"443","dst_port":"50123"`
	f("")
	f(`,"protocol":"1"`+frame+macs+`,"eth_type":"2048"`+four, raw(headerEthernet, words(ethernet, uint16(etherIPv4), ip, tcp)))
	f(`,"protocol":"1"`+frame+macs+`,"eth_type":"33024","vlan_priority":"5","vlan_id":"42"`+four,
		raw(headerEthernet, words(ethernet, uint16(etherVLAN), uint16(5<<13|42), uint16(etherIPv4), ip, tcp)))
	f(`,"protocol":"11"`+frame+four, raw(headerIPv4, ip+tcp))
	f(`,"protocol":"11"`+frame+`,"ip_version":"4","ip_protocol":"6","src_ip":"192.0.2.1","dst_ip":"198.51.100.2"`, raw(headerIPv4, ip+tcp[:10]))
	f(`,"protocol":"12"`+frame+`,"ip_version":"6","ipv6_flow_label":"1","ip_payload_length":"8","ip_protocol":"17","ipv6_hop_limit":"64",`+
		`"src_ip":"2001:db8::1","dst_ip":"2001:db8::2","src_port":"53","dst_port":"40000"`,
		raw(headerIPv6, words(0x60000001, uint16(8), uint8(17), uint8(64), "\x20\x01\x0d\xb8", 0, 0, 1, "\x20\x01\x0d\xb8", 0, 0, 2, udp)))
	f(`,"protocol":"1"`+frame, raw(headerEthernet, "short"))
	f(`,"src_vlan":"10","src_priority":"0","dst_vlan":"20","dst_priority":"1","ip_address_next_hop_router":"192.0.2.9","src_mask_len":"24","dst_mask_len":"16"`,
		sized(1001, words(10, 0, 20, 1)), sized(1002, words(1, "\xc0\x00\x02\x09", 24, 16)), sized(1<<12|1, "of an enterprise"), sized(9999, "unheard of."))
	f(`,"direction":"1","url":"/a","host":"web01"`, sized(1005, words(1, 2, "/a\x00\x00", 5, "web01\x00\x00\x00")))
}

func TestExpandedFlow(t *testing.T) {
	body := words(9, 3, 7, 512, 2048, 1, 0, 3, 1, 4, 0)
	require.Equal(t, common+`,"sampling_rate":"512","sample_pool":"2048","drops":"1","input_interface_format":"0","input_interface":"3",`+
		`"output_interface_format":"1","output_interface":"4","sflow_type":"expanded_flow_sample"}`, codectest.Joined(codec(t, none), packet(sized(expandedFlowSample, body))))
}

func TestCounters(t *testing.T) {
	vlan := sized(5, words(42, uint64(1<<40), 1, 2, 3, 4))
	load := sized(2003, words(float32(0.5), float32(1.25), float32(2), 1, 2, 3)) // cut off after the sixth field
	lag := sized(7, words("\x00\x11\x22\x33\x44\x55\x00\x00", "\x66\x77\x88\x99\xaa\xbb\x00\x00", 1, "\x01\x02\x03\x04"))
	const first = common + `,"sample_seq_number":"9"`
	in := packet(sized(counterSample, words(9, 0x03000007, 4, vlan, load, sized(4444, "unknown"), lag)), sized(expandedCounterSample, words(9, 3, 7, 1, vlan)))
	const vlanFields = `,"vlan_id":"42","octets":"1099511627776","ucastPkts":"1","multicastPkts":"2","broadcastPkts":"3","discards":"4"`
	require.Equal(t, []string{
		first + vlanFields + `,"sflow_type":"counter_sample"}`,
		first + `,"load_one":"0.5","load_five":"1.25","load_fifteen":"2.0","proc_run":"1","proc_total":"2","cpu_num":"3","sflow_type":"counter_sample"}`,
		first + `,"dot3adAggPortActorSystemID":"00:11:22:33:44:55","dot3adAggPortPartnerOperSystemID":"66:77:88:99:aa:bb","dot3adAggPortAttachedAggID":"1",` +
			`"dot3adAggPortActorAdminState":"1","dot3adAggPortActorOperState":"2","dot3adAggPortPartnerAdminState":"3","dot3adAggPortPartnerOperState":"4","sflow_type":"counter_sample"}`,
		first + vlanFields + `,"sflow_type":"expanded_counter_sample"}`,
	}, codectest.Decode(codec(t, none), in))
}

func TestRemovedFields(t *testing.T) {
	got := codectest.Joined(codec(t, func(o *Options) { o.Removed = []string{"agent_ip", "frame_length_times_sampling_rate"} }), packet(flow(raw(headerIPv4, ip+tcp))))
	require.NotContains(t, got, "agent_ip")
	require.NotContains(t, got, "times_sampling_rate")
	require.Contains(t, got, `"sflow_version":"5"`)
	require.Contains(t, got, `"tcp_header_length":"5","tcp_reserved":"0","tcp_is_nonce":"0","tcp_is_cwr":"0","tcp_is_ecn_echo":"0","tcp_is_urgent":"0","tcp_is_ack":"1",`+
		`"tcp_is_push":"0","tcp_is_reset":"0","tcp_is_syn":"1","tcp_is_fin":"0","tcp_window_size":"1024"`)
	require.Contains(t, got, `"ip_dscp":"46","ip_ecn":"0","ip_total_length":"60","ip_identification":"1","ip_flags":"2","ip_fragment_offset":"0","ip_ttl":"64"`)
}

func TestFailures(t *testing.T) {
	f := func(in string, events int) {
		t.Helper()
		docs := codectest.Decode(codec(t, none), in)
		require.Len(t, docs, events)
		require.Contains(t, docs[events-1], `"tags":["_sflowparsefailure"]`)
	}
	f("", 1)
	f("hello world", 1)
	f(words(4, 1), 1)
	f(words(5, 3, 0), 1)
	whole := packet(flow(), flow())
	f(whole[:len(whole)-5], 2)
}

func TestVersionsAndRefused(t *testing.T) {
	require.Empty(t, codectest.Decode(codec(t, func(o *Options) { o.Versions = nil }), packet(flow())))
	o := *Plugin.Options().(*Options)
	o.Versions, o.SNMPInterface = []int{4}, true
	_, err := New(o, codectest.Env(plugin.ECSDisabled))
	require.ErrorContains(t, err, "no version 4")
	require.ErrorContains(t, err, "SNMP")
}

func FuzzDecode(f *testing.F) {
	f.Add(packet(flow(raw(headerEthernet, words(ethernet, uint16(etherIPv4), ip, tcp)))))
	f.Add(packet(sized(counterSample, words(9, 7, 1, sized(5, words(42, uint64(1), 1, 2, 3, 4))))))
	c := codec(f, none)
	f.Fuzz(func(t *testing.T, data string) { codectest.Decode(c, data) })
}

func BenchmarkDecode(b *testing.B) {
	codectest.BenchmarkDecode(b, codec(b, none), packet(flow(raw(headerEthernet, words(ethernet, uint16(etherIPv4), ip, tcp)))))
}
