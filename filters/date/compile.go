package date

import (
	"errors"
	"fmt"

	"millrace/internal/joda"
	"millrace/pipeline/config"
	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

// item is one item of match, with its place: the field, or a format.
type item struct{ value config.Value }

// UnmarshalOption takes a string: anything else is a mistake that Logstash finds only when it registers the filter.
func (i *item) UnmarshalOption(v config.Value) error {
	if v.Type != config.TypeString {
		return fmt.Errorf("the field and its formats must be strings, got %s", v.Inspect())
	}
	i.value = v
	return nil
}

// OptionType names the type for descriptions.
func (item) OptionType() string { return "string" }

// New compiles the formats.
func New(o Options, env *plugin.Env) (plugin.Filter, error) {
	c := compiler{env: env}
	options := joda.Options{Locale: o.Locale}
	timezone := c.zone(o.Timezone, &options)
	if o.Locale != "" && !joda.KnownLocale(o.Locale) {
		env.Warn("locale", "the language %q has no names of months and days here: as in Logstash, they are those of English, shortened", o.Locale)
	}
	f := &filter{target: o.Target, tags: o.TagOnFailure, timezone: timezone, stats: env.Stats, now: env.Now}
	keys := o.Target.Keys()
	f.timestamp = !o.Target.IsMetadata() && len(keys) == 1 && keys[0] == event.TimestampField
	c.match(o.Match, options, f)
	if c.errs != nil {
		return nil, errors.Join(c.errs...)
	}
	return f, nil
}

// compiler collects the mistakes of one filter's options.
type compiler struct {
	env  *plugin.Env
	errs []error
}

func (c *compiler) fail(option string, err error) {
	c.errs = append(c.errs, plugin.OptionError(option, err))
}

// zone sets the zone of texts without one, or returns the template that makes its name.
func (c *compiler) zone(t *event.Template, o *joda.Options) *event.Template {
	if t == nil {
		o.Zone = joda.LocalZone()
		return nil
	}
	if !t.Static() {
		if err := t.Err(); err != nil {
			c.env.Warn("timezone", "every event will fail: %v", err)
		}
		o.Zone = joda.UTC // never asked for: each text is read in the zone of its event
		return t
	}
	var err error
	if o.Zone, err = joda.LoadZone(t.String()); err != nil {
		c.fail("timezone", err)
		o.Zone = joda.UTC
	}
	return nil
}

// match compiles the field and its formats.
func (c *compiler) match(items []item, o joda.Options, f *filter) {
	if len(items) < 2 {
		c.fail("match", errors.New("must hold a field and then at least one format"))
		return
	}
	field := items[0].value
	var err error
	if f.source, err = event.ParsePath(field.Str); err != nil {
		c.fail("match", &placedError{err, field.ErrorPlace(err)})
	}
	for _, i := range items[1:] {
		p, err := joda.NewParser(i.value.Str, o)
		if err != nil {
			c.fail("match", &placedError{err, i.value.ErrorPlace(err)})
			continue
		}
		f.parsers = append(f.parsers, p)
		f.needsNow = f.needsNow || p.NeedsNow()
	}
}

// placedError is a mistake in one item of a list, with its place.
type placedError struct {
	err   error
	place config.Place
}

// Error tells what is wrong.
func (e *placedError) Error() string { return e.err.Error() }

// ErrorPlace returns where in the configuration it is.
func (e *placedError) ErrorPlace() config.Place { return e.place }

// Unwrap returns the mistake itself.
func (e *placedError) Unwrap() error { return e.err }
