"""A piece of work -> what it cost: wall time, our processor time, the PostgreSQL back end's, and log written."""

import statistics
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
from django.db import connection


@dataclass(slots=True, kw_only=True)
class Cost:
    """Seconds, and bytes of write-ahead log. `parts` splits the server's seconds by kind of statement."""

    wall: float = 0.0
    client: float = 0.0
    server: float = 0.0
    wal: int = 0
    parts: dict[str, float] = field(default_factory=dict)

    def each(self, n: int) -> dict[str, float]:
        """Microseconds and bytes for each of `n` rows."""
        whole = {"wall": self.wall, "client": self.client, "server": self.server} | self.parts
        return {name: seconds / n * 1e6 for name, seconds in whole.items()} | {"wal": self.wal / n}


class BackEnd:
    """The server process behind Django's connection."""

    def __init__(self) -> None:
        self.pid = int(ask("SELECT pg_backend_pid()"))
        self.path = Path(f"/proc/{self.pid}/schedstat")

    def seconds(self) -> float:
        """Processor time so far: to the nanosecond where Linux tells, else in ticks of 10 ms."""
        try:
            return int(self.path.read_text().split()[0]) / 1e9
        except FileNotFoundError:
            times = psutil.Process(self.pid).cpu_times()
            return times.user + times.system


def ask(query: str, parameters: Any = None) -> Any:
    """The first value of a query's answer."""
    with connection.cursor() as cursor:
        cursor.execute(query, parameters)
        row = cursor.fetchone()
    return row[0] if row else None


def run(statement: Any, parameters: Any = None) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)


def rows_of(query: str, parameters: Any = None) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(query, parameters)
        return cursor.fetchall()


def written() -> int:
    return int(ask("SELECT pg_current_wal_insert_lsn() - '0/0'"))


@contextmanager
def measured(back_end: BackEnd, kinds: Mapping[str, str] | None = None) -> Iterator[Cost]:
    """Fill the Cost when the block ends; `kinds` names a part for the statements that contain a text (first match).

    What belongs to no named statement is "rest"; what the server does between statements, the commit, is "commit".
    """
    cost = Cost()
    parts: dict[str, float] = defaultdict(float)

    def watch(execute: Any, statement: str, parameters: Any, many: bool, context: Any) -> Any:
        before = back_end.seconds()
        result = execute(statement, parameters, many, context)
        name = next((name for text, name in (kinds or {}).items() if text in str(statement)), "rest")
        parts[name] += back_end.seconds() - before
        return result

    wal = written()
    wall, client, server = time.perf_counter(), time.process_time(), back_end.seconds()
    if kinds is None:
        yield cost
    else:
        with connection.execute_wrapper(watch):
            yield cost
    cost.server = back_end.seconds() - server
    cost.wall, cost.client = time.perf_counter() - wall, time.process_time() - client
    if kinds is not None:
        cost.parts = {**parts, "commit": cost.server - sum(parts.values())}
    cost.wal = written() - wal


def median_of(costs: Iterable[Mapping[str, float]]) -> dict[str, float]:
    """Name by name the median; a name that is missing counts as nothing."""
    rows = list(costs)
    names = list(dict.fromkeys(name for row in rows for name in row))
    return {name: statistics.median(row.get(name, 0.0) for row in rows) for name in names}


def repeated(back_end: BackEnd, work: Callable[[], object], *, times: int, most: float = 2.0) -> dict[str, float]:
    """Milliseconds of wall and server time: medians after one run that only warms up, of as many as `most` s allow."""
    work()
    costs: list[dict[str, float]] = []
    while len(costs) < times and (len(costs) < 2 or sum(cost["wall"] for cost in costs) < most * 1e3):
        with measured(back_end) as cost:
            work()
        costs.append({"wall": cost.wall * 1e3, "server": cost.server * 1e3})
    return median_of(costs)
