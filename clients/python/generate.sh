#!/bin/sh
# Writes the types of the gateway's OpenAPI document: generate.sh [FILE]. Needs datamodel-code-generator 0.89.0.
set -eu
cd "$(dirname "$0")"
datamodel-codegen --input ../../docs/openapi.json --input-file-type openapi --output-model-type typing.TypedDict \
    --target-python-version 3.10 --use-schema-description --use-field-description --disable-timestamp \
    --formatters builtin --output "${1:-src/booster_fleet/_openapi.py}"
