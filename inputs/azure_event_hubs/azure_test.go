package azureeventhubs

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"

	"millrace/internal/inputtest"
	"millrace/pipeline/config"
	"millrace/pipeline/plugin"
)

// connect returns a connection string of a hub; with "" as its name that of a namespace.
func connect(hub string) string {
	text := "Endpoint=sb://n1.servicebus.windows.net/;SharedAccessKeyName=read;SharedAccessKey=" + secret
	if hub != "" {
		text += ";EntityPath=" + hub
	}
	return text
}

func made(t testing.TB, conf string) (*input, config.Diagnostics) {
	t.Helper()
	built, diags := inputtest.Build(t, Plugin, conf, plugin.Builder{})
	require.NotNil(t, built, diags.String())
	return built.Input.(*input), diags
}

func TestBasic(t *testing.T) {
	in, diags := made(t, fmt.Sprintf(`event_hub_connections => [%q, %q] consumer_group => "g" initial_position => end checkpoint_interval => 0 threads => 3`, connect("a"), connect("b")))
	require.Empty(t, diags)
	require.Len(t, in.hubs, 2)
	require.Equal(t, "b", in.hubs[1].name)
	require.Equal(t, "g", *in.hubs[1].ConsumerGroup)
	require.True(t, in.hubs[1].reader.CommitAtOnce)
	require.Equal(t, 125, in.hubs[1].reader.MaxPoll)

	in, _ = made(t, fmt.Sprintf(`event_hub_connections => %q`, connect("a")))
	require.Len(t, in.hubs, 1)
	require.Equal(t, "$Default", *in.hubs[0].ConsumerGroup)
	require.False(t, in.hubs[0].reader.CommitAtOnce)
}

// TestAdvanced: what a hub does not say counts as given for all.
func TestAdvanced(t *testing.T) {
	in, diags := made(t, fmt.Sprintf(`config_mode => advanced max_batch_size => 21 consumer_group => all codec => json event_hubs => [
		{ "a" => { event_hub_connection => %q consumer_group => own max_batch_size => 20 decorate_events => true codec => line { delimiter => "|" } } },
		{ "b" => { event_hub_connection => %q initial_position => look_back initial_position_look_back => 50 codec => plain } },
		{ "a" => { event_hub_connection => %q } } ]`, connect("a"), connect("b"), connect("")))
	require.Equal(t, 1, len(diags), diags.String())
	require.Contains(t, diags[0].Summary, `hub "a": Kafka's protocol knows neither`)
	require.Equal(t, 2, diags[0].Pos.Line, "the warning is at the hub's option")
	f := func(i int, name, group string, batch int, codec string, decorated bool) {
		t.Helper()
		h := in.hubs[i]
		require.Equal(t, name, h.name)
		require.Equal(t, group, *h.ConsumerGroup)
		require.Equal(t, batch, h.reader.MaxPoll)
		require.Equal(t, codec, h.reader.Codec.Name)
		require.Equal(t, decorated, *h.DecorateEvents)
	}
	f(0, "a", "own", 20, "line", true)
	f(1, "b", "all", 21, "plain", false)
	f(2, "a", "all", 21, "json", false)
}

func TestStart(t *testing.T) {
	f := func(conf string, want kgo.Offset) {
		t.Helper()
		in, _ := made(t, fmt.Sprintf(`event_hub_connections => %q %s`, connect("a"), conf))
		require.Equal(t, want, in.hubs[0].start(time.UnixMilli(100_000_000)))
	}
	f(``, kgo.NewOffset().AtStart())
	f(`initial_position => end`, kgo.NewOffset().AtEnd())
	f(`initial_position => look_back`, kgo.NewOffset().AfterMilli(100_000_000-86_400_000))
	f(`initial_position => look_back initial_position_look_back => 60`, kgo.NewOffset().AfterMilli(100_000_000-60_000))
}

func TestMistakes(t *testing.T) {
	f := func(conf string, wants ...string) {
		t.Helper()
		built, diags := inputtest.Build(t, Plugin, conf, plugin.Builder{})
		require.Nil(t, built)
		for _, want := range wants {
			require.Contains(t, diags.String(), want)
		}
		require.NotContains(t, diags.String(), secret, "the line of the mistake is shown without the key")
		require.NotContains(t, diags.String(), secret[:8])
	}
	quoted := func(s string) string { return fmt.Sprintf("%q", s) }
	f(``, "there is no hub to read", "config_mode => advanced")
	f(`config_mode => advanced`, `option "event_hubs": there is no hub to read`)
	f(fmt.Sprintf("event_hub_connections => [%q,\n %q]", connect("a"), connect("")), "test:2:2: error", "EntityPath is missing", "add ;EntityPath=HUB")
	f(fmt.Sprintf(`event_hub_connections => [%q]`, "SharedAccessKey="+secret), "Endpoint is missing")
	f(fmt.Sprintf(`event_hub_connections => [%q, %q]`, connect("a"), connect("a")), `the hub "a" is read twice for the consumer group "$Default"`, "another consumer_group")
	f(fmt.Sprintf(`event_hub_connections => [%q] threads => 1`, connect("a")), "1 threads are not more than the 1 hubs")
	f(fmt.Sprintf(`event_hub_connections => [%q] consumer_group => ""`, connect("a")), "may not be empty")
	f(fmt.Sprintf(`event_hub_connections => [%q] max_batch_size => 0`, connect("a")), "not between 1")
	f(fmt.Sprintf(`event_hub_connections => [%q] initial_position => middle`, connect("a")), `must be one of "beginning", "end", "look_back"`)
	f(fmt.Sprintf(`event_hub_connections => [%q] codec => multiline { pattern => "x" what => next }`, connect("a")), "join lines")
	f(`event_hub_connections => { "a" => "bb" }`, "array of connection strings")

	hub := func(name, options string) string {
		return fmt.Sprintf("config_mode => advanced event_hubs => [{ %q => {\n %s } }]", name, options)
	}
	f(hub("a", ``), `hub "a": option "event_hub_connection" is required`)
	f(hub("a", `event_hub_connections => `+quoted(connect(""))), `unknown option "event_hub_connections"`, `did you mean "event_hub_connection"`)
	f(hub("a", `event_hub_connection => `+quoted(connect("b"))), "test:2:26: error", `EntityPath names the hub "b", and not "a"`)
	f(hub("a", `event_hub_connection => "Endpoint=sb://n/;SharedAccessKey=`+secret+`"`), "SharedAccessKeyName is missing")
	f(hub("a", `max_batch_size => -1 event_hub_connection => `+quoted(connect(""))), "test:2:20: error", "max_batch_size: -1 is not between")
	f(hub("a", `threads => 4 event_hub_connection => `+quoted(connect(""))), "write it beside event_hubs")
	f(hub("a", `codec => nope event_hub_connection => `+quoted(connect(""))), `unknown codec "nope"`)
	f(hub("a", `codec => rubydebug event_hub_connection => `+quoted(connect(""))), "cannot decode")
	f(hub("a", `codec => multiline { pattern => "x" what => next } event_hub_connection => `+quoted(connect(""))), "join lines")
	f(hub("a b", `event_hub_connection => `+quoted(connect(""))), "no event hub has such a name")
	f(`config_mode => advanced event_hubs => [ "a" ]`, "array of hashes")
	f(`config_mode => advanced event_hubs => [{ "a" => "bb" }]`, `the hub "a" must have a hash of options`)
}

// TestWarnings: what has no effect here is told at its place.
func TestWarnings(t *testing.T) {
	f := func(conf string, lines ...int) {
		t.Helper()
		_, diags := made(t, conf)
		var got []int
		for _, d := range diags {
			require.Equal(t, config.Warning, d.Severity)
			require.NotContains(t, d.Summary, secret)
			got = append(got, d.Pos.Line)
		}
		require.ElementsMatch(t, lines, got, diags.String())
	}
	const idle = "\nstorage_connection => \"DefaultEndpointsProtocol=https;AccountName=a;AccountKey=" + secret + "\"\nstorage_container => cc\nprefetch_count => 300\nreceive_timeout => 60\ndecorate_events => true"
	f(fmt.Sprintf(`event_hub_connections => [%q]`, connect("a")))
	f(fmt.Sprintf(`event_hub_connections => [%q] %s`, connect("a"), idle), 2, 3, 4, 5, 6)
	f(fmt.Sprintf(`config_mode => advanced event_hubs => [{ "a" => { event_hub_connection => %q %s } }]`, connect("a"), idle), 2, 3, 4, 5, 6)
	f(fmt.Sprintf(`event_hub_connections => [%q] event_hubs => [{ "a" => { event_hub_connection => %q } }]`, connect("a"), connect("a")), 1)
	f(fmt.Sprintf(`config_mode => advanced event_hub_connections => [%q] event_hubs => [{ "a" => { event_hub_connection => %q } }]`, connect("a"), connect("a")), 1)
}
