package file

import (
	"fmt"
	"path/filepath"

	"millrace/internal/fileglob"
)

// newGlob reads a pattern of path.
func newGlob(pattern string) (fileglob.Glob, error) {
	if !filepath.IsAbs(pattern) {
		return fileglob.Glob{}, fmt.Errorf("file paths must be absolute, and %q is relative", pattern)
	}
	return fileglob.New(pattern)
}
