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
	templates *templates
	next      func() *event.Event
}

// packet is what the flows of one packet have in common.
type packet struct {
	version  uint16
	sequence uint32
	domain   uint32
	time     time.Time
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
	if err != nil && !errors.Is(err, flows.ErrorTemplateNotFound) {
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
	err := flows.DecodeMessageVersion(bytes.NewBuffer(data), d.templates, &v9, &ipfix)
	p := packet{version, v9.SequenceNumber, v9.SourceId, time.Unix(int64(v9.UnixSeconds), 0), v9.SystemUptime}
	sets := v9.FlowSets
	if version == 10 {
		p = packet{version, ipfix.SequenceNumber, ipfix.ObservationDomainId, time.Unix(int64(ipfix.ExportTime), 0), 0}
		sets = ipfix.FlowSets
	}
	for _, set := range sets {
		switch set := set.(type) {
		case flows.DataFlowSet:
			for _, r := range set.Records {
				d.flow(&p, set.Id, nil, r.Values)
			}
		case flows.OptionsDataFlowSet:
			for _, r := range set.Records {
				d.flow(&p, set.Id, r.ScopesValues, r.OptionsValues)
			}
		case flows.RawFlowSet:
			if errors.Is(err, flows.ErrorTemplateNotFound) {
				d.withoutTemplate(&p, &set)
			}
		}
	}
	return err
}

// flow makes the event of one record.
func (d *decoder) flow(p *packet, set uint16, scopes, values []flows.DataField) {
	e, o := d.open(p)
	if p.version == 9 || d.o.IncludeFlowsetID {
		o.Set("flowset_id", event.IntValue(int64(set)))
	}
	for i := range scopes {
		if p.version == 9 {
			b, _ := scopes[i].Value.([]byte)
			name := strings.ToLower(flows.NFv9ScopeToString(scopes[i].Type))
			o.Set("scope_"+strings.ReplaceAll(name, " ", "_"), numberKind.value(e, b))
			continue
		}
		d.field(p, e, o, &scopes[i])
	}
	for i := range values {
		d.field(p, e, o, &values[i])
	}
}

// open returns an event with what its packet says, and the object for its flow.
func (d *decoder) open(p *packet) (*event.Event, *event.Object) {
	e := d.next()
	e.SetTimestamp(p.time)
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

func (d *decoder) field(p *packet, e *event.Event, o *event.Object, f *flows.DataField) {
	b, _ := f.Value.([]byte)
	id := fieldID{version: p.version, number: f.Type}
	if f.PenProvided {
		id.number, id.pen = f.Type&^0x8000, f.Pen
	}
	known := d.names.lookup(id)
	if known.kind == skipKind || len(b) == 0 {
		return
	}
	if t, ok := flowTime(known.name, b); ok && p.version == 10 {
		o.Set(known.name, event.TimeValue(t))
		return
	}
	if known.kind == uptimeKind && len(b) <= 4 {
		o.Set(known.name, event.TimeValue(p.since(uint32(number(b)))))
		return
	}
	o.Set(known.name, known.kind.value(e, b))
}

// since returns the instant at which the exporter had been up for that many milliseconds. The counter starts anew every 49 days.
func (p *packet) since(uptime uint32) time.Time {
	return p.time.Add(-time.Duration(int32(p.uptime-uptime)) * time.Millisecond)
}

// withoutTemplate makes an event of data whose template has not come yet; Logstash drops them.
func (d *decoder) withoutTemplate(p *packet, set *flows.RawFlowSet) {
	e, o := d.open(p)
	o.Set("flowset_id", event.IntValue(int64(set.Id)))
	o.Set("source_id", event.IntValue(int64(p.domain)))
	e.Root().Set("message", event.StringValue(base64.StdEncoding.EncodeToString(set.Records)))
	e.Tag(TemplateTag)
}

// decode5 reads a packet of version 5.
func (d *decoder) decode5(data []byte) error {
	var in legacy.PacketNetFlowV5
	if err := legacy.DecodeMessageVersion(bytes.NewBuffer(data), &in); err != nil {
		return err
	}
	complete := (len(data) - 24) / 48
	p := packet{version: 5, time: time.Unix(int64(in.UnixSecs), int64(in.UnixNSecs)), uptime: in.SysUptime}
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
		o.Set("first_switched", event.TimeValue(p.since(r.First)))
		o.Set("last_switched", event.TimeValue(p.since(r.Last)))
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
