// Package ruby runs Ruby code on events.
package ruby

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync"
	"time"

	"millrace/internal/ruby"
	"millrace/internal/throttle"
	"millrace/pipeline/config"
	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

// Plugin defines the filter.
var Plugin = plugin.DefineFilter("ruby", Options{TagOnException: "_rubyexception"}, New)

// Options configures the filter. Give code, with init perhaps, or path. What of Ruby is there is told in docs/RUBY.md.
type Options struct {
	// Code that runs once, before the first event: libraries, methods, tables in instance variables.
	Init string `opt:"init"`

	// Code that runs for each event, which it sees as event. It makes further events by new_event_block.call(LogStash::Event.new(...)).
	Code string `opt:"code"`

	// File with a method filter(event), which returns an array of the events that go on, a method register(params) if it wants one, and test
	// blocks, which run when the configuration is checked.
	Path string `opt:"path,path"`

	// Parameters for the register method of the file.
	ScriptParams config.Map[config.Value] `opt:"script_params"`

	// Tag of events whose code raised an exception.
	TagOnException string `opt:"tag_on_exception"`

	// Whether such an event also gets the tag with the message of the exception behind it.
	TagWithExceptionMessage bool `opt:"tag_with_exception_message"`
}

// filter is what all workers share.
type filter struct {
	o      Options
	script string // the text of the file
	env    *plugin.Env
	log    *throttle.Logger
	shared *unit // of code that keeps something from one event to the next; nil: each worker has its own

	mu    sync.Mutex
	units []*unit // all that were made, to be stopped
	done  bool
}

// unit is an interpreter with the filter's code in it.
type unit struct {
	f      *filter
	mu     *sync.Mutex // one event at a time, if workers share the unit; that of the runtime, if filters share the interpreter
	in     *ruby.Interp
	host   *ruby.Host // of an interpreter that filters share
	code   *ruby.Program
	script *ruby.Script
	ready  bool
	failed error // of init or register
}

// worker is the filter of one worker.
type worker struct {
	*filter
	u *unit
}

// New reads the code and looks for what it refers to and nothing provides.
func New(o Options, env *plugin.Env) (plugin.Filter, error) {
	f := &filter{o: o, env: env, log: throttle.New(env.Log, time.Minute)}
	switch {
	case o.Code == "" && o.Path == "":
		return nil, errors.New("either code or path must be given")
	case o.Code != "" && o.Path != "":
		return nil, plugin.OptionError("path", errors.New("code and path cannot be given both"))
	case o.Path != "":
		return f.newScript()
	}
	u, err := f.newUnit(nil)
	if err != nil {
		return nil, err
	}
	init, err := u.check()
	if err != nil {
		return nil, err
	}
	switch {
	case u.code.Wide() || init != nil && init.Wide():
		if u, err = f.newUnit(runtimeOf(env)); err != nil {
			return nil, err
		}
		f.shared = u
	case u.code.Shared() || init != nil && init.Shared():
		f.shared = u
	}
	return &worker{f, u}, nil
}

// unit makes a unit without code: with an interpreter of its own, or with that of a runtime.
func (f *filter) unit(r *runtime, class string) *unit {
	c := ruby.Config{Log: f.env.Log, Now: f.env.Now, Plugin: class}
	u := &unit{f: f}
	if r == nil {
		u.in, u.mu = ruby.New(c), new(sync.Mutex)
	} else {
		u.in, u.mu, u.host = r.in, &r.mu, r.in.NewHost(c)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.units = append(f.units, u)
	if f.done {
		u.stop()
	}
	return u
}

// enter tells an interpreter that filters share whose code will run.
func (u *unit) enter() {
	if u.host != nil {
		u.in.Enter(u.host)
	}
}

func (u *unit) stop() {
	if u.host != nil {
		u.host.Stop()
		return
	}
	u.in.Stop()
}

// newUnit compiles the code once more, in the interpreter of a runtime if there is one.
func (f *filter) newUnit(r *runtime) (*unit, error) {
	defer r.lock()()
	u := f.unit(r, classOfCode)
	code, err := u.in.Compile("(ruby filter code)", f.o.Code, "event", "new_event_block")
	if err != nil {
		return nil, plugin.OptionError("code", err)
	}
	u.code = code
	return u, nil
}

// initProgram compiles init; nil if there is none.
func (u *unit) initProgram() (*ruby.Program, error) {
	if strings.TrimSpace(u.f.o.Init) == "" {
		return nil, nil
	}
	p, err := u.in.Compile("(ruby filter init)", u.f.o.Init)
	if err != nil {
		return nil, plugin.OptionError("init", err)
	}
	return p, nil
}

// check reports what the code refers to and nothing provides. It returns the program of init, nil if there is none.
func (u *unit) check() (init *ruby.Program, err error) {
	if init, err = u.initProgram(); err != nil {
		return nil, err
	}
	var errs []error
	if init != nil {
		errs = append(errs, problems("init", ruby.Check(init, u.code))...)
		for _, e := range init.UnknownLibraries() {
			errs = append(errs, plugin.OptionError("init", e))
		}
		errs = append(errs, problems("code", ruby.Check(u.code, init))...)
	} else {
		errs = append(errs, problems("code", ruby.Check(u.code))...)
	}
	for _, e := range u.code.UnknownLibraries() {
		u.f.env.Warn("code", "%s, and every event that gets there will be tagged %s", e, u.f.o.TagOnException)
	}
	return init, errors.Join(errs...)
}

func problems(option string, found []ruby.Problem) (errs []error) {
	for _, p := range found {
		err := plugin.OptionError(option, p.Error)
		if p.Hint != "" {
			err = plugin.Hinted(err, "did you mean %q?", p.Hint)
		}
		errs = append(errs, err)
	}
	return errs
}

// newScript reads the file and runs its tests.
func (f *filter) newScript() (plugin.Filter, error) {
	text, err := os.ReadFile(f.o.Path)
	if err != nil {
		return nil, plugin.OptionError("path", fmt.Errorf("reading the script: %w", err))
	}
	f.script = string(text)
	u, err := f.scriptUnit(nil)
	if err != nil {
		return nil, err
	}
	var errs []error
	for _, p := range ruby.Check(u.script.Program()) {
		errs = append(errs, f.inScript(p))
	}
	for _, e := range u.script.Program().UnknownLibraries() {
		errs = append(errs, plugin.OptionError("path", fmt.Errorf("%s: %w", f.o.Path, placeless{e})))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	if err := u.load(); err != nil {
		return nil, err
	}
	if u.script.HasTests() {
		if err := f.test(); err != nil {
			return nil, err
		}
	}
	if u.script.Program().Wide() {
		if u, err = f.scriptUnit(runtimeOf(f.env)); err != nil {
			return nil, err
		}
	}
	f.shared = u
	return &worker{f, u}, nil
}

// placeless hides the offset of an error in the script, which is none in the configuration.
type placeless struct{ error }

func (f *filter) inScript(p ruby.Problem) error {
	err := plugin.OptionError("path", fmt.Errorf("%s: %w", f.o.Path, placeless{p.Error}))
	if p.Hint != "" {
		err = plugin.Hinted(err, "did you mean %q?", p.Hint)
	}
	return err
}

// scriptUnit compiles the script once more, in the interpreter of a runtime if there is one.
func (f *filter) scriptUnit(r *runtime) (*unit, error) {
	defer r.lock()()
	u := f.unit(r, classOfScripts)
	u.enter()
	s, err := u.in.NewScript(f.o.Path, f.script)
	if err != nil {
		return nil, plugin.OptionError("path", fmt.Errorf("%s: %w", f.o.Path, placeless{err}))
	}
	u.script = s
	return u, nil
}

// load runs what stands outside of the methods of the script.
func (u *unit) load() error {
	err := u.script.Load()
	var re *ruby.Error
	switch {
	case errors.As(err, &re):
		return plugin.OptionError("path", fmt.Errorf("%s: %s (%s)", re.Place(), err, re.Class))
	case err != nil:
		return plugin.OptionError("path", fmt.Errorf("%s: %w", u.f.o.Path, placeless{err}))
	}
	return nil
}

// test runs the tests of the script in an interpreter of their own.
func (f *filter) test() error {
	u, err := f.scriptUnit(nil)
	if err == nil {
		err = u.load()
	}
	if err != nil {
		return err
	}
	var errs []error
	for _, t := range u.script.Test() {
		what := fmt.Errorf("%s: test %q: the expectation %q is not met", f.o.Path, t.Test, t.Expect)
		if t.Expect == "" {
			what = fmt.Errorf("%s: test %q", f.o.Path, t.Test)
		}
		if t.Err != nil {
			what = fmt.Errorf("%w: %s", what, t.Err)
		}
		errs = append(errs, plugin.OptionError("path", what))
	}
	return errors.Join(errs...)
}

// ForWorker returns the filter for one worker: with an interpreter of its own if the code keeps nothing.
func (w *worker) ForWorker() plugin.Filter {
	if w.shared != nil {
		return &worker{w.filter, w.shared}
	}
	u, err := w.newUnit(nil)
	if err != nil {
		panic("BUG: code that was compiled cannot be compiled again: " + err.Error())
	}
	return &worker{w.filter, u}
}

// Start runs init or register, and sees to it that code which does not end by itself ends with the pipeline.
func (w *worker) Start(ctx context.Context) error {
	context.AfterFunc(ctx, w.stop)
	w.u.mu.Lock()
	defer w.u.mu.Unlock()
	w.u.enter()
	return w.u.prepare()
}

func (f *filter) stop() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.done = true
	for _, u := range f.units {
		u.stop()
	}
}

// prepare runs init or register once.
func (u *unit) prepare() error {
	if u.ready {
		return u.failed
	}
	u.ready = true
	if u.script != nil {
		if u.host != nil { // what was loaded to be checked was loaded elsewhere
			if u.failed = u.load(); u.failed != nil {
				return u.failed
			}
		}
		if err := u.script.Register(u.f.params(u.in)); err != nil {
			u.failed = fmt.Errorf("running register of %s: %w", u.f.o.Path, err)
		}
		return u.failed
	}
	p, err := u.initProgram()
	if err == nil && p != nil {
		_, err = p.Run()
	}
	if err != nil {
		u.failed = fmt.Errorf("running init of the ruby filter %s: %w", u.f.env.ID, err)
	}
	return u.failed
}

// params returns script_params as Ruby sees them.
func (f *filter) params(t *ruby.Interp) ruby.Value {
	return t.Hash(func(add func(string, ruby.Value)) {
		for _, p := range f.o.ScriptParams {
			add(p.Key, param(t, p.Value))
		}
	})
}

func param(t *ruby.Interp, v config.Value) ruby.Value {
	switch v.Type {
	case config.TypeInt:
		return ruby.Int(v.Int)
	case config.TypeFloat:
		return v.Float
	case config.TypeArray:
		items := make([]ruby.Value, len(v.Items))
		for i, x := range v.Items {
			items[i] = param(t, x)
		}
		return ruby.List(items)
	case config.TypeHash:
		return t.Hash(func(add func(string, ruby.Value)) {
			for _, e := range v.Hash {
				add(e.Key, param(t, e.Value))
			}
		})
	}
	return ruby.Text(v.Str)
}

// Filter is not called: the pipeline calls Multiply.
func (w *worker) Filter(*event.Event) bool { panic("BUG: ruby called without a spawner") }

// Multiply runs the code on e.
func (w *worker) Multiply(e *event.Event, out plugin.Spawner) bool {
	u := w.u
	if w.shared != nil {
		u.mu.Lock()
		defer u.mu.Unlock()
		u.enter()
	}
	if !u.ready {
		_ = u.prepare() // it fails below
	}
	err := u.failed
	if err == nil {
		if u.script != nil {
			err = u.script.RunEvent(e, out.New)
		} else {
			err = u.code.RunEvent(e, out.New)
		}
	}
	if err == nil {
		return !e.Cancelled() || u.script == nil
	}
	return w.fail(e, err)
}

// fail tags and counts; it returns false.
func (w *worker) fail(e *event.Event, err error) bool {
	if w.o.TagWithExceptionMessage {
		e.Tag(w.o.TagOnException + ": " + err.Error())
	}
	e.Tag(w.o.TagOnException)
	w.env.Stats.Failures.Add(1)
	var re *ruby.Error
	attrs := []slog.Attr{slog.Any("error", err)}
	if errors.As(err, &re) {
		attrs = append(attrs, slog.String("class", re.Class), slog.String("place", re.Place()))
	}
	w.log.Warn("the Ruby code raised an exception", attrs...)
	return false
}
