#!/bin/sh
# Builds the boosters that ship with the fleet: guests/out/NAME.wasm (a component) and NAME.json (its manifest).
#
# Does nothing when nothing has changed. What is missing on a Debian machine is installed.
# VERBOSE=1 shows what the compilers say. GUESTS_COMPILER=debian leaves the rustup target aside.
set -eu

root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
guests=$root/guests
out=$guests/out
# Each directory's last part is the booster's name; its package is guest-NAME.
shipped="apply examples/noop examples/faulty"

# shellcheck source=guests/toolchain.sh
. "$guests/toolchain.sh"

# A hash of everything that a booster is made from.
hash_inputs() {
    cd "$root"
    # shellcheck disable=SC2046
    find Cargo.toml wit crates/booster-apply/Cargo.toml crates/booster-apply/src guests/Cargo.toml \
        guests/Cargo.lock guests/build.sh guests/toolchain.sh guests/componentize \
        $(for dir in $shipped; do echo "guests/$dir"; done) \
        -name target -prune -o -type f -exec sha256sum {} + | LC_ALL=C sort -k 2 | sha256sum | cut -d ' ' -f 1
}

is_current() {
    [ "$(cat "$out/.inputs" 2>/dev/null)" = "$inputs" ] || return 1
    for dir in $shipped; do
        [ -s "$out/${dir##*/}.wasm" ] && [ -s "$out/${dir##*/}.json" ] || return 1
    done
}

# Runs a command and shows what it says only when it fails.
quietly() {
    if [ "${VERBOSE:-}" = 1 ]; then
        "$@"
    elif ! "$@" >"$log" 2>&1; then
        cat "$log" >&2
        return 1
    fi
}

# The folder of the tree-sitter-language crate, which has the few C headers that the grammars include.
tree_sitter_language() {
    manifest=$(cargo metadata --quiet --format-version 1 --locked --manifest-path "$guests/Cargo.toml" |
        grep -o '"manifest_path":"[^"]*/tree-sitter-language[^/"]*/Cargo.toml"' | head -n 1 | cut -d '"' -f 4)
    [ -n "$manifest" ] || return 1
    dirname "$manifest"
}

build_modules() (
    # Flags and targets meant for the product do not suit another machine.
    unset RUSTFLAGS CARGO_BUILD_TARGET CARGO_BUILD_RUSTFLAGS RUSTC_BOOTSTRAP
    headers=$(tree_sitter_language)
    export "CC_wasm32_unknown_unknown=$wasm_cc" "AR_wasm32_unknown_unknown=$wasm_ar"
    # Its headers leave out two things of C11 that the C++ grammar uses, and one that Bash's does.
    flags="-isystem $headers/wasm/include -include wchar.h -Dstatic_assert=_Static_assert -Disdigit=iswdigit"
    export "CFLAGS_wasm32_unknown_unknown=$flags"
    # tree-sitter-c asks for a libc that tree-sitter 0.27 brings itself, and is given sources that fail on purpose.
    # Empty ones do: this stands for the build script of tree-sitter-language, which says where they are.
    no_libc=$guests/target/no-libc
    mkdir -p "$no_libc"
    for file in stdio stdlib string; do : >"$no_libc/$file.c"; done
    links=target.$wasm_target.tree-sitter-language
    # Panic messages name source files: the same names on every machine.
    separator=$(printf '\037')
    crates=$(dirname "$headers")
    remap="--remap-path-prefix=$root=/fleet$separator--remap-path-prefix=$crates=/crates"
    export "CARGO_ENCODED_RUSTFLAGS=$remap"
    set -- --config "$links.wasm-headers='$headers/wasm/include'" --config "$links.wasm-src='$no_libc'"
    set -- "$@" build --release --locked --target "$wasm_target" --target-dir "$guests/target"
    cd "$guests"
    if has_wasm_target; then
        quietly cargo "$@"
    else
        # Debian has no standard library for this target but its source, which only its own compiler can build.
        export RUSTC=/usr/bin/rustc RUSTC_BOOTSTRAP=1 CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER=wasm-ld-16
        quietly /usr/bin/cargo "$@" -Z build-std=std,panic_abort
    fi
)

# Builds the host program that makes components and prints its path.
build_componentize() (
    unset CARGO_BUILD_TARGET
    cd "$guests/componentize"
    quietly cargo build --locked --target-dir "$guests/target/host" >&2
    echo "$guests/target/host/debug/componentize"
)

inputs="$(hash_inputs) ${GUESTS_COMPILER:-any}"
if is_current; then
    echo "guests are up to date"
    exit 0
fi

mkdir -p "$out"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

sh "$root/scripts/install-deps.sh" guests
find_c_compiler || {
    echo "no clang with llvm-ar was found that can make WebAssembly" >&2
    exit 1
}
echo "building the guests (a first build takes a few minutes)" >&2
build_modules
componentize=$(build_componentize)

for dir in $shipped; do
    name=${dir##*/}
    "$componentize" "$guests/target/$wasm_target/release/guest_$name.wasm" -o "$out/$name.wasm"
    cp "$guests/$dir/booster.json" "$out/$name.json.$$.tmp"
    mv "$out/$name.json.$$.tmp" "$out/$name.json"
    echo "guests/out/$name.wasm $(wc -c <"$out/$name.wasm" | awk '{ printf "%.0f KB", $1 / 1000 }')"
done
echo "$inputs" >"$out/.inputs.$$.tmp"
mv "$out/.inputs.$$.tmp" "$out/.inputs"
