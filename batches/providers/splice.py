"""Requests that differ in their custom_id and their last parts only -> their lines, everything else encoded once.

The lines are byte for byte those that the provider would make of the whole requests, as tests with hostile texts show.
"""

import hashlib
import secrets
from dataclasses import dataclass, replace

from batches.providers.base import Part, Provider, Request

_HOLE = secrets.token_hex(24)  # stands where something is to be put in; no author can know it


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """A line with two holes: one for the custom_id, one for the blocks of the last parts."""

    head: bytes
    middle: bytes
    tail: bytes
    sha256: bytes  # of the three: together with what fills the holes it stands for the line

    @property
    def size(self) -> int:
        return len(self.head) + len(self.middle) + len(self.tail)

    def pieces(self, custom_id: bytes, blocks: bytes) -> tuple[bytes, ...]:
        """The line, not yet joined."""
        return self.head, custom_id, self.middle, blocks, self.tail


def frame(provider: Provider, request: Request) -> Frame:
    """The frame of every request that begins like this one; ValueError where no line can be made of it."""
    last = Part(text=_HOLE)
    line = provider.line(replace(request, custom_id=_HOLE, parts=(*request.parts, last)))
    head, line = line.split(_HOLE.encode(), 1)
    middle, tail = line.split(provider.blocks([last]))
    return Frame(head=head, middle=middle, tail=tail, sha256=_digest(head, middle, tail))


def _digest(*pieces: bytes) -> bytes:
    digest = hashlib.sha256()
    for piece in pieces:
        digest.update(len(piece).to_bytes(8, "big") + piece)
    return digest.digest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Blocks:
    """Last parts, encoded once for all lines that end with them."""

    encoded: bytes
    sha256: bytes


def blocks(provider: Provider, parts: tuple[Part, ...]) -> Blocks:
    """ValueError where the parts hold what has no bytes."""
    encoded = provider.blocks(parts)
    return Blocks(encoded=encoded, sha256=hashlib.sha256(encoded).digest())
