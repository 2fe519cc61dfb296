#!/bin/sh
# certificates.sh: makes the certificates by which three nodes of Elasticsearch know each other (secrets elastic_ca, elastic_transport_crt,
# elastic_transport_key), unless they exist. The authority's key is thrown away: nobody can make a fourth certificate, and a new set
# replaces all. Needs openssl.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$here/lib.sh"
manager
command -v openssl >/dev/null || die "openssl is not on the PATH"

have=0
for s in elastic_ca elastic_transport_crt elastic_transport_key; do
  if docker secret inspect "$s" >/dev/null 2>&1; then have=$((have + 1)); fi
done
case $have in
  3) say "the certificates exist"; exit 0 ;;
  0) ;;
  *) die "some of elastic_ca, elastic_transport_crt, elastic_transport_key exist: remove them first" ;;
esac

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
umask 077
openssl req -x509 -newkey rsa:3072 -nodes -sha256 -days 3650 -subj /CN=logging-ca -keyout "$dir/ca.key" -out "$dir/ca.crt" 2>/dev/null
openssl req -newkey rsa:3072 -nodes -sha256 -subj /CN=elasticsearch -keyout "$dir/node.key" -out "$dir/node.csr" 2>/dev/null
printf 'subjectAltName=DNS:elasticsearch,DNS:localhost\nextendedKeyUsage=serverAuth,clientAuth\n' > "$dir/ext"
openssl x509 -req -sha256 -days 3650 -in "$dir/node.csr" -CA "$dir/ca.crt" -CAkey "$dir/ca.key" -CAcreateserial -extfile "$dir/ext" -out "$dir/node.crt" 2>/dev/null
docker secret create elastic_ca "$dir/ca.crt" >/dev/null
docker secret create elastic_transport_crt "$dir/node.crt" >/dev/null
docker secret create elastic_transport_key "$dir/node.key" >/dev/null
say "the certificates were made"
