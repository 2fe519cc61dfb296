package tcp

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"strconv"
	"strings"
)

// v2Signature begins a PROXY protocol header of version 2 (haproxy.org, proxy-protocol.txt, section 2.2).
const v2Signature = "\r\n\r\n\x00\r\nQUIT\n"

// maxV1Header is the longest header of version 1, line end included (section 2.1).
const maxV1Header = 107

var errNoProxyHeader = errors.New("expected a PROXY protocol header")

// readProxyHeader reads the header and makes p the proxy's client. A header that names no client (LOCAL, UNKNOWN) leaves p as it is.
func readProxyHeader(r *bufio.Reader, p *peer) error {
	first, err := r.Peek(1)
	if err != nil {
		return err
	}
	switch first[0] {
	case 'P':
		return readProxyV1(r, p)
	case v2Signature[0]:
		return readProxyV2(r, p)
	}
	return errNoProxyHeader
}

func readProxyV1(r *bufio.Reader, p *peer) error {
	var line []byte
	for len(line) < maxV1Header {
		c, err := r.ReadByte()
		if err != nil {
			return err
		}
		line = append(line, c)
		if c == '\n' {
			break
		}
	}
	text, ok := strings.CutSuffix(string(line), "\r\n")
	fields := strings.Split(text, " ")
	switch {
	case !ok || fields[0] != "PROXY" || len(fields) < 2:
		return errNoProxyHeader
	case fields[1] == "UNKNOWN":
		return nil
	case fields[1] != "TCP4" && fields[1] != "TCP6" || len(fields) != 6:
		return fmt.Errorf("malformed PROXY header %q", text)
	}
	from, err := v1Address(fields[2], fields[4])
	if err != nil {
		return fmt.Errorf("malformed PROXY header: %w", err)
	}
	to, err := v1Address(fields[3], fields[5])
	if err != nil {
		return fmt.Errorf("malformed PROXY header: %w", err)
	}
	p.behindProxy(from, to)
	return nil
}

func v1Address(host, port string) (netip.AddrPort, error) {
	addr, err := netip.ParseAddr(host)
	if err != nil {
		return netip.AddrPort{}, err
	}
	n, err := strconv.ParseUint(port, 10, 16)
	return netip.AddrPortFrom(addr, uint16(n)), err
}

func readProxyV2(r *bufio.Reader, p *peer) error {
	var head [16]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return err
	}
	if string(head[:12]) != v2Signature || head[12]>>4 != 2 {
		return errNoProxyHeader
	}
	body := make([]byte, binary.BigEndian.Uint16(head[14:]))
	if _, err := io.ReadFull(r, body); err != nil {
		return err
	}
	if head[12]&15 == 0 { // LOCAL: the proxy speaks for itself
		return nil
	}
	switch family := head[13] >> 4; {
	case family == 1 && len(body) >= 12:
		p.behindProxy(v2Address(netip.AddrFrom4([4]byte(body[:4])), body[8:]), v2Address(netip.AddrFrom4([4]byte(body[4:8])), body[10:]))
	case family == 2 && len(body) >= 36:
		p.behindProxy(v2Address(netip.AddrFrom16([16]byte(body[:16])), body[32:]), v2Address(netip.AddrFrom16([16]byte(body[16:32])), body[34:]))
	}
	return nil
}

func v2Address(addr netip.Addr, port []byte) netip.AddrPort {
	return netip.AddrPortFrom(addr, binary.BigEndian.Uint16(port))
}

// behindProxy makes the client at from, who connected to the proxy at to, the peer. The proxy is known by the address that its clients use, as
// Logstash has it, not by the one from which it connects.
func (p *peer) behindProxy(from, to netip.AddrPort) {
	p.proxyIP, p.proxyPort = to.Addr().Unmap().String(), int(to.Port())
	p.ip, p.port = from.Addr().Unmap().String(), int(from.Port())
}
