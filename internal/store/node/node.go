// Package node runs the embedded store: it opens the engine in a folder and serves the API on an address of its own.
package node

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"millrace/internal/store"
	"millrace/internal/store/engine"
)

// Options are where the store is and what it may hold.
type Options struct {
	Dir      string
	Host     string // 127.0.0.1 by default
	Port     string // a port, or a range of which the first that is free is taken; 0: any
	MaxBytes int64
	MaxAge   time.Duration
	Log      *slog.Logger
}

// Node is a running store.
type Node struct {
	engine *engine.Engine
	server *http.Server
	addr   net.Addr
	log    *slog.Logger
	stop   context.CancelFunc
	done   sync.WaitGroup
}

// sweepInterval is how often indices that are old and empty are looked for.
const sweepInterval = time.Hour

// Start opens the store and serves it until Close.
func Start(o Options) (*Node, error) {
	l, err := listen(o.Host, o.Port)
	if err != nil {
		return nil, fmt.Errorf("store.port: %w", err)
	}
	e, err := engine.Open(engine.Options{Dir: o.Dir, MaxBytes: o.MaxBytes, MaxAge: o.MaxAge, Log: o.Log})
	if err != nil {
		return nil, errors.Join(err, l.Close())
	}
	name, _ := os.Hostname() // a host without a name gets the store's own
	s, err := store.New(e, store.Options{Log: o.Log, Name: name, MaxAge: o.MaxAge})
	if err != nil {
		return nil, errors.Join(err, l.Close(), e.Close())
	}
	ctx, stop := context.WithCancel(context.Background())
	n := &Node{
		engine: e, addr: l.Addr(), log: o.Log, stop: stop,
		server: &http.Server{Handler: s, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 5 * time.Minute, ErrorLog: slog.NewLogLogger(o.Log.Handler(), slog.LevelDebug)},
	}
	n.done.Go(func() {
		if err := n.server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			n.log.Error("the store's API ended", "error", err)
		}
	})
	n.done.Go(func() { n.sweep(ctx, s) })
	return n, nil
}

// sweep removes indices that are old and empty.
func (n *Node) sweep(ctx context.Context, s *store.Server) {
	t := time.NewTicker(sweepInterval)
	defer t.Stop()
	for {
		if err := s.RemoveEmpty(); err != nil {
			n.log.Error("removing old indices of the store", "error", err)
		}
		select {
		case <-t.C:
		case <-ctx.Done():
			return
		}
	}
}

// URL is where the store answers.
func (n *Node) URL() string {
	host, port, err := net.SplitHostPort(n.addr.String())
	if err != nil {
		panic("BUG: " + err.Error())
	}
	if ip := net.ParseIP(host); ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return "http://" + net.JoinHostPort(host, port)
}

// closeTimeout is how long requests may take at the end.
const closeTimeout = 5 * time.Second

// Close ends requests and the engine; what was acknowledged is on disk.
func (n *Node) Close() error {
	n.stop()
	ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
	defer cancel()
	err := n.server.Shutdown(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		err = n.server.Close()
	}
	n.done.Wait()
	return errors.Join(err, n.engine.Close())
}

// listen binds the first free port of a range such as 9200-9300.
func listen(host, ports string) (net.Listener, error) {
	if host == "" {
		host = "127.0.0.1"
	}
	from, to, ranged := strings.Cut(ports, "-")
	first, err := strconv.ParseUint(from, 10, 16)
	last := first
	if err == nil && ranged {
		last, err = strconv.ParseUint(to, 10, 16)
	}
	if err != nil || last < first {
		return nil, fmt.Errorf("expected a port or a range such as 9200-9300, not %q", ports)
	}
	for p := first; ; p++ {
		l, err := net.Listen("tcp", net.JoinHostPort(host, strconv.FormatUint(p, 10)))
		if err == nil || p >= last {
			return l, err
		}
	}
}
