#!/bin/bash
# run-mongodb.sh PORT DATADIR
# One real server of MongoDB's protocol, FerretDB on SQLite, on 127.0.0.1:PORT in the foreground; SIGTERM ends it. The first run on a machine builds it by
# way of the Go module proxy into $MONGODB_CACHE (default ~/.cache/millrace-test/mongodb), which takes a minute (run-mongodb.sh prepare does only that).
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
program=$("$here/../build-server.sh" "$here" "${MONGODB_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/millrace-test/mongodb}")
[ "${1:-}" != prepare ] || exit 0
[ $# -eq 2 ] || { sed -n '2,4p' "$0" >&2; exit 2; }
exec "$program" "127.0.0.1:$1" "$2"
