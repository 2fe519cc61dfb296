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
	addr, err := netip.ParseAddr(fields[2])
	if err != nil {
		return fmt.Errorf("malformed PROXY header: %w", err)
	}
	port, err := strconv.ParseUint(fields[4], 10, 16)
	if err != nil {
		return fmt.Errorf("malformed PROXY header: %w", err)
	}
	p.behindProxy(addr, int(port))
	return nil
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
		p.behindProxy(netip.AddrFrom4([4]byte(body[:4])), int(binary.BigEndian.Uint16(body[8:])))
	case family == 2 && len(body) >= 36:
		p.behindProxy(netip.AddrFrom16([16]byte(body[:16])), int(binary.BigEndian.Uint16(body[32:])))
	}
	return nil
}

// behindProxy makes the present peer the proxy of the one at addr.
func (p *peer) behindProxy(addr netip.Addr, port int) {
	p.proxyIP, p.proxyPort = p.ip, p.port
	p.ip, p.port = addr.Unmap().String(), port
}
