package redis

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"millrace/internal/inputtest"
	"millrace/internal/testenv"
	"millrace/pipeline/plugin"
)

// What was taken and the pipeline does not take before the end of a stop is in the list again, in its order.
func TestStopWhileThePipelineTakesNothing(t *testing.T) {
	s := testenv.Redis(t)
	c := client(t, s)
	want := fill(t, c, "k", 10)
	in, out := blocked(t, s, `data_type => list key => "k" batch_count => 7`)
	stop := inputtest.Run(t, in, out)
	<-out.Entered
	require.Equal(t, int64(3), c.LLen(background, "k").Val())
	stop()
	require.Equal(t, want, c.LRange(background, "k", 0, -1).Val())
	require.Zero(t, in.taken.Load())
	require.Zero(t, in.lost.Load())
}

// Messages of a channel cannot be put back; they are counted.
func TestLostMessages(t *testing.T) {
	s := testenv.Redis(t)
	in, out := blocked(t, s, `data_type => channel key => "k"`)
	stop := inputtest.Run(t, in, out)
	require.Eventually(t, in.listening.Load, time.Minute, time.Millisecond)
	c := client(t, s)
	require.NoError(t, c.Publish(background, "k", "{}").Err())
	<-out.Entered
	require.NoError(t, c.Publish(background, "k", "{}").Err())
	stop()
	require.Positive(t, in.lost.Load()) // the second may not have come
}

// blocked returns the input of a config and a sink that takes nothing.
func blocked(t *testing.T, s *testenv.RedisServer, conf string) (*input, *inputtest.Sink) {
	t.Helper()
	built, diags := inputtest.Build(t, Plugin, conf, plugin.Builder{ECS: plugin.ECSDisabled})
	require.NotNil(t, built, diags.String())
	in, out := built.Input.(*input), inputtest.NewSink(built)
	in.o.Port = s.Port()
	out.Blocked, out.Entered = make(chan struct{}), make(chan struct{}, 1)
	return in, out
}
