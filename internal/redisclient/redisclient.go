// Package redisclient makes the clients by which the redis plugins talk to Redis: each command is sent once, and what becomes of one that
// failed is left to the plugin, which knows whether a repetition would lose or double events.
package redisclient

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
)

// Options say which server to talk to.
type Options struct {
	Host     string
	Port     int
	Path     string // of a Unix socket, in place of host and port
	DB       int
	Password string
	TLS      *tls.Config   // nil: not encrypted
	Timeout  time.Duration // of a connection being made
	Wait     time.Duration // of a reply; 0 is Timeout
	Conns    int           // at most; 0 leaves it to the library
}

// quiet has the library's logger set once: it prints to the standard error what the plugins log themselves.
var quiet sync.Once

type noLogger struct{}

func (noLogger) Printf(context.Context, string, ...any) {}

// New returns a client. It connects with its first command.
func New(o Options) *redis.Client {
	quiet.Do(func() { redis.SetLogger(noLogger{}) })
	r := &redis.Options{
		Network: "tcp", Addr: net.JoinHostPort(o.Host, strconv.Itoa(o.Port)), Password: o.Password, DB: o.DB,
		DialTimeout: o.Timeout, ReadTimeout: max(o.Wait, o.Timeout), WriteTimeout: o.Timeout, PoolSize: o.Conns, PoolTimeout: time.Hour,
		MaxRetries: -1, DialerRetries: 1, Protocol: 2, DisableIdentity: true, ContextTimeoutEnabled: true,
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
	}
	if o.Path != "" {
		r.Network, r.Addr = "unix", o.Path
	}
	if o.TLS != nil {
		r.TLSConfig = o.TLS.Clone()
		if r.TLSConfig.ServerName == "" {
			r.TLSConfig.ServerName = o.Host
		}
	}
	return redis.NewClient(r)
}

// Client is a client of the library.
type Client = redis.Client

// PubSub is a subscription.
type PubSub = redis.PubSub

// Message is what was published on a channel.
type Message = redis.Message

// Nil is the error that stands for a reply without a value.
const Nil = redis.Nil

// Pipeliner collects commands that are sent together.
type Pipeliner = redis.Pipeliner

// IsReply reports whether err is what the server answered, so that the connection is sound.
func IsReply(err error) bool {
	var reply redis.Error
	return errors.As(err, &reply)
}

// Unable reports whether err is the answer of a server that takes nothing at all for now, whoever asks: a replica, or one that starts.
func Unable(err error) bool {
	var reply redis.Error
	if !errors.As(err, &reply) {
		return false
	}
	kind, _, _ := strings.Cut(reply.Error(), " ")
	switch kind {
	case "READONLY", "LOADING", "MASTERDOWN", "CLUSTERDOWN", "NOREPLICAS", "OOM", "MISCONF":
		return true
	}
	return false
}
