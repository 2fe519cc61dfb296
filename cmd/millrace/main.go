// Command millrace ships logs: it runs Logstash's pipeline configurations without a JVM.
package main

import (
	"os"

	"millrace/codecs"
	"millrace/filters"
	"millrace/inputs"
	"millrace/outputs"
	"millrace/pipeline/plugin"
)

// version is set by the linker for a release.
var version = "0.1.0"

// logstashVersion is the release of Logstash whose behaviour Millrace has, as far as clients and tools ask for it.
const logstashVersion = "8.19.0"

func main() {
	limitMemory()
	reg := plugin.NewRegistry(inputs.All(), codecs.All(), filters.All(), outputs.All())
	os.Exit(execute(reg, os.Args, os.Stdout, os.Stderr))
}
