package patterns

import (
	"embed"
	"fmt"
	"path"
	"strings"
	"sync"
)

// Mode selects one of the two sets of the library.
type Mode uint8

const (
	// Legacy names the fields as Logstash did before version 8: clientip, response.
	Legacy Mode = iota

	// ECS names them after the Elastic Common Schema, nested and with types: [source][address],
	// [http][response][status_code]:int.
	ECS
)

// String returns "legacy" or "ecs-v1", the names of the sets in Logstash.
func (m Mode) String() string {
	if m == ECS {
		return "ecs-v1"
	}
	return "legacy"
}

//go:embed library/*.grok
var libraryFiles embed.FS

// The sets are parsed when they are first asked for and never change.
var libraries = [2]func() *Set{
	Legacy: sync.OnceValue(func() *Set { return mustParseLibrary(Legacy) }),
	ECS:    sync.OnceValue(func() *Set { return mustParseLibrary(ECS) }),
}

// Library returns the patterns that come with the program. The set is shared: Extend it before adding to it.
func Library(m Mode) *Set {
	return libraries[m]()
}

func mustParseLibrary(m Mode) *Set {
	s := &Set{defs: make(map[string]Definition, 512)}
	s.Add(Definition{Name: "IPV6", Text: ipv6(), Origin: "library core"})
	files, err := libraryFiles.ReadDir("library")
	if err != nil {
		panic(fmt.Sprintf("BUG: listing the embedded grok patterns: %s", err))
	}
	for _, f := range files {
		text, err := libraryFiles.ReadFile("library/" + f.Name())
		if err != nil {
			panic(fmt.Sprintf("BUG: reading embedded grok patterns: %s", err))
		}
		group := strings.TrimSuffix(f.Name(), path.Ext(f.Name()))
		if err := s.addLibraryFile(string(text), group, m); err != nil {
			panic(fmt.Sprintf("BUG: embedded grok patterns in %s: %s", f.Name(), err))
		}
	}
	return s
}

// addLibraryFile reads one of our own files. Besides what a pattern file of a user has, they have sections ([both],
// [legacy], [ecs]), lines that go on ("  >" at the beginning, the text behind it is appended), and names of captures for
// both sets in one text: %{IP:clientip|[source][ip]}, (?<duration|[event][duration]>...). A side that is empty captures
// nothing in its set.
func (s *Set) addLibraryFile(text, group string, m Mode) error {
	section, wanted := "", "legacy"
	if m == ECS {
		wanted = "ecs"
	}
	var name, body string
	flush := func() error {
		if name == "" || section != "both" && section != wanted {
			return nil
		}
		if _, twice := s.defs[name]; twice {
			return fmt.Errorf("%s is defined twice", name)
		}
		side, err := oneSide(body, m)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		s.Add(Definition{Name: name, Text: side, Origin: "library " + group})
		return nil
	}
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		if more, ok := strings.CutPrefix(line, "  >"); ok {
			body += more
			continue
		}
		if err := flush(); err != nil {
			return err
		}
		name = ""
		switch {
		case line == "" || line[0] == '#':
		case line[0] == '[':
			section = strings.Trim(line, "[]")
		default:
			name, body, _ = strings.Cut(line, " ")
		}
	}
	return flush()
}

// oneSide resolves the captures that are named for both sets.
func oneSide(body string, m Mode) (string, error) {
	var b strings.Builder
	for {
		open, shut := strings.Index(body, "%{"), byte('}')
		if group := indexGroup(body); group >= 0 && (open < 0 || group < open) {
			open, shut = group, '>'
		}
		if open < 0 {
			b.WriteString(body)
			return b.String(), nil
		}
		length := strings.IndexByte(body[open:], shut)
		if length < 0 {
			return "", fmt.Errorf("no %q behind %q", shut, body[open:])
		}
		b.WriteString(body[:open])
		b.WriteString(oneName(body[open:open+length], m))
		body = body[open+length:]
	}
}

// indexGroup finds the next named group.
func indexGroup(s string) int {
	from := 0
	for {
		i := strings.Index(s[from:], "(?<")
		if i < 0 {
			return -1
		}
		i += from
		if rest := s[i+3:]; rest != "" && rest[0] != '=' && rest[0] != '!' {
			return i
		}
		from = i + 3
	}
}

// oneName resolves "%{IP:a|b" to "%{IP:a" or "%{IP:b", and "(?<a|b" likewise.
func oneName(token string, m Mode) string {
	legacy, ecs, both := strings.Cut(token, "|")
	if !both {
		return token
	}
	head, _, colon := strings.Cut(legacy, ":")
	if !colon {
		head = "(?<"
	}
	name := ecs
	if m == Legacy {
		return strings.TrimSuffix(legacy, ":")
	}
	if !colon {
		return head + name
	}
	if name == "" {
		return head
	}
	return head + ":" + name
}
