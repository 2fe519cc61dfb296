package geoip

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/maxmind/mmdbwriter"
	"github.com/maxmind/mmdbwriter/mmdbtype"
	"github.com/stretchr/testify/require"

	"millrace/filters/internal/filtertest"
)

type (
	m = mmdbtype.Map
	s = mmdbtype.String
)

func names(english string) m { return m{"names": m{"en": s(english), "de": s("x")}} }

func with(base m, key string, v mmdbtype.DataType) m {
	base[mmdbtype.String(key)] = v
	return base
}

// build writes a database of a type with records for networks.
func build(t testing.TB, path, databaseType string, records map[string]m) string {
	t.Helper()
	w, err := mmdbwriter.New(mmdbwriter.Options{DatabaseType: databaseType, IncludeReservedNetworks: true})
	require.NoError(t, err)
	for cidr, record := range records {
		_, n, err := net.ParseCIDR(cidr)
		require.NoError(t, err)
		require.NoError(t, w.Insert(n, record))
	}
	f, err := os.CreateTemp(filepath.Dir(path), "new")
	require.NoError(t, err)
	_, err = w.WriteTo(f)
	require.NoError(t, err)
	require.NoError(t, f.Close())
	require.NoError(t, os.Rename(f.Name(), path))
	return path
}

func norwell() m {
	return m{
		"city": names("Norwell"), "continent": with(names("North America"), "code", s("NA")), "country": with(names("United States"), "iso_code", s("US")),
		"location":     m{"latitude": mmdbtype.Float64(42.1596), "longitude": mmdbtype.Float64(-70.8217), "metro_code": mmdbtype.Uint16(506), "time_zone": s("America/New_York")},
		"postal":       m{"code": s("02061")},
		"subdivisions": mmdbtype.Slice{with(names("x"), "iso_code", s("X")), with(names("Massachusetts"), "iso_code", s("MA"))},
		"traits": m{"autonomous_system_number": mmdbtype.Uint32(15133), "autonomous_system_organization": s("Edge"), "is_anonymous": mmdbtype.Bool(true),
			"is_tor_exit_node": mmdbtype.Bool(true)},
	}
}

func cityDB(t testing.TB) string {
	return build(t, filepath.Join(t.TempDir(), "c.mmdb"), "GeoLite2-City", map[string]m{
		"93.184.216.0/24": norwell(), "2607:f0d0::/32": norwell(), "203.0.113.0/24": {"country": with(names("Nowhere"), "iso_code", s("NW"))},
		"198.51.100.0/24": {"location": m{"latitude": mmdbtype.Float64(1)}},
	})
}

func TestCity(t *testing.T) {
	db := cityDB(t)
	f := func(options, in, want string) {
		t.Helper()
		require.Equal(t, want, filtertest.New(t, Plugin, `database => "`+db+`" `+options).Run(in), options)
	}
	f(`source => "ip"`, `{"ip":"93.184.216.34"}`, `{"ip":"93.184.216.34","geoip":{"city_name":"Norwell","country_name":"United States","continent_code":"NA","country_code2":"US",`+
		`"country_code3":"US","ip":"93.184.216.34","postal_code":"02061","dma_code":506,"region_name":"Massachusetts","region_code":"MA","timezone":"America/New_York",`+
		`"location":{"lat":42.1596,"lon":-70.8217},"latitude":42.1596,"longitude":-70.8217}} +`)
	f(`source => "[client][ip]" ecs_compatibility => v8`, `{"client":{"ip":"93.184.216.34"}}`, `{"client":{"ip":"93.184.216.34","geo":{"city_name":"Norwell","country_name":"United States",`+
		`"continent_code":"NA","country_iso_code":"US","postal_code":"02061","region_name":"Massachusetts","region_iso_code":"US-MA","timezone":"America/New_York",`+
		`"location":{"lat":42.1596,"lon":-70.8217}},"mmdb":{"dma_code":506}}} +`)
	f(`source => "ip" target => "[a][b]" fields => ["CONTINENT_NAME","timezone"]`, `{"ip":["93.184.216.34","x"]}`, `{"ip":["93.184.216.34","x"],"a":{"b":{"continent_name":"North America","timezone":"America/New_York"}}} +`)
	f(`source => "ip" target => "server" fields => ["location","longitude"] ecs_compatibility => v1`, `{"ip":"93.184.216.34"}`, `{"ip":"93.184.216.34","server":{"geo":{"location":{"lat":42.1596,"lon":-70.8217}}}} +`)
	f(`source => "ip" fields => ["continent_code","ip"]`, `{"ip":"2607:f0d0:1002:51::4"}`, `{"ip":"2607:f0d0:1002:51::4","geoip":{"continent_code":"NA","ip":"2607:f0d0:1002:51:0:0:0:4"}} +`)
	f(`source => "ip" fields => ["city_name","ip"]`, `{"ip":"::ffff:93.184.216.34"}`, `{"ip":"::ffff:93.184.216.34","geoip":{"city_name":"Norwell","ip":"93.184.216.34"}} +`)
	f(`source => "ip" fields => ["city_name","latitude"]`, `{"ip":"198.51.100.7","geoip":{"old":1}}`, `{"ip":"198.51.100.7","geoip":{"old":1,"latitude":1.0}} +`)
}

func TestFailures(t *testing.T) {
	db := cityDB(t)
	f := func(in, want string) {
		t.Helper()
		r := filtertest.New(t, Plugin, `database => "`+db+`" source => "ip" target => "server"`)
		require.Equal(t, in[:len(in)-1]+want, r.Run(in))
	}
	const tagged, empty = `,"tags":["_geoip_lookup_failure"]}`, `,"server":{},"tags":["_geoip_lookup_failure"]}`
	f(`{"ip":"127.0.0.1"}`, empty)
	f(`{"ip":"203.0.113.9"}`, empty)
	f(`{"ip":""}`, tagged)
	f(`{"ip":"      "}`, tagged)
	f(`{"x":1}`, tagged)
	f(`{"ip":null}`, tagged)
	f(`{"ip":5}`, tagged)
	f(`{"ip":[]}`, tagged)
	f(`{"ip":[5]}`, tagged)
	f(`{"ip":"-"}`, empty)
	f(`{"ip":"N/A"}`, empty)
	f(`{"ip":"123.45.67.89,61.160.232.222"}`, empty)
	f(`{"ip":"93.184.216.34","server":"text"}`, tagged)
	r := filtertest.New(t, Plugin, `database => "`+db+`" source => "ip" tag_on_failure => ["a","b"]`)
	require.Equal(t, `{"ip":"::1","geoip":{},"tags":["a","b"]}`, r.Run(`{"ip":"::1"}`))
}

func TestKinds(t *testing.T) {
	f := func(databaseType string, record m, want, wantECS string) {
		t.Helper()
		path := build(t, filepath.Join(t.TempDir(), "d.mmdb"), databaseType, map[string]m{"93.184.216.0/24": record})
		const in = `{"m":"93.184.216.34"}`
		options := `source => "m" target => "t" database => "` + path + `"`
		require.Equal(t, `{"m":"93.184.216.34","t":{`+want+`}} +`, filtertest.New(t, Plugin, options).Run(in))
		require.Equal(t, `{"m":"93.184.216.34","t":{`+wantECS+`}} +`, filtertest.New(t, Plugin, options+` ecs_compatibility => v8`).Run(in))
	}
	as := m{"autonomous_system_number": mmdbtype.Uint32(15169), "autonomous_system_organization": s("Google LLC"), "isp": s("I"), "organization": s("O")}
	f("GeoLite2-ASN", as, `"asn":15169,"as_org":"Google LLC","ip":"93.184.216.34"`, `"as":{"number":15169,"organization":{"name":"Google LLC"}},"ip":"93.184.216.34"`)
	f("GeoIP2-ISP", as, `"asn":15169,"as_org":"Google LLC","ip":"93.184.216.34","isp":"I","organization":"O"`,
		`"as":{"number":15169,"organization":{"name":"Google LLC"}},"ip":"93.184.216.34","mmdb":{"isp":"I","organization":"O"}`)
	f("GeoIP2-Country", norwell(), `"country_name":"United States","continent_name":"North America","country_code2":"US","ip":"93.184.216.34"`,
		`"geo":{"country_name":"United States","continent_name":"North America","country_iso_code":"US"},"ip":"93.184.216.34"`)
	f("GeoIP2-Domain", m{"domain": s("example.com")}, `"domain":"example.com"`, `"domain":"example.com"`)
	f("GeoIP2-Connection-Type", m{"connection_type": s("Cable/DSL")}, `"connection_type":"Cable/DSL"`, `"mmdb":{"connection_type":"Cable/DSL"}`)
	f("GeoIP2-Anonymous-IP", m{"is_anonymous": mmdbtype.Bool(true), "is_public_proxy": mmdbtype.Bool(true)},
		`"hosting_provider":false,"tor_exit_node":false,"anonymous_vpn":false,"anonymous":true,"public_proxy":true,"residential_proxy":false`,
		`"ip_traits":{"hosting_provider":false,"tor_exit_node":false,"anonymous_vpn":false,"anonymous":true,"public_proxy":true,"residential_proxy":false}`)
	f("GeoIP2-Enterprise", norwell(), `"city_name":"Norwell","country_name":"United States","continent_name":"North America","country_code2":"US","ip":"93.184.216.34",`+
		`"region_name":"Massachusetts","region_iso_code":"US-MA","location":{"lat":42.1596,"lon":-70.8217}`,
		`"geo":{"city_name":"Norwell","country_name":"United States","continent_name":"North America","country_iso_code":"US","region_name":"Massachusetts","region_iso_code":"US-MA",`+
			`"location":{"lat":42.1596,"lon":-70.8217}},"ip":"93.184.216.34"`)
	path := build(t, filepath.Join(t.TempDir(), "d.mmdb"), "GeoIP2-Enterprise", map[string]m{"93.184.216.0/24": norwell()})
	r := filtertest.New(t, Plugin, `source => "m" database => "`+path+`" fields => ["network","tor_exit_node","anonymous_vpn","autonomous_system_number","timezone"]`)
	require.Equal(t, `{"m":"93.184.216.34","geoip":{"asn":15133,"timezone":"America/New_York","network":"93.184.216.0/24","tor_exit_node":true,"anonymous_vpn":false}} +`, r.Run(`{"m":"93.184.216.34"}`))
}

func TestDiagnostics(t *testing.T) {
	db := cityDB(t)
	f := func(options, want string) {
		t.Helper()
		require.Contains(t, filtertest.Diagnose(Plugin, options), want)
	}
	f(`database => "`+db+`"`, `option "source" is required`)
	f(`database => "`+db+`" source => "ip" fields => ["city"]`, `unknown field "city"`)
	f(`database => "`+db+`" source => "ip" fields => ["city_nam"]`, `did you mean "city_name"?`)
	f(`database => "`+db+`" source => "ip" fields => ["isp"]`, `does not know isp`)
	f(`database => "`+db+`" source => "ip" cache_size => 0`, `greater than 0`)
	f(`database => "`+db+`" source => "[ip]" ecs_compatibility => v1`, `option "target" is required`)
	f(`database => "`+db+`" source => "host_ip" ecs_compatibility => v1`, `option "target" is required`)
	f(`database => "`+db+`" source => "[hostname][ip]" ecs_compatibility => v1`, `expects places below one of`)
	require.Empty(t, filtertest.Diagnose(Plugin, `database => "`+db+`" source => "[x][ip]" target => "[host]" ecs_compatibility => v8`))
	f(`database => "geoip.go" source => "ip"`, `no database or damaged`)
	old := filepath.Join(t.TempDir(), "GeoLiteCity.dat")
	require.NoError(t, os.WriteFile(old, []byte("\x01\x02"), 0o600))
	f(`database => "`+old+`" source => "ip"`, `MaxMind's old format`)
	f(`database => "/nonexistent/d.mmdb" source => "ip"`, `cannot be read`)
	f(`database => "`+build(t, filepath.Join(t.TempDir(), "d.mmdb"), "Other", map[string]m{"1.0.0.0/8": {}})+`" source => "ip"`, `Other, is not known`)
}

func TestNoDatabase(t *testing.T) {
	f := &source{kind: "City", dataDir: t.TempDir()}
	require.NoError(t, f.open())
	if db := f.current.Load(); db != nil {
		t.Skipf("this machine has a database of its own: %s", db.path)
	}
	require.Contains(t, filtertest.Diagnose(Plugin, `source => "ip"`), "get GeoLite2-City.mmdb from MaxMind")
	require.Contains(t, filtertest.Diagnose(Plugin, `source => "ip" default_database_type => "ASN"`), "get GeoLite2-ASN.mmdb from MaxMind")
	r := filtertest.New(t, Plugin, `source => "ip"`)
	require.Equal(t, `{"ip":"93.184.216.34","tags":["_geoip_lookup_failure"]}`, r.Run(`{"ip":"93.184.216.34"}`))
}

func TestLocate(t *testing.T) {
	dir := t.TempDir()
	src := &source{kind: "City", dataDir: dir}
	put := func(folder string, age time.Duration) string {
		path := filepath.Join(dir, folder, "GeoLite2-City.mmdb")
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o700))
		require.NoError(t, os.WriteFile(path, nil, 0o600))
		require.NoError(t, os.Chtimes(path, time.Time{}, time.Unix(1e9, 0).Add(-age)))
		return path
	}
	f := func(want string) {
		t.Helper()
		got, _, err := src.locate()
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
	put("geoip_database_management/1", time.Hour)
	f(put("geoip_database_management/2", 0))
	f(put("", time.Minute))
	f(put("geoip", 2*time.Hour))
}

func TestReload(t *testing.T) {
	path := filepath.Join(t.TempDir(), "d.mmdb")
	write := func(name string, when int64) {
		build(t, path, "GeoLite2-City", map[string]m{"93.184.216.0/24": with(norwell(), "city", names(name))})
		require.NoError(t, os.Chtimes(path, time.Time{}, time.Unix(when, 0)))
	}
	write("Old", 1)
	synctest.Test(t, func(t *testing.T) {
		options := `source => "m" fields => ["city_name"] database => "` + path + `"`
		r := filtertest.New(t, Plugin, options)
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		w := r.Filter.(*worker)
		require.NoError(t, w.filter.Start(ctx))
		f := func(want string) {
			t.Helper()
			require.Equal(t, `{"m":"93.184.216.34","geoip":{"city_name":"`+want+`"}} +`, r.Run(`{"m":"93.184.216.34"}`))
		}
		next := func() { time.Sleep(watchInterval + time.Second); synctest.Wait() } // the bubble's clock
		f("Old")
		write("New", 2)
		next()
		f("New")
		require.NoError(t, os.Remove(path))
		require.NoError(t, os.WriteFile(path, []byte("no database"), 0o600))
		next()
		f("New")
	})
}

// A file that is shortened in place must not take the process down.
func TestShortenedInPlace(t *testing.T) {
	path := cityDB(t)
	r := filtertest.New(t, Plugin, `source => "m" database => "`+path+`"`)
	require.NoError(t, os.Truncate(path, 0))
	require.Equal(t, `{"m":"93.184.216.34","geoip":{},"tags":["_geoip_lookup_failure"]}`, r.Run(`{"m":"93.184.216.34"}`))
}

func FuzzAddress(f *testing.F) {
	f.Add("93.184.216.34")
	f.Add("[2607:f0d0::1%eth0]")
	f.Fuzz(func(t *testing.T, text string) {
		ip, ok := parseAddress(text)
		if !ok {
			return
		}
		again, ok := parseAddress(string(appendAddress(nil, ip)))
		require.True(t, ok)
		require.Equal(t, ip, again)
	})
}

func BenchmarkFilter(b *testing.B) {
	db := cityDB(b)
	b.Run("city", func(b *testing.B) {
		filtertest.Bench(b, Plugin, `database => "`+db+`" source => "ip"`, `{"ip":"93.184.216.34"}`)
	})
	b.Run("ecs", func(b *testing.B) {
		filtertest.Bench(b, Plugin, `database => "`+db+`" source => "[client][ip]" ecs_compatibility => v8`, `{"client":{"ip":"93.184.216.34"}}`)
	})
	b.Run("none", func(b *testing.B) {
		filtertest.Bench(b, Plugin, `database => "`+db+`" source => "ip"`, `{"ip":"10.0.0.1"}`)
	})
}
