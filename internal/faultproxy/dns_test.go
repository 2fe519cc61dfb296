package faultproxy

import (
	"context"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestDNS(t *testing.T) {
	one, two := netip.MustParseAddr("127.0.0.1"), netip.MustParseAddr("192.0.2.7")
	six := netip.MustParseAddr("2001:db8::1")
	d := NewDNS(t, Names{Addrs: []netip.Addr{two, one, six}})
	look := func(network string, timeout time.Duration) ([]netip.Addr, error) {
		ctx, cancel := context.WithTimeout(t.Context(), timeout)
		defer cancel()
		addrs, err := d.Resolver().LookupNetIP(ctx, network, "es.example.org")
		for i := range addrs {
			addrs[i] = addrs[i].Unmap()
		}
		return addrs, err
	}
	got, err := look("ip4", time.Minute)
	require.NoError(t, err)
	require.ElementsMatch(t, []netip.Addr{two, one}, got)
	got, err = look("ip6", time.Minute)
	require.NoError(t, err)
	require.Equal(t, []netip.Addr{six}, got)
	require.Positive(t, d.Queries())

	var dns *net.DNSError
	d.Set(Names{})
	_, err = look("ip4", time.Minute)
	require.ErrorAs(t, err, &dns)
	require.True(t, dns.IsNotFound)
	d.Set(Names{Fail: true, Addrs: []netip.Addr{one}})
	_, err = look("ip4", time.Minute)
	require.ErrorAs(t, err, &dns)
	require.True(t, dns.IsTemporary)
	d.Set(Names{Silent: true, Addrs: []netip.Addr{one}})
	_, err = look("ip4", 100*time.Millisecond)
	require.ErrorAs(t, err, &dns)
	require.True(t, dns.IsTimeout)
	d.Set(Names{Delay: 200 * time.Millisecond, Addrs: []netip.Addr{one}})
	start := time.Now()
	_, err = look("ip4", time.Minute)
	require.NoError(t, err)
	require.GreaterOrEqual(t, time.Since(start), 200*time.Millisecond)
}
