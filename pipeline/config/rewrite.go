package config

// RewritePlugins returns a copy of f in which each plugin of a section of a kind is what rewrite makes of it: other statements in its
// place, or none. f stays as it is; the copy shares what was not rewritten.
func RewritePlugins(f *File, rewrite func(kind string, p *PluginNode) []Statement) *File {
	out := *f
	out.Sections = nil
	for _, sec := range f.Sections {
		s := *sec
		s.Body = RewriteStatements(sec.Kind, sec.Body, rewrite)
		out.Sections = append(out.Sections, &s)
	}
	return &out
}

// RewriteStatements is RewritePlugins for a part of a section.
func RewriteStatements(kind string, body []Statement, rewrite func(kind string, p *PluginNode) []Statement) []Statement {
	var out []Statement
	for _, st := range body {
		switch st := st.(type) {
		case *IfNode:
			n := *st
			n.Branches = nil
			for _, br := range st.Branches {
				b := *br
				b.Body = RewriteStatements(kind, br.Body, rewrite)
				n.Branches = append(n.Branches, &b)
			}
			out = append(out, &n)
		case *PluginNode:
			out = append(out, rewrite(kind, st)...)
		}
	}
	return out
}
