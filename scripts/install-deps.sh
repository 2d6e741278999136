#!/bin/sh
# Installs what the fleet needs beside a Rust toolchain, and only what is missing.
#
#   install-deps.sh GROUP…
#     guests      what compiles Rust and C to WebAssembly: the rustup target and clang, else Debian's compiler
#     examples    what builds the example boosters: the wasm linker, wasi-libc, Node and Python
#     redis       redis-server
#     prometheus  prometheus with promtool, and prometheus-alertmanager with amtool
#     node        node and npm, for the dashboards and what the queue benchmark compares with
#     python      Python with venv and pip, for clients and tools of others that test the gateway
#     load        wrk and curl, for load on the gateway
#     terminal    tmux, in which tests look at what a terminal shows
#     network     ip, for networks that fail on purpose
#     chromium    the browser in which the console is tested, and a font
#     cargo-deny  the licence and advisory check
#
# The fleet starts private servers of its own, so no system service is left running or enabled by this.
set -eu

root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
# shellcheck source=guests/toolchain.sh
. "$root/guests/toolchain.sh"

cargo_deny_version=0.20.2
policy=/usr/sbin/policy-rc.d
made_policy=
log=$(mktemp)

die() {
    echo "install-deps: $*" >&2
    exit 1
}

usage() {
    echo "install-deps: $*; known are guests, examples, redis, prometheus, node, python, load, terminal, network, chromium, cargo-deny" >&2
    exit 2
}

as_root() {
    if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo "$@"; fi
}

# Debian's packages start their services unless this file forbids it.
hold_services() {
    [ ! -e "$policy" ] || return 0
    made_policy=yes
    printf '#!/bin/sh\nexit 101\n' | as_root tee "$policy" >/dev/null
    as_root chmod 755 "$policy"
}

clean_up() {
    rm -f "$log"
    [ -z "$made_policy" ] || as_root rm -f "$policy"
    made_policy=
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

apt_get() {
    as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300 "$@" >"$log" 2>&1 ||
        { cat "$log" >&2; die "apt-get $* failed"; }
}

# Installs those of the named packages that are missing.
install_packages() {
    command -v apt-get >/dev/null ||
        die "this is no Debian; install what these Debian packages contain: $*"
    missing=$(missing_packages "$@" | tr '\n' ' ')
    [ -n "$missing" ] || return 0
    [ "$(id -u)" -eq 0 ] || command -v sudo >/dev/null ||
        die "root is needed for: apt-get install --no-install-recommends $missing"
    echo "installing $missing" >&2
    hold_services
    apt_get update
    # shellcheck disable=SC2086
    apt_get install -y --no-install-recommends --no-remove $missing
}

# Makes sure that a service installed a moment ago neither runs nor starts with the machine.
retire_service() {
    if [ -d /run/systemd/system ]; then
        as_root systemctl disable --now "$1" >"$log" 2>&1 || { cat "$log" >&2; die "$1 could not be stopped"; }
    elif [ -x "/etc/init.d/$1" ]; then
        as_root "/etc/init.d/$1" stop >"$log" 2>&1 || true
        as_root update-rc.d "$1" disable >"$log" 2>&1 || true
    fi
}

# Installs a package whose program is missing; a server that is there already is nobody's business here.
install_server() {
    ! command -v "$1" >/dev/null || return 0
    install_packages "$1"
    retire_service "$1"
}

install_guests() {
    if ! has_wasm_target && [ "${GUESTS_COMPILER:-}" != debian ] && command -v rustup >/dev/null; then
        # Fails at once where the target cannot be fetched.
        (cd "$root" && timeout 60 rustup --quiet target add "$wasm_target") >"$log" 2>&1 || true
    fi
    has_wasm_target || {
        # shellcheck disable=SC2086
        install_packages $rust_packages $c_packages
        return
    }
    # shellcheck disable=SC2086
    find_c_compiler || install_packages $c_packages
}

install_examples() {
    { command -v node && command -v npm; } >/dev/null || install_packages nodejs npm
    { command -v python3 && python3 -c 'import ensurepip'; } >/dev/null 2>&1 ||
        install_packages python3 python3-venv
    # shellcheck disable=SC2086
    install_packages $c_packages $example_packages
}

[ $# -gt 0 ] || usage "no group is named"
for group in "$@"; do
    case $group in
    guests) install_guests ;;
    examples) install_examples ;;
    redis) install_server redis-server ;;
    prometheus)
        install_server prometheus
        install_server prometheus-alertmanager
        ;;
    node) { command -v node && command -v npm; } >/dev/null || install_packages nodejs npm ;;
    python) python3 -c 'import ensurepip' 2>/dev/null || install_packages python3 python3-venv ;;
    load) { command -v wrk && command -v curl; } >/dev/null || install_packages wrk curl ;;
    terminal) command -v tmux >/dev/null || install_packages tmux ;;
    network) command -v ip >/dev/null || install_packages iproute2 ;;
    chromium) install_packages chromium fonts-dejavu-core ;;
    cargo-deny)
        command -v cargo-deny >/dev/null || cargo install --quiet --locked "cargo-deny@$cargo_deny_version"
        ;;
    *) usage "unknown group $group" ;;
    esac
done
