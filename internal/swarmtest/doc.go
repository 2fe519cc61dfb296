// Package swarmtest tests what deploy/ holds: scripts, stack files, dashboards and alerts wherever tests run, and with MILLRACE_SWARM=1
// the image and the stack on a swarm of the test's own (make test-swarm).
package swarmtest
