package plugin

import "millrace/pipeline/config"

// Describe returns the plugin's own options and those that all plugins of its kind have. doc gives the documentation of an option by
// its name; it may be nil.
func (d *Definition) Describe(doc map[string]string) (own, common []config.OptionInfo) {
	own = config.Describe(d.Options(), doc)
	switch d.Kind {
	case InputKind:
		common = append(config.Describe(&inputOptions{}, doc), config.Describe(&charsetOption{}, doc)...)
	case FilterKind:
		common = config.Describe(&filterOptions{}, doc)
	case OutputKind:
		common = append(config.Describe(new(defaultOutputOptions()), doc), config.Describe(&tagsOption{}, doc)...)
	}
	return own, common
}
