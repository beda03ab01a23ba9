#!/bin/sh
# A machine -> it has a Chromium to drive. Installs Debian's, and only where there is none.
set -eu
if command -v chromium >/dev/null 2>&1; then
    exit 0
fi
if ! command -v apt-get >/dev/null 2>&1 || [ "$(id -u)" -ne 0 ]; then
    echo "The browser tests need Chromium: install it (on Debian, as root: apt-get install chromium fonts-dejavu-core)." >&2
    exit 1
fi
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
apt-get install -y -qq --no-install-recommends chromium fonts-dejavu-core >/dev/null
