#!/bin/bash
# build-server.sh DIR CACHE
# Prints the path of the server whose module is in DIR. If it is not in the folder CACHE yet it is built there by way of the Go module proxy, which takes a minute.
set -euo pipefail
here=$1 cache=$2
key=$(cat "$here/go.mod" "$here/go.sum" "$here/main.go" <(go env GOVERSION GOARCH) | sha256sum | cut -c1-16)
program=$cache/$key/$(basename "$here")
if [ ! -e "$program" ]; then
  mkdir -p "$cache/$key"
  exec 9>"$cache/lock"; flock 9
  # What runs a few tests need not be fast: without optimization it is built in half the time.
  [ -e "$program" ] || { (cd "$here" && GOFLAGS=-mod=readonly GOWORK=off CGO_ENABLED=0 go build -gcflags='all=-N -l' -ldflags='-s -w' -o "$program.new" .) >&2 && mv "$program.new" "$program"; }
fi
echo "$program"
