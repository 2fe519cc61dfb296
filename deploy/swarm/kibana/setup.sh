#!/bin/sh
# Prepares Elasticsearch and Kibana for the logs of Millrace: the password of kibana_system, the data view logstash-*, a starter
# dashboard. It waits for both, and running it again changes nothing. Needs curl only. Variables: ELASTICSEARCH_URL, KIBANA_URL,
# ELASTIC_PASSWORD(_FILE), KIBANA_PASSWORD(_FILE), DASHBOARD (a file of saved objects; none if empty), WAIT (seconds, 600).
set -eu
elasticsearch=${ELASTICSEARCH_URL:-http://elasticsearch:9200}
kibana=${KIBANA_URL:-http://kibana:5601}
[ -z "${ELASTIC_PASSWORD_FILE:-}" ] || ELASTIC_PASSWORD=$(cat "$ELASTIC_PASSWORD_FILE")
[ -z "${KIBANA_PASSWORD_FILE:-}" ] || KIBANA_PASSWORD=$(cat "$KIBANA_PASSWORD_FILE")
answer=$(mktemp)
# The password goes to curl by a file of options: a command line can be read by every process of the machine.
netrc=$(mktemp)
trap 'rm -f "$answer" "$netrc"' EXIT
escaped=$(printf '%s' "${ELASTIC_PASSWORD:-}" | sed 's/[\\"]/\\&/g')
printf 'user = "elastic:%s"\n' "$escaped" > "$netrc"

# request METHOD URL [curl options]: prints the status, 000 without an answer.
request() {
  method=$1
  url=$2
  shift 2
  curl -s -m 30 -o "$answer" -w '%{http_code}' -K "$netrc" -X "$method" "$@" "$url" || :
}

die() {
  printf 'kibana-setup: %s\n' "$*" >&2
  [ ! -s "$answer" ] || { head -c 2000 "$answer" >&2; echo >&2; }
  exit 1
}

# wait_for NAME URL: until it answers 200.
wait_for() {
  left=${WAIT:-600}
  while status=$(request GET "$2") && [ "$status" != 200 ]; do
    [ "$status" != 401 ] || die "$1 refuses the password of elastic"
    left=$((left - 2))
    [ "$left" -gt 0 ] || die "$1 did not become ready (status $status)"
    sleep 2
  done
  echo "$1 is ready"
}

wait_for Elasticsearch "$elasticsearch/_cluster/health?wait_for_status=yellow&timeout=20s"
if [ -n "${KIBANA_PASSWORD:-}" ]; then
  escaped=$(printf '%s' "$KIBANA_PASSWORD" | sed 's/[\\"]/\\&/g')
  status=$(printf '{"password":"%s"}' "$escaped" | request POST "$elasticsearch/_security/user/kibana_system/_password" -H 'Content-Type: application/json' --data-binary @-)
  [ "$status" = 200 ] || die "the password of kibana_system was not set (status $status)"
  echo "kibana_system has its password"
fi

wait_for Kibana "$kibana/api/status"
status=$(request GET "$kibana/api/data_views/data_view/millrace-logs")
case $status in
  200) echo "the data view exists" ;;
  404)
    # allowNoIndex: the data view works before the first line arrived.
    status=$(request POST "$kibana/api/data_views/data_view" -H 'kbn-xsrf: true' -H 'Content-Type: application/json' --data-binary \
      '{"data_view":{"id":"millrace-logs","name":"Logs","title":"logstash-*,ecs-logstash-*,logs-*","timeFieldName":"@timestamp","allowNoIndex":true}}')
    [ "$status" = 200 ] || die "the data view was not made (status $status)"
    echo "the data view was made"
    ;;
  *) die "asking for the data view (status $status)" ;;
esac

[ -n "${DASHBOARD:-}" ] || exit 0
status=$(request GET "$kibana/api/saved_objects/dashboard/millrace-starter")
case $status in
  200) echo "the dashboard exists" ;; # and somebody may have changed it
  404)
    status=$(request POST "$kibana/api/saved_objects/_import" -H 'kbn-xsrf: true' -F "file=@$DASHBOARD;filename=dashboard.ndjson")
    [ "$status" = 200 ] || die "the dashboard was not imported (status $status)"
    grep -q '"success":true' "$answer" || die "the dashboard was not imported"
    echo "the dashboard was imported"
    ;;
  *) die "asking for the dashboard (status $status)" ;;
esac
