package onig

import (
	"slices"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"
)

// tableSet makes a set of Unicode range tables.
func tableSet(tables ...*unicode.RangeTable) *charSet {
	s := &charSet{}
	addRange := func(lo, hi, stride rune) {
		if stride == 1 {
			s.add(lo, hi)
			return
		}
		for c := lo; c <= hi; c += stride {
			s.add(c, c)
		}
	}
	for _, t := range tables {
		for _, r := range t.R16 {
			addRange(rune(r.Lo), rune(r.Hi), rune(r.Stride))
		}
		for _, r := range t.R32 {
			addRange(rune(r.Lo), rune(r.Hi), rune(r.Stride))
		}
	}
	return s.normalize()
}

// Sets that several classes are made of, built when first asked for.
var (
	alphaSet = sync.OnceValue(func() *charSet { return tableSet(unicode.L, unicode.Nl, unicode.Other_Alphabetic) })
	lowerSet = sync.OnceValue(func() *charSet { return tableSet(unicode.Ll, unicode.Other_Lowercase) })
	upperSet = sync.OnceValue(func() *charSet { return tableSet(unicode.Lu, unicode.Other_Uppercase) })
	digitSet = sync.OnceValue(func() *charSet { return tableSet(unicode.Nd) })
	spaceSet = sync.OnceValue(func() *charSet { return tableSet(unicode.White_Space) })
	wordSet  = sync.OnceValue(func() *charSet { return alphaSet().union(tableSet(unicode.M, unicode.Nd, unicode.Pc)) })
	alnumSet = sync.OnceValue(func() *charSet { return alphaSet().union(digitSet()) })
	punctSet = sync.OnceValue(func() *charSet {
		// Ruby counts the nine ASCII symbols as punctuation, as POSIX does.
		symbols := &charSet{}
		for _, c := range "$+<=>^`|~" {
			symbols.add(c, c)
		}
		return tableSet(unicode.P).union(symbols.normalize())
	})
	assignedSet = sync.OnceValue(func() *charSet {
		var all []*unicode.RangeTable
		for name, t := range unicode.Categories {
			if len(name) == 1 && name != "C" || name == "Cc" || name == "Cf" || name == "Co" || name == "Cs" {
				all = append(all, t)
			}
		}
		return tableSet(all...)
	})
	graphSet = sync.OnceValue(func() *charSet {
		return assignedSet().subtract(spaceSet().union(tableSet(unicode.Cc, unicode.Cs)))
	})
	printSet  = sync.OnceValue(func() *charSet { return graphSet().union(tableSet(unicode.Zs)) })
	cntrlSet  = sync.OnceValue(func() *charSet { return tableSet(unicode.Cc) })
	blankSet  = sync.OnceValue(func() *charSet { return tableSet(unicode.Zs).union(&charSet{r: []runeRange{{'\t', '\t'}}}) })
	anySet    = &charSet{r: []runeRange{{0, unicode.MaxRune}}}
	xdigitSet = &charSet{r: []runeRange{{'0', '9'}, {'A', 'F'}, {'a', 'f'}}}
)

// posixClass returns the Unicode set of a POSIX bracket, nil if there is none of that name.
func posixClass(name string) *charSet {
	switch name {
	case "alnum":
		return alnumSet()
	case "alpha":
		return alphaSet()
	case "ascii":
		return asciiSet
	case "blank":
		return blankSet()
	case "cntrl":
		return cntrlSet()
	case "digit":
		return digitSet()
	case "graph":
		return graphSet()
	case "lower":
		return lowerSet()
	case "print":
		return printSet()
	case "punct":
		return punctSet()
	case "space":
		return spaceSet()
	case "upper":
		return upperSet()
	case "xdigit":
		return xdigitSet
	case "word":
		return wordSet()
	}
	return nil
}

// normalName brings a property name to the form it is compared in: case, spaces, hyphens and underscores do not matter.
func normalName(s string) string {
	return strings.Map(func(r rune) rune {
		if r == ' ' || r == '-' || r == '_' {
			return -1
		}
		return unicode.ToLower(r)
	}, s)
}

// propertyTables maps normalised names to what Go's unicode package knows: categories, scripts, binary properties.
var propertyTables = sync.OnceValue(func() map[string]*unicode.RangeTable {
	m := make(map[string]*unicode.RangeTable)
	for name, t := range unicode.Properties {
		m[normalName(name)] = t
	}
	for name, t := range unicode.Scripts {
		m[normalName(name)] = t
	}
	for short, long := range scriptAliases {
		if t := m[long]; t != nil {
			m[short] = t
		}
	}
	for name, t := range unicode.Categories {
		m[normalName(name)] = t
	}
	for long, short := range unicode.CategoryAliases {
		m[normalName(long)] = unicode.Categories[short]
	}
	return m
})

// propertySet returns the set of \p{name}, nil if the name is unknown.
func propertySet(name string) *charSet {
	for _, c := range name {
		if c >= utf8.RuneSelf {
			return nil
		}
	}
	name = normalName(name)
	if s := posixClass(name); s != nil {
		return s
	}
	if s := derivedProperty(name); s != nil {
		return s
	}
	if t := propertyTables()[name]; t != nil && name != "" {
		return tableSet(t)
	}
	if block, ok := strings.CutPrefix(name, "in"); ok {
		if r, ok := blocks[block]; ok {
			return &charSet{r: []runeRange{r}}
		}
	}
	return nil
}

// derivedProperty returns properties that Unicode derives from others.
func derivedProperty(name string) *charSet {
	switch name {
	case "any":
		return anySet
	case "assigned":
		return assignedSet()
	case "cn", "unassigned":
		return anySet.subtract(assignedSet())
	case "c", "other":
		return anySet.subtract(assignedSet()).union(tableSet(unicode.C))
	case "alphabetic":
		return alphaSet()
	case "uppercase":
		return upperSet()
	case "lowercase":
		return lowerSet()
	case "cased":
		return lowerSet().union(upperSet()).union(tableSet(unicode.Lt))
	case "math":
		return tableSet(unicode.Sm, unicode.Other_Math)
	case "xposixpunct":
		return punctSet()
	case "idstart", "xidstart":
		return tableSet(unicode.L, unicode.Nl, unicode.Other_ID_Start).subtract(tableSet(unicode.Pattern_Syntax, unicode.Pattern_White_Space))
	case "idcontinue", "xidcontinue":
		return tableSet(unicode.L, unicode.Nl, unicode.Other_ID_Start, unicode.Mn, unicode.Mc, unicode.Nd, unicode.Pc, unicode.Other_ID_Continue).
			subtract(tableSet(unicode.Pattern_Syntax, unicode.Pattern_White_Space))
	case "graphemeextend":
		return extendSet()
	case "emoji":
		return &charSet{r: emojiRanges}
	case "emojipresentation":
		return &charSet{r: emojiPresentationRanges}
	case "emojimodifier":
		return &charSet{r: []runeRange{{0x1F3FB, 0x1F3FF}}}
	case "emojimodifierbase":
		return &charSet{r: emojiModifierBaseRanges}
	case "extendedpictographic":
		return pictographicSet
	}
	return nil
}

// foldable lists every character that has another one of the same simple case folding, in order.
var foldable = sync.OnceValue(func() []rune {
	var out []rune
	for _, t := range []*unicode.RangeTable{unicode.Lu, unicode.Ll, unicode.Lt, unicode.Nl, unicode.So, unicode.Mn} {
		for _, r := range tableSet(t).r {
			for c := r.lo; c <= r.hi; c++ {
				if unicode.SimpleFold(c) != c {
					out = append(out, c)
				}
			}
		}
	}
	slices.Sort(out)
	return out
})

// foldClosure adds to s every character that differs from a member in case only.
func foldClosure(s *charSet) *charSet {
	out := &charSet{r: slices.Clone(s.r), invalid: s.invalid}
	list := foldable()
	i := 0
	for _, r := range s.r {
		for i < len(list) && list[i] < r.lo {
			i++
		}
		for ; i < len(list) && list[i] <= r.hi; i++ {
			for c := unicode.SimpleFold(list[i]); c != list[i]; c = unicode.SimpleFold(c) {
				out.add(c, c)
			}
		}
	}
	for _, f := range fullFolds {
		if !s.contains(f.r) {
			continue
		}
		for _, g := range fullFolds {
			if g.fold == f.fold {
				out.add(g.r, g.r)
			}
		}
	}
	return out.normalize()
}

// foldSequences returns a node for every text of several characters that differs from a member of s in case only, unless s holds all its characters.
func foldSequences(s *charSet) []*node {
	var out []*node
	var seen []string
	for _, f := range fullFolds {
		if !s.contains(f.r) || slices.Contains(seen, f.fold) {
			continue
		}
		inside := true
		for _, c := range f.fold {
			inside = inside && s.contains(c)
		}
		if inside {
			continue
		}
		seen = append(seen, f.fold)
		out = append(out, foldedText([]rune(f.fold)))
	}
	return out
}

// foldClass returns the class of characters that differ from c in case only.
func foldClass(c rune) *node {
	s := &charSet{r: []runeRange{{c, c}}}
	for f := unicode.SimpleFold(c); f != c; f = unicode.SimpleFold(f) {
		s.add(f, f)
	}
	if len(s.r) == 1 {
		return &node{kind: nodeLit, lit: string(c)}
	}
	return &node{kind: nodeClass, set: s.normalize()}
}

func foldedText(rs []rune) *node {
	kids := make([]*node, len(rs))
	for i, c := range rs {
		kids[i] = foldClass(c)
	}
	return newCat(kids)
}

// simpleFold returns one representative of the characters that differ from c in case only: the smallest lower-case one.
func simpleFold(c rune) rune {
	if c < utf8.RuneSelf {
		if c >= 'A' && c <= 'Z' {
			return c + 'a' - 'A'
		}
		return c
	}
	best := c
	for f := unicode.SimpleFold(c); f != c; f = unicode.SimpleFold(f) {
		best = min(best, f)
	}
	if best < utf8.RuneSelf && best >= 'A' && best <= 'Z' {
		return best + 'a' - 'A'
	}
	return best
}

// foldIndex finds full foldings by their text, each character brought to simpleFold.
var foldIndex = sync.OnceValue(func() map[string]*charSet {
	m := make(map[string]*charSet)
	for _, f := range fullFolds {
		key := strings.Map(simpleFold, f.fold)
		if m[key] == nil {
			m[key] = &charSet{}
		}
		m[key].add(f.r, f.r)
	}
	for _, s := range m {
		s.normalize()
	}
	return m
})

// expandFolds turns a literal that ignores case into classes, and alternatives where full case folding changes the number of characters.
func expandFolds(n *node) *node {
	if n.kind != nodeLit || !n.fold {
		return n
	}
	rs := []rune(n.lit)
	var kids []*node
	for i := 0; i < len(rs); {
		k, used := foldAt(rs[i:])
		k.src, k.end = n.src, n.end
		kids = append(kids, k)
		i += used
	}
	out := newCat(joinPlain(kids))
	out.src, out.end = n.src, n.end
	return out
}

// joinPlain joins neighbouring literals; a character without case stays one in a text that ignores case.
func joinPlain(kids []*node) []*node {
	out := kids[:0]
	for _, k := range kids {
		if len(out) > 0 && k.kind == nodeLit && out[len(out)-1].kind == nodeLit {
			last := out[len(out)-1]
			out[len(out)-1] = &node{kind: nodeLit, lit: last.lit + k.lit, src: last.src, end: k.end}
			continue
		}
		out = append(out, k)
	}
	return out
}

// foldAt expands the beginning of a text that ignores case and tells how many characters that took.
func foldAt(rs []rune) (*node, int) {
	for _, f := range fullFolds {
		if f.r == rs[0] {
			chars := foldIndex()[strings.Map(simpleFold, f.fold)]
			return &node{kind: nodeAlt, fold: true, kids: []*node{{kind: nodeClass, set: chars}, foldedText([]rune(f.fold))}}, 1
		}
	}
	span := foldCluster(rs)
	if span < 2 {
		return foldClass(rs[0]), 1
	}
	return foldSegments(rs[:span]), span
}

// foldMatch returns the characters whose full folding is rs.
func foldMatch(rs []rune) *charSet {
	var key strings.Builder
	for _, c := range rs {
		key.WriteRune(simpleFold(c))
	}
	return foldIndex()[key.String()]
}

// foldCluster measures the stretch at the start of rs in which full foldings overlap. It is cut at 8 characters: its ways of being read double with each.
func foldCluster(rs []rune) int {
	end := 1
	for i := 0; i < end && i < len(rs); i++ {
		for l := 2; l <= 3 && i+l <= len(rs) && i+l <= 8; l++ {
			if foldMatch(rs[i:i+l]) != nil {
				end = max(end, i+l)
			}
		}
	}
	return end
}

// foldSegments returns every way to read rs as characters and full foldings.
func foldSegments(rs []rune) *node {
	if len(rs) == 0 {
		return &node{kind: nodeEmpty}
	}
	alts := []*node{newCat([]*node{foldClass(rs[0]), foldSegments(rs[1:])})}
	for l := 2; l <= 3 && l <= len(rs); l++ {
		if s := foldMatch(rs[:l]); s != nil {
			alts = append(alts, newCat([]*node{{kind: nodeClass, set: s}, foldSegments(rs[l:])}))
		}
	}
	if len(alts) == 1 {
		return alts[0]
	}
	return &node{kind: nodeAlt, fold: true, kids: alts}
}
