"""Command line -> a running local provider."""

import argparse
import asyncio
import sys
from pathlib import Path

from .local_provider import LocalProvider
from .server import HOST, serve
from .settings import BadSettings, Settings, read


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m cjadmin.local.provider", description=__doc__)
    parser.add_argument("--dir", type=Path, required=True, help="where batches, files and the ledger are kept")
    parser.add_argument("--host", default=HOST, help="where to listen; it lets in whoever can reach that address")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--url-file", type=Path, help="where the address is written once it listens; default DIR/url")
    parser.add_argument("--latency", type=float, help="seconds before a synchronous answer")
    parser.add_argument("--batch-seconds", type=float, help="life of a batch")
    parser.add_argument("--config", type=Path, help="settings and faults as JSON")
    return parser.parse_args()


async def run(given: argparse.Namespace, settings: Settings) -> None:
    url_file = given.url_file or given.dir / "url"
    await serve(LocalProvider(given.dir, settings), given.port, url_file, host=given.host)


def main() -> int:
    given = arguments()
    given.dir.mkdir(parents=True, exist_ok=True)
    try:
        settings = read(given.config, latency=given.latency, batch_seconds=given.batch_seconds)
        asyncio.run(run(given, settings))
    except (BadSettings, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
