#!/bin/sh
# deploy.sh [STACKFILE...]: prepares the swarm and deploys the stack "logging" with stack.yml and the files named, such as
# stack.three-nodes.yml, publish.yml or proxy.yml. Running it again changes what differs, and nothing else.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$here/lib.sh"
manager

"$here/networks.sh"
"$here/secrets.sh"
[ -n "$(docker node ls --filter node.label=logger=true --quiet)" ] || die "no node has the label logger=true (node-labels.sh)"
args="-c $here/stack.yml"
for file in "$@"; do
  case $file in *three-nodes*) "$here/certificates.sh" ;; esac
  [ -e "$file" ] || file=$here/$file
  args="$args -c $file"
done
# shellcheck disable=SC2086 # a list of arguments
docker stack deploy --with-registry-auth $args "${STACK:-logging}"
