package xml

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

var (
	entityReference   = regexp.MustCompile(`&([\pL_:][\pL\pN_:.-]*|#[0-9]+|#x[0-9a-fA-F]+);`)
	entityDeclaration = regexp.MustCompile(`<!ENTITY\s+([\pL_:][\pL\pN_:.-]*)\s+(?:"([^"%]*)"|'([^'%]*)')\s*>`)
)

// What entities may stand for. The first two are REXML's limits, against documents whose entities double from one to the next; REXML has no bound for
// all texts together, which could be the product of the two, 100 MB.
const (
	maxExpansions  = 10_000
	maxEntityBytes = 10_240
	maxExpanded    = 1 << 20
)

// predefined are the entities that need no declaration.
var predefined = map[string]string{"lt": "<", "gt": ">", "amp": "&", "quot": `"`, "apos": "'"}

// entitiesOf returns the texts of the entities that a document refers to: of those that it declares, and, if all, of the others what refers to them.
func entitiesOf(text string, all bool) (map[string]string, error) {
	subset, body := internalSubset(text)
	x := expander{declared: make(map[string]string), known: make(map[string]*expansion)}
	for _, m := range entityDeclaration.FindAllStringSubmatch(subset, -1) {
		x.declared[m[1]] = m[2] + m[3]
	}
	entities := make(map[string]string)
	count, size := 0, 0
	for _, m := range entityReference.FindAllStringSubmatch(body, -1) {
		name := m[1]
		if _, ok := x.declared[name]; !ok {
			if all && name[0] != '#' && predefined[name] == "" {
				entities[name] = m[0]
			}
			continue
		}
		e, err := x.expand(name)
		if err != nil {
			return nil, err
		}
		if count, size = count+e.count, size+len(e.text); count > maxExpansions || size > maxExpanded {
			return nil, fmt.Errorf("the document expands more than %d entities, or to more than %d bytes", maxExpansions, maxExpanded)
		}
		entities[name] = e.text
	}
	return entities, nil
}

// expander finds what entities stand for.
type expander struct {
	declared map[string]string
	known    map[string]*expansion // nil: it is being found
}

// expansion is an entity's text, and how many entities were put into it, itself included.
type expansion struct {
	text  string
	count int
}

func (x *expander) expand(name string) (*expansion, error) {
	if e, ok := x.known[name]; ok {
		if e == nil {
			return nil, fmt.Errorf("the entity %s refers to itself", name)
		}
		return e, nil
	}
	x.known[name] = nil
	value := x.declared[name]
	e := &expansion{count: 1}
	var b strings.Builder
	last := 0
	for _, m := range entityReference.FindAllStringSubmatchIndex(value, -1) {
		b.WriteString(value[last:m[0]])
		last = m[1]
		inner := value[m[2]:m[3]]
		if _, ok := x.declared[inner]; !ok {
			b.WriteString(standsFor(inner, value[m[0]:m[1]]))
			continue
		}
		part, err := x.expand(inner)
		if err != nil {
			return nil, err
		}
		e.count += part.count
		b.WriteString(part.text)
		if e.count > maxExpansions || b.Len() > maxEntityBytes {
			break
		}
	}
	b.WriteString(value[last:])
	if e.text = b.String(); e.count > maxExpansions || len(e.text) > maxEntityBytes {
		return nil, fmt.Errorf("the entity %s expands more than %d entities, or to more than %d bytes", name, maxExpansions, maxEntityBytes)
	}
	x.known[name] = e
	return e, nil
}

// standsFor returns what a reference in an entity's text is to that no declaration tells of: a character, or itself.
func standsFor(name, reference string) string {
	if text := predefined[name]; text != "" {
		return text
	}
	digits, base := strings.TrimPrefix(name, "#"), 10
	if hex, ok := strings.CutPrefix(digits, "x"); ok {
		digits, base = hex, 16
	}
	if name[0] == '#' {
		if n, err := strconv.ParseUint(digits, base, 32); err == nil && n > 0 && n <= 0x10ffff {
			return string(rune(n))
		}
	}
	return reference
}

// internalSubset cuts a document into the declarations of its DOCTYPE and what comes behind it.
func internalSubset(text string) (subset, body string) {
	begin := strings.Index(text, "<!DOCTYPE")
	if begin < 0 {
		return "", text
	}
	open := false // within the brackets
	for i := begin; i < len(text); {
		rest := text[i:]
		switch {
		case strings.HasPrefix(rest, "<!--"):
			i += through(rest, "-->")
			continue
		case rest[0] == '"' || rest[0] == '\'':
			i += 1 + through(rest[1:], rest[:1])
			continue
		case rest[0] == '[':
			open = true
		case rest[0] == ']':
			open = false
		case rest[0] == '>' && !open:
			return text[begin:i], text[i:]
		}
		i++
	}
	return "", text
}
