# What compiles Rust and C to WebAssembly. Sourced by build.sh and scripts/install-deps.sh; needs $root.
# shellcheck shell=sh disable=SC2034,SC2154

wasm_target=wasm32-unknown-unknown
# The C grammars need a C compiler and an archiver in any case.
c_packages="clang-16 llvm-16"
# The examples in C also need a linker, a libc and what clang calls behind its user's back.
example_packages="lld-16 wasi-libc libclang-rt-16-dev-wasm32"
# Without a rustup target also a Rust compiler, its standard library's source, and a linker.
rust_packages="rustc-web cargo-web rust-web-src lld-16"

# Whether the active Rust toolchain has the target's standard library. GUESTS_COMPILER=debian says no to it.
has_wasm_target() {
    [ "${GUESTS_COMPILER:-}" != debian ] || return 1
    libdir=$(cd "$root" && rustc --print target-libdir --target "$wasm_target" 2>/dev/null) || return 1
    [ -d "$libdir" ]
}

# Finds clang and llvm-ar of one version, the packaged one first, and sets $wasm_cc and $wasm_ar.
find_c_compiler() {
    wasm_cc=${CC_wasm32_unknown_unknown:-}
    wasm_ar=${AR_wasm32_unknown_unknown:-}
    [ -z "$wasm_cc" ] || [ -z "$wasm_ar" ] || return 0
    for version in -16 '' -22 -21 -20 -19 -18 -17 -15 -14; do
        wasm_cc=clang$version
        wasm_ar=llvm-ar$version
        # Some vendors' clang cannot make WebAssembly.
        if command -v "$wasm_ar" >/dev/null && "$wasm_cc" --print-targets 2>/dev/null | grep -qw wasm32; then
            return 0
        fi
    done
    return 1
}

# Prints which of the named Debian packages are not installed.
missing_packages() {
    for package in "$@"; do
        status=$(dpkg-query -W -f '${Status}' "$package" 2>/dev/null) || status=
        [ "$status" = "install ok installed" ] || echo "$package"
    done
}
