package useragent

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/ua-parser/uap-go/uaparser"
	"go.yaml.in/yaml/v3"

	"millrace/internal/onig"
)

// builtIn is the table that comes with the program: the patterns of the module uap-go, run by our own engine. Its own one takes Go's regexp
// through all of them, a millisecond for each text.
var builtIn = sync.OnceValue(func() *table {
	t, err := parseTable(corrections.Replace(uaparser.DefinitionYaml))
	if err != nil {
		panic("BUG: the user agent patterns that come with the program: " + err.Error())
	}
	return t
})

// corrections mends a pattern whose dots, which are to match dots, match anything: "Mac OS X Version 10.14.4 (Build 18E226)" became 18.2.6.
var corrections = correction{`Mac OS X\s.{1,50}\s(\d+).(\d+).(\d+)`, `Mac OS X\s.{1,50}\s(\d+)\.(\d+)\.(\d+)`}

type correction struct{ from, to string }

// Replace returns data with the pattern mended, if it is still there.
func (c correction) Replace(data []byte) []byte {
	return bytes.Replace(data, []byte("'"+c.from+"'"), []byte("'"+c.to+"'"), 1)
}

// table is a compiled regexes.yaml.
type table struct{ agents, systems, devices []pattern }

// pattern is one entry of the table.
type pattern struct {
	re    *onig.Regexp
	pairs [3]uint16 // slots of pairs of bytes that every match contains
	n     int
	repl  [5]string // templates of the findings: family and four parts of a version
}

// entry is one entry of the file. Replacements that are missing stand for a group.
type entry struct {
	Regex  string `yaml:"regex"`
	Flag   string `yaml:"regex_flag"`
	Family string `yaml:"family_replacement"`
	V1     string `yaml:"v1_replacement"`
	V2     string `yaml:"v2_replacement"`
	V3     string `yaml:"v3_replacement"`
	OS     string `yaml:"os_replacement"`
	OSV1   string `yaml:"os_v1_replacement"`
	OSV2   string `yaml:"os_v2_replacement"`
	OSV3   string `yaml:"os_v3_replacement"`
	OSV4   string `yaml:"os_v4_replacement"`
	Device string `yaml:"device_replacement"`
}

func parseTable(data []byte) (*table, error) {
	var file struct {
		Agents  []entry `yaml:"user_agent_parsers"`
		Systems []entry `yaml:"os_parsers"`
		Devices []entry `yaml:"device_parsers"`
	}
	if err := yaml.Unmarshal(data, &file); err != nil {
		return nil, err
	}
	if len(file.Agents)+len(file.Systems)+len(file.Devices) == 0 {
		return nil, errors.New("none of user_agent_parsers, os_parsers and device_parsers has an entry")
	}
	t := new(table)
	var errs []error
	add := func(dst *[]pattern, section string, list []entry, repl func(*entry) [5]string) {
		for i := range list {
			p, err := newPattern(&list[i], repl(&list[i]))
			if err != nil {
				errs = append(errs, fmt.Errorf("entry %d of %s: %w", i+1, section, err))
				continue
			}
			*dst = append(*dst, p)
		}
	}
	add(&t.agents, "user_agent_parsers", file.Agents, func(e *entry) [5]string { return [5]string{e.Family, e.V1, e.V2, e.V3, ""} })
	add(&t.systems, "os_parsers", file.Systems, func(e *entry) [5]string { return [5]string{e.OS, e.OSV1, e.OSV2, e.OSV3, e.OSV4} })
	add(&t.devices, "device_parsers", file.Devices, func(e *entry) [5]string { return [5]string{e.Device} })
	return t, errors.Join(errs...)
}

func newPattern(e *entry, repl [5]string) (pattern, error) {
	p := pattern{repl: repl}
	if e.Regex == "" {
		return p, errors.New("the regex is missing")
	}
	var opts []onig.Option
	if strings.Contains(e.Flag, "i") {
		opts = append(opts, onig.IgnoreCase)
	}
	var err error
	if p.re, err = onig.Compile(e.Regex, opts...); err != nil {
		return p, err
	}
	for i := range p.repl {
		if p.repl[i] == "" && p.re.NumCaptures() > i {
			p.repl[i] = "$" + string(rune('1'+i))
		}
	}
	if len(opts) == 0 { // a literal of a pattern that ignores case may stand in the text in another one
		lit := p.re.RequiredLiteral()
		for i := 0; i+1 < len(lit) && p.n < len(p.pairs); i += 1 + (len(lit)-2)/len(p.pairs) {
			p.pairs[p.n] = pairSlot(lit[i], lit[i+1])
			p.n++
		}
	}
	return p, nil
}

const pairSlots = 4096

// pairSlot gives a pair of bytes a slot of the marks that a parser makes of a text.
func pairSlot(a, b byte) uint16 { return (uint16(a)*31 + uint16(b)*97) % pairSlots }

// parser is the scratch space of one worker for a table.
type parser struct {
	*table
	agents, systems, devices []*onig.Matcher
	marks                    [pairSlots]uint32 // the number of the text that last held the pair
	turn                     uint32
	buf                      []byte
}

func (t *table) newParser() *parser {
	return &parser{
		table: t, agents: make([]*onig.Matcher, len(t.agents)), systems: make([]*onig.Matcher, len(t.systems)), devices: make([]*onig.Matcher, len(t.devices)),
	}
}

// parse finds out what it can about a text, which it keeps.
func (p *parser) parse(text string) *agent {
	p.turn++
	for i := 0; i+1 < len(text); i++ {
		p.marks[pairSlot(text[i], text[i+1])] = p.turn
	}
	a := &agent{text: text}
	family := p.first(p.table.agents, p.agents, text)
	a.parts[name], a.parts[major], a.parts[minor], a.parts[patch] = other(family[0]), family[1], family[2], family[3]
	a.parts[version] = dotted(family[1:])
	system := p.first(p.table.systems, p.systems, text)
	a.parts[osName], a.parts[osMajor], a.parts[osMinor], a.parts[osPatch] = other(system[0]), system[1], system[2], system[3]
	a.parts[osVersion] = dotted(system[1:])
	a.parts[osFull] = strings.TrimSpace(a.parts[osName] + " " + a.parts[osVersion])
	a.parts[device] = other(p.first(p.table.devices, p.devices, text)[0])
	return a
}

func other(s string) string {
	if s == "" {
		return "Other"
	}
	return s
}

// dotted joins the parts of a version, up to the first that is missing.
func dotted(parts []string) string {
	n := 0
	for n < len(parts) && parts[n] != "" {
		n++
	}
	return strings.Join(parts[:n], ".")
}

// first returns the findings of the first pattern that matches and names a family.
func (p *parser) first(patterns []pattern, matchers []*onig.Matcher, text string) (found [5]string) {
next:
	for i := range patterns {
		pat := &patterns[i]
		for _, slot := range pat.pairs[:pat.n] {
			if p.marks[slot] != p.turn {
				continue next
			}
		}
		m := matchers[i]
		if m == nil {
			m = pat.re.NewMatcher()
			matchers[i] = m // few of the patterns are ever tried
		}
		if !m.Match(text) {
			continue
		}
		for j, repl := range pat.repl {
			found[j] = p.expand(repl, m, text)
		}
		if found[0] != "" {
			return found
		}
	}
	return found
}

// expand replaces $1 to $9 by groups. Strings that it returns are parts of text where they can be.
func (p *parser) expand(repl string, m *onig.Matcher, text string) string {
	if len(repl) == 2 && repl[0] == '$' {
		return strings.TrimSpace(group(m, repl[1], text))
	}
	if strings.IndexByte(repl, '$') < 0 {
		return repl
	}
	dst := p.buf[:0]
	for i := 0; i < len(repl); i++ {
		if repl[i] == '$' && i+1 < len(repl) && repl[i+1] >= '1' && repl[i+1] <= '9' {
			i++
			dst = append(dst, group(m, repl[i], text)...)
			continue
		}
		dst = append(dst, repl[i])
	}
	p.buf = dst
	return strings.TrimSpace(string(dst))
}

func group(m *onig.Matcher, digit byte, text string) string {
	start, end := m.Group(int(digit - '0'))
	if start < 0 {
		return ""
	}
	return text[start:end]
}
