package config

// ErrorPlace returns the place that err, which somebody found in v, is about: the byte in v's text that an integer field Offset of err
// (or of what it wraps) tells, or all of v.
func (v Value) ErrorPlace(err error) Place {
	if offset, ok := errorOffset(err); ok && v.lit != nil && offset >= 0 && offset <= len(v.Str) {
		return v.placeOf(offset, min(offset+1, len(v.Str)))
	}
	return v.Place
}
