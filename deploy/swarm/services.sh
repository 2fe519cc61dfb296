#!/bin/sh
# services.sh: the services of stack.yml as plain docker service create commands, for those who keep no stack files. A service that
# exists is left alone; remove one with docker service rm. Prepare networks, secrets and labels first, as deploy.sh does.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$here/lib.sh"
manager
elastic_version=${ELASTIC_VERSION:-8.19.4}
heap=${ELASTIC_HEAP:-1g}
domain=${KIBANA_DOMAIN:-kibana.example.org}

service() {
  name=$1
  shift
  if docker service inspect "$name" >/dev/null 2>&1; then
    say "$name exists"
    return
  fi
  docker service create --detach --name "$name" --constraint 'node.labels.logger == true' "$@" >/dev/null
  say "$name was made"
}

# ENDPOINT_MODE=dnsrr is for kernels without IPVS.
mode=${ENDPOINT_MODE:-vip}

service elasticsearch --network log_net --endpoint-mode "$mode" \
  --mount type=volume,source=elasticsearch_index,target=/usr/share/elasticsearch/data \
  --secret source=elastic_password,uid=1000,gid=0,mode=0400 \
  --env discovery.type=single-node --env cluster.name=logging \
  --env ELASTIC_PASSWORD_FILE=/run/secrets/elastic_password \
  --env xpack.security.enabled=true --env xpack.security.http.ssl.enabled=false --env xpack.security.transport.ssl.enabled=false \
  --env "ES_JAVA_OPTS=-Xms$heap -Xmx$heap" \
  --limit-memory "${ELASTIC_MEMORY:-2G}" --reserve-memory "${ELASTIC_MEMORY:-2G}" --stop-grace-period 60s \
  --update-order stop-first --update-delay 30s --update-failure-action pause \
  "${ELASTIC_IMAGE:-docker.elastic.co/elasticsearch/elasticsearch}:$elastic_version"

service logstash --network log_net --endpoint-mode "$mode" --replicas "${LOGSTASH_REPLICAS:-2}" --read-only \
  --mount 'type=volume,source=logstash_data_{{.Task.Slot}},target=/usr/share/logstash/data' \
  --secret elastic_password --env ELASTIC_PASSWORD_FILE=/run/secrets/elastic_password \
  --env "ELASTICSEARCH_USER=${ELASTICSEARCH_USER:-elastic}" --env SHUTDOWN_TIMEOUT=25s \
  --limit-memory 256M --reserve-memory 64M --stop-grace-period 30s \
  --update-parallelism 1 --update-order stop-first --update-delay 5s --update-monitor 15s --update-failure-action rollback \
  "${LOGSTASH_IMAGE:-logging/logstash:latest}"

[ "${KIBANA:-1}" = 1 ] || exit 0
# The shell of the container reads the secret, not the shell of this script.
# shellcheck disable=SC2016
service kibana --network main --network log_net --endpoint-mode "$mode" \
  --secret source=kibana_password,uid=1000,gid=0,mode=0400 \
  --env 'ELASTICSEARCH_HOSTS=["http://elasticsearch:9200"]' --env ELASTICSEARCH_USERNAME=kibana_system \
  --env "SERVER_PUBLICBASEURL=https://$domain" --env TELEMETRY_OPTIN=false \
  --label com.df.notify=true --label com.df.distribute=true --label com.df.port=5601 \
  --label "com.df.serviceDomain=$domain" --label com.df.servicePath=/ \
  --limit-memory 1500M --update-order start-first --update-failure-action rollback \
  "${KIBANA_IMAGE:-docker.elastic.co/kibana/kibana}:$elastic_version" \
  /bin/bash -c 'ELASTICSEARCH_PASSWORD=$(cat /run/secrets/kibana_password) exec /usr/local/bin/kibana-docker'

config() {
  if docker config inspect "$1" >/dev/null 2>&1; then say "$1 exists"; else docker config create "$1" "$2" >/dev/null; fi
}
config kibana_setup "$here/kibana/setup.sh"
config kibana_dashboard "$here/kibana/starter-dashboard.ndjson"
service kibana-setup --network log_net --endpoint-mode "$mode" \
  --config source=kibana_setup,target=/kibana-setup.sh --config source=kibana_dashboard,target=/starter-dashboard.ndjson \
  --secret elastic_password --secret kibana_password \
  --env ELASTIC_PASSWORD_FILE=/run/secrets/elastic_password --env KIBANA_PASSWORD_FILE=/run/secrets/kibana_password \
  --env DASHBOARD=/starter-dashboard.ndjson --restart-condition on-failure --restart-delay 15s \
  --entrypoint /bin/sh "curlimages/curl:${CURL_VERSION:-8.14.1}" /kibana-setup.sh
