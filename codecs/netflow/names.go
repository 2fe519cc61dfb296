package netflow

import (
	_ "embed" // for the fields of version 9 and of enterprises
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"maps"
	"math"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	flows "github.com/netsampler/goflow2/v2/decoders/netflow"

	"millrace/pipeline/event"
)

//go:embed v9.txt
var version9 string

//go:embed enterprises.txt
var enterprises string

// kind tells how a field's bytes are read.
type kind uint8

const (
	numberKind kind = iota
	ipKind
	macKind
	textKind
	bytesKind
	floatKind
	uptimeKind // milliseconds since the exporter started
	forwardingKind
	applicationKind
	aclKind
	mplsKind
	skipKind
)

var kindNames = map[string]kind{
	"num": numberKind, "ip": ipKind, "mac": macKind, "text": textKind, "uptime": uptimeKind, "forwarding": forwardingKind,
	"application": applicationKind, "acl": aclKind, "skip": skipKind, "bytes": bytesKind, "float": floatKind, "mpls": mplsKind,
}

// fieldID is the number of a field.
type fieldID struct {
	version uint16
	number  uint16
	pen     uint32 // of the enterprise that defines it, 0 for the standard
}

type namedField struct {
	name string
	kind kind
}

// names holds the known fields. It is immutable once the codec is made.
type names struct{ fields map[fieldID]namedField }

func newNames() *names { return &names{fields: maps.Clone(builtin())} }

// builtin returns the fields known without definitions. It never changes; goflow2 takes some milliseconds to tell all names.
var builtin = sync.OnceValue(builtinFields)

// firstShared is the number from which the fields of version 9 are those of IPFIX, but for those that have had another name.
const firstShared = 98

// netscalerPEN is the number of an enterprise of which Logstash names unknown fields in its own way.
const netscalerPEN = 5951

// reversePEN is the enterprise number under which RFC 5103 repeats the standard's fields for the other direction.
const reversePEN = 29305

func builtinFields() map[fieldID]namedField {
	fields := make(map[fieldID]namedField, 2048)
	for number := uint16(1); number < 512; number++ {
		name := flows.IPFIXTypeToString(number)
		if name == "" || strings.HasPrefix(strings.ToLower(name), "unassigned") || strings.EqualFold(name, "reserved") {
			continue
		}
		f := namedField{name, ipfixKind(name)}
		fields[fieldID{10, number, 0}] = f
		if number >= firstShared {
			fields[fieldID{9, number, 0}] = f
		}
		f.name = "reverse" + strings.ToUpper(name[:1]) + name[1:]
		fields[fieldID{10, number, reversePEN}] = f
	}
	for line := range strings.Lines(version9) {
		cells := strings.Fields(line)
		if number, err := strconv.ParseUint(cells[0], 10, 16); err == nil {
			fields[fieldID{9, uint16(number), 0}] = namedField{cells[2], kindNames[cells[1]]}
		}
	}
	id := fieldID{version: 10}
	for line := range strings.Lines(enterprises) {
		cells := strings.Fields(line)
		number, err := strconv.ParseUint(cells[0], 10, 32)
		switch {
		case err != nil: // the comment
		case len(cells) == 1:
			id.pen = uint32(number)
		default:
			id.number = uint16(number)
			fields[id] = namedField{cells[2], kindNames[cells[1]]}
		}
	}
	return fields
}

// ipfixKind tells the kind of a field of the standard by its name: the registry's names are systematic.
func ipfixKind(name string) kind {
	switch name {
	case "applicationId":
		return applicationKind
	case "samplingProbability", "absoluteError", "relativeError", "upperCILimit", "lowerCILimit", "confidenceLevel":
		return floatKind
	case "paddingOctets", "basicList", "subTemplateList", "subTemplateMultiList":
		return skipKind
	case "metroEvcId", "virtualStationInterfaceId", "virtualStationUUID", "opaqueOctets", "messageMD5Checksum", "dot1qServiceInstanceTag", "mplsVpnRouteDistinguisher":
		return textKind
	case "httpStatusCode":
		return numberKind
	}
	for _, suffix := range [...]string{"IPv4Address", "IPv6Address", "IPv4Prefix", "IPv6Prefix"} {
		if strings.HasSuffix(name, suffix) {
			return ipKind
		}
	}
	for _, suffix := range [...]string{"Name", "name", "Description", "SSID", "Technology", "Certificate", "Section", "SectionData"} {
		if strings.HasSuffix(name, suffix) {
			return textKind
		}
	}
	switch {
	case strings.HasSuffix(name, "MacAddress"):
		return macKind
	case strings.HasPrefix(name, "http"):
		return textKind
	}
	return numberKind
}

// lookup returns a field's name and kind. An unknown one is named by its numbers; in Logstash it makes the whole template useless.
func (n *names) lookup(id fieldID) namedField {
	if f, ok := n.fields[id]; ok {
		return f
	}
	if id.pen == netscalerPEN {
		return namedField{fmt.Sprintf("netscalerUnknown%d", id.number), numberKind}
	}
	if id.pen != 0 {
		return namedField{fmt.Sprintf("enterprise_%d_%d", id.pen, id.number), numberKind}
	}
	return namedField{fmt.Sprintf("field_%d", id.number), numberKind}
}

// value reads the bytes of a field. What does not have a length that its kind can have is text or, failing that, hexadecimal.
func (k kind) value(e *event.Event, b []byte) event.Value {
	switch {
	case k == ipKind && (len(b) == 4 || len(b) == 16):
		addr, _ := netip.AddrFromSlice(b)
		return text(e, addr.AppendTo(e.Arena.Free()))
	case k == macKind && len(b) == 6:
		dst := e.Arena.Free()
		for i, c := range b {
			if i > 0 {
				dst = append(dst, ':')
			}
			dst = hex.AppendEncode(dst, []byte{c})
		}
		return text(e, dst)
	case k == floatKind && len(b) == 8:
		return event.FloatValue(math.Float64frombits(binary.BigEndian.Uint64(b)))
	case k == floatKind && len(b) == 4:
		return event.FloatValue(float64(math.Float32frombits(binary.BigEndian.Uint32(b))))
	case k == applicationKind && len(b) > 1:
		return application(e, b)
	case k == mplsKind && len(b) == 4:
		o := e.NewObject()
		n := int64(number(b))
		o.Set("label", event.IntValue(n>>12))
		o.Set("experimental", event.IntValue(n>>9&7))
		o.Set("bottom_of_stack", event.IntValue(n>>8&1))
		o.Set("ttl", event.IntValue(n&255))
		return event.ObjectValue(o)
	case k == aclKind && len(b) == 12:
		return text(e, fmt.Appendf(e.Arena.Free(), "%x-%x-%x", b[:4], b[4:8], b[8:]))
	case k == forwardingKind && len(b) == 1:
		o := e.NewObject()
		o.Set("status", event.IntValue(int64(b[0]>>6)))
		o.Set("reason", event.IntValue(int64(b[0]&63)))
		return event.ObjectValue(o)
	case (k == numberKind || k == uptimeKind || k == forwardingKind) && len(b) <= 8:
		if n := number(b); n <= math.MaxInt64 {
			return event.IntValue(int64(n))
		} else {
			return event.BigIntValue(strconv.FormatUint(n, 10))
		}
	}
	s := strings.TrimRight(string(b), "\x00")
	if k != bytesKind && utf8.ValidString(s) {
		return event.StringValue(s)
	}
	return event.StringValue(hex.EncodeToString(b))
}

// panaL7PEN is the classification engine of RFC 6759 whose selectors begin with the number of an enterprise.
const panaL7PEN = 20

// application reads an application's id: the engine that classifies and its selector.
func application(e *event.Event, b []byte) event.Value {
	dst := append(strconv.AppendUint(e.Arena.Free(), uint64(b[0]), 10), ".."...)
	selector := b[1:]
	if b[0] == panaL7PEN && len(selector) > 4 {
		dst = append(strconv.AppendUint(dst, number(selector[:4]), 10), ".."...)
		selector = selector[4:]
	}
	return text(e, strconv.AppendUint(dst, number(selector), 10))
}

func number(b []byte) (n uint64) {
	for _, c := range b[max(0, len(b)-8):] {
		n = n<<8 | uint64(c)
	}
	return n
}

// flowTime reads the times of IPFIX that Logstash writes as such; ok is false for other fields.
func flowTime(name string, b []byte) (t time.Time, ok bool) {
	rest, ok := strings.CutPrefix(name, "flowStart")
	if !ok {
		if rest, ok = strings.CutPrefix(name, "flowEnd"); !ok {
			return time.Time{}, false
		}
	}
	switch {
	case rest == "Seconds" && len(b) <= 8:
		return time.Unix(int64(number(b)), 0), true
	case rest == "Milliseconds" && len(b) <= 8:
		return time.UnixMilli(int64(number(b))), true
	case (rest == "Microseconds" || rest == "Nanoseconds") && len(b) == 8: // NTP: seconds since 1900, and a fraction of 2^32
		const since1900 = 2208988800
		n := number(b)
		return time.Unix(int64(n>>32)-since1900, int64(n&math.MaxUint32)*1e9>>32), true
	}
	return time.Time{}, false
}

// text returns what was appended to the arena's free space as a value.
func text(e *event.Event, b []byte) event.Value { return event.StringValue(e.Arena.Take(b)) }
