package cidr

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"millrace/filters/internal/filtertest"
	"millrace/pipeline/plugin"
)

func TestMatch(t *testing.T) {
	f := func(options, in string, want bool) {
		t.Helper()
		r := filtertest.New(t, Plugin, options)
		require.Equal(t, want, r.Filter.Filter(filtertest.Event(t, in)), "%s %s", options, in)
	}
	const list = `address => ["%{ip}"] network => ["10.0.0.0/8","172.16.0.0/12","192.168.0.0/16"]`
	f(list, `{"ip":"192.168.0.30"}`, true)
	f(list, `{"ip":"10.10.220.3"}`, true)
	f(list, `{"ip":"172.31.255.255"}`, true)
	f(list, `{"ip":"172.32.0.0"}`, false)
	f(list, `{"ip":"8.8.8.8"}`, false)
	f(list, `{"ip":" 10.1.1.1 "}`, true)
	f(list, `{"ip":"10.0.0.0/9"}`, true)
	f(list, `{"ip":"10.0.0.0/7"}`, false)
	f(list, `{"ip":"not an address"}`, false)
	f(list, `{"ip":"010.1.1.1"}`, false)
	f(list, `{}`, false)
	f(`address => ["%{ip}"] network => ["10.0.0.0/8,172.16.0.0/12, 192.168.0.0/16"]`, `{"ip":"192.168.0.30"}`, true)
	f(`address => ["%{ip}"] network => ["%{nets}"]`, `{"ip":"192.168.0.30","nets":["10.0.0.0/8","192.168.0.0/16"]}`, true)
	f(`address => ["%{ip}"] network => ["%{nets}"]`, `{"ip":"192.168.0.30","nets":"bogus, 192.168.0.0/24"}`, true)
	f(`address => ["%{ip}"] network => ["%{nets}"]`, `{"ip":"192.168.1.30","nets":"192.168.0.0/24"}`, false)
	f(`address => ["%{ip}"] network => ["fe80::/64"]`, `{"ip":"fe80:0:0:0:0:0:0:1"}`, true)
	f(`address => ["%{ip}"] network => ["fe80::/64"]`, `{"ip":"fe80::1%eth0"}`, true)
	f(`address => ["%{ip}"] network => ["fe80::/64"]`, `{"ip":"fd82::1"}`, false)
	f(`address => ["%{ip}"] network => ["0.0.0.0/0"]`, `{"ip":"::1"}`, false)
	f(`address => ["%{ip}"] network => ["10.0.0.0/255.0.0.0","[::1]"]`, `{"ip":"10.9.9.9"}`, true)
	f(`address => ["%{ip}"] network => ["10.0.0.0/255.0.0.0","[::1]"]`, `{"ip":"::1"}`, true)
	f(`address => ["%{a}","%{b}"] network => ["127.0.0.0/8"]`, `{"a":"8.8.8.8","b":"127.0.0.1"}`, true)
	f(`network => ["0.0.0.0/0"]`, `{"ip":"1.1.1.1"}`, false)
	f(`address_field => "[host][ip]" network => ["10.0.0.0/8"]`, `{"host":{"ip":"10.1.1.1"}}`, true)
	f(`address_field => "[host][ip]" network => ["10.0.0.0/8"]`, `{"host":{"ip":[5,"x","10.1.1.1"]}}`, true)
	f(`address_field => "[host][ip]" network => ["10.0.0.0/8"]`, `{"host":{"ip":[]}}`, false)
	f(`address_field => "[host][ip]" network => ["10.0.0.0/8"]`, `{"host":{"ip":null}}`, false)
	f(`address_field => "[host][ip]" network => ["10.0.0.0/8"]`, `{"host":{"ip":5}}`, false)
}

func TestFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "networks")
	write := func(text string) { require.NoError(t, os.WriteFile(path, []byte(text), 0o600)) }
	matches := func(r *filtertest.Runner, ip string) bool {
		return r.Filter.Filter(filtertest.Event(t, `{"ip":"`+ip+`"}`))
	}
	write("203.0.113.0/24\r\nbogus\n\n198.51.100.0/28")
	options := `address => ["%{ip}"] network_path => "` + path + `"`
	r := filtertest.New(t, Plugin, options)
	require.True(t, matches(r, "203.0.113.9"))
	require.True(t, matches(r, "198.51.100.1"))
	require.False(t, matches(r, "10.0.0.1"))
	require.Contains(t, filtertest.Diagnose(Plugin, options), `"bogus" is no network`)

	write("203.0.113.0/24;10.0.0.0/8")
	require.True(t, matches(filtertest.New(t, Plugin, options+` separator => ";"`), "10.0.0.1"))
	write("\n")
	require.Contains(t, filtertest.Diagnose(Plugin, options), "holds none")
	require.Contains(t, filtertest.Diagnose(Plugin, `network_path => "`+path+`.no"`), "error")
}

// A changed file is read again; one that cannot be read changes nothing.
func TestRefresh(t *testing.T) {
	path := filepath.Join(t.TempDir(), "networks")
	stamp := time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)
	write := func(text string) {
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		stamp = stamp.Add(time.Hour)
		require.NoError(t, os.Chtimes(path, stamp, stamp))
	}
	write("10.0.0.0/8")
	synctest.Test(t, func(t *testing.T) {
		r := filtertest.New(t, Plugin, `address => ["%{ip}"] network_path => "`+path+`" refresh_interval => 10`)
		matches := func() bool { return r.Filter.Filter(filtertest.Event(t, `{"ip":"192.0.2.1"}`)) }
		ctx, cancel := context.WithCancel(context.Background())
		require.NoError(t, r.Filter.(plugin.Starter).Start(ctx))
		pass := func() {
			time.Sleep(11 * time.Second)
			synctest.Wait()
		}
		require.False(t, matches())
		write("192.0.2.0/24")
		pass()
		require.True(t, matches())
		require.NoError(t, os.Remove(path))
		pass()
		require.True(t, matches())
		write("10.0.0.0/8")
		pass()
		require.False(t, matches())
		cancel()
		synctest.Wait()
	})
}

func TestDiagnostics(t *testing.T) {
	f := func(options, want string) {
		t.Helper()
		require.Contains(t, filtertest.Diagnose(Plugin, options), want)
	}
	f(`network => ["10.0.0.0/33"]`, `"10.0.0.0/33" is no network`)
	f(`address => ["a"] address_field => "b"`, "exclude each other")
	path := filepath.Join(t.TempDir(), "n")
	require.NoError(t, os.WriteFile(path, []byte("10.0.0.0/8"), 0o600))
	f(`network => ["10.0.0.0/8"] network_path => "`+path+`"`, "exclude each other")
}

// FuzzParse compares with net/netip where both read the same texts.
func FuzzParse(f *testing.F) {
	for _, s := range []string{"10.0.0.0/8", "::1", "10.0.0.0/255.255.0.0", "[::1]/64", "1.2.3.4/", "1.2.3.4/0255", "fe80::1%a/64"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		p, ok := parse(s)
		if want, err := netip.ParsePrefix(s); err == nil {
			require.True(t, ok)
			require.Equal(t, want.Masked(), p)
		}
		if ok {
			var set set
			set.add(p)
			require.True(t, set.contains(p))
			require.True(t, set.contains(netip.PrefixFrom(p.Addr(), p.Addr().BitLen())))
		}
	})
}

func BenchmarkFilter(b *testing.B) {
	b.Run("three", func(b *testing.B) {
		filtertest.Bench(b, Plugin, `address => ["%{ip}"] network => ["10.0.0.0/8","172.16.0.0/12","192.168.0.0/16"]`, `{"ip":"192.168.3.4"}`)
	})
	b.Run("ten-thousand", func(b *testing.B) {
		path := filepath.Join(b.TempDir(), "networks")
		var text []byte
		for i := range 10_000 {
			text = fmt.Appendf(text, "%d.%d.%d.0/24\n", 11+i/65536, i/256%256, i%256)
		}
		require.NoError(b, os.WriteFile(path, text, 0o600))
		filtertest.Bench(b, Plugin, `address => ["%{ip}"] network_path => "`+path+`"`, `{"ip":"11.3.4.5"}`)
	})
}
