package beats

import (
	"context"
	"encoding/binary"
	"net"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"millrace/internal/inputtest"
	"millrace/pipeline/plugin"
)

// A client that goes while more windows wait for delivery than may leaves nothing behind.
func TestClientGoesWhileWindowsWait(t *testing.T) {
	built, diags := inputtest.Build(t, Plugin, `port => 0 client_inactivity_timeout => 0`, plugin.Builder{})
	require.NotNil(t, built, diags.String())
	in, out := built.Input.(*input), inputtest.NewSink(built)
	out.Hold = true
	synctest.Test(t, func(t *testing.T) {
		near, far := net.Pipe()
		s := newSession(in, near, out)
		s.source = in.env.NewSource()
		ended := make(chan error, 1)
		go func() { ended <- s.run(t.Context()) }()
		const doc = `{"message":"x"}`
		frame := binary.BigEndian.AppendUint32([]byte("2W"), 1)
		frame = binary.BigEndian.AppendUint32(append(frame, "2J"...), 1)
		frame = append(binary.BigEndian.AppendUint32(frame, uint32(len(doc))), doc...)
		for range maxUnsettled + 2 { // one is waited for, and one cannot be handed on
			_, err := far.Write(frame)
			require.NoError(t, err)
		}
		synctest.Wait()
		require.NoError(t, far.Close())
		require.Error(t, <-ended) // with the next sign of life
	})
}

// A window that was taken as the input stops is still acknowledged.
func TestWindowIsHandedOnAtTheEnd(t *testing.T) {
	s := newSession(nil, nil, nil)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	for range maxUnsettled {
		require.NoError(t, s.hand(ctx, new(window)))
	}
	require.ErrorIs(t, s.hand(ctx, new(window)), context.Canceled)
}
