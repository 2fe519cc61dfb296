// Package syslogpri makes facility and severity of a syslog priority.
package syslogpri

import (
	"fmt"
	"log/slog"
	"time"

	"millrace/filters/internal/ruby"
	"millrace/internal/throttle"
	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

// Plugin defines the filter.
var Plugin = plugin.DefineFilter("syslog_pri", Options{
	UseLabels: true,
	FacilityLabels: []string{
		"kernel", "user-level", "mail", "daemon", "security/authorization", "syslogd", "line printer", "network news", "uucp", "clock",
		"security/authorization", "ftp", "ntp", "log audit", "log alert", "clock", "local0", "local1", "local2", "local3", "local4", "local5",
		"local6", "local7",
	},
	SeverityLabels: []string{"emergency", "alert", "critical", "error", "warning", "notice", "informational", "debug"},
}, New, plugin.Borrowing())

// Options configures the filter.
type Options struct {
	// Set the names of facility and severity beside their numbers.
	UseLabels bool `opt:"use_labels"`

	// Field that holds the priority; syslog_pri if not given, [log][syslog][priority] with ECS.
	SyslogPriFieldName event.Path `opt:"syslog_pri_field_name"`

	// Names of the facilities, from number 0.
	FacilityLabels []string `opt:"facility_labels"`

	// Names of the severities, from number 0.
	SeverityLabels []string `opt:"severity_labels"`
}

const (
	// failureTag marks events whose facility has no name, or whose priority is no number.
	failureTag = "_syslogpriparsefailure"
	// defaultPriority is that of events without one (RFC 3164): user-level, notice.
	defaultPriority = 13
)

type filter struct {
	o                                                      Options
	source                                                 *event.Path
	facilityCode, facilityLabel, severityCode, severityLab *event.Path
	stats                                                  *plugin.Stats
	log                                                    *throttle.Logger
}

// New chooses the fields.
func New(o Options, env *plugin.Env) (plugin.Filter, error) {
	f := &filter{o: o, stats: env.Stats, log: throttle.New(env.Log, time.Minute)}
	if env.ECS.Enabled() {
		f.source = event.MustPath("[log][syslog][priority]")
		f.facilityCode, f.facilityLabel = event.MustPath("[log][syslog][facility][code]"), event.MustPath("[log][syslog][facility][name]")
		f.severityCode, f.severityLab = event.MustPath("[log][syslog][severity][code]"), event.MustPath("[log][syslog][severity][name]")
	} else {
		f.source = event.MustPath("syslog_pri")
		f.facilityCode, f.facilityLabel = event.MustPath("syslog_facility_code"), event.MustPath("syslog_facility")
		f.severityCode, f.severityLab = event.MustPath("syslog_severity_code"), event.MustPath("syslog_severity")
	}
	if !o.SyslogPriFieldName.IsZero() {
		f.source = &f.o.SyslogPriFieldName
	}
	return f, nil
}

// Filter sets the fields. As in Logstash the common options are applied even where a name is missing.
func (f *filter) Filter(e *event.Event) bool {
	if err := f.set(e); err != nil {
		e.Tag(failureTag)
		f.stats.Failures.Add(1)
		f.log.Warn("a syslog priority could not be used", slog.Any("error", err))
		return false
	}
	return true
}

func (f *filter) set(e *event.Event) error {
	priority, err := f.priority(e)
	if err != nil {
		return err
	}
	severity, facility := priority&7, priority>>3
	if err := e.Set(f.severityCode, event.IntValue(severity)); err != nil {
		return err
	}
	if err := e.Set(f.facilityCode, event.IntValue(facility)); err != nil || !f.o.UseLabels {
		return err
	}
	if facility >= int64(len(f.o.FacilityLabels)) {
		e.Tag(failureTag)
		f.stats.Failures.Add(1)
		return nil
	}
	if facility < 0 {
		facility += int64(len(f.o.FacilityLabels)) // as Ruby counts from the end of a list
	}
	if facility >= 0 {
		if err := e.Set(f.facilityLabel, event.StringValue(f.o.FacilityLabels[facility])); err != nil {
			return err
		}
	}
	if severity < int64(len(f.o.SeverityLabels)) {
		return e.Set(f.severityLab, event.StringValue(f.o.SeverityLabels[severity]))
	}
	return nil
}

func (f *filter) priority(e *event.Event) (int64, error) {
	v, ok := e.Get(f.source)
	if !ok || v.IsNull() || v.Kind() == event.Bool && !v.Bool() {
		return defaultPriority, nil
	}
	if l := v.List(); l != nil {
		if v = (event.Value{}); l.Len() > 0 {
			v = l.At(0)
		}
	}
	n, ok := ruby.ToInteger(v)
	if !ok {
		return 0, fmt.Errorf("the %s %s is no priority", v.Kind(), v.Text())
	}
	return n, nil
}
