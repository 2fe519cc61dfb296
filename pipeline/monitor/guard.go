package monitor

import (
	"net"
	"net/http"
	"net/netip"
	"strings"
)

// Access says who may see what events hold: a stricter thing than figures, which is all that Logstash's API has.
type Access string

// The values of the setting api.events.
const (
	AccessAuto Access = "auto" // who has given the credentials; if none are asked for, this machine
	AccessAll  Access = "true" // whoever may use the API
	AccessNone Access = "false"
)

// MaySeeEvents reports whether the sender of r may see events, and if not, why. The request has passed the authentication.
func (s *Server) MaySeeEvents(r *http.Request) (ok bool, why string) {
	switch s.options.Events {
	case AccessAll:
		return true, ""
	case AccessNone:
		return false, "events are shown to nobody: api.events is false"
	}
	if s.options.Credentials != nil || fromThisMachine(r) {
		return true, ""
	}
	return false, "events are shown to this machine only, until api.auth.type is basic or api.events is true"
}

// mayWrite guards what changes something: without authentication it is for this machine only.
func (s *Server) mayWrite(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if s.options.Credentials == nil && !fromThisMachine(r) {
			fail(w, r, http.StatusForbidden, "nothing can be changed from another machine until api.auth.type is basic")
			return
		}
		if err := s.crossOrigin.Check(r); err != nil {
			fail(w, r, http.StatusForbidden, err.Error())
			return
		}
		next(w, r)
	}
}

// fromThisMachine reports whether r was sent by a program of this machine for itself. A proxy asks for others, and tells so; and a site
// that a browser was sent to may let its name stand for 127.0.0.1, so that the name asked for counts too.
func fromThisMachine(r *http.Request) bool {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil || !peer.Addr().Unmap().IsLoopback() {
		return false
	}
	for _, h := range []string{"Forwarded", "X-Forwarded-For", "X-Real-Ip"} {
		if r.Header.Get(h) != "" {
			return false
		}
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
