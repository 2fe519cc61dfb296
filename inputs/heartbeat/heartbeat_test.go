package heartbeat

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"millrace/internal/inputtest"
	"millrace/pipeline/plugin"
)

func TestEvents(t *testing.T) {
	f := func(ecs plugin.ECS, conf string, took time.Duration, want ...string) {
		t.Helper()
		synctest.Test(t, func(t *testing.T) {
			built, diags := inputtest.Build(t, Plugin, conf, plugin.Builder{ECS: ecs})
			require.NotNil(t, built, diags.String())
			out := inputtest.NewSink(built)
			start := time.Now()
			require.NoError(t, built.Input.Run(t.Context(), out))
			require.Equal(t, took, time.Since(start))
			got := out.Wait(0)
			require.Len(t, got, len(want))
			for i := range want {
				require.JSONEq(t, want[i], got[i])
			}
		})
	}
	f(plugin.ECSDisabled, `count => 2 type => heartbeat`, time.Minute, `{"message":"ok","host":"host1","type":"heartbeat"}`, `{"message":"ok","host":"host1","type":"heartbeat"}`)
	f(plugin.ECSv8, `count => 1 message => hi`, 0, `{"message":"hi","host":{"name":"host1"}}`)
	f(plugin.ECSDisabled, `count => 2 sequence => sequence interval => 0.5`, time.Second/2, `{"message":"ok","clock":1,"host":"host1"}`, `{"message":"ok","clock":2,"host":"host1"}`)
	f(plugin.ECSv8, `count => 1 sequence => epoch`, 0, `{"message":"ok","event":{"sequence":946684800},"host":{"name":"host1"}}`)
	f(plugin.ECSv8, `count => 1 sequence => sequence message => epoch`, 0, `{"event":{"sequence":1},"host":{"name":"host1"}}`)
	f(plugin.ECSv8, `count => 1 message => epoch`, 0, `{"message":"epoch","host":{"name":"host1"}}`)
	f(plugin.ECSDisabled, `count => 1 message => epoch sequence => sequence`, 0, `{"clock":1,"host":"host1"}`)
	f(plugin.ECSDisabled, `count => 1 message => epoch`, 0, `{"clock":946684800,"host":"host1"}`)
	f(plugin.ECSDisabled, `count => 1 message => epoch sequence => none`, 0, `{"message":"epoch","host":"host1"}`)
	f(plugin.ECSDisabled, `count => 1 threads => 2`, 0, `{"message":"ok","host":"host1"}`, `{"message":"ok","host":"host1"}`)
}

func TestStop(t *testing.T) {
	for _, conf := range []string{``, `count => 0`} {
		synctest.Test(t, func(t *testing.T) {
			built, _ := inputtest.Build(t, Plugin, conf, plugin.Builder{})
			out := inputtest.NewSink(built)
			stop := inputtest.Run(t, built.Input, out)
			time.Sleep(150 * time.Second)
			stop()
			require.Equal(t, 3, out.Len())
		})
	}
}

func TestMistakes(t *testing.T) {
	inputtest.Refused(t, Plugin, `interval => 0`, "longer than nothing")
	inputtest.Refused(t, Plugin, `count => -2`, "neither a number")
	inputtest.Refused(t, Plugin, `sequence => clock`, "sequence")
}
