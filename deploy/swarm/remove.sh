#!/bin/sh
# remove.sh [--services] [--data]: removes the stack "logging", or with --services what services.sh made, and waits until its containers
# are gone. With --data also its volumes on this node, secrets and networks: every log with them.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$here/lib.sh"
manager
stack=${STACK:-logging}
services=
data=
for option in "$@"; do
  case $option in
    --services) services=1 ;;
    --data) data=1 ;;
    *) die "no such option: $option" ;;
  esac
done

# gone NAME VALUE: waits until no container has this label.
gone() {
  for _ in $(seq 60); do
    [ -n "$(docker ps --all --quiet --filter "label=$1=$2")" ] || return 0
    sleep 1
  done
  die "containers with $1=$2 do not end"
}

# remove KIND NAME: removes what exists. A network may be in use for a moment longer than its last container.
remove() {
  docker "$1" inspect "$2" >/dev/null 2>&1 || return 0
  for _ in $(seq 30); do
    if error=$(docker "$1" rm "$2" 2>&1 >/dev/null); then
      say "$2 was removed"
      return
    fi
    sleep 1
  done
  die "$error"
}

if [ -n "$services" ]; then
  for s in kibana-setup kibana logstash elasticsearch; do remove service "$s"; done
  for s in kibana-setup kibana logstash elasticsearch; do gone com.docker.swarm.service.name "$s"; done
  for c in kibana_setup kibana_dashboard; do remove config "$c"; done
  volumes=$(docker volume ls --quiet | grep -E '^(elasticsearch_index|logstash_data_[0-9]+)$' || :)
else
  docker stack rm "$stack"
  gone com.docker.stack.namespace "$stack"
  volumes=$(docker volume ls --quiet --filter "label=com.docker.stack.namespace=$stack")
fi
[ -n "$data" ] || exit 0
for v in $volumes; do remove volume "$v"; done
for s in elastic_password kibana_password elastic_ca elastic_transport_crt elastic_transport_key; do remove secret "$s"; done
for n in log_net main; do remove network "$n"; done
