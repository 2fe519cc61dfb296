package jdbc

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"millrace/internal/charset"
	"millrace/internal/jdbc"
	"millrace/internal/schedule"
	"millrace/pipeline/config"
	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

// Options configures the input.
type Options struct {
	jdbc.Options

	// File with the password of the user, in place of jdbc_password.
	PasswordFile string `opt:"jdbc_password_filepath,path"`

	// What to ask. Parameters are written :name; :sql_last_value is the value of tracking_column in the last row of the run before, or the
	// time when that run began.
	Statement string `opt:"statement"`

	// File with the statement, in place of statement.
	StatementFile string `opt:"statement_filepath,path"`

	// Values of the parameters of the statement.
	Parameters jdbc.Parameters `opt:"parameters"`

	// When to ask, as a cron line, with seconds before it or not; once, at the start, if not given.
	Schedule string `opt:"schedule"`

	// How often to ask, in place of schedule: 30s, 10m, 1h. The first time is at the end of the first period.
	Period string `opt:"period"`

	// How long to wait before asking and, when all rows were read, before asking again, in place of schedule: 30s, 10m, 1h.
	Interval string `opt:"interval"`

	// File for the value of :sql_last_value, in the form of Logstash; logstash_jdbc_last_run in plugins/inputs/jdbc below path.data if not
	// given, in a folder of the pipeline's name for others than main. Inputs that use the value each need a file of their own.
	LastRunPath string `opt:"last_run_metadata_path"`

	// Whether :sql_last_value is the value of tracking_column, or the time of the last run.
	UseColumnValue bool `opt:"use_column_value"`

	// Column whose value in the last row is kept. The statement should be sorted by it.
	TrackingColumn string `opt:"tracking_column"`

	// What that column holds.
	TrackingColumnType string `opt:"tracking_column_type,enum=numeric|timestamp"`

	// Whether to begin anew, without the value of an earlier run.
	CleanRun bool `opt:"clean_run"`

	// Whether the value is kept in the file.
	RecordLastRun bool `opt:"record_last_run"`

	// Whether the names of columns are written in lower case.
	LowercaseColumns bool `opt:"lowercase_column_names"`

	// Character set of all texts, where it is not the one that the database tells.
	Charset *charset.Charset `opt:"charset"`

	// Character sets of the texts of some columns.
	ColumnsCharset config.Map[charset.Charset] `opt:"columns_charset"`

	// Ask by a statement that the database prepares once for a connection. Its parameters are question marks.
	UsePrepared bool `opt:"use_prepared_statements"`

	// Name of the prepared statement. It has to be there, and is otherwise the driver's business.
	PreparedName string `opt:"prepared_statement_name"`

	// Values of the question marks; :sql_last_value stands for itself.
	BindValues jdbc.Values `opt:"prepared_statement_bind_values"`

	// Field that the columns are put into; the top level of the event if not given.
	Target event.Path `opt:"target"`

	// Ask for the rows in pages.
	Paging bool `opt:"jdbc_paging_enabled"`

	// Whether a LIMIT and OFFSET is put around the statement (auto), or the statement says where a page begins and ends, by :offset and
	// :size (explicit). There is no query for the number of rows: a page that is not full is the last.
	PagingMode string `opt:"jdbc_paging_mode,enum=auto|explicit"`

	// How many rows a page has.
	PageSize int `opt:"jdbc_page_size"`

	// Accepted for Logstash's sake: rows are taken from the connection as they are passed on, and never collected.
	FetchSize *int `opt:"jdbc_fetch_size"`

	// Look whether the connection works before it is used after jdbc_validation_timeout without use.
	Validate bool `opt:"jdbc_validate_connection"`

	// Seconds for jdbc_validate_connection.
	ValidationTimeout int `opt:"jdbc_validation_timeout"`

	// Accepted for Logstash's sake: the input has a connection for itself and never waits for one.
	PoolTimeout int `opt:"jdbc_pool_timeout"`

	// Time zone of times that tell none, such as Europe/Paris. It may tell which of two times is meant when clocks are put back:
	// America/Denver[dst_enabled_on_overlap:true]. That of the connection string's serverTimezone or of this machine if not given.
	DefaultTimezone *jdbc.Zone `opt:"jdbc_default_timezone"`

	// Zone in which :sql_last_value is written if it is the time of a run and jdbc_default_timezone is not given.
	PluginTimezone string `opt:"plugin_timezone,enum=local|utc"`

	// Options for Sequel, the library that Logstash asks databases by. They have no effect.
	SequelOpts jdbc.Parameters `opt:"sequel_opts"`

	// Level at which statements are logged.
	SQLLogLevel string `opt:"sql_log_level,enum=fatal|error|warn|info|debug"`

	// How often connecting is tried.
	ConnectionAttempts int `opt:"connection_retry_attempts"`

	// Seconds between two tries to connect.
	ConnectionWait time.Duration `opt:"connection_retry_attempts_wait_time,unit=s"`

	// How often a statement is tried. Rows that came before it failed come again.
	StatementAttempts int `opt:"statement_retry_attempts"`

	// Seconds between two tries of a statement.
	StatementWait time.Duration `opt:"statement_retry_attempts_wait_time,unit=s"`
}

var defaults = Options{
	TrackingColumnType: "numeric", RecordLastRun: true, LowercaseColumns: true, PagingMode: "auto", PageSize: 100_000, ValidationTimeout: 3600,
	PoolTimeout: 5, PluginTimezone: "utc", SQLLogLevel: "info", ConnectionAttempts: 1, ConnectionWait: 500 * time.Millisecond, StatementAttempts: 1,
	StatementWait: 500 * time.Millisecond,
}

// check finds mistakes that concern single options.
func (o *Options) check(env *plugin.Env) error {
	var errs []error
	bad := func(option, format string, args ...any) {
		errs = append(errs, plugin.OptionError(option, fmt.Errorf(format, args...)))
	}
	if (o.Statement == "") == (o.StatementFile == "") {
		errs = append(errs, errors.New("one of statement and statement_filepath has to be given"))
	}
	if o.Password != "" && o.PasswordFile != "" {
		bad("jdbc_password_filepath", "there may be one of jdbc_password and jdbc_password_filepath")
	}
	if o.UseColumnValue && o.TrackingColumn == "" {
		bad("use_column_value", "it needs tracking_column, the name of the column")
	}
	if o.LowercaseColumns && o.TrackingColumn != strings.ToLower(o.TrackingColumn) {
		env.Warn("tracking_column", "names of columns are written in lower case, so that this one is not found; write it so, or lowercase_column_names => false")
	}
	if o.PageSize < 1 {
		bad("jdbc_page_size", "%d is less than 1", o.PageSize)
	}
	if o.StatementAttempts < 1 {
		bad("statement_retry_attempts", "%d is less than 1", o.StatementAttempts)
	}
	if o.ConnectionWait < 0 || o.StatementWait < 0 {
		bad("statement_retry_attempts_wait_time", "a time is not negative")
	}
	if info, err := os.Stat(o.LastRunPath); o.LastRunPath != "" && err == nil && info.IsDir() {
		bad("last_run_metadata_path", "%q is a directory; it has to be a file", o.LastRunPath)
	}
	if len(o.SequelOpts) > 0 {
		env.Warn("sequel_opts", "they have no effect: there is no Sequel here")
	}
	if o.UsePrepared && o.Paging {
		bad("jdbc_paging_enabled", "a prepared statement cannot be asked in pages")
	}
	if o.UsePrepared && o.PreparedName == "" {
		bad("use_prepared_statements", "the statement needs a name, prepared_statement_name")
	}
	return errors.Join(errs...)
}

// New reads the files that the options name and checks everything; nothing is connected.
func New(o Options, env *plugin.Env) (plugin.Input, error) {
	errs := []error{o.check(env)}
	if o.PasswordFile != "" {
		data, err := os.ReadFile(o.PasswordFile)
		if err != nil {
			errs = append(errs, plugin.OptionError("jdbc_password_filepath", err))
		}
		o.Password = config.Password(strings.TrimSpace(string(data)))
	}
	in := &input{o: o, env: env, sql: o.Statement, failures: env.Counter("statement_failures", "Statements that a database could not be asked.")}
	statement := "statement"
	if o.StatementFile != "" {
		data, err := os.ReadFile(o.StatementFile)
		if err != nil {
			errs = append(errs, plugin.OptionError("statement_filepath", err))
		}
		in.sql, statement = string(data), "statement_filepath"
	}
	errs = append(errs, in.plan())
	var err error
	if in.target, err = o.Database(env); err != nil {
		return nil, errors.Join(append(errs, err)...)
	}
	errs = append(errs, in.prepare(statement))
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	if env.ECS.Enabled() && o.Target.IsZero() {
		env.Log.Info("the option target is not set: the columns may conflict with the fields of the Elastic Common Schema")
	}
	return in, nil
}

// prepare reads the statement and settles what its values are.
func (in *input) prepare(option string) error {
	o := &in.o
	d := in.target.URL.Dialect
	warn := func(format string, args ...any) { in.env.Warn(option, format, args...) }
	uses := false
	if o.UsePrepared {
		in.prepared = jdbc.NewPrepared(in.sql, d)
		if n := in.prepared.Params(); n != len(o.BindValues) {
			return plugin.OptionError("prepared_statement_bind_values", fmt.Errorf("there are %d values for the %d question marks of the statement", len(o.BindValues), n))
		}
		for _, v := range o.BindValues {
			uses = uses || v.Text() == lastValue
			if v.Type == config.TypeArray || v.Type == config.TypeHash {
				return plugin.OptionError("prepared_statement_bind_values", fmt.Errorf("%s cannot be the value of a question mark", v.Inspect()))
			}
		}
	} else {
		names := append([]string{lastValue[1:]}, o.Parameters.Names()...)
		if o.Paging && o.PagingMode == "explicit" {
			names = append(names, "offset", "size")
		}
		sql := in.sql
		if o.Paging && o.PagingMode == "auto" {
			sql = "SELECT * FROM (\n" + jdbc.WithoutEnd(sql) + "\n) AS t1"
		}
		in.statement = jdbc.Named(sql, d, names)
		in.statement.CheckNames(names, warn)
		uses = in.statement.Uses(0)
		if o.Paging && o.PagingMode == "explicit" && !(in.statement.Uses(len(names)-2) && in.statement.Uses(len(names)-1)) {
			return plugin.OptionError(option, errors.New("with jdbc_paging_mode => explicit the statement has to use :offset and :size, or it has no end"))
		}
		for _, e := range o.Parameters {
			if e.Value.Type == config.TypeHash {
				return plugin.EntryError("parameters", e.Key, errors.New("a hash cannot be a parameter"))
			}
		}
	}
	in.last = newTracker(o, in.env, in.target.Zone(o.DefaultTimezone))
	if uses && o.RecordLastRun {
		in.shareNoFile()
	}
	return nil
}

// shareNoFile warns if another input of the pipeline keeps its value in the same file.
func (in *input) shareNoFile() {
	if id := in.env.Shared.Claim(in.last.path, in.env.ID); id != "" {
		in.env.Warn("last_run_metadata_path", "the input %s keeps its value of :sql_last_value in the same file, and rows will be missed; "+
			"each needs a last_run_metadata_path of its own", id)
	}
}

// plan reads the one of the options that tells when to ask.
func (in *input) plan() error {
	var errs []error
	for _, x := range []struct {
		option, text string
		read         func(string) (schedule.Schedule, error)
	}{{"schedule", in.o.Schedule, schedule.Cron}, {"period", in.o.Period, schedule.Period}, {"interval", in.o.Interval, schedule.Interval}} {
		if x.text == "" {
			continue
		}
		s, err := x.read(x.text)
		if err != nil {
			errs = append(errs, plugin.OptionError(x.option, err))
		} else if in.schedule != nil {
			errs = append(errs, plugin.OptionError(x.option, errors.New("only one of schedule, period and interval can be given")))
		}
		in.schedule = &s
	}
	return errors.Join(errs...)
}
