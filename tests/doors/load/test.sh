#!/bin/sh
# One connection, and then 500 for a minute (LOAD_SECONDS): every answer is 2xx or 429, and the gateway's memory stays bounded.
set -eu
seconds=${LOAD_SECONDS:-60}
most_kib=$((768 * 1024))

# The largest of what is measured every half second.
peak() {
    most=0
    while kill -0 "$1" 2>/dev/null; do
        now=$(ps -o rss= -p "$GATEWAY_PID")
        [ "$now" -le "$most" ] || most=$now
        echo "$most" >"$WORK/peak"
        sleep 0.5
    done
}

# An edit at a time, for the record: from HTTP through queue and sandbox and back.
wrk --threads 1 --connections 1 --duration 5s --latency --script edit.lua "$GATEWAY" |
    sed -n 's/^ *\(50\|99\)% */one edit after the other, \1%: /p'

before=$(ps -o rss= -p "$GATEWAY_PID")
wrk --threads 2 --connections 500 --duration "${seconds}s" --timeout 60s --latency --script requests.lua "$GATEWAY" \
    >"$WORK/report" &
load=$!
peak "$load"
wait "$load" || { cat "$WORK/report"; exit 1; }
cat "$WORK/report"
echo "memory of the gateway: $before KiB before, $(cat "$WORK/peak") KiB at most"
grep -q '^answers: [1-9].* other 0$' "$WORK/report"
! grep -q 'Socket errors' "$WORK/report" || exit 1
[ "$(cat "$WORK/peak")" -lt "$most_kib" ]
curl --silent --fail "$GATEWAY/healthz" >/dev/null
