//go:build profiling

package main

import (
	"os"
	"runtime/pprof"
	"time"
)

// In a build for `make pgo` the CPU profile of four seconds of work goes to the file that MILLRACE_CPUPROFILE names.
func init() {
	name := os.Getenv("MILLRACE_CPUPROFILE")
	if name == "" {
		return
	}
	time.AfterFunc(500*time.Millisecond, func() {
		f, err := os.Create(name)
		if err != nil {
			panic(err)
		}
		if err := pprof.StartCPUProfile(f); err != nil {
			panic(err)
		}
		time.AfterFunc(4*time.Second, func() {
			pprof.StopCPUProfile()
			if err := f.Close(); err != nil {
				panic(err)
			}
		})
	})
}
