package elasticsearch

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"
)

// cursor is the value of the tracking field that the last run got to.
type cursor struct {
	path string // of its file

	mu    sync.Mutex
	value string
	found string // the greatest of the run, "" if there was none
}

// load reads the value of an earlier run, if there was one.
func (c *cursor) load() error {
	data, err := os.ReadFile(c.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("reading the value of the tracking field: %w", err)
	}
	if text := strings.TrimSpace(string(data)); text != "" {
		c.value = text
	}
	return nil
}

// inject puts the values into a query. What stands for the present is half a minute ago: what came later may not be visible on all shards.
func (c *cursor) inject(query string, now time.Time) string {
	query = strings.ReplaceAll(query, ":last_value", c.value)
	return strings.ReplaceAll(query, ":present", now.Add(-30*time.Second).UTC().Format(time.RFC3339Nano))
}

// see keeps a value if it is the greatest of the run.
func (c *cursor) see(value string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.found == "" || less(c.found, value) {
		c.found = value
	}
}

// less compares numbers as such and all else as text, the form in which times compare.
func less(a, b string) bool {
	x, err := strconv.ParseFloat(a, 64)
	y, err2 := strconv.ParseFloat(b, 64)
	if err == nil && err2 == nil {
		return x < y
	}
	return a < b
}

// save makes what was found the value of the next run.
func (c *cursor) save() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.found == "" {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(c.path), 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(c.path+".tmp", []byte(c.found), 0o600); err != nil {
		return err
	}
	if err := os.Rename(c.path+".tmp", c.path); err != nil {
		return err
	}
	c.value, c.found = c.found, ""
	return nil
}
