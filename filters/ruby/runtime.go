package ruby

import (
	"sync"

	"millrace/internal/ruby"
	"millrace/pipeline/plugin"
)

// Logstash evaluates code and init within a method of the filter's class, and scripts within an object of a class that is common to scripts: @@x is a variable of
// these.
const (
	classOfCode    = "LogStash::Filters::Ruby"
	classOfScripts = "LogStash::Filters::Ruby::Script::Context"
)

// runtime is the interpreter of the filters of a process whose code uses class or global variables: these, and the objects in them, belong to all of them. So one
// event at a time is worked on, of whichever filter.
type runtime struct {
	mu sync.Mutex
	in *ruby.Interp
}

func runtimeOf(env *plugin.Env) *runtime {
	return env.Process.Of("ruby", func() any { return &runtime{in: ruby.New(ruby.Config{})} }).(*runtime)
}

// lock waits until nobody uses the interpreter; there is nobody to wait for if there is no runtime.
func (r *runtime) lock() (unlock func()) {
	if r == nil {
		return func() {}
	}
	r.mu.Lock()
	return r.mu.Unlock
}
