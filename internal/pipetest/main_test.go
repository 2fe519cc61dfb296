package pipetest

import (
	"os"
	"testing"
)

// TestMain runs the recorded cases where they were recorded: in UTC. The zone of the process is the default of many of them.
func TestMain(m *testing.M) {
	if err := os.Setenv("TZ", "UTC"); err != nil { // it is read when a local time is asked for first
		panic(err)
	}
	os.Exit(m.Run())
}
