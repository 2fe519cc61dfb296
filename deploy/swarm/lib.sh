# shellcheck shell=sh
# Sourced by the scripts of this folder.

say() { printf '%s\n' "$*"; }
die() { printf '%s: %s\n' "${0##*/}" "$*" >&2; exit 1; }

# manager ends the script unless the Docker engine is a manager of a swarm.
manager() {
  command -v docker >/dev/null || die "docker is not on the PATH"
  [ "$(docker info --format '{{.Swarm.ControlAvailable}}')" = true ] || die "the engine is no manager of a swarm (docker swarm init)"
}
