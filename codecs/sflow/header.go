package sflow

import "millrace/pipeline/event"

// rawHeader is the number of the record that holds the beginning of a packet.
const rawHeader = 1

// Protocols of such packets, and of what they carry.
const (
	headerEthernet = 1
	headerIPv4     = 11
	headerIPv6     = 12

	etherIPv4 = 0x0800
	etherVLAN = 0x8100
	etherIPv6 = 0x86DD

	protocolTCP = 6
	protocolUDP = 17
)

// header sets what the beginning of a packet says, and how many bytes it stands for.
func (w writer) header(in *reader, rate uint32) {
	protocol, length, stripped := in.u32(), in.u32(), in.u32()
	size := in.u32()
	if in.err != nil {
		return
	}
	w.number("protocol", uint64(protocol))
	w.number("frame_length", uint64(length))
	w.number("stripped", uint64(stripped))
	w.number("header_size", uint64(size))
	if !w.removed["frame_length_times_sampling_rate"] {
		w.e.Root().Set("frame_length_times_sampling_rate", event.IntValue(int64(length)*int64(rate)))
	}
	packet := &reader{data: in.data[:min(int(size), len(in.data))]}
	switch protocol {
	case headerEthernet:
		w.ethernet(packet)
	case headerIPv4:
		w.ipv4(packet)
	case headerIPv6:
		w.ipv6(packet)
	}
}

func (w writer) ethernet(in *reader) {
	to, from, kind := in.take(6), in.take(6), in.u16()
	if in.err != nil {
		return
	}
	w.mac("eth_dst", to)
	w.mac("eth_src", from)
	w.number("eth_type", uint64(kind))
	if kind == etherVLAN {
		tag, inner := in.u16(), in.u16()
		if in.err != nil {
			return
		}
		w.number("vlan_priority", uint64(tag>>13))
		w.number("vlan_cfi", uint64(tag>>12&1))
		w.number("vlan_id", uint64(tag&0xFFF))
		w.number("vlan_type", uint64(inner))
		kind = inner
	}
	switch kind {
	case etherIPv4:
		w.ipv4(in)
	case etherIPv6:
		w.ipv6(in)
	}
}

func (w writer) ipv4(in *reader) {
	const shortest = 20
	h := in.take(shortest)
	if in.err != nil {
		return
	}
	at := reader{data: h[2:]}
	words := uint64(h[0] & 15)
	w.number("ip_version", uint64(h[0]>>4))
	w.number("ip_header_length", words)
	w.number("ip_dscp", uint64(h[1]>>2))
	w.number("ip_ecn", uint64(h[1]&3))
	w.number("ip_total_length", uint64(at.u16()))
	w.number("ip_identification", uint64(at.u16()))
	fragment := at.u16()
	w.number("ip_flags", uint64(fragment>>13))
	w.number("ip_fragment_offset", uint64(fragment&0x1FFF))
	w.number("ip_ttl", uint64(h[8]))
	w.number("ip_protocol", uint64(h[9]))
	at.take(2)
	w.number("ip_checksum", uint64(at.u16()))
	w.address("src_ip", at.address(4))
	w.address("dst_ip", at.address(4))
	in.take(max(int(words)*4-shortest, 0))
	if fragment&0x1FFF == 0 {
		w.transport(h[9], in)
	}
}

func (w writer) ipv6(in *reader) {
	h := in.take(40)
	if in.err != nil {
		return
	}
	at := reader{data: h}
	first := at.u32()
	w.number("ip_version", uint64(first>>28))
	w.number("ip_dscp", uint64(first>>22&63))
	w.number("ip_ecn", uint64(first>>20&3))
	w.number("ipv6_flow_label", uint64(first&0xFFFFF))
	w.number("ip_payload_length", uint64(at.u16()))
	w.number("ip_protocol", uint64(h[6]))
	w.number("ipv6_hop_limit", uint64(h[7]))
	at.take(2)
	w.address("src_ip", at.address(16))
	w.address("dst_ip", at.address(16))
	w.transport(h[6], in)
}

// transport sets the ports, and what else TCP and UDP say, if so much of the packet is there.
func (w writer) transport(protocol byte, in *reader) {
	switch {
	case protocol == protocolTCP && len(in.data) >= 20:
		w.number("src_port", uint64(in.u16()))
		w.number("dst_port", uint64(in.u16()))
		w.number("tcp_seq_number", uint64(in.u32()))
		w.number("tcp_ack_number", uint64(in.u32()))
		bits := in.u16()
		w.number("tcp_header_length", uint64(bits>>12))
		w.number("tcp_reserved", uint64(bits>>9&7))
		for i, name := range [...]string{
			"tcp_is_nonce", "tcp_is_cwr", "tcp_is_ecn_echo", "tcp_is_urgent", "tcp_is_ack", "tcp_is_push", "tcp_is_reset", "tcp_is_syn", "tcp_is_fin",
		} {
			w.number(name, uint64(bits>>(8-i)&1))
		}
		w.number("tcp_window_size", uint64(in.u16()))
		w.number("tcp_checksum", uint64(in.u16()))
		w.number("tcp_urgent_pointer", uint64(in.u16()))
	case protocol == protocolUDP && len(in.data) >= 8:
		w.number("src_port", uint64(in.u16()))
		w.number("dst_port", uint64(in.u16()))
		w.number("udp_length", uint64(in.u16()))
		w.number("udp_checksum", uint64(in.u16()))
	}
}
