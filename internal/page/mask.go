package page

import (
	"regexp"
	"slices"
	"strings"
	"sync"

	"millrace/pipeline/config"
	"millrace/pipeline/plugin"
)

// hidden stands for a secret.
const hidden = "<hidden>"

// secretName is a name whose value is a secret where nothing better is known.
var secretName = regexp.MustCompile(`(?i)passw|passphrase|passwd|secret|token|api[-_]?key|access[-_]?key|private[-_]?key|account[-_]?key|credential|authorization|cookie|cloud_auth|sasl_jaas|hub_connection|storage_connection`)

// What looks like a secret wherever it stands: user information of a URL, name=value, and an option in a comment.
var (
	userInfo  = regexp.MustCompile(`([A-Za-z][A-Za-z0-9+.-]*://)[^/\s"'@]+@`)
	pairText  = regexp.MustCompile(`(?i)((?:passw(?:or)?d|pwd|secret|token|api[-_]?key|account[-_]?key|access[-_]?key|access[-_]?signature)\s*=\s*)(\\?["'])?([^\s"'&;,>=~][^\s"'&;,]*)`)
	arrowText = regexp.MustCompile(`(?i)((?:[a-z0-9_.-]*(?:passw|passphrase|secret|token|api[-_]?key|credential|authorization)[a-z0-9_.-]*)["']?\s*=>\s*)("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|[^\s#]+)`)
	bearer    = regexp.MustCompile(`(?i)\b((?:basic|bearer|apikey)\s+)[A-Za-z0-9+/=._~-]{8,}`)
)

// hideLoose hides in any text what looks like a secret.
func hideLoose(s string) string {
	s = userInfo.ReplaceAllString(s, "${1}"+hidden+"@")
	s = bearer.ReplaceAllString(s, "${1}"+hidden)
	return pairText.ReplaceAllString(s, "${1}"+hidden)
}

// masker hides the secrets of configurations.
type masker struct {
	reg  *plugin.Registry
	kept *coverCache // nil: nothing is kept
}

// coverCache keeps the covers of files, which are asked for at every look at a page and cost a walk through the options of each plugin.
type coverCache struct {
	mu    sync.Mutex
	files map[*config.File][]cover // guarded by mu
}

// maxKept bounds the files whose covers are kept; a reload makes new ones.
const maxKept = 256

// cover is a part of a text and what is shown in its place.
type cover struct {
	start, end int
	text       string
}

// covers lists the secrets of a file.
func (m masker) covers(f *config.File) []cover {
	if m.kept == nil {
		return m.find(f)
	}
	m.kept.mu.Lock()
	defer m.kept.mu.Unlock()
	out, ok := m.kept.files[f]
	if !ok {
		out = m.find(f)
		if m.kept.files == nil || len(m.kept.files) >= maxKept {
			m.kept.files = make(map[*config.File][]cover)
		}
		m.kept.files[f] = out
	}
	return out
}

func (m masker) find(f *config.File) []cover {
	var out []cover
	for _, s := range f.Sections {
		config.Walk(s.Body, func(n *config.PluginNode) { out = m.plugin(out, n) })
	}
	for _, c := range f.Comments {
		old := f.Text[c.Start:c.End]
		if text := arrowText.ReplaceAllString(old, `${1}"`+hidden+`"`); text != old {
			out = append(out, cover{c.Start, c.End, text})
		}
	}
	slices.SortFunc(out, func(a, b cover) int { return a.start - b.start })
	return out
}

// plugin covers the secret options of a plugin and of the codec inside it.
func (m masker) plugin(out []cover, n *config.PluginNode) []cover {
	types := m.types(n)
	for _, a := range n.Attributes {
		kind, known := types[a.Name]
		switch {
		case strings.Contains(kind, "password"), !known && secretName.MatchString(a.Name), kind == "string" && secretName.MatchString(a.Name):
			out = coverValue(out, a.Value)
		default:
			out = m.inside(out, a.Value)
		}
	}
	return out
}

// inside covers entries of hashes whose keys are names of secrets, and what nested plugins have.
func (m masker) inside(out []cover, x config.Expr) []cover {
	switch x := x.(type) {
	case *config.HashLit:
		for _, e := range x.Entries {
			if secretName.MatchString(keyOf(e.Key)) {
				out = coverValue(out, e.Value)
			} else {
				out = m.inside(out, e.Value)
			}
		}
	case *config.Array:
		// An array may stand for a hash: [ "Authorization", "…" ].
		for i, item := range x.Items {
			if i%2 == 1 && secretName.MatchString(keyOf(x.Items[i-1])) {
				out = coverValue(out, item)
			} else {
				out = m.inside(out, item)
			}
		}
	case *config.PluginNode:
		out = m.plugin(out, x)
	}
	return out
}

func keyOf(x config.Expr) string {
	switch x := x.(type) {
	case *config.String:
		return x.Text
	case *config.Bareword:
		return x.Text
	}
	return ""
}

func coverValue(out []cover, x config.Expr) []cover {
	r := x.Range()
	return append(out, cover{r.Start, r.End, `"` + hidden + `"`})
}

// types returns the types of a plugin's options by name; nil if the plugin is not known.
func (m masker) types(n *config.PluginNode) map[string]string {
	if m.reg == nil {
		return nil
	}
	d := m.reg.Lookup(plugin.Kind(n.Kind), n.Name)
	if d == nil {
		return nil
	}
	out := make(map[string]string)
	own, common := d.Describe(nil)
	for _, o := range append(slices.Clip(common), own...) {
		out[o.Name] = o.Type
		for _, alias := range o.Aliases {
			out[alias] = o.Type
		}
	}
	return out
}

// text returns a part of the file's text without its secrets.
func (m masker) text(f *config.File, covers []cover, start, end int) string {
	var b strings.Builder
	at := start
	for _, c := range covers {
		if c.end <= at || c.start >= end {
			continue
		}
		if c.start > at {
			b.WriteString(f.Text[at:c.start])
		}
		b.WriteString(c.text)
		at = min(c.end, end)
	}
	if at < end {
		b.WriteString(f.Text[at:end])
	}
	return hideLoose(b.String())
}

// quoted is a quoted part of a message.
var quoted = regexp.MustCompile(`"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'`)

// message returns what a diagnostic says. If it is about a secret, what it quotes is not shown.
func (m masker) message(text string, about bool) string {
	if about {
		text = quoted.ReplaceAllString(text, `"`+hidden+`"`)
	}
	return hideLoose(text)
}
