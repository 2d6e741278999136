#!/bin/sh
# Checks the fleet against docs/redis-protocol.md with redis-cli alone.
set -eu
exec ../redis-conformance.sh
