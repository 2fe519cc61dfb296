package date

import (
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"millrace/filters/internal/filtertest"
	"millrace/pipeline/plugin"
	"millrace/pipeline/plugintest"
)

// Dates that name no zone are of the machine's, which the recorded cases and the expectations below have as UTC.
func TestMain(m *testing.M) {
	time.Local = time.UTC
	os.Exit(m.Run())
}

func TestCases(t *testing.T) {
	list := []*plugin.Definition{Plugin}
	for _, group := range []string{"date", "sprintf", "option-errors"} {
		plugintest.Group(t, "../../conformance/"+group, "", list)
	}
}

func run(t *testing.T) func(options, in, want string) {
	return func(options, in, want string) {
		t.Helper()
		require.Equal(t, want, filtertest.New(t, Plugin, options).Run(in), options)
	}
}

func TestFilter(t *testing.T) {
	f := run(t)
	f(`match => ["t", "yyyy"] target => "u"`, `{"t":"2024"}`, `{"t":"2024","u":"2024-01-01T00:00:00.000Z"} +`)
	f(`match => ["t", "yyyy"] target => "[u][v]"`, `{"t":"2024"}`, `{"t":"2024","u":{"v":"2024-01-01T00:00:00.000Z"}} +`)
	f(`match => ["t", "yyyy"] target => "[t][v]"`, `{"t":"2024"}`, `{"t":"2024","tags":["_dateparsefailure"]}`)
	f(`match => ["t", "yyyy"] target => "[@timestamp]"`, `{"t":"2024"}`, `{"t":"2024","@timestamp":"2024-01-01T00:00:00.000Z"} +`)
	f(`match => ["t", "yyyy"] tag_on_failure => []`, `{"t":"x"}`, `{"t":"x"}`)
	f(`match => ["t", "yyyy"] tag_on_failure => ["a", "b"]`, `{"t":"x","tags":["a"]}`, `{"t":"x","tags":["a","b"]}`)
	f(`match => ["t", "UNIX"] target => "u"`, `{"t":false}`, `{"t":false,"tags":["_dateparsefailure"]}`)
	// A label that is too short stops a Logstash.
	f(`match => ["t", "TAI64N"] target => "u"`, `{"t":"@4000000066347143"}`, `{"t":"@4000000066347143","tags":["_dateparsefailure"]}`)
	f(`match => ["t", "ISO8601"] timezone => "%{z}" target => "u"`, `{"t":"2024-07-14T12:00","z":"Asia/Kolkata"}`,
		`{"t":"2024-07-14T12:00","z":"Asia/Kolkata","u":"2024-07-14T06:30:00.000Z"} +`)
	f(`match => ["t", "ISO8601", "UNIX"] timezone => "%{z}" target => "u"`, `{"t":"5","z":"nowhere"}`, `{"t":"5","z":"nowhere","u":"1970-01-01T00:00:05.000Z"} +`)
	f(`match => ["t", "ISO8601"] timezone => "%{z}"`, `{"t":"2024-07-14T12:00Z"}`, `{"t":"2024-07-14T12:00Z","tags":["_dateparsefailure"]}`)
	f(`match => ["t", "d MMMM yyyy"] locale => "pt_BR" target => "u"`, `{"t":"1 março 2024"}`, `{"t":"1 março 2024","u":"2024-03-01T00:00:00.000Z"} +`)
}

func TestZonesAreBounded(t *testing.T) {
	r := filtertest.New(t, Plugin, `match => ["t", "yyyy"] timezone => "%{z}"`)
	e := filtertest.Event(t, `{"t":"2024"}`)
	zones := r.Filter.(*worker).zones
	for i := range 3 * maxZones {
		filtertest.Fill(t, e, `{"t":"2024","z":"zone`+strings.Repeat("x", i%7)+time.Duration(i).String()+`"}`)
		r.Filter.Filter(e)
		require.LessOrEqual(t, len(zones.byName), maxZones)
	}
}

// A date of December that comes in January is of the year before.
func TestYear(t *testing.T) {
	f := func(wait time.Duration, text, want string) {
		t.Helper()
		synctest.Test(t, func(t *testing.T) {
			time.Sleep(wait) // the clock of the bubble begins with the year 2000
			got := filtertest.New(t, Plugin, `match => ["t", "MMM d HH:mm:ss", "MMM  d HH:mm:ss"] timezone => "UTC" target => "u"`).Run(`{"t":"` + text + `"}`)
			if want == "" {
				require.Equal(t, `{"t":"`+text+`","tags":["_dateparsefailure"]}`, got)
				return
			}
			require.Equal(t, `{"t":"`+text+`","u":"`+want+`"} +`, got)
		})
	}
	f(0, "Dec 31 23:59:59", "1999-12-31T23:59:59.000Z")
	f(0, "Jan  1 00:00:00", "2000-01-01T00:00:00.000Z")
	f(48*time.Hour*170, "Jan  1 00:00:00", "2001-01-01T00:00:00.000Z")
	f(20*24*time.Hour, "Feb 29 00:00:00", "2000-02-29T00:00:00.000Z")
	f(400*24*time.Hour, "Feb 29 00:00:00", "") // 2001 has no such day
}

func TestMistakes(t *testing.T) {
	f := func(options string, want ...string) {
		t.Helper()
		got := filtertest.Diagnose(Plugin, options)
		for _, w := range want {
			require.Contains(t, got, w)
		}
	}
	f(`match => ["t", "yyyy-MM-ddTHH"]`, `date format "yyyy-MM-ddTHH": unknown letter "T" at offset 10`)
	f(`match => ["t", "yyyy zzzz", "QQ"]`, "can be written, but not read", `unknown letter "Q"`)
	f(`match => ["t"]`, "must hold a field and then at least one format")
	f(``, "must hold a field and then at least one format")
	f(`match => ["t", 5]`, "must be strings")
	f(`match => ["[t", "UNIX"]`, "[t")
	f(`match => ["t", "yyyy"] timezone => "Mars/Olympus"`, `unknown time zone "Mars/Olympus"`)
	f(`match => ["t", "yyyy"] timezone => ""`, `unknown time zone ""`)
	f(`match => ["t", "yyyy"] locale => "ec"`, "warning", `"ec"`)
}

func BenchmarkFilter(b *testing.B) {
	f := func(name, options, doc string) {
		b.Run(name, func(b *testing.B) { filtertest.Bench(b, Plugin, options, doc) })
	}
	f("httpdate", `match => ["t", "dd/MMM/yyyy:HH:mm:ss Z"]`, `{"t":"14/Mar/2024:09:26:53 +0100"}`)
	f("iso8601", `match => ["t", "ISO8601"]`, `{"t":"2024-03-14T09:26:53.123Z"}`)
	f("syslog", `match => ["t", "MMM  d HH:mm:ss", "MMM dd HH:mm:ss"] timezone => "Europe/Berlin"`, `{"t":"Mar 14 09:26:53"}`)
	f("dynamic", `match => ["t", "yyyy-MM-dd HH:mm:ss"] timezone => "%{z}" target => "u"`, `{"t":"2024-03-14 09:26:53","z":"Europe/Berlin"}`)
	f("failure", `match => ["t", "ISO8601", "UNIX"]`, `{"t":"Mar 14 09:26:53"}`)
}
