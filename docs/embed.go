// Package docs holds the documentation that is part of the program: the texts of the plugins' options, generated from their code.
package docs

import (
	_ "embed" // for options.json
	"encoding/json"
	"fmt"
)

//go:generate go run ../internal/docgen

//go:embed options.json
var optionsJSON []byte

// Plugin is what is known of one plugin beyond its options' types.
type Plugin struct {
	// About says what the plugin does.
	About string `json:"about"`
	// Notes say what else is to be known of its options together.
	Notes string `json:"notes,omitempty"`
	// Options are the texts of its options by name, those that all plugins of its kind have included.
	Options map[string]string `json:"options"`
	// Example is a part of a configuration.
	Example string `json:"example,omitempty"`
}

// Plugins reads the texts of all plugins, by kind/name.
func Plugins() (map[string]Plugin, error) {
	var all map[string]Plugin
	if err := json.Unmarshal(optionsJSON, &all); err != nil {
		return nil, fmt.Errorf("reading the texts of the plugins: %w", err)
	}
	return all, nil
}
