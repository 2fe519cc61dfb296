package plugin

import (
	"millrace/pipeline/config"
	"millrace/pipeline/event"
)

// Common are the options that the pipeline applies for every filter that succeeds.
type Common struct {
	AddField    []event.AddField
	RemoveField []event.PathTemplate
	AddTag      []event.Template
	RemoveTag   []event.Template

	Removed     []*event.Path // RemoveField, if every event has the same; nil otherwise
	OnlyRemoved bool          // there is nothing but Removed
}

// IsZero reports whether there is nothing to apply.
func (c *Common) IsZero() bool {
	return len(c.AddField) == 0 && len(c.RemoveField) == 0 && len(c.AddTag) == 0 && len(c.RemoveTag) == 0
}

// addFields is the option add_field: each value is text, or a list of texts that are added one after the other.
type addFields = config.Pairs[event.PathTemplate, []event.Template]

func compileAddFields(pairs addFields) []event.AddField {
	out := make([]event.AddField, len(pairs))
	for i := range pairs {
		out[i] = event.AddField{Path: pairs[i].Key, Values: pairs[i].Value}
	}
	return out
}

// anyOptions are the options of every plugin.
type anyOptions struct {
	// Name of the plugin in logs, metrics and the monitoring API.
	ID string `opt:"id"`

	// Accepted for Logstash's sake; counting costs next to nothing and is always on.
	EnableMetric bool `opt:"enable_metric"`
}

// filterOptions are the options of every filter.
type filterOptions struct {
	anyOptions

	// Fields to add when the filter succeeds; an existing field becomes a list.
	AddField addFields `opt:"add_field"`

	// Fields to remove when the filter succeeds.
	RemoveField []event.PathTemplate `opt:"remove_field"`

	// Tags to add when the filter succeeds.
	AddTag []event.Template `opt:"add_tag"`

	// Tags to remove when the filter succeeds.
	RemoveTag []event.Template `opt:"remove_tag"`

	// Accepted for Logstash's sake: a filter that has something to flush is flushed.
	PeriodicFlush bool `opt:"periodic_flush"`

	Type        string   `opt:"type,removed=put the filter inside if [type] == \"...\" { }"`
	Tags        []string `opt:"tags,removed=put the filter inside if \"...\" in [tags] { }"`
	ExcludeTags []string `opt:"exclude_tags,removed=put the filter inside if \"...\" not in [tags] { }"`
}

func (o *filterOptions) common() Common {
	c := Common{
		AddField: compileAddFields(o.AddField), RemoveField: o.RemoveField, AddTag: o.AddTag, RemoveTag: o.RemoveTag,
	}
	for i := range c.RemoveField {
		p := c.RemoveField[i].Fixed()
		if p == nil {
			c.Removed = nil
			break
		}
		c.Removed = append(c.Removed, p)
	}
	c.OnlyRemoved = c.Removed != nil && len(c.AddField) == 0 && len(c.AddTag) == 0 && len(c.RemoveTag) == 0
	return c
}

// inputOptions are the options of every input.
type inputOptions struct {
	anyOptions

	// Value of the field type, for events that have none yet.
	Type string `opt:"type"`

	// Tags to add to every event.
	Tags []event.Template `opt:"tags"`

	// Fields to add to every event.
	AddField addFields `opt:"add_field"`

	// How records are cut and decoded.
	Codec codecOption `opt:"codec"`

	Debug         bool   `opt:"debug,obsolete=it has no effect"`
	Format        string `opt:"format,obsolete=choose a codec instead"`
	MessageFormat string `opt:"message_format,obsolete=it has no effect"`
}

// charsetOption is the option of every input that has none of that name itself.
type charsetOption struct {
	Charset string `opt:"charset,obsolete=set the charset of the codec instead"`
}

// outputOptions are the options of every output.
type outputOptions struct {
	anyOptions

	// How events are written.
	Codec codecOption `opt:"codec"`

	// What happens while the output takes no more events, because what it writes to is slow or away. block: the pipeline waits, as in
	// Logstash. spill: events go to disk under path.data, and in their order to the output later, also after a restart, so that the other
	// outputs go on; give the output an id then, as its folder bears it. drop_newest: events are dropped and counted. Millrace's own.
	OnFull string `opt:"on_full,enum=block|spill|drop_newest"`

	// Most bytes on disk with on_full => "spill"; the pipeline waits when they are reached. Millrace's own.
	SpillMaxBytes config.Bytes `opt:"spill_max_bytes"`

	Workers     int      `opt:"workers,deprecated=every pipeline worker writes by itself"`
	Type        string   `opt:"type,removed=put the output inside if [type] == \"...\" { }"`
	ExcludeTags []string `opt:"exclude_tags,removed=put the output inside if \"...\" not in [tags] { }"`
}

// tagsOption is the option of every output that has none of that name itself.
type tagsOption struct {
	Tags []string `opt:"tags,removed=put the output inside if \"...\" in [tags] { }"`
}

// The values of on_full.
const (
	BlockOnFull = "block"
	SpillOnFull = "spill"
	DropOnFull  = "drop_newest"
)

// leastSpill is the least of spill_max_bytes: some pages of a reasonable size.
const leastSpill = 1 << 20

func defaultOutputOptions() outputOptions {
	return outputOptions{OnFull: BlockOnFull, SpillMaxBytes: 1 << 30}
}

// ecsOptions is the option of the plugins that know the Elastic Common Schema; others take it without effect.
type ecsOptions struct {
	// Whether fields are named by the Elastic Common Schema; the pipeline's setting by default.
	ECS string `opt:"ecs_compatibility,enum=disabled|v1|v8"`
}

// codecOption is the option codec: a name, or a codec with its options.
type codecOption struct{ ref *config.PluginRef }

// UnmarshalPlugin implements config.PluginValue.
func (c *codecOption) UnmarshalPlugin(p config.PluginRef) config.Diagnostics {
	c.ref = &p
	return nil
}
