#!/bin/sh
# max-map-count.sh: sets vm.max_map_count=262144, which Elasticsearch demands, now and for the next boot. Run it as root on every node
# that may run Elasticsearch. What is enough already stays as it is.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$here/lib.sh"
want=262144
# Both are variables for the test alone.
conf=${SYSCTL_CONF:-/etc/sysctl.d/90-elasticsearch.conf}
proc=${SYSCTL_PROC:-/proc/sys/vm/max_map_count}

now=$(cat "$proc")
if [ "$now" -ge "$want" ]; then
  say "vm.max_map_count is $now"
else
  [ -w "$proc" ] || die "vm.max_map_count is $now: run as root to set $want"
  printf '%s\n' "$want" > "$proc"
  say "vm.max_map_count was $now, is $want"
fi

saved=$(sed -n 's/^ *vm\.max_map_count *= *\([0-9]*\) *$/\1/p' "$conf" 2>/dev/null | tail -n 1)
if [ "${saved:-0}" -ge "$want" ]; then
  say "$conf has $saved"
else
  dir=$(dirname "$conf")
  [ -w "$dir" ] || die "$conf is not written: run as root"
  printf '# Elasticsearch maps its index files.\nvm.max_map_count = %s\n' "$want" > "$conf"
  say "$conf was written"
fi
