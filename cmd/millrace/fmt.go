package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"

	"millrace/internal/linediff"
	"millrace/pipeline/config"
)

// formatOptions are the flags of millrace fmt.
type formatOptions struct{ write, diff, list bool }

// fmtCommand formats pipeline files.
func (p *program) fmtCommand() *cobra.Command {
	var o formatOptions
	cmd := &cobra.Command{
		Use:   "fmt [-w] [-d] [-l] [FILE…]",
		Short: "Format pipeline files",
		Long: `Format pipeline files in the usual style: two blanks for each level, one option on a line, arrows of neighbouring lines under one
another. Comments, texts and the order of everything stay, and so does the meaning.

Without a FILE the standard input is formatted; a folder stands for its *.conf files. Without flags the result is printed.
As gofmt does, it exits with 2 if a file cannot be read or has syntax errors, and with 1 if -d found differences.`,
		Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, files []string) error { return p.format(&o, cmd.InOrStdin(), files) },
	}
	f := cmd.Flags()
	f.BoolVarP(&o.write, "write", "w", false, "write the result to the file")
	f.BoolVarP(&o.diff, "diff", "d", false, "print what would change")
	f.BoolVarP(&o.list, "list", "l", false, "print the names of files that would change")
	return cmd
}

func (p *program) format(o *formatOptions, in io.Reader, files []string) error {
	if len(files) == 0 {
		if o.write {
			return fmt.Errorf("-w cannot be used with the standard input")
		}
		text, err := io.ReadAll(in)
		if err != nil {
			return err
		}
		return p.exitCode(p.formatText(o, "<standard input>", text))
	}
	failed, differs := false, false
	for _, name := range files {
		names := []string{name}
		if info, err := os.Stat(name); err == nil && info.IsDir() {
			if names, err = filepath.Glob(filepath.Join(name, "*.conf")); err != nil {
				return err
			}
			slices.Sort(names)
		}
		for _, name := range names {
			changed, err := p.formatFile(o, name)
			if err != nil {
				failed = true
				_, _ = fmt.Fprintln(p.err, err)
			}
			differs = differs || changed
		}
	}
	switch {
	case failed:
		return exitError(2)
	case differs && o.diff:
		return exitError(1)
	}
	return nil
}

// exitCode turns the outcome for the standard input into that of the command.
func (p *program) exitCode(differs bool, err error) error {
	if err != nil {
		_, _ = fmt.Fprintln(p.err, err)
		return exitError(2)
	}
	if differs {
		return exitError(1)
	}
	return nil
}

func (p *program) formatFile(o *formatOptions, name string) (differs bool, err error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return false, err
	}
	return p.formatText(o, name, text)
}

// formatText does what the flags ask for with one text, and reports whether its format was another and -d was given.
func (p *program) formatText(o *formatOptions, name string, text []byte) (differs bool, err error) {
	if _, diags := config.Parse(name, text, config.ParseOptions{}); diags.HasErrors() {
		return false, diags.Err()
	}
	out, err := config.Format(text)
	if err != nil {
		return false, err
	}
	changed := !bytes.Equal(text, out)
	if o.list && changed {
		if _, err := fmt.Fprintln(p.out, name); err != nil {
			return false, err
		}
	}
	if o.diff && changed {
		if _, err := io.WriteString(p.out, linediff.Unified(name+".orig", name, string(text), string(out))); err != nil {
			return false, err
		}
	}
	if o.write && changed {
		if err := replaceFile(name, out); err != nil {
			return false, err
		}
	}
	if !o.list && !o.diff && !o.write {
		_, err = p.out.Write(out)
	}
	return changed && o.diff, err
}

// replaceFile writes a file so that it is never there in part. A link stays one.
func replaceFile(name string, text []byte) error {
	if target, err := filepath.EvalSymlinks(name); err == nil {
		name = target
	}
	info, err := os.Stat(name)
	if err != nil {
		return err
	}
	tmp, err := os.CreateTemp(filepath.Dir(name), filepath.Base(name)+".fmt-")
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(tmp.Name()) }() // it is not there any more if all went well
	if _, err = tmp.Write(text); err == nil {
		err = tmp.Chmod(info.Mode().Perm())
	}
	if errClose := tmp.Close(); err == nil {
		err = errClose
	}
	if err != nil {
		return err
	}
	return os.Rename(tmp.Name(), name)
}
