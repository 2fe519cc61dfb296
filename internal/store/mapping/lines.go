package mapping

// Lines reads an object of JSON one object deep, as the action lines of bulk requests are.
type Lines struct {
	s     scanner
	a     arena
	first bool
}

// Start begins with a line and reports whether an object is in it.
func (l *Lines) Start(line []byte) bool {
	l.s.b, l.s.i = line, 0
	return l.Enter()
}

// Enter goes into the object that comes next.
func (l *Lines) Enter() bool {
	ok := l.s.space() == '{'
	l.s.i++
	l.first = true
	return ok
}

// More reports whether the object has another key, and goes to it.
func (l *Lines) More() bool {
	c := l.s.space()
	if c == ',' && !l.first {
		l.s.i++
		c = l.s.space()
	}
	l.first = false
	return c == '"'
}

// Key reads a key.
func (l *Lines) Key() (string, bool) {
	l.s.space()
	k, err := l.s.key(&l.a)
	return k, err == nil
}

// Scalar reads a value that is neither an object nor an array, as text.
func (l *Lines) Scalar() (text string, null, ok bool) {
	var err error
	switch l.s.space() {
	case '"':
		text, err = l.s.str(&l.a)
	case 't':
		text, err = "true", l.s.word("true")
	case 'f':
		text, err = "false", l.s.word("false")
	case 'n':
		null, err = true, l.s.word("null")
	default:
		text, _, err = l.s.number()
	}
	return text, null, err == nil
}

// End passes over the ends of both objects and reports whether nothing follows.
func (l *Lines) End() bool {
	for range 2 {
		if l.s.space() != '}' {
			return false
		}
		l.s.i++
	}
	return l.s.space() == 0
}
