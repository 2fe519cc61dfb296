package netout

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"slices"
	"sync"
	"syscall"
	"time"

	"millrace/internal/throttle"
	"millrace/pipeline/plugin"
)

// Datagrams sends records over UDP, from one socket that all workers share.
type Datagrams struct {
	Host  string
	Port  int
	Tries int           // how often a record is sent before its event is dropped; 0 is no limit
	Pause time.Duration // before a record is sent again
	Env   *plugin.Env
	Log   *throttle.Logger

	mu     sync.Mutex // guards what follows
	socket *net.UDPConn
	ip     *net.IPAddr
	until  time.Time // when the host's name is looked up again
}

// nameLife is how long an address is used before the host's name is looked up again.
const nameLife = time.Minute

// Send sends the records of a turn. An event of which one could not be sent is counted as dropped.
func (d *Datagrams) Send(ctx context.Context, t *Turn) error {
	for i := range t.Events() {
		err := t.Records(i, func(r []byte) error { return d.SendTo(ctx, r, d.Port) })
		if ctx.Err() != nil && err != nil {
			return ctx.Err()
		}
		d.Count(err)
	}
	return nil
}

// Count counts an event as delivered or, with an error, as dropped.
func (d *Datagrams) Count(err error) {
	if err == nil {
		d.Env.Stats.Delivered.Add(1)
		return
	}
	d.Env.Stats.Dropped.Add(1)
	d.Log.Error("an event could not be sent; it is dropped", slog.Any("error", err))
}

// SendTo sends one record to a port, again if need be and allowed.
func (d *Datagrams) SendTo(ctx context.Context, record []byte, port int) error {
	for tries := 1; ; tries++ {
		err := d.send(ctx, record, port)
		if err == nil || errors.Is(err, syscall.EMSGSIZE) || d.Tries > 0 && tries >= d.Tries {
			return err
		}
		d.Env.Stats.Retried.Add(1)
		d.Log.Warn("a datagram could not be sent; trying again", slog.Any("error", err))
		if err := Pause(ctx, d.Pause); err != nil {
			return err
		}
	}
}

func (d *Datagrams) send(ctx context.Context, record []byte, port int) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.socket == nil {
		socket, err := net.ListenUDP("udp", nil)
		if err != nil {
			return err
		}
		d.socket = socket
	}
	if now := time.Now(); d.ip == nil || now.After(d.until) {
		found, err := net.DefaultResolver.LookupIPAddr(ctx, d.Host)
		if err != nil && d.ip == nil {
			return err
		}
		if err == nil {
			d.ip = &found[max(0, slices.IndexFunc(found, func(a net.IPAddr) bool { return a.IP.To4() != nil }))] // few receivers listen on IPv6
		}
		d.until = now.Add(nameLife)
	}
	_, err := d.socket.WriteToUDP(record, &net.UDPAddr{IP: d.ip.IP, Zone: d.ip.Zone, Port: port})
	if err != nil && !errors.Is(err, syscall.EMSGSIZE) {
		d.ip = nil
	}
	return err
}

// Close closes the socket.
func (d *Datagrams) Close() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.socket == nil {
		return nil
	}
	return d.socket.Close()
}
