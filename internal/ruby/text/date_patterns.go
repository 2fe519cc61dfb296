package text

import (
	"sync"

	"millrace/internal/onig"
)

const (
	monthWord = `(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)`
	eraWord   = `(c(?:e|\.e\.)|b(?:ce|\.c\.e\.)|a(?:d|\.d\.)|b(?:c|\.c\.))`
	zoneWord  = `((?:gmt|utc?)?[-+]\d+(?:[,.:]\d+(?::\d+)?)?|(?-i:[[:alpha:].\s]+)(?:standard|daylight)\s+time\b|(?-i:[[:alpha:]]+)(?:\sdst)?\b)`
)

// datePatterns are the forms that Date._parse finds in a text.
type datePatterns struct {
	day, time, timeParts, eu, us, iso                             *onig.Regexp
	isoWeek, isoWday, isoMonDay, isoMonDay2, isoYday, isoOnlyYday *onig.Regexp
	notYday, notOnlyYday                                          *onig.Regexp
	jis, vms, vmsMonth, slash, dot, year, mon, mday, digits       *onig.Regexp
	bc, number, zone, meridian                                    *onig.Regexp
}

// patterns compiles the patterns when the first text is parsed, as hardly any pipeline parses one.
var patterns = sync.OnceValue(func() *datePatterns {
	c := func(pattern string) *onig.Regexp { return onig.MustCompile("(?i)" + pattern) }
	return &datePatterns{
		day: c(`\b(sun|mon|tue|wed|thu|fri|sat)[^-/\d\s]*`),
		time: c(`(\d+\s*:\s*\d+(?:\s*:\s*\d+(?:[,.]\d*)?)?(?:\s*[ap](?:m\b|\.m\.))?|\d+\s*h(?:\s*\d+m?(?:\s*\d+s?)?)?(?:\s*[ap](?:m\b|\.m\.))?|\d+\s*[ap](?:m\b|\.m\.))` +
			`(?:\s*` + zoneWord + `)?`),
		timeParts:   c(`\A(\d+)\s*(?:h|:)?(?:\s*(\d+)m?(?:\s*:?\s*(\d+)(?:[,.](\d*))?s?)?)?(?:\s*([ap])(?:m\b|\.m\.))?`),
		eu:          c(`('?\d+)[^-\d\s]*\s*` + monthWord + `[^-\d\s']*(?:\s*` + eraWord + `?\s*('?-?\d+(?:(?:st|nd|rd|th)\b)?))?`),
		us:          c(`\b` + monthWord + `[^-\d\s']*\s*('?\d+)[^-\d\s']*(?:\s*,?\s*` + eraWord + `?\s*('?-?\d+))?`),
		iso:         c(`('?[-+]?\d+)-(\d+)-('?-?\d+)`),
		isoWeek:     c(`\b(\d{2}|\d{4})?-?w(\d{2})(?:-?(\d))?\b`),
		isoWday:     c(`-w-(\d)\b`),
		isoMonDay:   c(`--(\d{2})?-(\d{2})\b`),
		isoMonDay2:  c(`--(\d{2})(\d{2})?\b`),
		notYday:     c(`[,.](\d{2}|\d{4})-\d{3}\b`),
		isoYday:     c(`\b(\d{2}|\d{4})-(\d{3})\b`),
		notOnlyYday: c(`\d-\d{3}\b`),
		isoOnlyYday: c(`\b-(\d{3})\b`),
		jis:         c(`\b([mtshr])(\d+)\.(\d+)\.(\d+)`),
		vms:         c(`('?-?\d+)-` + monthWord + `[^-/.]*-('?-?\d+)`),
		vmsMonth:    c(`\b` + monthWord + `[^-/.]*-('?-?\d+)(?:-('?-?\d+))?`),
		slash:       c(`('?-?\d+)/\s*('?\d+)(?:\D\s*('?-?\d+))?`),
		dot:         c(`('?-?\d+)\.\s*('?\d+)\.\s*('?-?\d+)`),
		year:        c(`'(\d+)\b`),
		mon:         c(`\b` + monthWord + `\S*`),
		mday:        c(`(\d+)(st|nd|rd|th)\b`),
		digits:      c(`([-+]?)(\d{2,14})(?:\s*t?\s*(\d{2,6})?([,.]\d*)?)?(z\b|[-+]\d{1,4}\b|\[[-+]?\d[^\]]*\])?`),
		bc:          c(`\b(bc\b|bce\b|b\.c\.|b\.c\.e\.)`),
		number:      c(`\A\s*(\d{1,2})\s*\z`),
		zone:        c(`\A` + zoneWord),
		meridian:    c(`\A([ap])(?:m|\.m\.)`),
	}
})

// captures matches re anywhere in s, and returns the groups' texts; a group that took no part is empty.
func captures(re *onig.Regexp, s string) (groups []string, start, end int, ok bool) {
	m := re.NewMatcher()
	if !m.Match(s) {
		return nil, 0, 0, false
	}
	start, end = m.Group(0)
	groups = make([]string, re.NumCaptures()+1)
	for i := range groups {
		if from, to := m.Group(i); from >= 0 {
			groups[i] = s[from:to]
		}
	}
	return groups, start, end, true
}
