package plugin

import (
	"path/filepath"
	"sync"
)

// Shared is what the plugins of one pipeline have in common, for those that work on one thing together (the aggregate filters of one task), or those of all
// pipelines (the ruby filters). It lives as long as the pipeline or the process.
type Shared struct {
	mu     sync.Mutex
	m      map[string]any
	claims map[string]string // of files, by whom
}

// Of returns what is kept under a key, which make makes for whoever asks first. What it returns guards itself.
func (s *Shared) Of(key string, make func() any) any {
	s.mu.Lock()
	defer s.mu.Unlock()
	v, ok := s.m[key]
	if !ok {
		v = make()
		if s.m == nil {
			s.m = map[string]any{}
		}
		s.m[key] = v
	}
	return v
}

// Claim notes that the plugin with an id keeps what it has to know after a restart in a file, and returns the id of another that said so before, "" if none did.
func (s *Shared) Claim(file, id string) (other string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	file = filepath.Clean(file)
	if other = s.claims[file]; other == id {
		other = ""
	}
	if s.claims == nil {
		s.claims = make(map[string]string)
	}
	s.claims[file] = id
	return other
}
