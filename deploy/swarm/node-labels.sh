#!/bin/sh
# node-labels.sh [NODE...]: lists the nodes and labels these (all, if none is named) with logger=true, where the services of logging may
# run. A node that has the label is left alone.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$here/lib.sh"
manager

docker node ls
# shellcheck disable=SC2046 # ids have no spaces
[ $# -gt 0 ] || set -- $(docker node ls --format '{{.ID}}')
for node in "$@"; do
  if [ "$(docker node inspect --format '{{index .Spec.Labels "logger"}}' "$node")" = true ]; then
    say "$node has logger=true"
  else
    docker node update --label-add logger=true "$node" >/dev/null
    say "$node got logger=true"
  fi
done
