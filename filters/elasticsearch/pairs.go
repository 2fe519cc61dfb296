package elasticsearch

import (
	"fmt"

	"millrace/pipeline/config"
)

// pairs is an option that may be a hash, or an array: of keys and values in turn, of arrays with one of each, or of hashes.
type pairs []pair

type pair struct {
	Key   string
	Value config.Value
}

// UnmarshalOption reads any of the forms.
func (p *pairs) UnmarshalOption(v config.Value) error {
	if v.Type == config.TypeHash {
		for _, e := range v.Hash {
			*p = append(*p, pair{e.Key, e.Value})
		}
		return nil
	}
	if v.Type != config.TypeArray {
		return fmt.Errorf("must be a hash, got %s", v.Inspect())
	}
	items := v.Items
	for len(items) > 0 {
		first := items[0]
		switch {
		case first.Type == config.TypeHash, first.Type == config.TypeArray && len(first.Items) == 2:
			if err := p.UnmarshalOption(first); err != nil {
				return err
			}
			items = items[1:]
		case first.Type == config.TypeString && len(items) > 1:
			*p = append(*p, pair{first.Str, items[1]})
			items = items[2:]
		default:
			return fmt.Errorf("must be a hash; %s in the array has no value", first.Inspect())
		}
	}
	return nil
}

// OptionType names the type for descriptions.
func (pairs) OptionType() string { return "hash" }
