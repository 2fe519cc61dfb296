#!/bin/sh
# Takes cmd/millrace/default.pgo anew: the merged CPU profiles of the program under the workloads that operators have.
set -eu
cd "$(dirname "$0")/.."
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
go build -pgo=off -tags profiling -o "$dir/millrace" ./cmd/millrace
go build -o "$dir/e2e" ./bench/e2e
for workload in apache apache-useragent json raw syslog syslog5424 firewall patterns reallife; do
	MILLRACE_CPUPROFILE="$dir/$workload.prof" "$dir/e2e" -millrace "$dir/millrace" -workload "$workload" -runs 1 -events "${EVENTS:-16000000}"
done
go tool pprof -proto "$dir"/*.prof > "$dir/merged.pgo"
mv "$dir/merged.pgo" cmd/millrace/default.pgo
