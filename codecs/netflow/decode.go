package netflow

import (
	"bytes"
	"encoding/base64"
	"errors"
	"strings"
	"time"

	flows "github.com/netsampler/goflow2/v2/decoders/netflow"
	legacy "github.com/netsampler/goflow2/v2/decoders/netflowlegacy"

	"millrace/pipeline/event"
)

type decoder struct {
	o         *Options
	accepted  map[uint16]bool
	names     *names
	templates sender
	source    *event.Source // that the sender's name was made of
	next      func() *event.Event
}

// SetSource implements plugin.SourceDecoder. What an input knows of a sender beside the record, its address above all, names it.
func (d *decoder) SetSource(s *event.Source) {
	if s == d.source {
		return
	}
	d.source, d.templates.name = s, ""
	for i := range s.Fields {
		if v := s.Fields[i].Value; v.Kind() == event.String {
			d.templates.name += v.Str()
		}
	}
}

// packet is what the flows of one packet have in common.
type packet struct {
	version  uint16
	sequence uint32
	domain   uint32
	seconds  uint32 // since 1970, when it was sent
	micros   int64  // beyond the second, for version 5
	uptime   uint32 // of the exporter, in milliseconds
}

// Decode implements plugin.Decoder. A packet of a version that is not wanted gives no event.
func (d *decoder) Decode(r *event.Record, next func() *event.Event) {
	d.next = next
	data := []byte(r.Data)
	if len(data) < 2 {
		d.fail(data)
		return
	}
	version := uint16(number(data[:2]))
	if !d.accepted[version] && (version == 5 || version == 9 || version == 10) {
		return
	}
	var err error
	switch version {
	case 5:
		err = d.decode5(data)
	case 9, 10:
		err = d.decodeTemplated(data, version)
	default:
		err = errors.ErrUnsupported
	}
	if err != nil {
		d.fail(data)
	}
}

// fail makes the event of bytes that could not be decoded.
func (d *decoder) fail(data []byte) {
	e := d.next()
	e.Root().Set("message", event.StringValue(base64.StdEncoding.EncodeToString(data)))
	e.Tag(FailureTag)
}

// decodeTemplated reads a packet of version 9 or 10.
func (d *decoder) decodeTemplated(data []byte, version uint16) error {
	var v9 flows.NFv9Packet
	var ipfix flows.IPFIXPacket
	if version == 9 {
		data = withoutPadding(data)
	}
	err := flows.DecodeMessageVersion(bytes.NewBuffer(data), &d.templates, &v9, &ipfix)
	if errors.Is(err, flows.ErrorTemplateNotFound) { // what it says of all data
		err = nil
	}
	p := packet{version: version, sequence: v9.SequenceNumber, domain: v9.SourceId, seconds: v9.UnixSeconds, uptime: v9.SystemUptime}
	sets := v9.FlowSets
	if version == 10 {
		p = packet{version: version, sequence: ipfix.SequenceNumber, domain: ipfix.ObservationDomainId, seconds: ipfix.ExportTime}
		sets = ipfix.FlowSets
	}
	for _, s := range sets {
		if data, ok := s.(flows.RawFlowSet); ok {
			err = errors.Join(err, d.data(&p, &data))
		}
	}
	return err
}

var errTruncated = errors.New("a set ends within a record")

// data makes the events of a set of records. goflow2 would do it too, but not where all fields have variable lengths, and it knows no
// padding then.
func (d *decoder) data(p *packet, set *flows.RawFlowSet) error {
	t := d.templates.find(templateID{d.templates.name, p.version, p.domain, set.Id})
	if t == nil {
		d.templates.missing(p, set.Id)
		return nil
	}
	for rest := set.Records; len(rest) >= t.least; {
		e, o := d.open(p)
		if p.version == 9 || d.o.IncludeFlowsetID {
			o.Set("flowset_id", event.IntValue(int64(set.Id)))
		}
		for i := range t.fields {
			f := &t.fields[i]
			b, after, ok := cutField(f, rest)
			if !ok {
				e.Tag(FailureTag)
				return errTruncated
			}
			rest = after
			if i < t.scopes && p.version == 9 {
				setScope(e, o, f.Type, b)
			} else {
				d.field(p, e, o, f, b)
			}
		}
	}
	return nil
}

// variable is the length by which a template says that each record tells its own.
const variable = 0xFFFF

// cutField cuts the bytes of a field off.
func cutField(f *flows.Field, data []byte) (field, rest []byte, ok bool) {
	n := int(f.Length)
	if n == variable {
		if len(data) == 0 {
			return nil, nil, false
		}
		n, data = int(data[0]), data[1:]
		if n == 255 {
			if len(data) < 2 {
				return nil, nil, false
			}
			n, data = int(number(data[:2])), data[2:]
		}
	}
	if n > len(data) {
		return nil, nil, false
	}
	return data[:n], data[n:], true
}

// setScope sets what an option of version 9 is about.
func setScope(e *event.Event, o *event.Object, number uint16, b []byte) {
	if len(b) > 0 {
		name := strings.ToLower(flows.NFv9ScopeToString(number))
		o.Set("scope_"+strings.ReplaceAll(name, " ", "_"), numberKind.value(e, b))
	}
}

// withoutPadding cuts a packet of version 9 off where a set of no length begins: some exporters fill their packets up with zeros.
func withoutPadding(data []byte) []byte {
	const header = 20
	for pos := header; pos+4 <= len(data); {
		length := int(number(data[pos+2 : pos+4]))
		if length == 0 {
			return data[:pos]
		}
		pos += max(length, 4)
	}
	return data
}

// open returns an event with what its packet says, and the object for its flow.
func (d *decoder) open(p *packet) (*event.Event, *event.Object) {
	e := d.next()
	e.SetTimestamp(time.Unix(int64(p.seconds), p.micros*1000))
	o := e.NewObject()
	o.Set("version", event.IntValue(int64(p.version)))
	if p.version == 9 {
		o.Set("flow_seq_num", event.IntValue(int64(p.sequence)))
	}
	if e.Set(&d.o.Target, event.ObjectValue(o)) != nil {
		e.Tag(FailureTag) // a target such as @timestamp
	}
	return e, o
}

func (d *decoder) field(p *packet, e *event.Event, o *event.Object, f *flows.Field, b []byte) {
	id := fieldID{version: p.version, number: f.Type}
	if f.PenProvided {
		id.number, id.pen = f.Type&^0x8000, f.Pen
	}
	known := d.names.lookup(id)
	if known.kind == skipKind || len(b) == 0 && (p.version == 9 || known.kind != textKind) {
		return
	}
	if t, ok := flowTime(known.name, b); ok && p.version == 10 {
		o.Set(known.name, text(e, event.AppendTime(e.Arena.Free(), t)))
		return
	}
	if known.kind == uptimeKind && len(b) <= 4 {
		o.Set(known.name, p.since(e, uint32(number(b))))
		return
	}
	o.Set(known.name, known.kind.value(e, b))
}

// since returns the text of the instant at which the exporter had been up for that many milliseconds, as Logstash reckons it: uptimes
// that began anew since then give a time to come, and where a second has to be borrowed it is not (version 5), or is added (version 9).
func (p *packet) since(e *event.Event, uptime uint32) event.Value {
	const second = 1_000_000
	millis := int64(p.uptime) - int64(uptime)
	seconds, rest := millis/1000, millis%1000
	if rest < 0 {
		seconds, rest = seconds-1, rest+1000
	}
	micros := p.micros - rest*1000
	if p.version == 9 || micros < 0 {
		micros += second
	}
	return text(e, event.AppendTime(e.Arena.Free(), time.Unix(int64(p.seconds)-seconds, micros*1000)))
}

// decode5 reads a packet of version 5.
func (d *decoder) decode5(data []byte) error {
	var in legacy.PacketNetFlowV5
	if err := legacy.DecodeMessageVersion(bytes.NewBuffer(data), &in); err != nil {
		return err
	}
	complete := (len(data) - 24) / 48
	p := packet{version: 5, seconds: in.UnixSecs, micros: int64(in.UnixNSecs) / 1000, uptime: in.SysUptime}
	for i := range in.Records[:min(complete, len(in.Records))] {
		r := &in.Records[i]
		e, o := d.open(&p)
		set := func(name string, n uint32) { o.Set(name, event.IntValue(int64(n))) }
		address := func(name string, a legacy.IPAddress) {
			o.Set(name, ipKind.value(e, []byte{byte(a >> 24), byte(a >> 16), byte(a >> 8), byte(a)}))
		}
		set("flow_seq_num", in.FlowSequence)
		set("engine_type", uint32(in.EngineType))
		set("engine_id", uint32(in.EngineId))
		set("sampling_algorithm", uint32(in.SamplingInterval>>14))
		set("sampling_interval", uint32(in.SamplingInterval&(1<<14-1)))
		set("flow_records", uint32(in.Count))
		address("ipv4_src_addr", r.SrcAddr)
		address("ipv4_dst_addr", r.DstAddr)
		address("ipv4_next_hop", r.NextHop)
		set("input_snmp", uint32(r.Input))
		set("output_snmp", uint32(r.Output))
		set("in_pkts", r.DPkts)
		set("in_bytes", r.DOctets)
		o.Set("first_switched", p.since(e, r.First))
		o.Set("last_switched", p.since(e, r.Last))
		set("l4_src_port", uint32(r.SrcPort))
		set("l4_dst_port", uint32(r.DstPort))
		set("tcp_flags", uint32(r.TCPFlags))
		set("protocol", uint32(r.Proto))
		set("src_tos", uint32(r.Tos))
		set("src_as", uint32(r.SrcAS))
		set("dst_as", uint32(r.DstAS))
		set("src_mask", uint32(r.SrcMask))
		set("dst_mask", uint32(r.DstMask))
	}
	if complete < int(in.Count) {
		return errors.New("the packet ends within a record")
	}
	return nil
}
