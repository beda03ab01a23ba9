"""Sizes of requests -> chunks that a provider takes as one batch: by count, by bytes, and by room in its queue."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass


@dataclass(slots=True, kw_only=True)
class Room:
    """What one batch can still take. The first request is taken whatever its size: alone it has to go."""

    requests: int
    bytes: int
    tokens: int | None = None  # input tokens that the provider's queue still takes; None where nobody limits them
    queue_busy: bool = False  # other batches are in that queue: it pays to wait until they are through
    taken: int = 0

    def holds(self, size: int, tokens: int = 0) -> bool:
        """Whether a request of so many bytes and tokens still goes in."""
        if self.tokens is not None and tokens > self.tokens and (self.taken or self.queue_busy):
            return False
        return not self.taken or (self.requests > 0 and size <= self.bytes)

    def take(self, size: int, tokens: int = 0) -> None:
        self.taken += 1
        self.requests -= 1
        self.bytes -= size
        if self.tokens is not None:
            self.tokens -= tokens


def chunks(sizes: Iterable[int], *, requests: int, bytes: int) -> Iterator[range]:
    """Ranges of neighbouring requests, each at most so many and together at most so many bytes.

    A request of more bytes than that stands alone; what is too large for the provider is refused line by line before.
    """
    start = end = 0
    room = Room(requests=requests, bytes=bytes)
    for end, size in enumerate(sizes):
        if not room.holds(size):
            yield range(start, end)
            start, room = end, Room(requests=requests, bytes=bytes)
        room.take(size)
    if room.taken:
        yield range(start, end + 1)
