"""A piece of work -> its result, and by how much it made the process grow while it ran, in a process of its own."""

import gc
import multiprocessing
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

STATUS, CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")
FORGET_THE_PEAK = "5"
MB = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Apart[T]:
    """What a piece of work brought, and its peak of memory above where it began."""

    result: T
    grown_mb: float


def apart[T](work: Callable[..., T], *arguments: Any) -> Apart[T]:
    """Do it in a forked process, with database connections of its own; what it raises is raised here."""
    from django.conf import settings
    from django.db import connections

    if settings.configured:
        connections.close_all()
    context = multiprocessing.get_context("fork")
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_do, args=(theirs, work, arguments))
    process.start()
    theirs.close()
    try:
        answer: Apart[T] | Exception = ours.recv()
    except EOFError:
        raise RuntimeError(f"{work.__name__} ended without a result") from None
    finally:
        process.join()
    if isinstance(answer, Exception):
        raise answer
    return answer


def _do(answers: Any, work: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
    gc.freeze()  # as our workers do before they fork: or the child's collector walks, and so copies, all it was given
    before = _kilobytes("VmRSS")
    CLEAR.write_text(FORGET_THE_PEAK)
    try:
        result = work(*arguments)
        answers.send(Apart(result=result, grown_mb=max(0, _kilobytes("VmHWM") - before) * 1024 / MB))
    except Exception as problem:
        answers.send(problem)
        raise


def _kilobytes(name: str) -> int:
    line = next(line for line in STATUS.read_text().splitlines() if line.startswith(name))
    return int(line.split()[1])
