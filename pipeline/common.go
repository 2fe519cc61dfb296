package pipeline

import (
	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

// succeed applies the common options of a filter that matched, in Logstash's order (filters/base.rb, filter_matched): add_field,
// remove_field, add_tag, remove_tag. What cannot be applied to e ends the row and tags the event with the filter's own failure tag.
func succeed(c *plugin.Common, e *event.Event) error {
	for i := range c.AddField {
		if err := c.AddField[i].Apply(e); err != nil {
			return err
		}
	}
	if c.Removed != nil {
		e.RemoveAll(c.Removed)
	} else if err := remove(c, e); err != nil {
		return err
	}
	for i := range c.AddTag {
		tag, err := c.AddTag[i].Text(e)
		if err != nil {
			return err
		}
		e.AppendTag(tag)
	}
	for i := range c.RemoveTag {
		tag, err := c.RemoveTag[i].Text(e)
		if err != nil {
			return err
		}
		e.Untag(tag)
	}
	return nil
}

// remove removes the fields of references that depend on e.
func remove(c *plugin.Common, e *event.Event) error {
	var scratch event.Path
	for i := range c.RemoveField {
		p, err := c.RemoveField[i].Resolve(e, &scratch)
		if err != nil {
			return err
		}
		e.Remove(p)
	}
	return nil
}
