"""Environment -> the same without anything that could reach a paid provider.

`python -m cjadmin.local.environment PROGRAM ...` runs a Python program in it.
"""

import os
import re
import sys
from collections.abc import Mapping

PAID = re.compile(
    r"(ANTHROPIC|OPENAI|AZURE_OPENAI)_.*"  # keys, tokens, endpoints and headers of the SDKs
    r"|.*_(API_KEY|AUTH_TOKEN|BASE_URL)"
    r"|(HTTP|HTTPS|ALL|FTP)_PROXY"  # the local provider is on loopback: a proxy would be sent its calls
    r"|CJ_LOCAL_PROVIDER_URL",
    re.IGNORECASE,
)


def keyless(environ: Mapping[str, str]) -> dict[str, str]:
    """The environment for demo, tests and bench: no key, no endpoint, no proxy, and the local provider switched on."""
    kept = {name: value for name, value in environ.items() if not PAID.fullmatch(name)}
    return kept | {"CJ_LOCAL_PROVIDER": "1"}


def drop_keys() -> None:
    """Make this process keyless, and so every process that it starts."""
    clean = keyless(os.environ)
    os.environ.clear()
    os.environ.update(clean)


def restart_without_keys(**extra: str) -> None:
    """Start this very program again where it holds a key: whatever was imported before may have read it."""
    clean = keyless(os.environ) | extra
    if clean != dict(os.environ):
        sys.stdout.flush()
        os.execve(sys.executable, [sys.executable, *sys.argv], clean)  # noqa: S606  our own command line


if __name__ == "__main__":
    drop_keys()
    os.execv(sys.executable, [sys.executable, *sys.argv[1:]])  # noqa: S606
