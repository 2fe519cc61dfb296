package main

import (
	"bytes"
	"fmt"
	"strings"

	"millrace/pipeline/config"
	"millrace/pipeline/plugin"
)

const generated = "<!-- Written by internal/docgen from the plugin's code; `make docs` writes it anew. -->\n\n"

// markdown writes the page of a plugin.
func (p *page) markdown() []byte {
	var b bytes.Buffer
	b.WriteString(generated)
	fmt.Fprintf(&b, "# %s %s\n\n%s\n", p.def.Kind, p.def.Name, escape(p.about.About))
	p.facts(&b)
	if p.about.Notes != "" {
		fmt.Fprintf(&b, "\n%s\n", escape(p.about.Notes))
	}
	if p.about.Example != "" {
		fmt.Fprintf(&b, "\n## Example\n\n```logstash\n%s```\n", p.about.Example)
	}
	current, old := split(p.own)
	if len(current) > 0 {
		b.WriteString("\n## Options\n\n")
		table(&b, current)
		for _, o := range current {
			text(&b, &o)
		}
	}
	if len(old) > 0 {
		b.WriteString("\n## Options of old releases\n\n| option | |\n|---|---|\n")
		for _, o := range old {
			fmt.Fprintf(&b, "| `%s` | %s |\n", o.Name, cell(fate(&o)))
		}
	}
	if current, _ = split(p.common); len(current) > 0 {
		fmt.Fprintf(&b, "\n## Options of every %s\n\n", p.def.Kind)
		b.WriteString("| option | type | |\n|---|---|---|\n")
		for _, o := range current {
			fmt.Fprintf(&b, "| `%s` | %s | %s |\n", o.Name, o.Type, cell(o.Doc))
		}
	}
	return b.Bytes()
}

// facts says what the definition holds beyond options.
func (p *page) facts(b *bytes.Buffer) {
	if len(p.def.Aliases) > 0 {
		fmt.Fprintf(b, "\nAlso known as %s.\n", strings.Join(p.def.Aliases, ", "))
	}
	codec := p.def.DefaultCodec
	if codec == "" && p.def.Kind == plugin.InputKind {
		codec = "plain"
	}
	if codec != "" { // an output without one of its own may write documents and never ask a codec
		fmt.Fprintf(b, "\nIts codec is [%s](codec-%s.md) unless the option codec names another.\n", codec, codec)
	}
	if p.def.NoCommon {
		b.WriteString("\nThe options that every filter has are accepted and have no effect.\n")
	}
}

// split separates the options of today from those that only old configurations have.
func split(options []config.OptionInfo) (current, old []config.OptionInfo) {
	for _, o := range options {
		if o.Deprecated+o.Obsolete+o.Removed != "" {
			old = append(old, o)
		} else {
			current = append(current, o)
		}
	}
	return current, old
}

func table(b *bytes.Buffer, options []config.OptionInfo) {
	b.WriteString("| option | type | default |\n|---|---|---|\n")
	for _, o := range options {
		def := ""
		switch {
		case o.Required:
			def = "**required**"
		case o.Default != "":
			def = "`" + strings.ReplaceAll(o.Default, "|", `\|`) + "`"
		}
		fmt.Fprintf(b, "| [`%s`](#%s) | %s | %s |\n", o.Name, o.Name, cell(typeOf(&o)), def)
	}
}

func typeOf(o *config.OptionInfo) string {
	t := o.Type
	if o.Unit != "" {
		t += " (a plain number is in " + o.Unit + ")"
	}
	if len(o.Enum) > 0 {
		t = "one of " + strings.Join(o.Enum, ", ")
	}
	return t
}

func text(b *bytes.Buffer, o *config.OptionInfo) {
	fmt.Fprintf(b, "\n### %s\n\n%s\n", o.Name, escape(o.Doc))
	if len(o.Aliases) > 0 {
		fmt.Fprintf(b, "\nAlso written %s.\n", strings.Join(o.Aliases, ", "))
	}
}

// fate says what became of an option.
func fate(o *config.OptionInfo) string {
	said := o.Doc
	if said != "" {
		said = " " + said
	}
	switch {
	case o.Removed != "":
		return "refused: " + o.Removed + "." + said
	case o.Obsolete != "":
		return "obsolete, accepted with a warning: " + o.Obsolete + "." + said
	}
	return "deprecated: " + o.Deprecated + "." + said
}

// escape keeps Markdown from reading texts as HTML and references as links.
func escape(s string) string {
	return strings.NewReplacer("<", `\<`, "[", `\[`, "*", `\*`).Replace(s)
}

func cell(s string) string {
	return strings.NewReplacer("|", `\|`, "\n", " ", "<", `\<`, "[", `\[`, "*", `\*`).Replace(s)
}

// index lists all plugins.
func index(pages []*page) []byte {
	var b bytes.Buffer
	b.WriteString(generated)
	b.WriteString("# Plugins\n\n`millrace plugins KIND/NAME` prints the same texts.\n")
	for _, kind := range []plugin.Kind{plugin.InputKind, plugin.CodecKind, plugin.FilterKind, plugin.OutputKind} {
		fmt.Fprintf(&b, "\n## %ss\n\n", kind)
		for _, p := range pages {
			if p.def.Kind == kind {
				first, _, _ := strings.Cut(p.about.About, "\n")
				fmt.Fprintf(&b, "- [%s](%s): %s\n", p.def.Name, fileName(p.def), escape(first))
			}
		}
	}
	return b.Bytes()
}
