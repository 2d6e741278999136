#!/bin/sh
# Starts a private fleet of two workers with its gateway, and runs every door: each `*/test.sh` beside this file.
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

stop() {
    [ -z "$fleet" ] || kill -TERM "$fleet" 2>/dev/null || true
    [ -z "$fleet" ] || wait "$fleet" || true
    rm -f "$log"
}
trap stop EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

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

[ $# -gt 0 ] || set -- $(cd "$here" && for door in */test.sh; do echo "${door%/test.sh}"; done)
failed=
for door in "$@"; do
    WORK=$target/doors/$door
    mkdir -p "$WORK"
    export WORK
    echo "door $door" >&2
    (cd "$here/$door" && sh ./test.sh) || failed="$failed $door"
done
[ -z "$failed" ] || { echo "failed:$failed" >&2; exit 1; }
