package kafkaclient

import (
	"errors"
	"fmt"
	"strings"
)

// login is one entry of a JAAS configuration: the class of a login module and its options.
type login struct {
	module  string
	options map[string]string
}

// name returns the module's class without its package.
func (l *login) name() string { return l.module[strings.LastIndexByte(l.module, '.')+1:] }

// parseJAAS reads the first login of a text: either the entry alone, as sasl_jaas_config has it, or a file of sections of which the one
// called KafkaClient counts. Its errors do not quote the text, which holds passwords.
func parseJAAS(text string) (*login, error) {
	p := &jaasParser{rest: text}
	first, err := p.token()
	if err != nil {
		return nil, err
	}
	second, err := p.token()
	if err != nil {
		return nil, err
	}
	if second.text != "{" || second.quoted {
		return p.entry(first, second)
	}
	for name := first; ; {
		l, err := p.section()
		if err != nil {
			return nil, err
		}
		if name.text == "KafkaClient" {
			return l, nil
		}
		if name, err = p.token(); err != nil {
			return nil, err
		}
		if name.text == "" && !name.quoted {
			return nil, errors.New("there is no section KafkaClient")
		}
		if open, err := p.token(); err != nil || open.text != "{" {
			return nil, errors.Join(err, errors.New("expected { after the name of a section"))
		}
	}
}

// section reads to the end of a section and returns its first entry.
func (p *jaasParser) section() (first *login, err error) {
	for {
		module, err := p.token()
		if err != nil {
			return nil, err
		}
		if module.text == "}" && !module.quoted {
			break
		}
		flag, err := p.token()
		if err != nil {
			return nil, err
		}
		l, err := p.entry(module, flag)
		if err != nil {
			return nil, err
		}
		if first == nil {
			first = l
		}
	}
	if first == nil {
		return nil, errors.New("a section without a login module")
	}
	if end, err := p.token(); err != nil || end.text != ";" {
		return nil, errors.Join(err, errors.New("expected ; after a section"))
	}
	return first, nil
}

// entry reads the options of an entry whose class and flag are read.
func (p *jaasParser) entry(module, flag jaasToken) (*login, error) {
	switch strings.ToLower(flag.text) {
	case "required", "requisite", "sufficient", "optional":
	default:
		return nil, errors.New("expected the class of a login module, and required")
	}
	l := &login{module: module.text, options: make(map[string]string)}
	for {
		key, err := p.token()
		if err != nil {
			return nil, err
		}
		if key.text == ";" && !key.quoted {
			return l, nil
		}
		if key.text == "" {
			return nil, errors.New("expected ; after the options of the login module")
		}
		eq, err := p.token()
		if err != nil {
			return nil, err
		}
		if eq.text != "=" || eq.quoted {
			return nil, errors.New("expected = after the name of an option of the login module")
		}
		value, err := p.token()
		if err != nil {
			return nil, err
		}
		if !value.quoted && strings.Contains("=;{}", value.text) {
			return nil, fmt.Errorf("option %s of the login module has no value", key.text)
		}
		l.options[key.text] = value.text
	}
}

type jaasToken struct {
	text   string // "" and not quoted: the end
	quoted bool
}

type jaasParser struct{ rest string }

const jaasSpace = " \t\r\n"

// token reads a word, a quoted text or a sign; an empty token is the end.
func (p *jaasParser) token() (jaasToken, error) {
	for {
		p.rest = strings.TrimLeft(p.rest, jaasSpace)
		switch {
		case strings.HasPrefix(p.rest, "//"):
			_, p.rest, _ = strings.Cut(p.rest, "\n")
			continue
		case strings.HasPrefix(p.rest, "/*"):
			_, after, ok := strings.Cut(p.rest[2:], "*/")
			if !ok {
				return jaasToken{}, errors.New("a comment without an end")
			}
			p.rest = after
			continue
		}
		break
	}
	if p.rest == "" {
		return jaasToken{}, nil
	}
	switch c := p.rest[0]; c {
	case '=', ';', '{', '}':
		p.rest = p.rest[1:]
		return jaasToken{text: string(c)}, nil
	case '"', '\'':
		return p.quoted(c)
	}
	n := strings.IndexAny(p.rest, jaasSpace+`=;{}"'`)
	if n < 0 {
		n = len(p.rest)
	}
	t := jaasToken{text: p.rest[:n]}
	p.rest = p.rest[n:]
	return t, nil
}

// quoted reads a text in quotes, in which a backslash stands before what it takes literally.
func (p *jaasParser) quoted(quote byte) (jaasToken, error) {
	var b strings.Builder
	for i := 1; i < len(p.rest); i++ {
		switch c := p.rest[i]; {
		case c == quote:
			p.rest = p.rest[i+1:]
			return jaasToken{b.String(), true}, nil
		case c == '\\' && i+1 < len(p.rest):
			i++
			switch p.rest[i] {
			case 'n':
				b.WriteByte('\n')
			case 't':
				b.WriteByte('\t')
			case 'r':
				b.WriteByte('\r')
			default:
				b.WriteByte(p.rest[i])
			}
		default:
			b.WriteByte(c)
		}
	}
	return jaasToken{}, errors.New("a quoted text without an end")
}
