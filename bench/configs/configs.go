// Package configs holds the pipelines that are measured. Each reads lines from TCP and writes to Elasticsearch:
// ${BENCH_PORT} is the port to listen on, ${BENCH_ELASTICSEARCH} the URL to write to.
package configs

import (
	"embed"
	"fmt"
	"io/fs"
	"strings"
)

//go:embed *.conf
var files embed.FS

// Names lists the pipelines, sorted.
func Names() []string {
	entries, err := fs.ReadDir(files, ".")
	if err != nil {
		panic("BUG: reading the embedded configurations: " + err.Error())
	}
	var names []string
	for _, e := range entries {
		names = append(names, strings.TrimSuffix(e.Name(), ".conf"))
	}
	return names
}

// Text returns one pipeline.
func Text(name string) ([]byte, error) {
	text, err := files.ReadFile(name + ".conf")
	if err != nil {
		return nil, fmt.Errorf("unknown pipeline %q: there are %s", name, strings.Join(Names(), ", "))
	}
	return text, nil
}

// Workload is the kind of lines that a pipeline is made for: apache-useragent is a variant for the workload apache.
func Workload(name string) string {
	workload, _, _ := strings.Cut(name, "-")
	return workload
}
