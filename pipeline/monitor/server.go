// Package monitor tells what the program does: Logstash's monitoring API in Logstash's form, Prometheus metrics, readiness.
//
// It reads the counters of the pipelines and changes nothing but log levels. No answer holds an option's value, so none holds a
// secret; conditions, and grok's patterns in a profile, are shown as they stand in the config. What events hold is shown to those who may
// see it (see [Access]).
package monitor

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"millrace/internal/logging"
	"millrace/internal/throttle"
	"millrace/internal/uuid4"
	"millrace/pipeline/plugin"
)

// Options say what a [Server] watches and where it listens.
type Options struct {
	Host        string       // api.http.host; 127.0.0.1 if empty
	Port        string       // api.http.port: a port or a range of which the first free one is taken; 9600-9700 if empty
	Credentials *Credentials // of api.auth.type basic; nil: none are asked for
	TLS         *tls.Config  // of api.ssl.enabled; nil: plain HTTP
	Events      Access       // api.events; AccessAuto if empty

	Environment string // api.environment: a label of millrace_build_info
	NodeName    string // node.name; the host's name if empty
	NodeID      string // lasts over restarts; a new one if empty
	Hostname    string
	Version     string // the release of Logstash that clients are told
	Build       string // the program's own version
	Began       time.Time

	ReloadAutomatic bool
	ReloadInterval  time.Duration

	Pipelines []Pipeline
	Registry  *plugin.Registry // for /_node/plugins and the names of codecs; may be nil
	Counters  *Counters        // may be nil
	Levels    *Levels          // nil: log levels cannot be changed
	Log       *slog.Logger     // may be nil
}

// Server serves the API. [New] makes it.
type Server struct {
	options     Options
	log         *slog.Logger
	throttled   *throttle.Logger
	crossOrigin *http.CrossOriginProtection
	tapTimes    tapTimes
	views       []*view
	runtime     *goRuntime
	history     *history // of all pipelines together
	ephemeralID string
	mux         *http.ServeMux
	home        string // where a browser that asks for / is sent; "" if nothing is mounted
	handler     http.Handler

	listener net.Listener
	bound    atomic.Pointer[string] // the address it listens at
	started  atomic.Int64           // nanoseconds from Began until all pipelines ran; 0 until then
}

// sampleEvery is how often the counters are read for the flow metrics.
const sampleEvery = time.Second

// The limits of the HTTP server: answers are made from memory, so nothing takes long.
const (
	readTimeout  = 5 * time.Second
	writeTimeout = 60 * time.Second
	idleTimeout  = 2 * time.Minute
	lastWords    = 500 * time.Millisecond
	maxHeader    = 16 << 10
	maxBody      = 64 << 10
)

// New returns a server for the pipelines. It opens nothing.
func New(o Options) *Server {
	if o.Host == "" {
		o.Host = "127.0.0.1"
	}
	if o.Port == "" {
		o.Port = "9600-9700"
	}
	if o.NodeID == "" {
		o.NodeID = uuid4.New()
	}
	if o.NodeName == "" {
		o.NodeName = o.Hostname
	}
	if o.Began.IsZero() {
		o.Began = time.Now()
	}
	if o.Counters == nil {
		o.Counters = new(Counters)
	}
	if o.Log == nil {
		o.Log = logging.Discard()
	}
	s := &Server{
		options: o, log: o.Log.With(logging.LoggerKey, "millrace.api"), runtime: &goRuntime{began: o.Began}, history: newHistory(),
		ephemeralID: uuid4.New(), crossOrigin: http.NewCrossOriginProtection(), tapTimes: defaultTapTimes(),
	}
	s.throttled = throttle.New(s.log, time.Minute)
	for _, p := range o.Pipelines {
		s.views = append(s.views, newView(p))
	}
	s.sample(time.Now())
	s.handler = s.routes()
	return s
}

// Mount serves h at the paths that begin with prefix ("/ui/"), inside all that protects the API. It is called before Serve. The first
// mount is where browsers that ask for / are sent. An answer may take a minute, unless h moves the deadline by an
// [http.ResponseController], as a stream has to.
func (s *Server) Mount(prefix string, h http.Handler) {
	s.mux.Handle(prefix, h)
	if s.home == "" {
		s.home = prefix
	}
}

// Handler returns the API for a server of another kind, a test's for one.
func (s *Server) Handler() http.Handler { return s.handler }

// Listen opens the first free port of the range, at which Serve serves.
func (s *Server) Listen() error {
	first, last, err := parsePorts(s.options.Port)
	if err != nil {
		return fmt.Errorf("api.http.port: %w", err)
	}
	var lastErr error
	for port := first; port <= last; port++ {
		l, err := net.Listen("tcp", net.JoinHostPort(s.options.Host, strconv.Itoa(port)))
		if err != nil {
			lastErr = err
			continue
		}
		s.listener = l
		_, bound, _ := net.SplitHostPort(l.Addr().String()) // the form of every TCP address
		address := net.JoinHostPort(s.options.Host, bound)
		s.bound.Store(&address)
		return nil
	}
	return fmt.Errorf("listening for the API: %w", lastErr)
}

func parsePorts(s string) (first, last int, err error) {
	from, to, isRange := strings.Cut(s, "-")
	if !isRange {
		to = from
	}
	a, errA := strconv.Atoi(strings.TrimSpace(from))
	b, errB := strconv.Atoi(strings.TrimSpace(to))
	if errA != nil || errB != nil || a < 0 || b > 65535 || a > b {
		return 0, 0, fmt.Errorf("%q is neither a port nor a range of ports", s)
	}
	return a, b, nil
}

// address is the http_address of the answers.
func (s *Server) address() string {
	if a := s.bound.Load(); a != nil {
		return *a
	}
	first, _, _ := strings.Cut(s.options.Port, "-")
	return net.JoinHostPort(s.options.Host, first)
}

// Serve listens, unless Listen did, and serves until ctx ends. Its error is that of listening or serving.
func (s *Server) Serve(ctx context.Context) error {
	if s.listener == nil {
		if err := s.Listen(); err != nil {
			return err
		}
	}
	_, port, _ := net.SplitHostPort(s.address())
	s.log.Info("Successfully started Logstash API endpoint", "address", s.address(), "port", port, "ssl_enabled", s.options.TLS != nil)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	h := &http.Server{
		Handler: s.handler, ReadHeaderTimeout: readTimeout, WriteTimeout: writeTimeout, IdleTimeout: idleTimeout, MaxHeaderBytes: maxHeader,
		ErrorLog: slog.NewLogLogger(s.log.Handler(), slog.LevelDebug), TLSConfig: s.options.TLS,
		BaseContext: func(net.Listener) context.Context { return ctx }, // streams end with it
	}
	go s.watch(ctx)
	closed := make(chan struct{})
	context.AfterFunc(ctx, func() {
		defer close(closed)
		closeServer(h)
	})
	serve := h.Serve
	if s.options.TLS != nil {
		serve = func(l net.Listener) error { return h.ServeTLS(l, "", "") }
	}
	if err := serve(s.listener); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serving the API: %w", err)
	}
	<-closed
	return nil
}

// closeServer gives answers in the making a moment, so that followers are told why their stream ends.
func closeServer(h *http.Server) {
	moment, cancel := context.WithTimeout(context.Background(), lastWords)
	defer cancel()
	_ = h.Shutdown(moment)
	_ = h.Close() // what is not ready by now is nobody's loss
}

// watch takes samples and notes when all pipelines run.
func (s *Server) watch(ctx context.Context) {
	go func() {
		for _, v := range s.views {
			select {
			case <-v.Running():
			case <-ctx.Done():
				return
			}
		}
		s.started.Store(int64(time.Since(s.options.Began)))
	}()
	tick := time.NewTicker(sampleEvery)
	defer tick.Stop()
	for {
		select {
		case now := <-tick.C:
			s.sample(now)
		case <-ctx.Done():
			return
		}
	}
}

// sample keeps the counters of this moment for the flow metrics.
func (s *Server) sample(now time.Time) {
	for _, v := range s.views {
		c := v.capture(now)
		v.history.add(c)
		v.trend.add(c)
	}
	s.history.add(s.capture(now))
	s.runtime.sample(now)
}
