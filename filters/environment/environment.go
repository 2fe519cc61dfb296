// Package environment puts environment variables into the metadata of events.
package environment

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"millrace/internal/throttle"
	"millrace/pipeline/config"
	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

// Plugin defines the filter.
var Plugin = plugin.DefineFilter("environment", Options{}, New, plugin.Borrowing())

// Options configures the filter. The comments below are its documentation.
type Options struct {
	// Fields below @metadata, and the environment variables for them. They are read when the pipeline starts.
	AddMetadataFromEnv config.Map[string] `opt:"add_metadata_from_env"`

	// Fields of the event itself, and the environment variables for them.
	AddFieldFromEnv config.Map[string] `opt:"add_field_from_env,obsolete=use mutate with add_field => { \"name\" => \"${VARIABLE}\" }"`
}

type filter struct {
	fields []field
	stats  *plugin.Stats
	log    *throttle.Logger
}

type field struct {
	path  event.Path
	value event.Value
}

// New reads the variables.
func New(o Options, env *plugin.Env) (plugin.Filter, error) {
	f := &filter{stats: env.Stats, log: throttle.New(env.Log, time.Minute)}
	errs := []error{
		f.read(env, "add_metadata_from_env", "[@metadata][%s]", o.AddMetadataFromEnv),
		f.read(env, "add_field_from_env", "%s", o.AddFieldFromEnv),
	}
	return f, errors.Join(errs...)
}

// read adds the fields of one option; reference says where they stand.
func (f *filter) read(env *plugin.Env, option, reference string, fields config.Map[string]) error {
	var errs []error
	for _, p := range fields {
		path, err := event.ParsePath(fmt.Sprintf(reference, p.Key))
		if err != nil {
			errs = append(errs, plugin.EntryError(option, p.Key, err))
			continue
		}
		var v event.Value
		if s, ok := os.LookupEnv(p.Value); ok {
			v = event.StringValue(s)
		} else {
			env.Warn(option, "the environment variable %s is not set: the field %s will be null", p.Value, path.String())
		}
		f.fields = append(f.fields, field{path, v})
	}
	return errors.Join(errs...)
}

// Filter sets the fields.
func (f *filter) Filter(e *event.Event) bool {
	for i := range f.fields {
		if err := e.Set(&f.fields[i].path, f.fields[i].value); err != nil {
			f.stats.Failures.Add(1)
			e.Tag("_filter_error")
			f.log.Warn("an environment variable could not be put into the event", slog.Any("error", err))
			return false
		}
	}
	return true
}
