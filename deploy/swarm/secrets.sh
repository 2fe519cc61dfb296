#!/bin/sh
# secrets.sh: makes the secrets elastic_password and kibana_password, unless they exist. Values come from the variables ELASTIC_PASSWORD
# and KIBANA_PASSWORD, or are random; nothing is printed. A swarm's secret cannot be read back: note what you set.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$here/lib.sh"
manager

secret() {
  if docker secret inspect "$1" >/dev/null 2>&1; then
    say "$1 exists"
    return
  fi
  value=$2
  [ -n "$value" ] || value=$(head -c 24 /dev/urandom | base64 | tr '+/' '-_')
  printf '%s' "$value" | docker secret create "$1" - >/dev/null
  say "$1 was made"
}
secret elastic_password "${ELASTIC_PASSWORD:-}"
secret kibana_password "${KIBANA_PASSWORD:-}"
