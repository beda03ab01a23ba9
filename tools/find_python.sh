#!/bin/sh
# Installed Pythons -> the path of one that is new enough and can make a virtual environment; else one sentence, exit 1.
# PYTHON=... names one; then comes what .python-version asks for, then the newest. A candidate counts only when it runs:
# a version manager's shim may stand on PATH for a Python that is not switched on.
set -u
cd "$(dirname "$0")/.." || exit 1

suits() {
    "$1" -I -c 'import sys, ensurepip, venv; sys.exit(sys.version_info < (3, 12))' >/dev/null 2>&1
}

say_if_suits() {
    suits "$1" || return 1
    "$1" -I -c 'import sys; print(sys.executable)'
    exit 0
}

if [ -n "${PYTHON:-}" ]; then
    say_if_suits "$PYTHON"
    echo "PYTHON=$PYTHON does not run, is older than 3.12, or lacks the venv module." >&2
    exit 1
fi

managed="${PYENV_ROOT:-${HOME:-/nonexistent}/.pyenv}/versions"
wanted=$(head -n 1 .python-version 2>/dev/null)
if [ -n "$wanted" ]; then
    say_if_suits "python$wanted"
    for folder in "$managed/$wanted" "$managed/$wanted".*; do
        say_if_suits "$folder/bin/python"
    done
fi
for name in python3.14 python3.13 python3.12 python3 python; do
    say_if_suits "$name"
done
for version in 3.14 3.13 3.12; do
    for folder in "$managed/$version" "$managed/$version".*; do
        say_if_suits "$folder/bin/python"
    done
done
echo "No Python 3.12 or newer with the venv module was found: install one (for example python3.13 and python3.13-venv), or name it with PYTHON=/path/to/python." >&2
exit 1
