#!/bin/sh
# Fetches npm's agent-booster and makes it a booster: guests/out/agent-booster.wasm and agent-booster.json.
#
# The package is taken only with the digest below. Its WebAssembly goes into the component as it is, beside the
# adapter. Needs what guests/build.sh has built.
set -eu

root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
guests=$root/guests
out=$guests/out
version=0.2.2
integrity=sha512-9X8vNsx/Qnr7Bo6NrNji7Ccy9gUr5r0vTAm07dNYod/fefBy0HD/kyBFECST/sdbE6Kha5e/N3FOV9sTy22XCw==
package=$guests/target/npm/agent-booster-$version
module=$package/package/wasm/agent_booster_wasm_bg.wasm
adapter=$guests/target/wasm32-unknown-unknown/release/adapter_agent_booster.wasm
componentize=$guests/target/host/debug/componentize

fetch() {
    rm -rf "$package"
    mkdir -p "$package"
    (cd "$package" && npm pack --silent "agent-booster@$version" >/dev/null)
    archive=$package/agent-booster-$version.tgz
    found=sha512-$(openssl dgst -sha512 -binary "$archive" | openssl base64 -A)
    if [ "$found" != "$integrity" ]; then
        rm -rf "$package"
        echo "agent-booster $version: the package's digest is $found, expected $integrity" >&2
        exit 1
    fi
    tar -xzf "$archive" -C "$package"
}

[ -s "$module" ] || fetch
"$componentize" --agent-booster "$module" "$adapter" -o "$out/agent-booster.wasm"
cp "$guests/adapters/agent-booster/booster.json" "$out/agent-booster.json.$$.tmp"
mv "$out/agent-booster.json.$$.tmp" "$out/agent-booster.json"
echo "guests/out/agent-booster.wasm $(wc -c <"$out/agent-booster.wasm" | awk '{ printf "%.0f KB", $1 / 1000 }')"
