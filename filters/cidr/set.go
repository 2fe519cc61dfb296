package cidr

import (
	"net/netip"
	"slices"
	"strings"
)

// set is a set of networks. Looking an address up takes a step for each length of prefix that the set has, however many networks it
// holds. It is immutable once filled.
type set struct {
	networks map[netip.Prefix]struct{}
	lengths  [2][]int // of IPv4 and IPv6, ascending
}

func (s *set) len() int { return len(s.networks) }

// addList adds the networks of a list and returns what is none; empty parts and white space around the others do not count.
func (s *set) addList(list, separator string) (bad []string) {
	parts := []string{list}
	if separator != "" {
		parts = strings.Split(list, separator)
	}
	for _, part := range parts {
		if part = strings.TrimSpace(part); part == "" {
			continue
		}
		if p, ok := parse(part); ok {
			s.add(p)
		} else {
			bad = append(bad, part)
		}
	}
	return bad
}

func (s *set) add(p netip.Prefix) {
	if s.networks == nil {
		s.networks = make(map[netip.Prefix]struct{})
	}
	s.networks[p] = struct{}{}
	lengths := &s.lengths[family(p.Addr())]
	if i, found := slices.BinarySearch(*lengths, p.Bits()); !found {
		*lengths = slices.Insert(*lengths, i, p.Bits())
	}
}

func family(a netip.Addr) int {
	if a.Is4() {
		return 0
	}
	return 1
}

// contains reports whether a network of the set holds p as a whole.
func (s *set) contains(p netip.Prefix) bool {
	for _, bits := range s.lengths[family(p.Addr())] {
		if bits > p.Bits() {
			break
		}
		network, err := p.Addr().Prefix(bits)
		if err != nil {
			continue
		}
		if _, ok := s.networks[network]; ok {
			return true
		}
	}
	return false
}

// parse reads an address or network as Ruby's IPAddr does: with or without a prefix length or a netmask behind a slash, IPv6 with or
// without brackets. An address is a network of one; the zone does not count.
func parse(s string) (netip.Prefix, bool) {
	s = strings.TrimSpace(s)
	text, mask, masked := strings.Cut(s, "/")
	if strings.HasPrefix(text, "[") && strings.HasSuffix(text, "]") {
		text = text[1 : len(text)-1]
	}
	a, err := netip.ParseAddr(text)
	if err != nil {
		return netip.Prefix{}, false
	}
	a = a.WithZone("")
	bits := a.BitLen()
	if masked {
		var ok bool
		if bits, ok = maskBits(mask, a); !ok {
			return netip.Prefix{}, false
		}
	}
	p, err := a.Prefix(bits)
	return p, err == nil
}

// maskBits reads a prefix length, or a netmask of the same family as a.
func maskBits(mask string, a netip.Addr) (int, bool) {
	n := 0
	for i := 0; i < len(mask) && i < 4; i++ {
		if mask[i]-'0' > 9 {
			return netmask(mask, a)
		}
		n = n*10 + int(mask[i]-'0')
	}
	return n, mask != "" && len(mask) < 4 && n <= a.BitLen()
}

// netmask returns how many bits a netmask such as 255.255.0.0 sets; they must be the first ones.
func netmask(mask string, a netip.Addr) (bits int, ok bool) {
	m, err := netip.ParseAddr(mask)
	if err != nil || m.BitLen() != a.BitLen() {
		return 0, false
	}
	zero := false
	for _, b := range m.AsSlice() {
		for i := 7; i >= 0; i-- {
			switch set := b>>i&1 == 1; {
			case set && zero:
				return 0, false
			case set:
				bits++
			default:
				zero = true
			}
		}
	}
	return bits, true
}
