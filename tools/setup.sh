#!/bin/sh
# A list of requirements -> .venv has it. The one thing that every target of the Makefile does first.
set -eu
cd "$(dirname "$0")/.."
python=$(sh tools/find_python.sh)
exec "$python" -I tools/setup.py "$1"
