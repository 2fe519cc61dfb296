#!/bin/bash
# run-mongodb.sh PORT DATADIR
# One real server of MongoDB's protocol, FerretDB on SQLite, on 127.0.0.1:PORT in the foreground; SIGTERM ends it. The first run on a machine builds it by
# way of the Go module proxy into $MONGODB_CACHE (default ~/.cache/millrace-test/mongodb), which takes a minute (run-mongodb.sh prepare does only that).
set -euo pipefail
cache=${MONGODB_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/millrace-test/mongodb}
here=$(cd "$(dirname "$0")" && pwd)
key=$(cat "$here/go.mod" "$here/go.sum" "$here/main.go" <(go env GOVERSION GOARCH) | sha256sum | cut -c1-16)
program=$cache/$key/mongodb
if [ ! -e "$program" ]; then
  mkdir -p "$cache/$key"
  exec 9>"$cache/lock"; flock 9
  # What runs a few tests need not be fast: without optimization it is built in half the time.
  [ -e "$program" ] || { (cd "$here" && GOFLAGS=-mod=readonly GOWORK=off CGO_ENABLED=0 go build -gcflags='all=-N -l' -ldflags='-s -w' -o "$program.new" .) && mv "$program.new" "$program"; }
  flock -u 9; exec 9>&-
fi
[ "${1:-}" != prepare ] || exit 0
[ $# -eq 2 ] || { sed -n '2,4p' "$0" >&2; exit 2; }
exec "$program" "127.0.0.1:$1" "$2"
