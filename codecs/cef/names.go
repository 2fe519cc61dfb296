package cef

import (
	_ "embed" // for the table of extensions
	"strconv"
	"strings"

	"millrace/pipeline/event"
)

//go:embed extensions.txt
var extensions string

// names tells where the parts of an event go. It is immutable.
type names struct {
	header  [headerFields]*event.Path
	syslog  *event.Path         // what stands before the header
	targets map[string]*target  // by name and by short key
	written map[string]spelling // by field reference and by name, for the way out
	ecs     bool
}

// spelling holds the two names of an extension.
type spelling struct{ name, key string }

// target is the field of an extension.
type target struct {
	path event.Path
	time bool
	zone bool // the zone of the event's times
}

const headerFields = 7

func newNames(device string, ecs bool) *names {
	n := &names{targets: make(map[string]*target), written: make(map[string]spelling), ecs: ecs}
	references := [headerFields]string{"cefVersion", "deviceVendor", "deviceProduct", "deviceVersion", "deviceEventClassId", "name", "severity"}
	syslog := "syslog"
	if ecs {
		references = [headerFields]string{
			"[cef][version]", "[observer][vendor]", "[observer][product]", "[observer][version]", "[event][code]", "[cef][name]", "[event][severity]",
		}
		syslog = "[log][syslog][header]"
	}
	for i, r := range references {
		n.header[i] = event.MustPath(r)
	}
	n.syslog = event.MustPath(syslog)
	for line := range strings.Lines(extensions) {
		cells := strings.Fields(line)
		if len(cells) == 3 && cells[1] == "=" {
			n.addOld(cells[0], cells[2])
			continue
		}
		if len(cells) < 3 || cells[0] == "#" || !strings.ContainsAny(cells[2], "[@") {
			continue
		}
		field, host, two := strings.Cut(strings.ReplaceAll(cells[2], "DEVICE", device), "|")
		if two && device == "host" {
			field = host
		}
		n.add(cells[0], strings.TrimPrefix(cells[1], "-"), field, len(cells) > 3)
	}
	n.addNumbered()
	return n
}

// addNumbered adds the custom fields, of which there are fifteen each.
func (n *names) addNumbered() {
	for i := 1; i <= 15; i++ {
		for _, kind := range [...][3]string{
			{"deviceCustomFloatingPoint", "cfp", "device_custom_floating_point_"}, {"deviceCustomIPv6Address", "c6a", "device_custom_ipv6_address_"},
			{"deviceCustomNumber", "cn", "device_custom_number_"}, {"deviceCustomString", "cs", "device_custom_string_"},
		} {
			number := strconv.Itoa(i)
			field := "[cef][" + kind[2] + number + "]"
			n.add(kind[0]+number, kind[1]+number, field+"[value]", false)
			n.add(kind[0]+number+"Label", kind[1]+number+"Label", field+"[label]", false)
		}
	}
}

func (n *names) add(name, key, field string, time bool) {
	if !n.ecs {
		field, time = name, false
	}
	t := &target{path: *event.MustPath(field), time: time, zone: n.ecs && name == "deviceTimeZone"}
	n.targets[name] = t
	if key != "" {
		n.targets[key] = t
	}
	for _, reference := range [...]string{field, name} {
		if _, taken := n.written[reference]; !taken {
			n.written[reference] = spelling{name, key}
		}
	}
}

// addOld adds an old name of an extension that was added already.
func (n *names) addOld(old, name string) {
	n.targets[old] = n.targets[name]
	if !n.ecs {
		n.targets[old] = &target{path: *event.MustPath(old)}
	}
	n.written[old] = spelling{old, n.written[name].key}
}

// encodeKey returns the key under which a field is written: what is known of it, or the letters and digits of its reference.
func (n *names) encodeKey(reference string, short bool) string {
	key := reference
	if known, ok := n.written[reference]; ok {
		key = known.name
		if short && known.key != "" {
			key = known.key
		}
	}
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' {
			return r
		}
		return -1
	}, key)
}
