package patterns

import (
	"fmt"
	"strings"
)

// ipv6 builds the definition of IPV6: one alternative for each number of groups that stand before the first "::" or,
// with all eight of them, without one. An embedded IPv4 address takes the place of the last two groups. The order of
// the alternatives, longest head first, decides what a text that is cut short is matched as.
//
// The zone at the end takes the rest of the text, spaces included: so does the original.
func ipv6() string {
	const (
		group  = `[0-9A-Fa-f]{1,4}`
		octet  = `(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)`
		dotted = octet + `(?:\.` + octet + `){3}`
	)
	alternatives := make([]string, 0, 8)
	for head := 7; head >= 0; head-- {
		var tail string
		switch head {
		case 7:
			tail = `(?:` + group + `|:)`
		case 6:
			tail = `(?::` + group + `|` + dotted + `|:)`
		default:
			between := ""
			if head < 5 {
				between = fmt.Sprintf(`(?::%s){0,%d}`, group, 5-head)
			}
			tail = fmt.Sprintf(`(?:(?::%s){1,%d}|%s:%s|:)`, group, 7-head, between, dotted)
		}
		lead := fmt.Sprintf(`(?:%s:){%d}`, group, head)
		if head == 0 {
			lead = `:`
		}
		alternatives = append(alternatives, lead+tail)
	}
	return `(?:` + strings.Join(alternatives, `|`) + `)(?:%.+)?`
}
