#!/bin/bash
# run-s3.sh PORT DATADIR
# One real S3 server, Versity's gateway, on 127.0.0.1:PORT in the foreground; SIGTERM ends it. The first run on a machine builds it by way of the Go module
# proxy into $S3_CACHE (default ~/.cache/millrace-test/s3), which takes a minute (run-s3.sh prepare does only that).
#   S3_ACCESS_KEY, S3_SECRET_KEY   keys of the one user
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
program=$("$here/../build-server.sh" "$here" "${S3_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/millrace-test/s3}")
[ "${1:-}" != prepare ] || exit 0
[ $# -eq 2 ] || { sed -n '2,5p' "$0" >&2; exit 2; }
exec "$program" "127.0.0.1:$1" "$2"
