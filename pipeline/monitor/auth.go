package monitor

import (
	"crypto/sha256"
	"crypto/subtle"
	"log/slog"
	"net/http"
)

// realm is Logstash's.
const realm = "logstash-api"

// Credentials are a name and a password that may use the API (api.auth.type: basic). Only hashes are kept.
type Credentials struct{ username, password [sha256.Size]byte }

// NewCredentials returns the credentials of a name and a password.
func NewCredentials(username, password string) *Credentials {
	return &Credentials{sha256.Sum256([]byte(username)), sha256.Sum256([]byte(password))}
}

// match compares in a time that does not depend on where the texts differ, nor on their lengths.
func (c *Credentials) match(username, password string) bool {
	u, p := sha256.Sum256([]byte(username)), sha256.Sum256([]byte(password))
	return subtle.ConstantTimeCompare(u[:], c.username[:])&subtle.ConstantTimeCompare(p[:], c.password[:]) == 1
}

// authenticated reports whether r brings the credentials, or none are asked for.
func (s *Server) authenticated(r *http.Request) bool {
	if s.options.Credentials == nil {
		return true
	}
	username, password, ok := r.BasicAuth()
	return ok && s.options.Credentials.match(username, password)
}

// authenticate asks for the credentials before anything is answered, but for probes: whether the program lives and is ready is told to
// anybody, and no more than that.
func (s *Server) authenticate(next http.Handler) http.Handler {
	if s.options.Credentials == nil {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s.authenticated(r) {
			next.ServeHTTP(w, r)
			return
		}
		if r.Method == http.MethodGet || r.Method == http.MethodHead {
			switch r.URL.Path {
			case "/livez":
				s.serveLive(w, r)
				return
			case "/healthz":
				s.probeReady(w, r)
				return
			}
		}
		if _, _, tried := r.BasicAuth(); tried {
			s.throttled.Warn("a request for the API brought wrong credentials", slog.String("peer", r.RemoteAddr), slog.String("path", r.URL.Path))
		}
		w.Header().Set("WWW-Authenticate", `Basic realm="`+realm+`", charset="UTF-8"`)
		w.Header().Set("Cache-Control", "no-store")
		fail(w, r, http.StatusUnauthorized, "Unauthorized")
	})
}

// probeReady answers as serveReady does, without the reasons.
func (s *Server) probeReady(w http.ResponseWriter, r *http.Request) {
	if len(s.unready()) > 0 {
		write(w, r, http.StatusServiceUnavailable, object{{"status", "unready"}})
		return
	}
	write(w, r, http.StatusOK, object{{"status", "ready"}})
}
