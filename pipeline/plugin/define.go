package plugin

// Definition is what a plugin's package exports: its name, its options with their defaults, and how to make it.
type Definition struct {
	Kind Kind
	Name string

	// Aliases are further names that configs use for the plugin (opensearch for elasticsearch).
	Aliases []string

	// DefaultCodec is the codec of an input or output that names none; "" means plain.
	DefaultCodec string

	// Streams tells that an input reads streams of bytes, so that a codec for whole records is replaced by its streaming form.
	Streams bool

	// NoCommon tells that a filter does not have its common options applied (drop).
	NoCommon bool

	// Borrows tells that the plugin keeps no text of an event; see [Borrowing].
	Borrows bool

	newOptions func() any
	construct  func(options any, env *Env) (any, error)
}

// Option changes a Definition.
type Option func(*Definition)

// WithAliases gives the plugin further names.
func WithAliases(names ...string) Option { return func(d *Definition) { d.Aliases = names } }

// WithCodec names the codec that an input or output uses when none is given.
func WithCodec(name string) Option { return func(d *Definition) { d.DefaultCodec = name } }

// Streaming says that an input reads streams of bytes.
func Streaming() Option { return func(d *Definition) { d.Streams = true } }

// Borrowing says that a filter, output or codec keeps no text of an event longer than the call that gave it, not even as the key of a map or in
// what a goroutine of its own does later: what it remembers it copies (strings.Clone). Where all plugins behind the inputs of a pipeline
// are such, memory that lines were read into is filled anew when its events are encoded; else it is left to the garbage collector.
func Borrowing() Option { return func(d *Definition) { d.Borrows = true } }

// DefineInput defines an input. defaults holds the options' default values; make gets a copy with the config's values.
func DefineInput[O any](name string, defaults O, make func(O, *Env) (Input, error), opts ...Option) *Definition {
	return define(InputKind, name, defaults, make, opts)
}

// DefineCodec defines a codec.
func DefineCodec[O any](name string, defaults O, make func(O, *Env) (*Codec, error), opts ...Option) *Definition {
	return define(CodecKind, name, defaults, make, opts)
}

// DefineFilter defines a filter.
func DefineFilter[O any](name string, defaults O, make func(O, *Env) (Filter, error), opts ...Option) *Definition {
	return define(FilterKind, name, defaults, make, opts)
}

// DefineOutput defines an output.
func DefineOutput[O any](name string, defaults O, make func(O, *Env) (Output, error), opts ...Option) *Definition {
	return define(OutputKind, name, defaults, make, opts)
}

func define[O, P any](kind Kind, name string, defaults O, construct func(O, *Env) (P, error), opts []Option) *Definition {
	d := &Definition{
		Kind: kind, Name: name,
		newOptions: func() any { o := defaults; return &o },
		construct: func(options any, env *Env) (any, error) {
			p, err := construct(*options.(*O), env)
			if err != nil {
				return nil, err
			}
			return p, nil
		},
	}
	for _, o := range opts {
		o(d)
	}
	return d
}

// Options returns a pointer to a new Options struct of the plugin with its defaults.
func (d *Definition) Options() any { return d.newOptions() }
