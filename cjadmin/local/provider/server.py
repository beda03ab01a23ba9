"""A local provider -> an aiohttp application on loopback that runs until it is told to stop."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

from aiohttp import web

from . import anthropic_routes, control, openai_routes
from .door import guarded
from .local_provider import LocalProvider

HOST = "127.0.0.1"
BOOKED_EVERY = 0.05  # seconds
STOPS_WITHIN = 2.0  # seconds for open connections
BACKLOG = 2_048
LARGEST_BODY = 2**29  # above both providers' limits, which are checked where they can be told properly


def application(local: LocalProvider) -> web.Application:
    """Every path of both providers and of the control panel."""
    app = web.Application(client_max_size=LARGEST_BODY)
    for root, provider, routes in (
        ("/anthropic", "anthropic", anthropic_routes.ROUTES),
        ("/openai", "openai", openai_routes.ROUTES),
    ):
        for method, path, endpoint, handler in routes:
            app.router.add_route(method, root + path, guarded(local, provider, endpoint, handler))
    for method, path, door in control.ROUTES:
        app.router.add_route(method, path, control.opened(local, door))

    async def bookkeeping(app: web.Application) -> AsyncIterator[None]:
        task = asyncio.create_task(_book_regularly(local))
        yield
        task.cancel()
        local.close()

    async def wake_sleepers(app: web.Application) -> None:
        local.stopping.set()

    app.cleanup_ctx.append(bookkeeping)
    app.on_shutdown.append(wake_sleepers)
    return app


async def _book_regularly(local: LocalProvider) -> None:
    while True:
        await asyncio.sleep(BOOKED_EVERY)
        local.flush()


async def serve(local: LocalProvider, port: int, url_file: Path, *, host: str = HOST) -> None:
    """Listen, say where, and return after SIGTERM or SIGINT."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    runner = web.AppRunner(application(local), access_log=None, shutdown_timeout=STOPS_WITHIN)
    await runner.setup()
    site = web.TCPSite(runner, host, port, backlog=BACKLOG)
    await site.start()
    _tell(url_file, f"http://{host}:{runner.addresses[0][1]}")
    await stop.wait()
    await runner.cleanup()


def _tell(url_file: Path, url: str) -> None:
    """Whoever sees the file sees the whole address."""
    part = url_file.with_name(f".{url_file.name}.{os.getpid()}")
    part.write_text(url)
    part.replace(url_file)
    sys.stdout.write(f"{url}\n")
    sys.stdout.flush()
