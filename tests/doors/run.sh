#!/bin/sh
# Runs doors: each `*/test.sh` beside this file, against a private fleet of its own with two workers and a gateway.
#
#   run.sh [DOOR…]     all doors when none is named
#
# A door gets GATEWAY (http://host:port), REDIS_URL, GATEWAY_PID (the gateway's process) and WORK (a directory of its
# own that is kept between runs, for what it installs), and exits with 0 when it found everything right.
set -eu

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
root=$(CDPATH='' cd -- "$here/../.." && pwd)
target=${CARGO_TARGET_DIR:-$root/target}
log=$(mktemp)
fleet=

start() {
    "$target/debug/booster" up --workers 2 --listen 127.0.0.1:0 2>"$log" &
    fleet=$!
    tries=0
    until grep -q 'Ctrl-C ends it all' "$log"; do
        tries=$((tries + 1))
        if [ "$tries" -gt 600 ] || ! kill -0 "$fleet" 2>/dev/null; then
            cat "$log" >&2
            exit 1
        fi
        sleep 0.1
    done
    GATEWAY=$(sed -n 's/^booster: gateway  *//p' "$log")
    REDIS_URL=$(sed -n 's/^booster: Redis  *//p' "$log")
    GATEWAY_PID=$fleet
    export GATEWAY REDIS_URL GATEWAY_PID
}

stop() {
    [ -n "$fleet" ] || return 0
    kill -TERM "$fleet" 2>/dev/null || true
    wait "$fleet" || true
    fleet=
}

trap 'stop; rm -f "$log"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

if [ $# -eq 0 ]; then
    for door in "$here"/*/test.sh; do set -- "$@" "$(basename "$(dirname "$door")")"; done
fi
failed=
for door in "$@"; do
    WORK=$target/doors/$door
    mkdir -p "$WORK"
    export WORK
    echo "door $door" >&2
    start
    (cd "$here/$door" && sh ./test.sh) || failed="$failed $door"
    stop
done
[ -z "$failed" ] || { echo "failed:$failed" >&2; exit 1; }
