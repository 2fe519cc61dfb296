package ruby

import (
	"context"
	"math/big"
	"net"
	"net/netip"
	"os"
	"strings"
	"time"
)

// networkMethods fills IPAddr, Socket and Resolv.
func networkMethods(c *core) {
	k := c.define("IPAddr", c.object)
	c.ipaddr = k
	c.ipaddrError = c.defineIn(k, "Error", c.argumentError)
	c.addressError = c.defineIn(k, "AddressFamilyError", c.ipaddrError)
	c.defineIn(k, "InvalidAddressError", c.ipaddrError)
	c.defineIn(k, "InvalidPrefixError", c.defineIn(k, "InvalidPrefixBase", c.ipaddrError))
	k.includes = []*Class{c.comparable}
	k.sdef("new", 1, 2, func(t *Interp, self Value, a []Value, b *Proc) Value { return t.newIP(a) })
	k.sdef("ntop", 1, 1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		ip, ok := netip.AddrFromSlice([]byte(t.text(a[0])))
		if !ok {
			return t.raise(t.core.addressError, "unsupported address family")
		}
		return strValue(ip.String())
	})
	k.sdef("new_ntoh", 1, 1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		ip, ok := netip.AddrFromSlice([]byte(t.text(a[0])))
		if !ok {
			return t.raise(t.core.addressError, "unsupported address family")
		}
		return t.ipObject(netip.PrefixFrom(ip, ip.BitLen()))
	})
	k.consts["IN4MASK"], k.consts["IN6MASK"] = int64(1<<32-1), bigInteger(ones(128))
	ipTests(k)
	ipTexts(k)
	ipBits(k)
	socketMethods(c)
	resolvMethods(c)
}

func ipOf(v Value) netip.Prefix { return v.(*Object).data.(netip.Prefix) }

func (t *Interp) ipError(class, msg string) {
	c, _ := t.lookupClass("IPAddr::" + class)
	t.raise(c, "%s", msg)
}

// newIP is IPAddr.new: the bits behind the prefix are cleared.
func (t *Interp) newIP(a []Value) Value {
	if n := bigOf(a[0]); n != nil {
		size := 4
		if len(a) > 1 && t.int(a[1]) != 2 {
			size = 16
		}
		ip, _ := netip.AddrFromSlice(n.FillBytes(make([]byte, size)))
		return t.ipObject(netip.PrefixFrom(ip, ip.BitLen()))
	}
	return t.ipObject(t.parseIP(t.text(a[0])))
}

func (t *Interp) ipObject(p netip.Prefix) Value { return &Object{class: t.core.ipaddr, data: p} }

func (t *Interp) parseIP(s string) netip.Prefix {
	addr, mask := s, ""
	if i := indexOf(s, "/"); i >= 0 {
		addr, mask = s[:i], s[i+1:]
	}
	if n := len(addr); n > 2 && addr[0] == '[' && addr[n-1] == ']' {
		addr = addr[1 : n-1]
	}
	ip, err := netip.ParseAddr(addr)
	if err != nil {
		t.ipError("InvalidAddressError", "invalid address: "+s)
	}
	bits := int64(ip.BitLen())
	if mask != "" {
		ok := false
		if bits, ok = plainInt(mask); !ok {
			m, err := netip.ParseAddr(mask)
			if err != nil || m.BitLen() != ip.BitLen() {
				t.ipError("InvalidAddressError", "invalid address: "+s)
			}
			ones, _ := net.IPMask(m.AsSlice()).Size()
			bits = int64(ones)
		}
		if bits > int64(ip.BitLen()) {
			t.ipError("InvalidPrefixError", "invalid length: "+s)
		}
	}
	return netip.PrefixFrom(ip, int(bits)).Masked()
}

// ipArg returns an argument as an address range.
func (t *Interp) ipArg(v Value) netip.Prefix {
	if o, ok := v.(*Object); ok {
		if p, ok := o.data.(netip.Prefix); ok {
			return p
		}
	}
	if n := bigOf(v); n != nil {
		return ipOf(t.newIP([]Value{v}))
	}
	return t.parseIP(t.text(v))
}

func ipTests(k *Class) {
	k.def("include?", 1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		p, o := ipOf(self), t.ipArg(a[0])
		return p.Addr().BitLen() == o.Addr().BitLen() && p.Bits() <= o.Bits() && p.Contains(o.Addr())
	})
	k.alias("include?", "===")
	k.def("ipv4?", 0, func(t *Interp, self Value, a []Value, b *Proc) Value { return ipOf(self).Addr().Is4() })
	k.def("ipv6?", 0, func(t *Interp, self Value, a []Value, b *Proc) Value { return !ipOf(self).Addr().Is4() })
	k.def("private?", 0, func(t *Interp, self Value, a []Value, b *Proc) Value { return ipOf(self).Addr().Unmap().IsPrivate() })
	k.def("loopback?", 0, func(t *Interp, self Value, a []Value, b *Proc) Value { return ipOf(self).Addr().Unmap().IsLoopback() })
	k.def("link_local?", 0, func(t *Interp, self Value, a []Value, b *Proc) Value {
		return ipOf(self).Addr().Unmap().IsLinkLocalUnicast()
	})
	k.def("ipv4_mapped?", 0, func(t *Interp, self Value, a []Value, b *Proc) Value { return ipOf(self).Addr().Is4In6() })
	k.def("==", 1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		ok := false
		_, exc := t.protect(func() Value { ok = t.ipArg(a[0]) == ipOf(self); return nil })
		return exc == nil && ok
	})
	k.def("<=>", 1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		return integer(int64(ipOf(self).Addr().Compare(t.ipArg(a[0]).Addr())))
	})
	k.def("hash", 0, func(t *Interp, self Value, a []Value, b *Proc) Value {
		return integer(t.hashOf(strValue(ipOf(self).String())))
	})
}

func ipTexts(k *Class) {
	k.def("to_s", 0, func(t *Interp, self Value, a []Value, b *Proc) Value { return strValue(ipOf(self).Addr().String()) })
	k.def("to_string", 0, func(t *Interp, self Value, a []Value, b *Proc) Value {
		return strValue(ipOf(self).Addr().StringExpanded())
	})
	k.def("cidr", 0, func(t *Interp, self Value, a []Value, b *Proc) Value { return strValue(ipOf(self).String()) })
	k.def("to_i", 0, func(t *Interp, self Value, a []Value, b *Proc) Value {
		return bigInteger(new(big.Int).SetBytes(ipOf(self).Addr().AsSlice()))
	})
	k.def("hton", 0, func(t *Interp, self Value, a []Value, b *Proc) Value {
		return binaryString(ipOf(self).Addr().AsSlice())
	})
	k.def("prefix", 0, func(t *Interp, self Value, a []Value, b *Proc) Value { return integer(int64(ipOf(self).Bits())) })
	k.def("mask", 1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		return t.ipObject(t.parseIP(ipOf(self).Addr().String() + "/" + t.toS(a[0])))
	})
	k.def("native", 0, func(t *Interp, self Value, a []Value, b *Proc) Value {
		ip := ipOf(self).Addr().Unmap()
		return t.ipObject(netip.PrefixFrom(ip, ip.BitLen()))
	})
	k.def("ipv4_mapped", 0, func(t *Interp, self Value, a []Value, b *Proc) Value {
		ip := netip.AddrFrom16(ipOf(self).Addr().As16())
		return t.ipObject(netip.PrefixFrom(ip, ip.BitLen()))
	})
	k.def("succ", 0, func(t *Interp, self Value, a []Value, b *Proc) Value {
		ip := ipOf(self).Addr().Next()
		return t.ipObject(netip.PrefixFrom(ip, ip.BitLen()))
	})
	k.def("to_range", 0, func(t *Interp, self Value, a []Value, b *Proc) Value {
		p := ipOf(self)
		last := p.Addr().AsSlice()
		for i := p.Bits(); i < p.Addr().BitLen(); i++ {
			last[i/8] |= 1 << (7 - i%8)
		}
		hi, _ := netip.AddrFromSlice(last)
		return &Range{lo: t.ipObject(netip.PrefixFrom(p.Addr(), p.Addr().BitLen())), hi: t.ipObject(netip.PrefixFrom(hi, hi.BitLen()))}
	})
	k.def("reverse", 0, func(t *Interp, self Value, a []Value, b *Proc) Value { return strValue(reverseName(ipOf(self).Addr())) })
	k.def("inspect", 0, func(t *Interp, self Value, a []Value, b *Proc) Value {
		p := ipOf(self)
		family := "IPv6"
		if p.Addr().Is4() {
			family = "IPv4"
		}
		mask := net.IP(net.CIDRMask(p.Bits(), p.Addr().BitLen()))
		return strValue("#<IPAddr: " + family + ":" + p.Addr().StringExpanded() + "/" + mask.String() + ">")
	})
}

func ones(bits int) *big.Int {
	n := new(big.Int).Lsh(big.NewInt(1), uint(bits))
	return n.Sub(n, big.NewInt(1))
}

// ipBits fills the operators: they take the address as a number, and leave the prefix.
func ipBits(k *Class) {
	set := func(t *Interp, p netip.Prefix, n *big.Int) Value {
		size := p.Addr().BitLen()
		ip, _ := netip.AddrFromSlice(n.And(n, ones(size)).FillBytes(make([]byte, size/8)))
		return t.ipObject(netip.PrefixFrom(ip, p.Bits()))
	}
	number := func(p netip.Prefix) *big.Int { return new(big.Int).SetBytes(p.Addr().AsSlice()) }
	binary := func(name string, op func(n, m *big.Int)) {
		k.def(name, 1, func(t *Interp, self Value, a []Value, b *Proc) Value {
			n, m := number(ipOf(self)), bigOf(a[0])
			if m == nil {
				m = number(t.ipArg(a[0]))
			}
			op(n, m)
			return set(t, ipOf(self), n)
		})
	}
	binary("&", func(n, m *big.Int) { n.And(n, m) })
	binary("|", func(n, m *big.Int) { n.Or(n, m) })
	binary("<<", func(n, m *big.Int) { n.Lsh(n, uint(min(m.Uint64(), 128))) })
	binary(">>", func(n, m *big.Int) { n.Rsh(n, uint(min(m.Uint64(), 128))) })
	k.def("~", 0, func(t *Interp, self Value, a []Value, b *Proc) Value {
		n := number(ipOf(self))
		return set(t, ipOf(self), n.Not(n))
	})
	for _, name := range []string{"arpa", "int"} {
		k.def("ip6_"+name, 0, func(t *Interp, self Value, a []Value, b *Proc) Value {
			ip := ipOf(self).Addr()
			if ip.Is4() {
				t.ipError("InvalidAddressError", "not an IPv6 address: "+ip.String())
			}
			return strValue(strings.TrimSuffix(reverseName(ip), "arpa") + name)
		})
	}
}

// reverseName returns the name that a reverse look-up asks for.
func reverseName(ip netip.Addr) string {
	const digits = "0123456789abcdef"
	s := ""
	for _, b := range ip.AsSlice() {
		if ip.Is4() {
			s = itoa(int(b)) + "." + s
		} else {
			s = string(digits[b&15]) + "." + string(digits[b>>4]) + "." + s
		}
	}
	if ip.Is4() {
		return s + "in-addr.arpa"
	}
	return s + "ip6.arpa"
}

func socketMethods(c *core) {
	k := c.define("Socket", c.object)
	k.alloc = nil
	k.consts["AF_INET"], k.consts["AF_INET6"] = int64(2), int64(10)
	c.socketError = c.define("SocketError", c.standardError)
	k.sdef("gethostname", 0, 0, func(t *Interp, self Value, a []Value, b *Proc) Value {
		name, err := os.Hostname()
		if err != nil {
			return t.raise(t.core.socketError, "%s", err)
		}
		return strValue(name)
	})
	k.sdef("sockaddr_in", 2, 2, func(t *Interp, self Value, a []Value, b *Proc) Value { return t.sockaddr(a[0], a[1]) })
	k.meta.alias("sockaddr_in", "pack_sockaddr_in")
	k.sdef("unpack_sockaddr_in", 1, 1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		s := t.text(a[0])
		ip, ok := netip.AddrFromSlice([]byte(s[min(len(s), 4):max(min(len(s), 4), len(s)-8)]))
		if !ok {
			return t.argError("not an AF_INET/AF_INET6 sockaddr")
		}
		return array(integer(int64(s[2])<<8|int64(s[3])), strValue(ip.String()))
	})
	k.sdef("ip_address_list", 0, 0, func(t *Interp, self Value, a []Value, b *Proc) Value {
		return t.raise(t.core.notImplementedError, "Socket.ip_address_list is not supported")
	})
	ip := c.define("IPSocket", c.object)
	ip.alloc = nil
	ip.sdef("getaddress", 1, 1, func(t *Interp, self Value, a []Value, b *Proc) Value { return t.resolve(t.text(a[0])) })
}

// sockaddr is Socket.sockaddr_in. The layout is that of JRuby, where the address is at the same place in both families.
func (t *Interp) sockaddr(port, host Value) Value {
	name := ""
	if host != nil {
		name = t.text(host)
	}
	ip, err := netip.ParseAddr(name)
	switch {
	case name == "":
		ip = netip.IPv4Unspecified()
	case err != nil:
		ip = netip.MustParseAddr(t.text(t.resolve(name)))
	}
	family := byte(2)
	if ip.Is6() {
		family = 10
	}
	n := t.toInteger([]Value{port})
	p, _ := n.(int64)
	out := append([]byte{0, family, byte(p >> 8), byte(p)}, ip.AsSlice()...)
	return binaryString(append(out, make([]byte, 8)...))
}

const lookupTime = 5 * time.Second

func (t *Interp) lookup(f func(ctx context.Context) (string, error)) (string, error) {
	ctx, cancel := context.WithTimeout(t.ctx, lookupTime)
	defer cancel()
	return f(ctx)
}

func (t *Interp) resolve(name string) Value {
	s, err := t.lookup(func(ctx context.Context) (string, error) {
		addrs, err := net.DefaultResolver.LookupHost(ctx, name)
		if err != nil || len(addrs) == 0 {
			return "", err
		}
		return addrs[0], nil
	})
	if err != nil || s == "" {
		return t.raise(t.core.resolvError, "no address for %s", name)
	}
	return strValue(s)
}

func resolvMethods(c *core) {
	k := c.define("Resolv", c.object)
	k.alloc = nil
	c.resolvError = c.defineIn(k, "ResolvError", c.standardError)
	c.defineIn(k, "ResolvTimeout", c.resolvError)
	resolvPatterns(c, k)
	k.sdef("getaddress", 1, 1, func(t *Interp, self Value, a []Value, b *Proc) Value { return t.resolve(t.text(a[0])) })
	k.sdef("getname", 1, 1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		s, err := t.lookup(func(ctx context.Context) (string, error) {
			names, err := net.DefaultResolver.LookupAddr(ctx, t.text(a[0]))
			if err != nil || len(names) == 0 {
				return "", err
			}
			return names[0], nil
		})
		if err != nil || s == "" {
			return t.raise(t.core.resolvError, "no name for %s", t.text(a[0]))
		}
		if n := len(s) - 1; s[n] == '.' {
			s = s[:n]
		}
		return strValue(s)
	})
}

// The forms of addresses that the patterns of Resolv take.
const (
	octetForm = `(0|1\d{0,2}|2(?:[0-4]\d?|5[0-5]?|[6-9])?|[3-9]\d?)`
	ip4Form   = `\A` + octetForm + `\.` + octetForm + `\.` + octetForm + `\.` + octetForm + `\z`
	hexForm   = `\h{1,4}`
	hexesForm = `(?:` + hexForm + `(?::` + hexForm + `)*)?`
	ip6Form   = `\A(?:(?:` + hexForm + `:){7}` + hexForm + `|` + hexesForm + `::` + hexesForm +
		`|(?:(?:` + hexForm + `:){6}|` + hexesForm + `::(?:` + hexForm + `:)*)\d+\.\d+\.\d+\.\d+` +
		`|[Ff][Ee]80(?:(?::` + hexForm + `){7}|:(?:` + hexesForm + `::?` + hexesForm + `)?:` + hexForm + `)%[0-9A-Za-z.\-]+)\z`
)

func resolvPatterns(c *core, k *Class) {
	set := func(k *Class, name, form string) {
		r, err := compileRegexp(form, "")
		if err != nil {
			panic("BUG: " + err.Error())
		}
		r.shared = true
		k.consts[name] = r
	}
	set(c.defineIn(k, "IPv4", c.object), "Regex", ip4Form)
	set(c.defineIn(k, "IPv6", c.object), "Regex", ip6Form)
	set(k, "AddressRegex", ip4Form+`|`+ip6Form)
}
