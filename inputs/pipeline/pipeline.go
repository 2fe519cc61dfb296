// Package pipeline receives the events that pipeline outputs of the same process send to an address.
package pipeline

import (
	"context"
	"errors"

	"millrace/internal/pipebus"
	"millrace/pipeline/plugin"
)

// Plugin is the pipeline input.
var Plugin = plugin.DefineInput("pipeline", Options{}, New)

// Options configures the input. The option codec has no effect: what comes are events.
type Options struct {
	// Name that outputs send to by send_to. One input of the process listens on it.
	Address string `opt:"address,required"`
}

// New claims the address.
func New(o Options, env *plugin.Env) (plugin.Input, error) {
	if o.Address == "" {
		return nil, plugin.OptionError("address", errors.New("an address has a name"))
	}
	r, err := pipebus.Of(env).Receiver(env.Pipeline, o.Address)
	if err != nil {
		return nil, plugin.OptionError("address", err)
	}
	return &input{env: env, receiver: r}, nil
}

type input struct {
	env      *plugin.Env
	receiver *pipebus.Receiver
}

// Codec returns the codec of the records: events as the bus carries them.
func (in *input) Codec() *plugin.Codec { return pipebus.Codec() }

// Run takes events until all pipelines that send here have ended. A batch of theirs is settled when this pipeline has settled it.
func (in *input) Run(ctx context.Context, out plugin.Sink) error {
	in.receiver.Listen(ctx, in.env.NewSource(), out)
	return nil
}
