package date

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"millrace/filters/internal/filtertest"
	"millrace/pipeline/event"
)

// What the plugin's own test suites assert, in Ruby and in Java.

// read returns an f that runs the filter on a JSON value of the field t.
func read(t *testing.T, options string) func(in, want string) {
	return func(in, want string) {
		t.Helper()
		if want != "" {
			want = `,"u":"` + want + `"} +`
		} else {
			want = `,"tags":["_dateparsefailure"]}`
		}
		require.Equal(t, `{"t":`+in+want, filtertest.New(t, Plugin, options+` target => "u"`).Run(`{"t":`+in+`}`), "%s on %s", options, in)
	}
}

func TestSuiteISO8601(t *testing.T) {
	f := read(t, `match => ["t", "ISO8601"] locale => "en" timezone => "UTC"`)
	for in, want := range map[string]string{
		"2001-01-01T00:00:00-0800":      "2001-01-01T08:00:00.000Z",
		"1974-03-02T04:09:09-0800":      "1974-03-02T12:09:09.000Z",
		"2010-05-03T08:18:18+00:00":     "2010-05-03T08:18:18.000Z",
		"2004-07-04T12:27:27-00:00":     "2004-07-04T12:27:27.000Z",
		"2001-09-05T16:36:36+0000":      "2001-09-05T16:36:36.000Z",
		"2001-11-06T20:45:45-0000":      "2001-11-06T20:45:45.000Z",
		"2001-12-07T23:54:54Z":          "2001-12-07T23:54:54.000Z",
		"2010-05-03T08:18:18.123+00:00": "2010-05-03T08:18:18.123Z",
		"2004-07-04T12:27:27.123-04:00": "2004-07-04T16:27:27.123Z",
		"2001-09-05T16:36:36.123+0700":  "2001-09-05T09:36:36.123Z",
		"2001-11-06T20:45:45.123-0000":  "2001-11-06T20:45:45.123Z",
		"2001-12-07T23:54:54.123Z":      "2001-12-07T23:54:54.123Z",
		"2001-12-07T23:54:54,123Z":      "2001-12-07T23:54:54.123Z",
		"2001-11-06 20:45:45.123-0000":  "2001-11-06T20:45:45.123Z",
		"2001-12-07 23:54:54.123Z":      "2001-12-07T23:54:54.123Z",
		"2001-12-07 23:54:54,123Z":      "2001-12-07T23:54:54.123Z",
		"2001-11-06 20:45:45.123":       "2001-11-06T20:45:45.123Z",
		"2001-11-06 20:45:45,123":       "2001-11-06T20:45:45.123Z",
	} {
		f(`"`+in+`"`, want)
	}
	read(t, `match => ["t", "ISO8601"] locale => "en"`)(`"2001-09-09T01:46:40.000Z"`, "2001-09-09T01:46:40.000Z")
	run(t)(`match => ["[data][deep]", "ISO8601"] target => "u"`, `{"data":{"deep":"2013-01-01T00:00:00.000Z"}}`,
		`{"data":{"deep":"2013-01-01T00:00:00.000Z"},"u":"2013-01-01T00:00:00.000Z"} +`)
}

func TestSuiteUnix(t *testing.T) {
	f := read(t, `match => ["t", "UNIX"] locale => "en"`)
	for in, want := range map[string]string{
		"0": "1970-01-01T00:00:00.000Z", "456": "1970-01-01T00:07:36.000Z", "1000000000": "2001-09-09T01:46:40.000Z", "1478207457": "2016-11-03T21:10:57.000Z",
	} {
		f(in, want)
		f(`"`+in+`"`, want)
	}
	f(`"1350414944.123456"`, "2012-10-16T19:15:44.123Z")
	f(`1.350414944123456E9`, "2012-10-16T19:15:44.123Z")
	f(`"%{bad_value}"`, "")
	f(`""`, "")

	f = read(t, `match => ["t", "UNIX_MS"]`)
	for in, want := range map[string]string{"0": "1970-01-01T00:00:00.000Z", "456": "1970-01-01T00:00:00.456Z", "1000000000123": "2001-09-09T01:46:40.123Z"} {
		f(in, want)
		f(`"`+in+`"`, want)
	}

	f = read(t, `match => ["t", "UNIX", "UNIX_MS"]`)
	for in, want := range map[string]string{
		"0": "1970-01-01T00:00:00.000Z", "1000000000": "2001-09-09T01:46:40.000Z", "1000000000123": "2001-09-09T01:46:40.123Z",
		"1478207457": "2016-11-03T21:10:57.000Z",
	} {
		f(in, want)
		f(`"`+in+`"`, want)
	}
	f(`"1478207457.456"`, "2016-11-03T21:10:57.456Z")
	f(`1.478207457456E9`, "2016-11-03T21:10:57.456Z")

	f = read(t, `match => ["t", TAI64N]`)
	f(`"4000000050d506482dbdf024"`, "2012-12-22T01:00:46.767Z")
	f(`"@4000000050d506482dbdf024"`, "2012-12-22T01:00:46.767Z")
}

func TestSuitePatterns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // the clock of the bubble begins with the year 2000
		read(t, `match => ["t", "MMM dd HH:mm:ss Z"] locale => "en"`)(`"Nov 24 01:29:01 -0800"`, "2000-11-24T09:29:01.000Z")
	})
	read(t, `match => ["t", "dd/MMM/yyyy:HH:mm:ss Z"] locale => "en"`)(`"25/Mar/2013:20:33:56 +0000"`, "2013-03-25T20:33:56.000Z")
	f := read(t, `match => ["t", "MMM  d HH:mm:ss", "MMM dd HH:mm:ss"] locale => "en"`)
	f(`"this will not parse"`, "")
	run(t)(`match => ["t", "MMM  d HH:mm:ss"]`, `{}`, `{}`)
	f = read(t, `match => ["t", "yyyy/MM/dd"] locale => "en" timezone => "UTC"`)
	f(`"2013/Apr/21"`, "")
	f(`"2013/04/21"`, "2013-04-21T00:00:00.000Z")
	run(t)(`match => ["t", "yyyy/MM/dd"] tag_on_failure => ["date_failed"]`, `{"t":"2013/Apr/21"}`, `{"t":"2013/Apr/21","tags":["date_failed"]}`)
	for _, locale := range []string{"fr", "fr-FR", "fr_FR"} {
		read(t, `match => ["t", "dd MMMM yyyy"] timezone => "UTC" locale => "`+locale+`"`)(`"14 juillet 1789"`, "1789-07-14T00:00:00.000Z")
	}
	read(t, `match => ["t", "dd MMMM yyyy"] timezone => "UTC"`)(`"01 September 2014"`, "2014-09-01T00:00:00.000Z")
}

func TestSuiteZones(t *testing.T) {
	const format = `match => ["t", "yyyy MMM dd HH:mm:ss"] locale => "en" timezone => `
	f := read(t, format+`"America/Los_Angeles"`)
	f(`"2013 Nov 24 01:29:01"`, "2013-11-24T09:29:01.000Z")
	f(`"2013 Jun 24 01:29:01"`, "2013-06-24T08:29:01.000Z")
	read(t, format+`"CET"`)(`"2016 Mar 26 02:00:37"`, "2016-03-26T01:00:37.000Z")

	zoned := func(format, zone, in, want string) {
		t.Helper()
		doc := `{"t":"` + in + `","z":"` + zone + `"`
		if want != "" {
			want = `,"u":"` + want + `"} +`
		} else {
			want = `,"tags":["_dateparsefailure"]}`
		}
		require.Equal(t, doc+want, filtertest.New(t, Plugin, `match => ["t", "`+format+`"] timezone => "%{z}" locale => "en" target => "u"`).Run(doc+"}"), in)
	}
	zoned("yyyy MMM dd HH:mm:ss", "America/Los_Angeles", "2013 Nov 24 01:29:01", "2013-11-24T09:29:01.000Z")
	zoned("yyyy MMM dd HH:mm:ss", "America/Los_Angeles", "2013 Jun 24 01:29:01", "2013-06-24T08:29:01.000Z")
	zoned("ISO8601", "America/Caracas", "2001-01-01T00:00:00", "2001-01-01T04:00:00.000Z")
	zoned("ISO8601", "America/Caracas", "1974-03-02T04:09:09", "1974-03-02T08:09:09.000Z")
	zoned("ISO8601", "America/Caracas", "2006-01-01T00:00:00", "2006-01-01T04:00:00.000Z")
	zoned("ISO8601", "America/Caracas", "2008-01-01T00:00:00", "2008-01-01T04:30:00.000Z")
	zoned("ISO8601", "America/Caracas", "2016-05-01T08:18:18.123", "2016-05-01T12:18:18.123Z")
}

// The year of a date without one depends on the clock; so does whether a time exists in it.
func TestSuiteYear(t *testing.T) {
	f := func(now time.Time, options, in, want string) {
		t.Helper()
		synctest.Test(t, func(t *testing.T) {
			time.Sleep(time.Until(now)) // the bubble's clock
			doc := `{"t":"` + in + `","z":"CET","utc":"UTC"`
			if want != "" {
				want = `,"u":"` + want + `"} +`
			} else {
				want = `,"tags":["_dateparsefailure"]}`
			}
			require.Equal(t, doc+want, filtertest.New(t, Plugin, options+` locale => "en" target => "u"`).Run(doc+"}"), in)
		})
	}
	for _, zone := range []string{"UTC", "%{utc}"} {
		options := `match => ["t", "MMM dd HH:mm:ss"] timezone => "` + zone + `"`
		f(time.Date(2014, 1, 1, 0, 30, 50, 0, time.UTC), options, "Dec 31 23:59:00", "2013-12-31T23:59:00.000Z")
		f(time.Date(2013, 12, 31, 23, 59, 50, 0, time.UTC), options, "Jan 01 01:00:00", "2014-01-01T01:00:00.000Z")
		f(time.Date(2013, 12, 31, 15, 59, 50, 0, time.UTC), options, "Jan 01 01:00:00", "2014-01-01T01:00:00.000Z")
		f(time.Date(2013, 6, 2, 0, 0, 0, 0, time.UTC), `match => ["t", "EEE MMM dd HH:mm:ss"] timezone => "`+zone+`"`, "Sun Jun 02 20:38:03", "2013-06-02T20:38:03.000Z")
	}
	march := time.Date(2016, 3, 29, 23, 59, 50, 0, time.UTC)
	const cet = `match => ["t", "MMM dd hh:mm:ss.SSS"] timezone => "%{z}"`
	f(march, cet, "Mar 27 01:59:59.999", "2016-03-27T00:59:59.999Z")
	f(march, cet, "Mar 27 03:00:01.000", "2016-03-27T01:00:01.000Z")
	f(march, cet, "Mar 27 02:00:01.000", "")
}

func TestSuiteMistakes(t *testing.T) {
	require.Contains(t, filtertest.Diagnose(Plugin, `match => ["mydate"] locale => "en"`), "error")
}

// The events of a batch share one present; the next batch has its own. An event that no batch brought asks the clock.
func TestPresentIsTheBatchs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(time.Date(2030, 12, 31, 23, 59, 0, 0, time.UTC)))
		w := filtertest.New(t, Plugin, `match => ["t", "MMM dd HH:mm:ss"] timezone => "UTC" target => "u"`).Filter
		year := func(read int64) int {
			e := event.New(nil)
			e.SetRead(read)
			require.NoError(t, e.Set(event.MustPath("t"), event.StringValue("Jun 01 00:00:00")))
			require.True(t, w.Filter(e))
			u, _ := e.Get(event.MustPath("u"))
			return u.Time().Year()
		}
		require.Equal(t, 2030, year(1))
		time.Sleep(time.Hour)
		require.Equal(t, 2030, year(1))
		require.Equal(t, 2031, year(2))
		require.Equal(t, 2031, year(0))
		time.Sleep(365 * 24 * time.Hour)
		require.Equal(t, 2032, year(0))
	})
}
