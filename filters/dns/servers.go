package dns

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strings"
	"sync/atomic"

	"millrace/pipeline/config"
)

// nameservers is the option nameserver.
type nameservers struct {
	addresses []string // with ports
	search    []string
	ndots     int
	given     bool // search and ndots count
}

// OptionType names the type for descriptions.
func (nameservers) OptionType() string { return "array or hash" }

// UnmarshalOption reads an address, an array of them, or a hash.
func (n *nameservers) UnmarshalOption(v config.Value) error {
	if v.Type != config.TypeHash {
		return n.setAddresses(v)
	}
	n.given, n.ndots = true, 1
	for _, e := range v.Hash {
		switch e.Key {
		case "address":
			if err := n.setAddresses(e.Value); err != nil {
				return err
			}
		case "search":
			for _, item := range items(e.Value) {
				n.search = append(n.search, strings.Trim(item.Text(), "."))
			}
		case "ndots":
			if e.Value.Type != config.TypeInt || e.Value.Int < 0 || e.Value.Int > 15 {
				return fmt.Errorf("ndots must be a number from 0 to 15, got %s", e.Value.Inspect())
			}
			n.ndots = int(e.Value.Int)
		default:
			return fmt.Errorf("unknown key %q: expected address, search and ndots", e.Key)
		}
	}
	if len(n.addresses) == 0 {
		return fmt.Errorf("the hash needs an address")
	}
	return nil
}

func items(v config.Value) []config.Value {
	if v.Type == config.TypeArray {
		return v.Items
	}
	return []config.Value{v}
}

func (n *nameservers) setAddresses(v config.Value) error {
	for _, item := range items(v) {
		s := item.Text()
		if ip, err := netip.ParseAddr(s); err == nil {
			n.addresses = append(n.addresses, netip.AddrPortFrom(ip, 53).String())
		} else if ap, err := netip.ParseAddrPort(s); err == nil {
			n.addresses = append(n.addresses, ap.String())
		} else {
			return fmt.Errorf("%q is no address of a name server", s)
		}
	}
	return nil
}

// dialer returns what connects to the servers in turn, whatever the system's configuration names.
func (n *nameservers) dialer() func(ctx context.Context, network, address string) (net.Conn, error) {
	turn := new(atomic.Uint32)
	return func(ctx context.Context, network, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, network, n.addresses[int(turn.Add(1)-1)%len(n.addresses)])
	}
}

// candidates returns the complete names to ask for. Without a hash that says more a name is complete as it is, or left to the system where its
// servers are asked.
func (n *nameservers) candidates(name string) []string {
	if strings.HasSuffix(name, ".") || len(n.addresses) == 0 {
		return []string{name}
	}
	if !n.given {
		return []string{name + "."}
	}
	var out []string
	complete := strings.Count(name, ".") >= n.ndots
	if complete {
		out = append(out, name+".")
	}
	for _, domain := range n.search {
		out = append(out, name+"."+domain+".")
	}
	if !complete {
		out = append(out, name+".")
	}
	return out
}

// hosts is what hosts files say.
type hosts struct{ names, addresses map[string]string }

// readHosts reads the given files, and behind them the system's.
func readHosts(files []string) (*hosts, error) {
	h := &hosts{names: make(map[string]string), addresses: make(map[string]string)}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			return nil, fmt.Errorf("reading a hosts file: %w", err)
		}
		h.add(string(data))
	}
	if data, err := os.ReadFile("/etc/hosts"); err == nil { // a system without one is none the worse
		h.add(string(data))
	}
	return h, nil
}

// add adds the lines of a file. What was there first counts.
func (h *hosts) add(text string) {
	for line := range strings.Lines(text) {
		line, _, _ = strings.Cut(line, "#")
		f := strings.Fields(line)
		if len(f) < 2 {
			continue
		}
		if _, ok := h.names[f[0]]; !ok {
			h.names[f[0]] = f[1]
		}
		for _, name := range f[1:] {
			if _, ok := h.addresses[strings.ToLower(name)]; !ok {
				h.addresses[strings.ToLower(name)] = f[0]
			}
		}
	}
}

func (h *hosts) lookup(q question) (found string, ok bool) {
	if q.reverse {
		found, ok = h.names[q.text]
		return found, ok
	}
	if found, ok = h.addresses[q.text]; !ok {
		found, ok = h.addresses[strings.ToLower(q.text)]
	}
	return found, ok
}
