package main

// budget is the most that a stage may cost.
type budget struct {
	value float64
	unit  string // the metric that is held to it
}

// budgets are those of DESIGN §8 for one event, an apache line, and the targets for whole pipelines, by the names of the
// benchmarks. What has no budget there has none here, and is only compared with the recorded run.
var budgets = map[string]budget{
	"ReadAndSplit/apache": {60, "ns/op"},
	"Ring":                {5, "ns/event"},
	"Decode/line":         {60, "ns/op"},
	"Filter/grok-apache":  {400, "net-ns/op"},
	"Filter/date":         {60, "net-ns/op"},
	"Filter/mutate":       {60, "net-ns/op"},
	"Encode":              {200, "ns/op"},
	"Bulk/plain":          {100, "http-ns/op"},
	"Way/apache":          {1.0, "cpu-s/M"},
	"Way/json":            {1.0, "cpu-s/M"},
	"Way/syslog":          {0.9, "cpu-s/M"},
	"Way/raw":             {0.45, "cpu-s/M"},
	"Way/firewall":        {1.2, "cpu-s/M"},
}
