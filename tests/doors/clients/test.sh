#!/bin/sh
# Tests the packages for Node and Python as they would be published, the examples of the READMEs, and those of the
# Rust library. Needs Node 20.3 and Python 3.10; PARTS has the parts to run (typescript, python, readme, rust).
set -eu

root=$(CDPATH='' cd -- "$(dirname -- "$0")/../../.." && pwd)
programs=${CARGO_TARGET_DIR:-$root/target}/debug
work=$WORK
BOOSTER_URL=$GATEWAY
export BOOSTER_URL

say() { echo "clients: $*" >&2; }

die() {
    say "$*"
    exit 1
}

# Fails when committed types are not what the OpenAPI document gives.
check_types() {
    cmp -s "$1" "$2" || die "$2 is not what docs/openapi.json gives; $3 makes it anew"
}

# Fails when a package has a file that no pattern allows, or lacks one that it must have.
check_files() {
    package=$1 allowed=$2
    shift 2
    stray=$(grep -vE "$allowed" "$work/files" || true)
    [ -z "$stray" ] || die "$package: does not belong there: $stray"
    for needed in "$@"; do
        grep -q "$needed" "$work/files" || die "$package: $needed is missing"
    done
}

# The package as it would be published, built once for its own tests and for the examples.
node_package() {
    node -e 'const [a, b] = process.versions.node.split("."); process.exit(a > 20 || (a == 20 && b >= 3) ? 0 : 1)' ||
        die "Node 20.3 or newer is needed, $(node --version) is there"
    cd "$root/clients/typescript"
    [ -d node_modules ] || npm ci --ignore-scripts --no-audit --no-fund --loglevel error >&2
    npx --no-install openapi-typescript ../../docs/openapi.json --output "$work/openapi.ts" >/dev/null 2>&1
    check_types "$work/openapi.ts" src/openapi.ts "npm run generate"
    rm -rf "$work/node" && mkdir -p "$work/node"
    npm pack --silent --pack-destination "$work/node" >/dev/null
    (cd "$work/node" && npm init --yes >/dev/null &&
        npm install --no-audit --no-fund --loglevel error ./booster-fleet-*.tgz redis typescript@5 @types/node@20 >&2)
}

python_package() {
    cd "$root/clients/python"
    [ -x "$work/build/bin/python" ] || python3 -m venv "$work/build"
    "$work/build/bin/pip" install --quiet --disable-pip-version-check build datamodel-code-generator==0.89.0
    PATH="$work/build/bin:$PATH" ./generate.sh "$work/_openapi.py"
    check_types "$work/_openapi.py" src/booster_fleet/_openapi.py "clients/python/generate.sh"
    rm -rf "$work/python" "$work/dist" && python3 -m venv "$work/python"
    "$work/build/bin/python" -m build --outdir "$work/dist" . >"$work/build.log" 2>&1 ||
        { cat "$work/build.log" >&2; die "the Python package cannot be built"; }
    wheel=$(echo "$work"/dist/*.whl)
    "$work/python/bin/pip" install --quiet --disable-pip-version-check "$wheel[redis]" pytest mypy
}

test_typescript() {
    node_package
    tar -tzf "$work"/node/booster-fleet-*.tgz >"$work/files"
    check_files "npm pack" '^package/(dist/[a-z]+\.(d\.ts|js)|README\.md|LICENSE-(MIT|APACHE)|package\.json)$' \
        dist/index.js dist/index.d.ts dist/redis.js README.md LICENSE-MIT LICENSE-APACHE
    npm test >&2
}

test_python() {
    python_package
    unzip -Z1 "$wheel" >"$work/files" 2>/dev/null || "$work/build/bin/python" -m zipfile -l "$wheel" |
        awk 'NR > 1 { print $1 }' >"$work/files"
    check_files "the wheel" '^booster_fleet(/[a-z_]+\.py|/py\.typed|-[0-9.]+\.dist-info/.*)$' \
        booster_fleet/py.typed licenses/LICENSE-MIT licenses/LICENSE-APACHE
    tar -tzf "$work"/dist/*.tar.gz >"$work/files"
    check_files "the source package" \
        '^booster_fleet-[0-9.]+/(src/booster_fleet/[a-z_.]+|tests/[a-z_]+\.py|README\.md|LICENSE-(MIT|APACHE)|pyproject\.toml|PKG-INFO|\.gitignore)$' \
        README.md LICENSE-MIT LICENSE-APACHE
    "$work/python/bin/mypy" --no-error-summary
    "$work/python/bin/pytest" -q -p no:cacheprovider >&2
}

# Writes the code blocks of one language in a README to files, and says their names.
blocks() {
    awk -v language="$2" -v stem="$work/$3" '
        /^```/ && file { close(file); file = ""; next }
        $0 == "```" language { file = sprintf("%s-%d.%s", stem, ++count, language); print file; printf "" > file; next }
        file { print > file }
    ' "$1"
}

test_readme() {
    [ -d "$work/node" ] || node_package
    [ -d "$work/python" ] || python_package
    rm -f "$work"/node/*.js "$work"/*.python
    count=0
    for readme in README.md clients/typescript/README.md clients/python/README.md; do
        stem=$(echo "$readme" | tr / -)
        for block in $(blocks "$root/$readme" js "node/$stem") $(blocks "$root/$readme" python "$stem"); do
            case $block in
            *.js) cp "$block" "$block.mjs" && (cd "$work/node" && timeout 120 node "$block.mjs") >"$block.out" 2>&1 ;;
            *) timeout 120 "$work/python/bin/python" "$block" >"$block.out" 2>&1 ;;
            esac || { cat "$block" "$block.out" >&2; die "an example of $readme fails: $block"; }
            [ -s "$block.out" ] || die "an example of $readme prints nothing: $block"
            count=$((count + 1))
        done
    done
    [ "$count" -ge 9 ] || die "only $count examples were found in the READMEs"
    say "$count examples of the READMEs work"
}

test_rust() {
    for source in "$root"/producer/examples/*.rs; do
        name=$(basename "$source" .rs)
        [ -x "$programs/examples/$name" ] ||
            die "$programs/examples/$name is missing; build with cargo build --workspace --bins --examples"
        timeout 120 "$programs/examples/$name" >"$work/$name.out" 2>&1 || { cat "$work/$name.out" >&2; die "example $name fails"; }
        [ -s "$work/$name.out" ] || die "example $name prints nothing"
        say "example $name works"
    done
}

failed=
for part in ${PARTS:-typescript python readme rust}; do
    say "$part"
    if (set -e; "test_$part"); then continue; fi
    failed="$failed $part"
done
[ -z "$failed" ] || die "failed:$failed"
