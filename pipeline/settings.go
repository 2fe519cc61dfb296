package pipeline

import (
	"runtime"
	"time"

	"millrace/pipeline/plugin"
)

// Settings are the settings of one pipeline, named as in logstash.yml and pipelines.yml.
type Settings struct {
	ID            string        // pipeline.id
	Workers       int           // pipeline.workers
	BatchSize     int           // pipeline.batch.size: records that a worker takes before it flushes
	BatchDelay    time.Duration // pipeline.batch.delay, for monitoring only: a record waits for nobody
	Ordered       string        // pipeline.ordered: auto, true, false
	ECS           plugin.ECS    // pipeline.ecs_compatibility
	MaxInflight   int64         // bytes read and not yet settled: queue.max_inflight_bytes, an addition of Millrace
	QueueSlots    int           // batches that wait for a worker
	ShutdownLimit time.Duration // shutdown.timeout, an addition of Millrace
	Hostname      string
	DataDir       string
	Version       string

	Coverage *Coverage        // what events reached is noted here; nil, and free of cost, outside of tests
	Clock    func() time.Time // the time of events and filters, for tests; nil is the real one
}

// now returns the time by the settings' clock.
func (s *Settings) now() time.Time {
	if s.Clock != nil {
		return s.Clock()
	}
	return time.Now()
}

// DefaultSettings returns the defaults: Logstash's, and for what Logstash does not bound, the least memory that costs no speed.
//
// 4 MiB in flight are 20,000 lines of 200 bytes, twenty times what Logstash's workers hold: at an Elasticsearch that answers in 100 ms
// that is 200,000 lines a second. Four times as much was no faster at a sink that answers at once, and doubled the process.
func DefaultSettings() Settings {
	return Settings{
		ID: "main", Workers: runtime.GOMAXPROCS(0), BatchSize: 125, BatchDelay: 50 * time.Millisecond,
		Ordered: "auto", ECS: plugin.ECSv8, MaxInflight: 4 << 20, QueueSlots: 256, ShutdownLimit: 8 * time.Second,
	}
}
