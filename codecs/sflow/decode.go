package sflow

import (
	"encoding/base64"
	"encoding/hex"
	"errors"
	"math"
	"net/netip"
	"strconv"
	"strings"

	"millrace/pipeline/event"
)

// The formats of samples.
const (
	flowSample            = 1
	counterSample         = 2
	expandedFlowSample    = 3
	expandedCounterSample = 4
)

var (
	errTruncated = errors.New("sflow: unexpected end of data")
	errVersion   = errors.New("sflow: not version 5")
	errAddress   = errors.New("sflow: unknown kind of address")
)

type decoder struct {
	tables   map[recordID][]field
	removed  map[string]bool
	accepted bool // version 5
}

// datagram is what the samples of one datagram have in common.
type datagram struct {
	agent    netip.Addr
	subAgent uint32
	sequence uint32
	uptime   uint32
}

// Decode implements plugin.Decoder. What is broken gives the events before the fault, and one with the datagram as base64.
func (d *decoder) Decode(r *event.Record, next func() *event.Event) {
	if !d.accepted && strings.HasPrefix(r.Data, "\x00\x00\x00\x05") {
		return
	}
	if err := d.datagram(&reader{data: r.Data}, next); err != nil {
		e := next()
		e.Root().Set("message", event.StringValue(base64.StdEncoding.EncodeToString([]byte(r.Data))))
		e.Tag(FailureTag)
	}
}

func (d *decoder) datagram(in *reader, next func() *event.Event) error {
	if in.u32() != 5 {
		return errVersion
	}
	g := datagram{agent: in.versioned()}
	g.subAgent, g.sequence, g.uptime = in.u32(), in.u32(), in.u32()
	samples := in.u32()
	for ; samples > 0 && in.err == nil; samples-- {
		format := in.u32()
		body := reader{data: in.take(int(in.u32()))}
		if in.err != nil {
			break
		}
		var err error
		switch format { // of the standard: those of enterprises have their number in the upper bits
		case flowSample, expandedFlowSample:
			err = d.flow(&g, format == expandedFlowSample, &body, next)
		case counterSample, expandedCounterSample:
			err = d.counters(&g, format == expandedCounterSample, &body, next)
		}
		if err != nil {
			return err
		}
	}
	return in.err
}

// writer sets the fields of one event. All values but one are text, as in Logstash.
type writer struct {
	e       *event.Event
	removed map[string]bool
}

func (w writer) text(name, value string) {
	if !w.removed[name] {
		w.e.Root().Set(name, event.StringValue(value))
	}
}

func (w writer) number(name string, n uint64) {
	if !w.removed[name] {
		w.e.Root().Set(name, event.StringValue(w.e.Arena.Take(strconv.AppendUint(w.e.Arena.Free(), n, 10))))
	}
}

func (w writer) address(name string, a netip.Addr) {
	if !w.removed[name] && a.IsValid() {
		w.e.Root().Set(name, event.StringValue(w.e.Arena.Take(a.AppendTo(w.e.Arena.Free()))))
	}
}

func (w writer) mac(name, b string) {
	dst := w.e.Arena.Free()
	for i := range len(b) {
		if i > 0 {
			dst = append(dst, ':')
		}
		dst = hex.AppendEncode(dst, []byte{b[i]})
	}
	w.text(name, w.e.Arena.Take(dst))
}

// open returns an event with what its datagram and its sample say.
func (d *decoder) open(g *datagram, sourceType, sourceIndex uint32, next func() *event.Event) writer {
	w := writer{next(), d.removed}
	w.address("agent_ip", g.agent)
	w.number("sflow_version", 5)
	w.number("sub_agent_id", uint64(g.subAgent))
	w.number("sequence_number", uint64(g.sequence))
	w.number("uptime_in_ms", uint64(g.uptime))
	w.number("source_id_type", uint64(sourceType))
	w.number("source_id_index", uint64(sourceIndex))
	return w
}

// source reads what a sample is about.
func (in *reader) source(expanded bool) (kind, index uint32) {
	n := in.u32()
	if expanded {
		return n, in.u32()
	}
	return n >> 24, n & 0xFFFFFF
}

// flow makes the event of a sample of packets.
func (d *decoder) flow(g *datagram, expanded bool, in *reader, next func() *event.Event) error {
	sequence := in.u32()
	kind, index := in.source(expanded)
	rate, pool, drops := in.u32(), in.u32(), in.u32()
	var formats, interfaces [2]uint32
	for i := range interfaces {
		if expanded {
			formats[i] = in.u32()
		}
		interfaces[i] = in.u32()
	}
	records := in.u32()
	if in.err != nil {
		return in.err
	}
	w := d.open(g, kind, index, next)
	w.number("flow_sequence_number", uint64(sequence))
	w.number("sampling_rate", uint64(rate))
	w.number("sample_pool", uint64(pool))
	w.number("drops", uint64(drops))
	for i, name := range [...]string{"input_interface", "output_interface"} {
		if expanded {
			w.number(name+"_format", uint64(formats[i]))
		}
		w.number(name, uint64(interfaces[i]))
	}
	err := d.records(records, in, func(number uint32, body *reader) {
		if number == rawHeader {
			w.header(body, rate)
		} else {
			w.fields(d.tables[recordID{false, number}], body)
		}
	})
	if expanded {
		w.text("sflow_type", "expanded_flow_sample")
	} else {
		w.text("sflow_type", "flow_sample")
	}
	return err
}

// counters makes an event of each record of counters.
func (d *decoder) counters(g *datagram, expanded bool, in *reader, next func() *event.Event) error {
	sequence := in.u32()
	kind, index := in.source(expanded)
	return d.records(in.u32(), in, func(number uint32, body *reader) {
		fields := d.tables[recordID{true, number}]
		if fields == nil {
			return
		}
		w := d.open(g, kind, index, next)
		w.number("sample_seq_number", uint64(sequence))
		w.fields(fields, body)
		if expanded {
			w.text("sflow_type", "expanded_counter_sample")
		} else {
			w.text("sflow_type", "counter_sample")
		}
	})
}

// records gives the records of a sample to take. Those of enterprises have numbers that no table has.
func (d *decoder) records(n uint32, in *reader, take func(number uint32, body *reader)) error {
	for ; n > 0 && in.err == nil; n-- {
		number := in.u32()
		body := reader{data: in.take(int(in.u32()))}
		if in.err == nil {
			take(number, &body)
		}
	}
	return in.err
}

// fields sets the fields of a record, as many as it has bytes for.
func (w writer) fields(fields []field, in *reader) {
	for _, f := range fields {
		switch f.kind {
		case 'u':
			n := in.u32()
			if in.err == nil {
				w.number(f.name, uint64(n))
			}
		case 'q':
			high, low := in.u32(), in.u32()
			if in.err == nil {
				w.number(f.name, uint64(high)<<32|uint64(low))
			}
		case 'b':
			if b := in.take(1); in.err == nil {
				w.number(f.name, uint64(b[0]))
			}
		case 'f':
			x := math.Float32frombits(in.u32())
			if in.err == nil {
				w.text(f.name, w.e.Arena.Take(event.AppendRubyFloat(w.e.Arena.Free(), float64(x))))
			}
		case 'm':
			if b := in.take(8); in.err == nil {
				w.mac(f.name, b[:6])
			}
		case '4':
			w.address(f.name, in.address(4))
		case '6':
			w.address(f.name, in.address(16))
		case 'a':
			w.address(f.name, in.versioned())
		case 's':
			n := int(in.u32())
			if s := in.take(n); in.err == nil {
				w.text(f.name, strings.ToValidUTF8(s, "\uFFFD"))
				in.take(-n & 3)
			}
		}
		if in.err != nil {
			return
		}
	}
}

// reader reads numbers in network order. After an error it gives zeros.
type reader struct {
	data string
	err  error
}

func (r *reader) take(n int) string {
	if r.err == nil && (n < 0 || n > len(r.data)) {
		r.err = errTruncated
	}
	if r.err != nil {
		return ""
	}
	s := r.data[:n]
	r.data = r.data[n:]
	return s
}

func (r *reader) u16() uint16 {
	s := r.take(2)
	if s == "" {
		return 0
	}
	return uint16(s[0])<<8 | uint16(s[1])
}

func (r *reader) u32() uint32 { return uint32(r.u16())<<16 | uint32(r.u16()) }

func (r *reader) address(n int) netip.Addr {
	s := r.take(n)
	switch len(s) {
	case 4:
		return netip.AddrFrom4([4]byte([]byte(s)))
	case 16:
		return netip.AddrFrom16([16]byte([]byte(s)))
	}
	return netip.Addr{}
}

// versioned reads an address behind its version: 0 is none.
func (r *reader) versioned() netip.Addr {
	switch r.u32() {
	case 0:
		return netip.Addr{}
	case 1:
		return r.address(4)
	case 2:
		return r.address(16)
	}
	if r.err == nil {
		r.err = errAddress
	}
	return netip.Addr{}
}
