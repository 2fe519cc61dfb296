#!/bin/bash
# run-s3.sh PORT DATADIR
# One real S3 server, Versity's gateway, on 127.0.0.1:PORT in the foreground; SIGTERM ends it. The first run on a machine builds it by way of the Go module
# proxy into $S3_CACHE (default ~/.cache/millrace-test/s3), which takes a minute (run-s3.sh prepare does only that).
#   S3_ACCESS_KEY, S3_SECRET_KEY   keys of the one user
set -euo pipefail
cache=${S3_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/millrace-test/s3}
here=$(cd "$(dirname "$0")" && pwd)
key=$(cat "$here/go.mod" "$here/go.sum" "$here/main.go" <(go env GOVERSION GOARCH) | sha256sum | cut -c1-16)
program=$cache/$key/s3
if [ ! -e "$program" ]; then
  mkdir -p "$cache/$key"
  exec 9>"$cache/lock"; flock 9
  # What runs a few tests need not be fast: without optimization it is built in half the time.
  [ -e "$program" ] || { (cd "$here" && GOFLAGS=-mod=readonly GOWORK=off CGO_ENABLED=0 go build -gcflags='all=-N -l' -ldflags='-s -w' -o "$program.new" .) && mv "$program.new" "$program"; }
  flock -u 9; exec 9>&-
fi
[ "${1:-}" != prepare ] || exit 0
[ $# -eq 2 ] || { sed -n '2,5p' "$0" >&2; exit 2; }
exec "$program" "127.0.0.1:$1" "$2"
