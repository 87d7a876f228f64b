#!/usr/bin/env bash
# Shows the hub at work: starts it on a fresh store, subscribes a small receiver, publishes an order every second.
# usage: scripts/demo.sh PATH_OF_CROSSDOCK
set -euo pipefail
crossdock=${1:?path of the crossdock program}
listen=${DEMO_LISTEN:-127.0.0.1:8080}
receiver=${DEMO_RECEIVER:-127.0.0.1:9000}
events=${DEMO_EVENTS:-0} # 0: until Ctrl-C

work=$(mktemp -d "${TMPDIR:-/tmp}/crossdock-demo.XXXXXX")
children=()
stop() {
  trap - EXIT INT TERM
  echo
  echo "demo: stopping"
  for child in "${children[@]}"; do kill -TERM "$child" 2>/dev/null || true; done
  wait
  rm -rf "$work"
}
trap 'stop; exit 0' INT TERM
trap stop EXIT

# A member of a JSON object of one level, without any other tool.
member() { sed -n "s/.*\"$1\":\"\([^\"]*\)\".*/\1/p"; }
die() {
  echo "demo: $1" >&2
  [ ! -s "$work/server.log" ] || cat "$work/server.log" >&2
  exit 1
}

bootstrap="cdk_demo$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')"
echo "demo: starting the hub on http://$listen (store: $work)"
CROSSDOCK_BOOTSTRAP_KEY=$bootstrap CROSSDOCK_LOG_FORMAT=text \
  "$crossdock" serve --dev --data "$work/data" --listen "$listen" >"$work/server.out" 2>"$work/server.log" &
children+=($!)
for _ in $(seq 100); do
  curl -sf "http://$listen/readyz" >/dev/null 2>&1 && break
  kill -0 "${children[0]}" 2>/dev/null || die "the hub did not start"
  sleep 0.1
done
curl -sf "http://$listen/readyz" >/dev/null || die "the hub is not ready after 10 s"

call() { # METHOD PATH [BODY]
  curl -sS -X "$1" "http://$listen$2" -H "Authorization: Bearer $bootstrap" -H "X-Tenant-Id: demo" \
    -H "Content-Type: application/json" ${3:+-d "$3"}
}

answer=$(call POST /api/v1/webhooks/subscriptions \
  "{\"name\":\"demo receiver\",\"url\":\"http://$receiver/hooks\",\"event_types\":[\"order.*\"]}")
secret=$(printf '%s' "$answer" | member secret_key)
[ -n "$secret" ] || die "could not subscribe: $answer"
echo "demo: tenant 'demo' has a subscription: order.* goes to http://$receiver/hooks"

CROSSDOCK_RECEIVE_SECRET=$secret "$crossdock" receive --listen "$receiver" &
children+=($!)
sleep 0.3

echo "demo: publishing an order every second; each line below is a signed webhook that arrived. Ctrl-C stops."
n=0
while [ "$events" -eq 0 ] || [ "$n" -lt "$events" ]; do
  n=$((n + 1))
  type=order.created; [ $((n % 3)) -ne 0 ] || type=order.status_changed
  answer=$(call POST /api/v1/events \
    "{\"type\":\"$type\",\"subject\":\"order/$n\",\"data\":{\"number\":$n,\"total\":\"$((n * 7)).50\",\"currency\":\"USD\"}}")
  case $answer in *'"deliveries":1'*) ;; *) die "not accepted: $answer" ;; esac
  sleep 1
done
sleep 1
