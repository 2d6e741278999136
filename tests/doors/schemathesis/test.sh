#!/bin/sh
# Requests made from the OpenAPI document, right ones and wrong ones, and a look at whether answers are as it says.
set -eu
[ -x "$WORK/venv/bin/python" ] || python3 -m venv "$WORK/venv"
"$WORK/venv/bin/pip" install --quiet --disable-pip-version-check --requirement requirements.txt
# The stream of events does not end.
exec "$WORK/venv/bin/schemathesis" run "$GATEWAY/openapi.json" \
    --exclude-path /v1/events --max-examples 30 --seed 20240607 --request-timeout 60 --no-color \
    --checks not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance,unsupported_method
