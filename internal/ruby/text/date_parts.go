package text

// DateField is a set of fields of DateParts.
type DateField uint32

// The fields of DateParts.
const (
	HasYear DateField = 1 << iota
	HasMon
	HasMday
	HasYday
	HasCwyear
	HasCweek
	HasCwday
	HasWday
	HasWnum0
	HasWnum1
	HasHour
	HasMin
	HasSec
	HasFraction
	HasOffset
	HasZone
	HasSeconds
	HasLeftover
)

// DateParts is the hash that Date._parse and Date._strptime return; Has tells which fields are set.
type DateParts struct {
	Has                                      DateField
	Year, Mon, Mday, Yday                    int64
	Cwyear, Cweek, Cwday, Wday, Wnum0, Wnum1 int64
	Hour, Min, Sec                           int64
	Nsec                                     int64 // the fraction of the second in nanoseconds
	Offset                                   int64
	Zone                                     string
	Seconds                                  int64 // of %s and %Q
	SecondsNsec                              int64
	Leftover                                 string
}

func (p *DateParts) has(f DateField) bool { return p.Has&f != 0 }

// set stores one of the integer fields.
func (p *DateParts) set(f DateField, v int64) {
	p.Has |= f
	switch f {
	case HasYear:
		p.Year = v
	case HasMon:
		p.Mon = v
	case HasMday:
		p.Mday = v
	case HasYday:
		p.Yday = v
	case HasCwyear:
		p.Cwyear = v
	case HasCweek:
		p.Cweek = v
	case HasCwday:
		p.Cwday = v
	case HasWday:
		p.Wday = v
	case HasWnum0:
		p.Wnum0 = v
	case HasWnum1:
		p.Wnum1 = v
	case HasHour:
		p.Hour = v
	case HasMin:
		p.Min = v
	case HasSec:
		p.Sec = v
	case HasFraction:
		p.Nsec = v
	case HasOffset:
		p.Offset = v
	default:
		panic("BUG: no integer field of a date")
	}
}

// setZone stores a zone, and its offset if it is known.
func (p *DateParts) setZone(zone string) {
	p.Has |= HasZone
	p.Zone = zone
	if off, ok := zoneOffset(zone); ok {
		p.set(HasOffset, off)
	}
}

// number reads the digits that s begins with, at most 18 of them.
func number(s string) int64 {
	var n int64
	for i := 0; i < len(s) && i < 18 && isDigit(s[i]); i++ {
		n = 10*n + int64(s[i]-'0')
	}
	return n
}

// nanoseconds reads the digits of a fraction.
func nanoseconds(digits string) int64 {
	var n int64
	for i := range 9 {
		n *= 10
		if i < len(digits) && isDigit(digits[i]) {
			n += int64(digits[i] - '0')
		}
	}
	return n
}

// monthNames and dayNames are the abbreviations, three letters each.
const (
	monthNames = "janfebmaraprmayjunjulaugsepoctnovdec"
	dayNames   = "sunmontuewedthufrisat"
)

// nameIndex returns the place of a name, whose first three letters count, in one of the lists, -1 if it is not there.
func nameIndex(list, s string) int {
	if len(s) < 3 {
		return -1
	}
	for i := 0; i < len(list); i += 3 {
		if s[0]|0x20 == list[i] && s[1]|0x20 == list[i+1] && s[2]|0x20 == list[i+2] {
			return i / 3
		}
	}
	return -1
}
