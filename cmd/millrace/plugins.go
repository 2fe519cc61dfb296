package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

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
	w := tabwriter.NewWriter(p.out, 0, 8, 2, ' ', 0)
	_, _ = fmt.Fprintf(w, "%s %s\n", d.Kind, d.Name) // tabwriter reports errors at Flush
	_, _ = fmt.Fprintln(w, "OPTION\tTYPE\tDEFAULT\t")
	own, common := d.Describe(nil)
	for _, o := range append(own, common...) {
		_, _ = fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", o.Name, o.Type, o.Default, note(&o))
	}
	return w.Flush()
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
