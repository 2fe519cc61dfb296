package plugintest

import (
	"testing"

	"github.com/stretchr/testify/require"

	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

// keeper gives each event the message of the one before it.
type keeper struct{ last string }

func (k *keeper) Filter(e *event.Event) bool {
	message, _ := e.Root().Get("message")
	e.Root().Set("before", event.StringValue(k.last))
	k.last = message.Str()
	return true
}

// TestSpoiltTexts: the cases of a filter show whether it keeps a text though it is defined as one that does not.
func TestSpoiltTexts(t *testing.T) {
	c := &Case{Config: "keeper { }", In: []string{`{"message":"a first text"}`, `{"message":"another"}`}}
	f := func(opts []plugin.Option, want string) {
		t.Helper()
		d := plugin.DefineFilter("keeper", struct{}{}, func(struct{}, *plugin.Env) (plugin.Filter, error) { return new(keeper), nil }, opts...)
		r := c.Run(t, []*plugin.Definition{d})
		require.Len(t, r.Events, 2)
		require.Contains(t, r.Events[1], want)
	}
	f(nil, `"before":"a first text"`)
	f([]plugin.Option{plugin.Borrowing()}, "\xff")
}
