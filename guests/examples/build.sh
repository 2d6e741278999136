#!/bin/sh
# Builds the examples in several languages: guests/out/examples/NAME.wasm and NAME.json. Needs what guests/build.sh
# has built, Node and Python; compilers come from npm, PyPI and Debian.
set -eu

root=$(CDPATH='' cd -- "$(dirname -- "$0")/../.." && pwd)
examples=$root/guests/examples
work=$root/guests/target/examples
out=$root/guests/out/examples
componentize=$root/guests/target/host/debug/componentize
names="count-rust count-javascript count-python count-c count-command"

# shellcheck source=guests/toolchain.sh
. "$root/guests/toolchain.sh"

hash_inputs() {
    cd "$root"
    find wit guests/componentize/src crates/booster-adapt/src guests/examples/build.sh guests/examples/count-* \
        -name node_modules -prune -o -type f -exec sha256sum {} + | LC_ALL=C sort -k 2 | sha256sum | cut -d ' ' -f 1
}

is_current() {
    [ "$(cat "$out/.inputs" 2>/dev/null)" = "$inputs" ] || return 1
    for name in $names; do
        [ -s "$out/$name.wasm" ] && [ -s "$out/$name.json" ] || return 1
    done
}

manifest() {
    cat >"$out/$1.json" <<EOF
{
    "name": "$1",
    "version": "1.0.0",
    "description": "Counts bytes, lines and words: $2.",
    "capabilities": ["wasm-acceleration"],
    "warmUp": [$3]
}
EOF
}

build_javascript() {
    mkdir -p "$work/javascript"
    cp -R "$examples/count-javascript/." "$work/javascript"
    sed "s|../../../wit|$root/wit|" "$examples/count-javascript/build.mjs" >"$work/javascript/build.mjs"
    npm install --prefix "$work/javascript" --ignore-scripts --no-audit --no-fund --loglevel error >/dev/null
    node "$work/javascript/build.mjs" "$out/count-javascript.wasm"
}

build_python() {
    [ -x "$work/python/bin/pip" ] || python3 -m venv "$work/python"
    "$work/python/bin/pip" install --quiet --disable-pip-version-check -r "$examples/count-python/requirements.txt"
    (cd "$examples/count-python" && PYTHONDONTWRITEBYTECODE=1 "$work/python/bin/componentize-py" --quiet \
        -d "$root/wit" -w booster componentize --stub-wasi count -o "$out/count-python.wasm")
}

# Without a libc, and with wasi-libc.
build_c() {
    set -- -O2 -Wall -Wextra -Werror "$examples/count-c/count.c"
    "$wasm_cc" --target=wasm32-unknown-unknown -nostdlib -ffreestanding -fuse-ld="$linker" "$@" \
        "$examples/count-c/component.c" -Wl,--no-entry,--strip-all -o "$work/count-c.wasm"
    "$componentize" "$work/count-c.wasm" -o "$out/count-c.wasm"
    "$wasm_cc" --target=wasm32-wasi --sysroot=/usr -fuse-ld="$linker" "$@" "$examples/count-c/command.c" -Wl,--strip-all \
        -o "$out/count-command.wasm"
}

inputs=$(hash_inputs)
if is_current; then
    echo "the examples are up to date"
    exit 0
fi
sh "$root/scripts/install-deps.sh" guests examples
find_c_compiler || {
    echo "no clang with llvm-ar was found that can make WebAssembly" >&2
    exit 1
}
linker=$(command -v wasm-ld-16)
mkdir -p "$work" "$out"

warm_up='{"text": "Two words\nand three more.\n"}, {"text": "\u00e9\t\"1\""}, {}'
"$componentize" "$root/guests/target/$wasm_target/release/guest_count_rust.wasm" -o "$out/count-rust.wasm"
build_javascript
build_python
build_c
manifest count-rust "a component in Rust" "$warm_up"
manifest count-javascript "a component in JavaScript" "$warm_up"
manifest count-python "a component in Python" "$warm_up"
manifest count-c "a component in C without a libc" "$warm_up"
# A command runs once in an instance, so it cannot be warmed up.
manifest count-command "a WASI command in C" ""
for name in $names; do
    echo "guests/out/examples/$name.wasm $(wc -c <"$out/$name.wasm" | awk '{ printf "%.0f KB", $1 / 1000 }')"
done
echo "$inputs" >"$out/.inputs"
