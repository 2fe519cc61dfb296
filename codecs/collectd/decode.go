package collectd

import (
	"encoding/binary"
	"errors"
	"log/slog"
	"math"
	"math/bits"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"millrace/internal/throttle"
	"millrace/pipeline/event"
)

// The types of the parts that a packet is made of.
const (
	partHost           = 0
	partTime           = 1
	partPlugin         = 2
	partPluginInstance = 3
	partType           = 4
	partTypeInstance   = 5
	partValues         = 6
	partInterval       = 7
	partTimeFine       = 8 // in units of 2^-30 seconds
	partIntervalFine   = 9
	partMessage        = 256
	partSeverity       = 257
	partSignature      = 512
	partEncryption     = 528
)

var (
	errLength   = errors.New("a part is longer than its packet")
	errValues   = errors.New("values of a wrong length")
	errSecurity = errors.New("the packet is not signed or encrypted as security_level demands")
)

type decoder struct {
	o       *Options
	types   map[string][]string
	users   *passwords
	nan     event.Value
	log     *throttle.Logger
	refused *atomic.Int64
}

// state is what the parts of a packet have said so far: each holds until another of its kind.
type state struct {
	host, plugin, pluginInstance, typ, typeInstance string

	time     time.Time
	interval int64
	severity int64
	trusted  bool // the security level is reached
}

// Decode implements plugin.Decoder. As in Logstash a packet that breaks off gives the events before the fault, and one that is not
// trusted gives none; both are counted and logged.
func (d *decoder) Decode(r *event.Record, next func() *event.Event) {
	s := state{trusted: d.o.SecurityLevel == levelNone}
	if err := d.parts(r.Data, &s, next); err != nil {
		d.refused.Add(1)
		d.log.Warn("a packet of collectd was refused or breaks off", slog.Any("error", err))
	}
}

func (d *decoder) parts(data string, s *state, next func() *event.Event) error {
	const head = 4
	for data != "" {
		if len(data) < head {
			return errLength
		}
		kind, length := be16(data), int(be16(data[2:]))
		if length < head || length > len(data) {
			return errLength
		}
		body, rest := data[head:length], data[length:]
		data = rest
		switch kind {
		case partSignature:
			if err := d.verify(body, rest, s); err != nil {
				return err
			}
			continue
		case partEncryption:
			plain, err := d.decrypt(body)
			if err != nil {
				return err
			}
			s.trusted = true
			if err := d.parts(plain, s, next); err != nil {
				return err
			}
			continue
		}
		if !s.trusted {
			return errSecurity
		}
		if err := d.part(int(kind), body, s, next); err != nil {
			return err
		}
	}
	return nil
}

// part takes one part in.
func (d *decoder) part(kind int, body string, s *state, next func() *event.Event) error {
	switch kind {
	case partHost:
		s.host = text(body)
	case partPlugin:
		s.plugin = text(body)
		s.pluginInstance, s.typ = "", ""
	case partPluginInstance:
		s.pluginInstance = text(body)
	case partType:
		s.typ = text(body)
	case partTypeInstance:
		s.typeInstance = text(body)
	case partMessage:
		e, o := d.open(s, next)
		o.Set("message", event.StringValue(text(body)))
		o.Set("severity", event.IntValue(s.severity))
		d.close(e, o)
	case partValues:
		return d.values(body, s, next)
	case partTime, partTimeFine, partInterval, partIntervalFine, partSeverity:
		if len(body) != 8 {
			return errLength
		}
		d.number(kind, be64(body), s, next)
	}
	return nil // what else there may be is not of this protocol's time
}

// number takes a part in that is one number.
func (d *decoder) number(kind int, n uint64, s *state, next func() *event.Event) {
	switch kind {
	case partTime:
		s.time = time.Unix(int64(n), 0)
	case partTimeFine:
		s.time = time.Unix(int64(n>>30), int64(n&(1<<30-1))*1e9>>30)
	case partSeverity:
		s.severity = int64(n)
	case partInterval:
		s.interval = int64(n)
	case partIntervalFine:
		s.interval = int64(n >> 30)
	}
	if (kind == partInterval || kind == partIntervalFine) && !d.o.PruneIntervals {
		e, o := d.open(s, next)
		o.Set("interval", event.IntValue(s.interval))
		d.close(e, o)
	}
}

// open returns an event with what is known of its values, and the object that its fields belong into.
func (d *decoder) open(s *state, next func() *event.Event) (*event.Event, *event.Object) {
	e := next()
	o := e.NewObject()
	if !s.time.IsZero() {
		e.SetTimestamp(s.time)
	}
	for _, f := range [...]struct{ name, text string }{
		{"host", s.host}, {"plugin", s.plugin}, {"plugin_instance", s.pluginInstance}, {"collectd_type", s.typ}, {"type_instance", s.typeInstance},
	} {
		if f.text != "" {
			o.Set(f.name, event.StringValue(f.text))
		}
	}
	return e, o
}

// close puts the fields into the event.
func (d *decoder) close(e *event.Event, o *event.Object) {
	if !d.o.Target.IsZero() && e.Set(&d.o.Target, event.ObjectValue(o)) == nil {
		return
	}
	for _, f := range o.Fields() {
		e.Root().Set(f.Key, f.Val)
	}
}

// values makes the event of a part with values: their number, the type of each, and 8 bytes for each.
func (d *decoder) values(body string, s *state, next func() *event.Event) error {
	if len(body) < 2 || len(body) != 2+9*int(be16(body)) {
		return errValues
	}
	n := int(be16(body))
	kinds, numbers := body[2:2+n], body[2+n:]
	if d.o.NaNHandling == nanDrop && anyNaN(kinds, numbers) {
		return nil
	}
	e, o := d.open(s, next)
	names := d.types[s.typ]
	replaced := false
	for i := range n {
		v, ok := value(kinds[i], numbers[8*i:8*i+8])
		if !ok {
			v, replaced = d.nan, true
		}
		name := "value"
		switch {
		case n == 1:
		case i < len(names):
			name = names[i]
		default:
			name += strconv.Itoa(i)
		}
		o.Set(name, v)
	}
	d.close(e, o)
	if replaced {
		if d.o.NaNTag != "" {
			e.Tag(d.o.NaNTag)
		}
		if d.o.NaNHandling == nanWarn {
			d.log.Warn("a value of collectd is not a number and was replaced", slog.String("type", strings.ToValidUTF8(s.typ, "?")))
		}
	}
	return nil
}

// gauge is the kind of values that are floating point numbers, the only ones of the protocol in the order of small machines.
const gauge = 1

// value reads a number; ok is false if it is none.
func value(kind byte, s string) (v event.Value, ok bool) {
	n := be64(s)
	switch kind {
	case gauge:
		f := math.Float64frombits(bits.ReverseBytes64(n))
		return event.FloatValue(f), !math.IsNaN(f)
	case 2: // derive
		return event.IntValue(int64(n)), true
	}
	if n > math.MaxInt64 {
		return event.BigIntValue(strconv.FormatUint(n, 10)), true
	}
	return event.IntValue(int64(n)), true
}

func anyNaN(kinds, numbers string) bool {
	for i := range len(kinds) {
		if _, ok := value(kinds[i], numbers[8*i:8*i+8]); !ok {
			return true
		}
	}
	return false
}

// text reads a string, which a zero ends.
func text(body string) string {
	return strings.ToValidUTF8(strings.TrimSuffix(body, "\x00"), "\uFFFD")
}

func be16(s string) uint16 { return uint16(s[0])<<8 | uint16(s[1]) }

func be64(s string) uint64 {
	var b [8]byte
	copy(b[:], s)
	return binary.BigEndian.Uint64(b[:])
}
