package configs

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"millrace/bench/internal/load"
)

func TestEveryPipelineHasItsWorkloadAndPlaceholders(t *testing.T) {
	require.NotEmpty(t, Names())
	for _, name := range Names() {
		require.True(t, slices.Contains(load.Workloads(), Workload(name)), name)
		text, err := Text(name)
		require.NoError(t, err)
		require.Contains(t, string(text), `port => "${BENCH_PORT}"`, name)
		require.Contains(t, string(text), `hosts => ["${BENCH_ELASTICSEARCH}"]`, name)
	}
	for _, w := range load.Workloads() {
		require.Contains(t, Names(), w, "a workload without a pipeline")
	}
	_, err := Text("nothing")
	require.ErrorContains(t, err, "there are apache")
}
