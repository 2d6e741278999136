#!/bin/sh
# OpenAI's own client for Node, from npm.
set -eu
cp package.json client.mjs "$WORK/"
npm install --prefix "$WORK" --ignore-scripts --no-audit --no-fund --loglevel error >/dev/null
exec node "$WORK/client.mjs"
