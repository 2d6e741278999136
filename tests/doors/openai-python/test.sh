#!/bin/sh
# OpenAI's own client for Python, from PyPI.
set -eu
[ -x "$WORK/venv/bin/python" ] || python3 -m venv "$WORK/venv"
"$WORK/venv/bin/pip" install --quiet --disable-pip-version-check --requirement requirements.txt
exec "$WORK/venv/bin/python" client.py
