#!/bin/sh
# networks.sh: makes the overlay networks log_net (applications, pipeline, Elasticsearch) and main (what the proxy serves), unless they
# exist. LOG_NET_ENCRYPTED=1 encrypts log_net between nodes by IPsec: lines travel over it in plain text.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$here/lib.sh"
manager

network() {
  name=$1
  shift
  if driver=$(docker network inspect --format '{{.Driver}}/{{.Scope}}' "$name" 2>/dev/null); then
    [ "$driver" = overlay/swarm ] || die "network $name exists and is $driver, not overlay/swarm"
    say "$name exists"
  else
    docker network create --driver overlay --attachable "$@" "$name" >/dev/null
    say "$name was made"
  fi
}
if [ "${LOG_NET_ENCRYPTED:-}" = 1 ]; then
  network log_net --opt encrypted
else
  network log_net
fi
network main
