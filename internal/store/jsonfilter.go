package store

import (
	"bytes"
	"strings"

	"millrace/internal/store/mapping"
)

// pathSet decides which parts of a JSON document are kept.
type pathSet interface {
	// enter is asked at each key with the path of keys down to it: keep all below, look inside, or neither.
	enter(path []string) verdict
}

type verdict uint8

const (
	drop       verdict = iota
	look               // only what is below may be kept
	lookOrKeep         // something below may have to go
	keep
)

// appendFiltered appends what set keeps of the value at the start of b, and returns the rest. Objects and arrays of which nothing is kept
// go too; wrote says whether anything is left; scalars says whether other values stay. b must be valid.
func appendFiltered(dst, b []byte, path []string, set pathSet, scalars bool) (out, rest []byte, wrote bool) {
	b = skipSpace(b)
	switch b[0] {
	case '{':
		return filterObject(dst, b[1:], path, set)
	case '[':
		start := len(dst)
		dst = append(dst, '[')
		b = skipSpace(b[1:])
		if b[0] == ']' {
			return dst[:start], b[1:], false
		}
		for {
			mark := len(dst)
			if mark > start+1 {
				dst = append(dst, ',')
			}
			var ok bool
			if dst, b, ok = appendFiltered(dst, b, path, set, scalars); !ok {
				dst = dst[:mark]
			}
			b = skipSpace(b)
			if b[0] == ']' {
				break
			}
			b = b[1:]
		}
		if len(dst) == start+1 {
			return dst[:start], b[1:], false
		}
		return append(dst, ']'), b[1:], true
	}
	rest = skipValue(b)
	if !scalars {
		return dst, rest, false
	}
	return append(dst, bytes.TrimSpace(b[:len(b)-len(rest)])...), rest, true
}

func filterObject(dst, b []byte, path []string, set pathSet) (out, rest []byte, wrote bool) {
	start := len(dst)
	dst = append(dst, '{')
	b = skipSpace(b)
	for b[0] != '}' {
		after := skipValue(b)
		rawKey := b[:len(b)-len(after)]
		key := unquote(rawKey)
		b = skipSpace(after)
		b = skipSpace(b[1:]) // the colon
		mark := len(dst)
		if mark > start+1 {
			dst = append(dst, ',')
		}
		dst = append(append(dst, rawKey...), ':')
		var ok bool
		sub := append(path, key)
		switch set.enter(sub) {
		case keep:
			after := skipValue(b)
			dst = append(dst, bytes.TrimSpace(b[:len(b)-len(after)])...)
			b, ok = after, true
		case look:
			dst, b, ok = appendFiltered(dst, b, sub, set, false)
		case lookOrKeep:
			dst, b, ok = appendFiltered(dst, b, sub, set, true)
		default:
			b = skipValue(b)
		}
		if !ok {
			dst = dst[:mark]
		}
		if b = skipSpace(b); b[0] == ',' {
			b = skipSpace(b[1:])
		}
	}
	if len(dst) == start+1 && len(path) > 0 {
		return dst[:start], b[1:], false
	}
	return append(dst, '}'), b[1:], true
}

func skipSpace(b []byte) []byte {
	for len(b) > 0 && (b[0] == ' ' || b[0] == '\t' || b[0] == '\n' || b[0] == '\r') {
		b = b[1:]
	}
	return b
}

// skipValue returns what follows the value, or the key, at the start of b.
func skipValue(b []byte) []byte {
	depth := 0
	for i := 0; i < len(b); i++ {
		switch b[i] {
		case '"':
			for i++; b[i] != '"'; i++ {
				if b[i] == '\\' {
					i++
				}
			}
			if depth == 0 {
				return b[i+1:]
			}
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth == 0 {
				return b[i+1:]
			} else if depth < 0 {
				return b[i:]
			}
		case ',':
			if depth == 0 {
				return b[i:]
			}
		}
	}
	return nil
}

func unquote(raw []byte) string {
	if bytes.IndexByte(raw, '\\') < 0 {
		return string(raw[1 : len(raw)-1])
	}
	return mapping.Unquote(raw)
}

// sourceFilter is _source's includes and excludes: patterns over dotted paths, in which * stands for dots too.
type sourceFilter struct{ includes, excludes []string }

func (f *sourceFilter) enter(path []string) verdict {
	full := strings.Join(path, ".")
	for _, p := range f.excludes {
		if mapping.Simple(p, full) {
			return drop
		}
	}
	included := len(f.includes) == 0
	below := false
	for _, p := range f.includes {
		if included = included || coversPath(p, full); included {
			break
		}
		below = below || mayCover(p, full)
	}
	switch {
	case !included && !below:
		return drop
	case included && len(f.excludes) == 0:
		return keep
	case included:
		for _, p := range f.excludes {
			if mayCover(p, full) {
				return lookOrKeep
			}
		}
		return keep
	}
	return look
}

// coversPath reports whether p matches the path or one above it.
func coversPath(p, path string) bool {
	for i := 0; ; {
		j := strings.IndexByte(path[i:], '.')
		if j < 0 {
			return mapping.Simple(p, path)
		}
		if mapping.Simple(p, path[:i+j]) {
			return true
		}
		i += j + 1
	}
}

// mayCover reports whether p may match something below path.
func mayCover(p, path string) bool {
	star := strings.IndexByte(p, '*')
	prefix := path + "."
	if star < 0 {
		return strings.HasPrefix(p, prefix)
	}
	if star >= len(prefix) {
		return strings.HasPrefix(p, prefix)
	}
	return strings.HasPrefix(prefix, p[:star])
}

func filterSource(src []byte, f *sourceFilter) []byte {
	if len(f.includes) == 0 && len(f.excludes) == 0 {
		return src
	}
	out, _, _ := appendFiltered(make([]byte, 0, len(src)), src, make([]string, 0, 16), f, false)
	return out
}

// pathFilter is filter_path: patterns of keys, * for part of one key, ** for any number of them; a leading - excludes.
type pathFilter struct{ includes, excludes [][]string }

func (f *pathFilter) enter(path []string) verdict {
	v := keep
	if len(f.includes) > 0 {
		v = drop
		for _, p := range f.includes {
			v = max(v, matchPath(p, path))
		}
	}
	if v == drop {
		return drop
	}
	for _, p := range f.excludes {
		switch matchPath(p, path) {
		case keep:
			return drop
		case look:
			if v == keep {
				v = lookOrKeep
			}
		}
	}
	return v
}

// matchPath tells whether a pattern matches a path or one above it (keep), or may match one below (look).
func matchPath(p, path []string) verdict {
	switch {
	case len(p) == 0:
		return keep
	case len(path) == 0:
		return look
	case p[0] == "**":
		return max(matchPath(p[1:], path), matchPath(p, path[1:]), look)
	case mapping.Simple(p[0], path[0]):
		return matchPath(p[1:], path[1:])
	}
	return drop
}

// filterPaths applies filter_path to an answer.
func filterPaths(b []byte, patterns []string) []byte {
	var f pathFilter
	for _, p := range patterns {
		if rest, ok := strings.CutPrefix(p, "-"); ok {
			f.excludes = append(f.excludes, strings.Split(rest, "."))
		} else if p != "" {
			f.includes = append(f.includes, strings.Split(p, "."))
		}
	}
	if len(f.includes)+len(f.excludes) == 0 {
		return b
	}
	out, _, ok := appendFiltered(nil, b, make([]string, 0, 16), &f, false)
	if !ok {
		return []byte("{}")
	}
	return out
}
