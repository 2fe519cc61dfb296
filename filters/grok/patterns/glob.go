package patterns

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"millrace/internal/fileglob"
	"millrace/pipeline/plugin"
)

// AddPath adds the pattern files that a path names: a file, the files of a directory whose names match glob, or the files
// that match a path with wildcards. Files are read in the order of their names, and what is defined later wins; folders
// in a directory are left out, and so are files whose names begin with a dot.
//
// A path without wildcards has to exist. One with wildcards that matches nothing adds nothing.
func (s *Set) AddPath(path, glob string) error {
	info, err := os.Stat(path)
	var files []string
	switch {
	case err == nil && info.IsDir():
		files, err = globFiles(path, glob)
	case err == nil:
		files = []string{path}
	case strings.ContainsAny(path, "*?[{"):
		files, err = globFiles("", path)
	default:
		return fmt.Errorf("reading grok patterns: %w", err)
	}
	if err != nil {
		return err
	}
	for _, file := range files {
		if err := s.AddFile(file); err != nil {
			return err
		}
	}
	return nil
}

// AddOption is AddPath for each path of the option patterns_dir of a plugin; its errors name the option. A path that does not exist is a warning: as long as no
// pattern is missed, Logstash runs without it.
func (s *Set) AddOption(env *plugin.Env, paths []string, glob string) error {
	var errs []error
	for _, path := range paths {
		err := s.AddPath(path, glob)
		if errors.Is(err, fs.ErrNotExist) {
			env.Warn("patterns_dir", "%v", err)
		} else if err != nil {
			errs = append(errs, plugin.OptionError("patterns_dir", err))
		}
	}
	return errors.Join(errs...)
}

// globFiles finds files as Ruby's Dir.glob does: * ? [..] {a,b}, and ** for any number of folders.
func globFiles(dir, glob string) ([]string, error) {
	globs, err := fileglob.Braces(glob)
	if err != nil {
		return nil, err
	}
	var files []string
	for _, one := range globs {
		found, err := globOne(dir, one)
		if err != nil {
			return nil, fmt.Errorf("glob %q: %w", glob, err)
		}
		files = append(files, found...)
	}
	return files, nil
}

func globOne(dir, glob string) ([]string, error) {
	if _, err := filepath.Match(glob, ""); err != nil {
		return nil, err
	}
	root, rest := filepath.Join(dir, glob), ""
	if before, after, ok := strings.Cut(glob, "**/"); ok {
		root, rest = filepath.Join(dir, before), after
	}
	if rest == "" {
		found, err := filepath.Glob(escapeDir(dir, glob))
		if err != nil {
			return nil, err
		}
		return slices.DeleteFunc(found, func(f string) bool { return !isPatternFile(f, filepath.Base(glob)) }), nil
	}
	var found []string
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return nil // a folder that cannot be read matches nothing, as in Ruby
		}
		below := strings.TrimPrefix(path[len(root):], string(filepath.Separator))
		for {
			if ok, _ := filepath.Match(rest, below); ok && isPatternFile(path, filepath.Base(rest)) {
				found = append(found, path)
				return nil
			}
			_, deeper, ok := strings.Cut(below, string(filepath.Separator))
			if !ok {
				return nil
			}
			below = deeper
		}
	})
	return found, err
}

// escapeDir joins a directory, in which wildcards are plain characters, with a glob.
func escapeDir(dir, glob string) string {
	if dir == "" {
		return glob
	}
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(dir) + string(filepath.Separator) + glob
}

// isPatternFile leaves out pipes and sockets, too: reading them would wait for a writer.
func isPatternFile(path, glob string) bool {
	if name := filepath.Base(path); name[0] == '.' && glob[0] != '.' {
		return false
	}
	info, err := os.Stat(path)
	return err == nil && info.Mode()&(fs.ModeDir|fs.ModeNamedPipe|fs.ModeSocket) == 0
}
