// Package cidr matches addresses against networks.
package cidr

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"millrace/internal/throttle"
	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

// Plugin defines the filter.
var Plugin = plugin.DefineFilter("cidr", Options{RefreshInterval: 600 * time.Second, Separator: "\n"}, New, plugin.Borrowing())

// Options configures the filter. The common options are applied to events with an address in one of the networks.
type Options struct {
	// Addresses to look for, usually references: "%{client_ip}".
	Address []event.Template `opt:"address"`

	// Field that holds the address or an array of addresses.
	AddressField event.Path `opt:"address_field"`

	// Networks, such as 10.0.0.0/8 or fe80::/64; a text may hold several, with commas between them, and refer to fields.
	Network []event.Template `opt:"network"`

	// File that holds the networks.
	NetworkPath string `opt:"network_path,path"`

	// How often to look whether the file changed.
	RefreshInterval time.Duration `opt:"refresh_interval"`

	// Text between the networks in the file.
	Separator string `opt:"separator"`
}

type filter struct {
	o       Options
	fixed   atomic.Pointer[set] // networks that are the same for every event
	dynamic []event.Template
	log     *throttle.Logger
	slog    *slog.Logger
	invalid *atomic.Int64
	read    time.Time // when the file was changed last, as it was read; after Start of the goroutine that reads it again
}

// New reads the networks.
func New(o Options, env *plugin.Env) (plugin.Filter, error) {
	f := &filter{o: o, log: throttle.New(env.Log, time.Minute), slog: env.Log,
		invalid: env.Counter("cidr_invalid", "Addresses and networks of events that could not be read.")}
	if o.NetworkPath != "" && len(o.Network) > 0 {
		return nil, plugin.OptionError("network_path", errors.New("network and network_path exclude each other"))
	}
	if !o.AddressField.IsZero() && len(o.Address) > 0 {
		return nil, plugin.OptionError("address_field", errors.New("address and address_field exclude each other"))
	}
	if o.NetworkPath != "" {
		s, bad, err := f.readFile()
		if err != nil {
			return nil, plugin.OptionError("network_path", err)
		}
		for _, text := range bad {
			env.Warn("network_path", "%q is no network; it is passed over", text)
		}
		f.fixed.Store(s)
		return f, nil
	}
	fixed := new(set)
	for i := range o.Network {
		if !o.Network[i].Static() {
			f.dynamic = append(f.dynamic, o.Network[i])
			continue
		}
		for _, text := range fixed.addList(o.Network[i].String(), ",") {
			env.Warn("network", "%q is no network; it is passed over", text)
		}
	}
	f.fixed.Store(fixed)
	return f, nil
}

// readFile reads the networks of the file, and what in it is none.
func (f *filter) readFile() (s *set, bad []string, err error) {
	info, err := os.Stat(f.o.NetworkPath) // before it is read: a change while it is read is found later
	if err != nil {
		return nil, nil, fmt.Errorf("reading networks: %w", err)
	}
	data, err := os.ReadFile(f.o.NetworkPath)
	if err != nil {
		return nil, nil, fmt.Errorf("reading networks: %w", err)
	}
	s = new(set)
	bad = s.addList(string(data), f.o.Separator)
	if s.len() == 0 && len(bad) == 0 {
		return nil, nil, fmt.Errorf("reading networks: %s holds none", f.o.NetworkPath)
	}
	f.read = info.ModTime()
	return s, bad, nil
}

// Start looks for changes of the file from now on.
func (f *filter) Start(ctx context.Context) error {
	if f.o.NetworkPath != "" {
		go f.refresh(ctx)
	}
	return nil
}

func (f *filter) refresh(ctx context.Context) {
	tick := time.NewTicker(max(f.o.RefreshInterval, time.Second))
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			f.reload()
		}
	}
}

// reload reads the file if it changed. A file that cannot be read leaves the networks as they are.
func (f *filter) reload() {
	info, err := os.Stat(f.o.NetworkPath)
	if err == nil && info.ModTime().Equal(f.read) {
		return
	}
	var s *set
	var bad []string
	if err == nil {
		s, bad, err = f.readFile()
	}
	if err != nil {
		f.slog.Error("the networks could not be read again; those known stay", slog.Any("error", err))
		return
	}
	f.fixed.Store(s)
	f.slog.Info("networks read again", slog.String("file", f.o.NetworkPath), slog.Int("networks", s.len()), slog.Int("invalid", len(bad)))
}

// Filter reports whether one of the addresses is in one of the networks.
func (f *filter) Filter(e *event.Event) bool {
	if !f.o.AddressField.IsZero() {
		v, ok := e.Get(&f.o.AddressField)
		if l := v.List(); l != nil {
			for _, item := range l.Items() {
				if f.value(e, item) {
					return true
				}
			}
			return false
		}
		return ok && !v.IsNull() && f.value(e, v)
	}
	for i := range f.o.Address {
		text, err := f.o.Address[i].Text(e)
		if err == nil && f.match(e, text) {
			return true
		}
	}
	return false
}

func (f *filter) value(e *event.Event, v event.Value) bool {
	if v.Kind() != event.String {
		f.bad("an address is no text", v.Kind().String())
		return false
	}
	return f.match(e, v.Str())
}

func (f *filter) match(e *event.Event, address string) bool {
	p, ok := parse(address)
	if !ok {
		f.bad("an address could not be read", address)
		return false
	}
	if f.fixed.Load().contains(p) {
		return true
	}
	for i := range f.dynamic {
		text, err := f.dynamic[i].Text(e)
		for more := err == nil; more; {
			var part string
			part, text, more = strings.Cut(text, ",")
			network, ok := parse(part)
			if !ok {
				f.bad("a network could not be read", part)
			} else if network.Bits() <= p.Bits() && network.Contains(p.Addr()) {
				return true
			}
		}
	}
	return false
}

// bad counts what an event brought and cannot be used; it is passed over.
func (f *filter) bad(msg, text string) {
	f.invalid.Add(1)
	f.log.Warn(msg, slog.String("text", text))
}
