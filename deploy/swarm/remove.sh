#!/bin/sh
# remove.sh [--data]: removes the stack "logging" and waits until its containers are gone. With --data also its volumes on this node,
# secrets and networks: every log with them.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$here/lib.sh"
manager
stack=${STACK:-logging}

docker stack rm "$stack"
for _ in $(seq 60); do
  [ -n "$(docker ps --all --quiet --filter "label=com.docker.stack.namespace=$stack")" ] || break
  sleep 1
done
[ "${1:-}" = --data ] || exit 0
docker volume ls --quiet --filter "label=com.docker.stack.namespace=$stack" | while read -r v; do docker volume rm "$v"; done
for s in elastic_password kibana_password elastic_ca elastic_transport_crt elastic_transport_key; do
  if docker secret inspect "$s" >/dev/null 2>&1; then docker secret rm "$s"; fi
done
for n in log_net main; do
  if docker network inspect "$n" >/dev/null 2>&1; then docker network rm "$n"; fi
done
