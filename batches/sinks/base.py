"""A message for another system, and what became of it. Nothing here knows rows or Django."""

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Protocol

HEARTBEAT = 1.0  # seconds within which a sink that is waiting says so


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    id: int  # the outbox row
    event_id: str
    topic: str
    key: str
    body: bytes  # JSON


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What became of one message."""

    id: int
    error: str = ""  # empty: it is there
    own_fault: bool = False  # this message was refused; another may well be taken
    retry_after: float | None = None  # seconds, where the other side says so


class Sink(Protocol):
    """A way out. It never has two messages of one key under way: the caller gives it none."""

    def deliver(self, messages: Sequence[Message]) -> Generator[list[Report]]:
        """Send these; yields reports as they come in, and an empty list at least every HEARTBEAT while none come.

        It may end before every message has its report, when the other side seems to be gone: the rest was not tried.
        """
        ...

    def close(self) -> None: ...
