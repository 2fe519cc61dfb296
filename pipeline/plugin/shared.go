package plugin

import "sync"

// Shared is what the plugins of one pipeline have in common, for those that work on one thing together (the aggregate filters of one task), or those of all
// pipelines (the ruby filters). It lives as long as the pipeline or the process.
type Shared struct {
	mu sync.Mutex
	m  map[string]any
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
