package page

import (
	"net"
	"net/http"
	"net/netip"
	"strings"
)

// trustedHost refuses names other than localhost at a loopback address: a site of somebody else's may let its own name stand for
// 127.0.0.1 and would then be of one origin with the page. Where the API is opened to a network, names are the operator's matter.
func trustedHost(r *http.Request) bool {
	local, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	if !ok {
		return true
	}
	addr, err := netip.ParseAddrPort(local.String())
	if err != nil || !addr.Addr().Unmap().IsLoopback() {
		return true
	}
	host := r.Host
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	host = strings.ToLower(strings.Trim(host, "[]"))
	if _, err := netip.ParseAddr(host); err == nil {
		return true
	}
	return host == "localhost" || strings.HasSuffix(host, ".localhost")
}
