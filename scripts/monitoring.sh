#!/bin/sh
# Runs Prometheus and Alertmanager against a running fleet until Ctrl-C. `make monitoring` calls this.
#
#   REDIS_URL       the fleet's Redis, where the workers' addresses are found; redis://127.0.0.1:6379 by default
#   GATEWAY         address of the gateway's metrics, 127.0.0.1:8080 by default
#   PROMETHEUS      where Prometheus listens, 127.0.0.1:9090 by default
#   ALERTMANAGER    where Alertmanager listens, 127.0.0.1:9093 by default
#   MONITORING_DIR  where data and logs are kept; by default a private directory that is removed at the end
#   BOOSTER         the program booster, target/debug/booster by default
set -eu

root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
gateway=${GATEWAY:-127.0.0.1:8080}
prometheus=${PROMETHEUS:-127.0.0.1:9090}
alertmanager=${ALERTMANAGER:-127.0.0.1:9093}
booster=${BOOSTER:-$root/target/debug/booster}
private=
dir=${MONITORING_DIR:-}
processes=

die() {
    echo "monitoring: $*" >&2
    exit 1
}

clean_up() {
    trap '' INT TERM HUP
    # shellcheck disable=SC2086
    [ -z "$processes" ] || kill $processes 2>/dev/null || true
    wait
    [ -z "$private" ] || rm -rf "$private"
}
trap clean_up EXIT
trap 'exit 130' INT HUP
trap 'exit 143' TERM

# Starts a program; its output goes to a file that bears the first argument as its name.
start() {
    log=$dir/$1.log
    shift
    "$@" >"$log" 2>&1 &
    processes="$processes $!"
}

# Waits until a log has a line that matches.
await() {
    tries=0
    until grep -q "$2" "$dir/$1.log" 2>/dev/null; do
        tries=$((tries + 1))
        if [ $tries -gt 300 ] || ! kill -0 "$3" 2>/dev/null; then
            tail -n 5 "$dir/$1.log" >&2
            die "$1 did not start"
        fi
        sleep 0.1
    done
}

if [ -z "$dir" ]; then
    private=$(mktemp -d)
    dir=$private
fi
mkdir -p "$dir/prometheus-data" "$dir/alertmanager-data"
# Rules and configuration are those of this tree; the targets are this fleet's.
rm -rf "$dir/prometheus"
cp -R "$root/monitoring/prometheus" "$dir/prometheus"
rm -f "$dir"/prometheus/targets/*.json
printf '[{"targets":["%s"]}]\n' "$gateway" >"$dir/prometheus/targets/gateway.json"
printf '[{"targets":["%s"]}]\n' "$alertmanager" >"$dir/prometheus/targets/alertmanager.json"

# Fails with a message when there is no Redis.
"$booster" targets >"$dir/prometheus/targets/workers.json"
start targets "$booster" targets --follow "$dir/prometheus/targets/workers.json"
start alertmanager prometheus-alertmanager \
    --config.file="$root/monitoring/alertmanager/alertmanager.yml" \
    --storage.path="$dir/alertmanager-data" \
    --cluster.listen-address= \
    --web.listen-address="$alertmanager"
await alertmanager 'Listening' "$!"
start prometheus prometheus \
    --config.file="$dir/prometheus/prometheus.yml" \
    --storage.tsdb.path="$dir/prometheus-data" \
    --web.listen-address="$prometheus"
await prometheus 'ready to receive web requests' "$!"

echo "monitoring: Prometheus    http://$prometheus/alerts"
echo "monitoring: Alertmanager  http://$alertmanager"
echo "monitoring: data and logs $dir"
echo "monitoring: Ctrl-C ends it"

while sleep 1; do
    for process in $processes; do
        kill -0 "$process" 2>/dev/null || {
            tail -n 5 "$dir"/*.log >&2
            die "a program has ended by itself"
        }
    done
done
