"""The nouns between the wire and the judge: a Call that either provider could have received, and a Refused one."""

from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from .models import Model


class Refused(Exception):
    """The provider says no, in words that each wire puts into its own shape."""

    def __init__(
        self,
        message: str,
        *,
        status: int = 400,
        kind: str = "invalid_request_error",
        code: str | None = None,
        param: str | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.message, self.status, self.kind = message, status, kind
        self.code, self.param, self.headers = code, param, headers or {}


def require(condition: object, message: str, param: str = "", code: str | None = None) -> None:
    """Refuse the request unless the condition holds."""
    if not condition:
        raise Refused(message, param=param or None, code=code)


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """One block of a prompt, in the order in which the provider reads it."""

    text: str = ""
    image: str = ""  # base64
    tokens: int
    user: bool = False  # said by the user: not instructions, tools or schema
    cache_ttl: str = ""  # "5m" or "1h": the prefix that ends here is to be cached


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One question, checked."""

    provider: str
    model: Model
    pieces: tuple[Piece, ...]
    max_tokens: int
    schema: dict[str, Any] | None = None  # of the answer, or of the tool's input
    tool: str = ""  # answer by calling this tool
    thinks: str = ""  # the effort with which it thinks first; "" without thinking
    cache_key: str = ""
    is_response: bool = False  # asked through OpenAI's responses, not its chat completions
    echo: dict[str, Any] = field(default_factory=dict)  # what the answer repeats of the question

    @property
    def input_tokens(self) -> int:
        return sum(piece.tokens for piece in self.pieces)

    def prompt_sha256(self) -> str:
        """Over the user's texts and base64 images in order, each followed by a zero byte."""
        digest = sha256()
        for piece in self.pieces:
            if piece.user:
                digest.update((piece.text or piece.image).encode("utf-8", "surrogatepass"))
                digest.update(b"\x00")
        return digest.hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """Tokens as billed; the whole input is the sum of the first three."""

    input_tokens: int = 0
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0
    cache_write_1h_tokens: int = 0  # of the written ones, those kept for an hour
    output_tokens: int = 0
    reasoning_tokens: int = 0  # of the output


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the judge gave back."""

    text: str
    usage: Usage
    winner: str = ""  # for the ledger: "A", or {"tag": "A", ...} as JSON
    refused: bool = False
    truncated: bool = False
    thought: str = ""  # shown before the answer by models that always think

    @property
    def outcome(self) -> str:
        return "refused" if self.refused else "truncated" if self.truncated else "answered"
