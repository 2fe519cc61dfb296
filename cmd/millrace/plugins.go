package main

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"millrace/docs"
	"millrace/pipeline/config"
	"millrace/pipeline/plugin"
)

// pluginsCommand lists plugins, or describes one.
func (p *program) pluginsCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "plugins [KIND/NAME]",
		Short:   "List the plugins, or the options of one",
		Example: "  millrace plugins\n  millrace plugins filter/mutate",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return p.listPlugins()
			}
			return p.describePlugin(args[0])
		},
	}
}

func (p *program) listPlugins() error {
	for _, d := range p.reg.All() {
		line := string(d.Kind) + "/" + d.Name
		if len(d.Aliases) > 0 {
			line += " (also " + strings.Join(d.Aliases, ", ") + ")"
		}
		if _, err := fmt.Fprintln(p.out, line); err != nil {
			return err
		}
	}
	return nil
}

func (p *program) describePlugin(name string) error {
	var found []*plugin.Definition
	for _, d := range p.reg.All() {
		if full := string(d.Kind) + "/" + d.Name; full == name || d.Name == name {
			found = append(found, d)
		}
	}
	if len(found) == 0 {
		return fmt.Errorf("there is no plugin %q; millrace plugins lists them", name)
	}
	for i, d := range found {
		if i > 0 {
			if _, err := io.WriteString(p.out, "\n"); err != nil {
				return err
			}
		}
		if err := p.describe(d); err != nil {
			return err
		}
	}
	return nil
}

func (p *program) describe(d *plugin.Definition) error {
	all, err := docs.Plugins()
	if err != nil {
		return err
	}
	about := all[string(d.Kind)+"/"+d.Name]
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s", d.Kind, d.Name)
	if len(d.Aliases) > 0 {
		fmt.Fprintf(&b, " (also %s)", strings.Join(d.Aliases, ", "))
	}
	b.WriteByte('\n')
	wrap(&b, about.About, "  ")
	if about.Notes != "" {
		b.WriteByte('\n')
		wrap(&b, about.Notes, "  ")
	}
	own, common := d.Describe(about.Options)
	writeOptions(&b, "Options", own)
	writeOptions(&b, "Options of every "+string(d.Kind), common)
	if about.Example != "" {
		b.WriteString("\nExample\n")
		for line := range strings.Lines(about.Example) {
			b.WriteString("  " + line)
		}
	}
	_, err = io.WriteString(p.out, b.String())
	return err
}

// writeOptions writes the options of today with their texts, then those of old releases in a line each.
func writeOptions(b *strings.Builder, title string, options []config.OptionInfo) {
	if len(options) == 0 {
		return
	}
	fmt.Fprintf(b, "\n%s\n", title)
	var old []string
	for i := range options {
		o := &options[i]
		if o.Removed+o.Obsolete+o.Deprecated != "" {
			old = append(old, fmt.Sprintf("  %s: %s\n", o.Name, note(o)))
			continue
		}
		fmt.Fprintf(b, "  %s  %s\n", o.Name, strings.Join(facts(o), ", "))
		wrap(b, o.Doc, "      ")
	}
	for _, line := range old {
		b.WriteString(line)
	}
}

// facts are the type of an option and what is given if it is not.
func facts(o *config.OptionInfo) []string {
	kind := o.Type
	if o.Unit != "" {
		kind += " in " + o.Unit
	}
	list := []string{kind}
	if n := note(o); n != "" {
		list = append(list, n)
	}
	if o.Default != "" {
		list = append(list, "default "+o.Default)
	}
	return list
}

// textWidth is how wide texts are printed.
const textWidth = 100

// wrap writes a text in lines behind a margin. Indented lines stay as they are.
func wrap(b *strings.Builder, text, margin string) {
	for paragraph := range strings.SplitSeq(text, "\n") {
		if paragraph == "" || strings.HasPrefix(paragraph, "\t") || strings.HasPrefix(paragraph, "  ") {
			b.WriteString(strings.TrimRight(margin+paragraph, " ") + "\n")
			continue
		}
		line := margin
		for word := range strings.FieldsSeq(paragraph) {
			switch {
			case line == margin:
				line += word
			case utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) > textWidth:
				b.WriteString(line + "\n")
				line = margin + word
			default:
				line += " " + word
			}
		}
		b.WriteString(line + "\n")
	}
}

// note says what is special about an option.
func note(o *config.OptionInfo) string {
	switch {
	case o.Required:
		return "required"
	case o.Removed != "":
		return "removed: " + o.Removed
	case o.Obsolete != "":
		return "obsolete: " + o.Obsolete
	case o.Deprecated != "":
		return "deprecated: " + o.Deprecated
	case len(o.Enum) > 0:
		return "one of " + strings.Join(o.Enum, ", ")
	}
	return ""
}
