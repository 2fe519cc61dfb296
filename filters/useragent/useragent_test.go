package useragent

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/ua-parser/uap-go/uaparser"

	"millrace/filters/internal/filtertest"
)

const (
	chrome  = "Mozilla/5.0 (X11; Linux i686) AppleWebKit/537.31 (KHTML, like Gecko) Chrome/26.0.1410.63 Safari/537.31"
	outlook = "MacOutlook/16.24.0.190414 (Intelx64 Mac OS X Version 10.14.4 (Build 18E226))"
	safari  = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_4_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.4.1 Mobile/15E148 Safari/604.1"
)

func TestFilter(t *testing.T) {
	f := func(options, in, want string) {
		t.Helper()
		require.Equal(t, want, filtertest.New(t, Plugin, options).Run(in), options)
	}
	f(`source => "m" target => "m"`, `{"m":"`+chrome+`"}`,
		`{"m":{"name":"Chrome","os_full":"Linux","os":"Linux","os_name":"Linux","device":"Other","version":"26.0.1410.63","major":"26","minor":"0","patch":"1410"}} +`)
	f(`source => "m" prefix => "x_" remove_field => "m"`, `{"m":["`+outlook+`","y"]}`,
		`{"m":["`+outlook+`","y"],"x_name":"MacOutlook","x_os_full":"Mac OS X 10.14.4","x_os":"Mac OS X","x_os_name":"Mac OS X","x_os_version":"10.14.4","x_os_major":"10","x_os_minor":"14","x_os_patch":"4","x_device":"Mac","x_version":"16.24.0","x_major":"16","x_minor":"24","x_patch":"0"} +`)
	f(`source => "m" ecs_compatibility => v8`, `{"m":"`+safari+`"}`,
		`{"m":"`+safari+`","user_agent":{"name":"Mobile Safari","version":"17.4.1","os":{"name":"iOS","version":"17.4.1","full":"iOS 17.4.1"},"device":{"name":"iPhone"}}} `+
			`@metadata={"filter":{"user_agent":{"version":{"major":"17","minor":"4","patch":"1"},"os":{"version":{"major":"17","minor":"4","patch":"1"}}}}} +`)
	f(`source => "m" ecs_compatibility => v1 target => "[a][b]"`, `{"m":"x"}`, `{"m":"x","a":{"b":{"name":"Other","os":{"name":"Other","full":"Other"},"device":{"name":"Other"}}}} +`)
	f(`source => "m" target => "ua"`, `{"m":""}`, `{"m":""}`)
	f(`source => "m" target => "ua"`, `{"n":""}`, `{"n":""}`)
	f(`source => "m" target => "ua"`, `{"m":[]}`, `{"m":[]}`)
	f(`source => "m" target => "ua"`, `{"m":5}`, `{"m":5,"tags":["_filter_error"]}`)
	f(`source => "m" target => "ua"`, `{"m":{"a":1}}`, `{"m":{"a":1}}`)
	f(`source => "m" target => "ua"`, `{"m":null}`, `{"m":null}`)
	f(`source => "m" target => "[m][ua]"`, `{"m":"x"}`, `{"m":"x"}`)
}

func TestRegexes(t *testing.T) {
	path := filepath.Join(t.TempDir(), "regexes.yaml")
	write := func(text string) string {
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		return `source => "m" target => "u" regexes => "` + path + `"`
	}
	r := filtertest.New(t, Plugin, write(`
user_agent_parsers:
  - regex: '(never)'
  - regex: '(tool)(x)? v(?=(\d+))'
    family_replacement: 'The $1$2 '
    v1_replacement: '$3'
os_parsers:
  - regex: 'on (.+)'
    os_replacement: 'Unix'
device_parsers:
  - regex: 'TOOL'
    regex_flag: 'i'
    device_replacement: 'Bench'
`))
	require.Equal(t, `{"m":"tool v7 on x","u":{"name":"The tool","os_full":"Unix","os":"Unix","os_name":"Unix","device":"Bench","version":"7.7","major":"7","minor":"7"}} +`, r.Run(`{"m":"tool v7 on x"}`))
	f := func(text, want string) {
		t.Helper()
		require.Contains(t, filtertest.Diagnose(Plugin, write(text)), want)
	}
	f("user_agent_parsers:\n  - regex: '('\n  - family_replacement: x\n", "entry 1 of user_agent_parsers")
	f("user_agent_parsers:\n  - regex: '('\n  - family_replacement: x\n", "entry 2 of user_agent_parsers: the regex is missing")
	f("a: b", "none of user_agent_parsers")
	f("- [", "reading user agent patterns")
}

func TestDiagnostics(t *testing.T) {
	f := func(options, want string) {
		t.Helper()
		require.Contains(t, filtertest.Diagnose(Plugin, options), want)
	}
	f(``, `option "source" is required`)
	f(`source => "m" lru_cache_size => 0`, `greater than 0`)
	f(`source => "m" prefix => "a["`, `FieldReference`)
	f(`source => "m" prefix => "a" ecs_compatibility => v8`, `no effect`)
	f(`source => "m" regexes => "/nonexistent/r.yaml"`, `cannot be read`)
}

func TestCache(t *testing.T) {
	c := newCache(4)
	for i := range 100 {
		c.put(&agent{text: fmt.Sprint(i)})
		require.NotNil(t, c.get(fmt.Sprint(i)))
		require.LessOrEqual(t, len(c.young)+len(c.old), 4)
		if i > 0 {
			require.NotNil(t, c.get(fmt.Sprint(i-1)), "the one before is still known")
		}
	}
	require.Nil(t, c.get("0"))
}

// TestSameAsReference compares with the module's own parser, which runs Go's regexp.
func TestSameAsReference(t *testing.T) {
	reference, err := uaparser.New()
	require.NoError(t, err)
	p := builtIn().newParser()
	for _, text := range []string{
		chrome, safari, "", "x", "curl/8.5.0", "python-requests/2.31.0", "Googlebot/2.1 (+http://www.google.com/bot.html)",
		"Mozilla/5.0 (Linux; Android 13; SM-G991B) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/112.0.5615.48 Mobile Safari/537.36",
		"Mozilla/4.0 (compatible; MSIE 8.0; Windows NT 6.0; Trident/4.0)", "Opera/9.80 (Android; Opera Mini/36.2.2254/119.132; U; id) Presto/2.12.423 Version/12.16",
		"Mozilla/5.0 (Windows NT 6.1; WOW64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/108.0.0.0 Safari/537.36 Edg/108.0.1462.54",
		"Mozilla/5.0 (Linux; U; Android 2.3.5; en-us; HTC_IncredibleS_S710e Build/GRJ90) AppleWebKit/533.1 (KHTML, like Gecko) Version/4.0 Mobile Safari/533.1",
		"Roku4640X/DVP-7.70 (297.70E04154A)", "SonyEricssonK800i/R1CB Browser/NetFront/3.3", "Mozilla/5.0 (Nintendo Switch; WifiWebAuthApplet) NF/4.0",
	} {
		want, got := reference.Parse(text), p.parse(text)
		require.Equal(t, want.UserAgent.Family, got.parts[name], text)
		require.Equal(t, want.UserAgent.Major, got.parts[major], text)
		require.Equal(t, want.UserAgent.Minor, got.parts[minor], text)
		require.Equal(t, want.UserAgent.Patch, got.parts[patch], text)
		require.Equal(t, want.Os.Family, got.parts[osName], text)
		require.Equal(t, want.Os.Major, got.parts[osMajor], text)
		require.Equal(t, want.Os.Minor, got.parts[osMinor], text)
		require.Equal(t, want.Os.Patch, got.parts[osPatch], text)
		require.Equal(t, want.Device.Family, got.parts[device], text)
	}
}

func BenchmarkFilter(b *testing.B) {
	b.Run("known", func(b *testing.B) { filtertest.Bench(b, Plugin, `source => "m" target => "ua"`, `{"m":"`+chrome+`"}`) })
	// Six allocations: the text and what was found out, kept in the cache.
	b.Run("unknown", func(b *testing.B) {
		p := builtIn().newParser()
		texts := []string{chrome, outlook, safari}
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			p.parse(texts[i%len(texts)])
		}
	})
}
