package plugin

import (
	"fmt"
	"slices"
	"strings"
)

// Registry is the set of plugins that configs may name. It is immutable once made.
type Registry struct {
	byName map[string]*Definition // "filter/mutate", aliases included
	all    []*Definition
}

// NewRegistry makes a registry of lists of definitions. Two plugins of one kind and name are a bug.
func NewRegistry(lists ...[]*Definition) *Registry {
	r := &Registry{byName: make(map[string]*Definition)}
	for _, list := range lists {
		for _, d := range list {
			r.all = append(r.all, d)
			for _, name := range append([]string{d.Name}, d.Aliases...) {
				key := string(d.Kind) + "/" + name
				if r.byName[key] != nil {
					panic("BUG: two definitions of " + key)
				}
				r.byName[key] = d
			}
		}
	}
	slices.SortFunc(r.all, func(a, b *Definition) int {
		return strings.Compare(string(a.Kind)+"/"+a.Name, string(b.Kind)+"/"+b.Name)
	})
	return r
}

// All returns the definitions, sorted by kind and name.
func (r *Registry) All() []*Definition { return r.all }

// Lookup returns the plugin of a kind and name, nil if there is none.
func (r *Registry) Lookup(kind Kind, name string) *Definition {
	return r.byName[fmt.Sprintf("%s/%s", kind, name)]
}

// names returns all names of a kind, aliases included.
func (r *Registry) names(kind Kind) []string {
	var names []string
	for key := range r.byName {
		if name, ok := strings.CutPrefix(key, string(kind)+"/"); ok {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}
