package text

import (
	"strings"
)

// zoneOffset returns the seconds east of Greenwich that a zone's name or offset means to Date._parse.
func zoneOffset(zone string) (int64, bool) {
	name := strings.ToLower(strings.Join(strings.FieldsFunc(zone, func(r rune) bool { return r < 0x80 && isSpace(byte(r)) }), " "))
	summer := false
	if s, ok := strings.CutSuffix(name, " standard time"); ok {
		name = s
	} else if s, ok := strings.CutSuffix(name, " daylight time"); ok {
		name, summer = s, true
	} else if s, ok := strings.CutSuffix(name, " dst"); ok {
		name, summer = s, true
	}
	if off, ok := namedZone(name); ok {
		if summer {
			off += 3600
		}
		return off, true
	}
	if s, ok := strings.CutPrefix(name, "gmt"); ok {
		name = s
	} else if s, ok := strings.CutPrefix(name, "utc"); ok {
		name = s
	}
	if name == "" || name[0] != '+' && name[0] != '-' {
		return 0, false
	}
	off, ok := numericZone(name[1:])
	if name[0] == '-' {
		off = -off
	}
	return off, ok
}

// numericZone reads 9, 09, 930, 0930, 093000, 9:30, 09:30:00 and 9.5.
func numericZone(s string) (int64, bool) {
	if hours, rest, ok := strings.Cut(s, ":"); ok {
		minutes, seconds, _ := strings.Cut(rest, ":")
		h, m, sec := number(hours), number(minutes), number(seconds)
		if h > 23 || m > 59 || sec > 59 {
			return 0, false
		}
		return h*3600 + m*60 + sec, true
	}
	if i := strings.IndexAny(s, ",."); i >= 0 {
		h := number(s[:i])
		if h > 23 {
			return 0, false
		}
		return h*3600 + hourFraction(s[i+1:]), true
	}
	if s == "" || !isDigit(s[0]) {
		return 0, false
	}
	n := 0
	for n < len(s) && isDigit(s[n]) {
		n++
	}
	s = s[:n]
	h := 2 - n%2
	if n <= h {
		return number(s) * 3600, true
	}
	off := number(s[:h])*3600 + number(s[h:h+2])*60
	if n >= h+4 {
		off += number(s[h+2 : h+4])
	}
	return off, true
}

// hourFraction returns the seconds of a decimal fraction of an hour, rounded as Ruby does.
func hourFraction(digits string) int64 {
	var n, scale int64 = 0, 1
	for i := 0; i < len(digits) && i < 7 && isDigit(digits[i]); i++ {
		n = 10*n + int64(digits[i]-'0')
		scale *= 10
	}
	return (n*3600*2 + scale) / (2 * scale)
}

// zoneTable lists the names that mean one zone to Ruby, by minutes east of Greenwich: abbreviations, and the names of Windows with
// underscores for blanks.
const zoneTable = `
-720 y idlw dateline
-660 sst x nt nut samoa
-600 w ahst hst ckt taht hawaiian
-540 v yst akst hdt alaskan
-510 mart
-480 u pst akdt ydt pacific
-420 t mst pdt us_mountain mountain
-360 east s cst mdt galt mexico central canada_central central_america
-300 r est cdt cist cot ect pet sa_pacific eastern us_eastern
-240 q ast edt clt bot gyt vet sa_western pacific_sa atlantic
-210 newfoundland
-180 p art adt brt clst gft srt uyt wgt e._south_america sa_eastern greenland
-150 nst
-120 at brst o wgst
-90 ndt
-60 n cvt egt azores cape_verde
0 utc ut gmt z wet greenwich
60 a bst cet fwt met mewt mez swt wat west w._central_africa w._europe central_europe central_european romance
120 b cat cest eet fst mest mesz sast e._europe south_africa egypt gtb fle
180 c bt eat eest msk idt syot russian arab arabic e._africa
210 irst iran
240 d msd azt mut samt arabian caucasus
270 aft afghanistan
300 e pkt mawt mvt orat tft tjt tmt uzt yekt ekaterinburg west_asia
330 ist india
345 npt nepal
360 f kgt omst central_asia sri_lanka n._central_asia
390 cct mmt myanmar
420 g wib cxt hovt ict krat se_asia north_asia
480 h awst sgt cast hkt pht bnt irkt myt ulat north_asia_east malay_peninsula china taipei w._australia
540 i jst kst tlt wit yakt yakutsk tokyo korea
570 acst cen._australia aus_central
600 k gst aest ddut pgt vlat vladivostok aus_eastern e._australia tasmania west_pacific
630 acdt lhst
660 l eadt aedt kost magt nct pont sakt sbt vut central_pacific
720 m idle nzst nzt fjt anat gilt nrt pett tvt wakt wft new_zealand fiji
780 nzdt fjst phot tkt tonga
`

// namedZone returns the offset of a zone's name in small letters.
func namedZone(name string) (int64, bool) {
	if name == "" || !('a' <= name[0] && name[0] <= 'z') {
		return 0, false
	}
	key := strings.ReplaceAll(name, " ", "_")
	for line := range strings.Lines(zoneTable) {
		minutes, names, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		for word := range strings.SplitSeq(names, " ") {
			if word == key {
				digits, negative := strings.CutPrefix(minutes, "-")
				if negative {
					return -60 * number(digits), true
				}
				return 60 * number(digits), true
			}
		}
	}
	return 0, false
}
