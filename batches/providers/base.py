"""The nouns, verbs and errors that every provider shares; vendor spellings stop in the modules beside this one."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol

from batches.providers.keys import without_keys

NONCE_KEY = "cj_nonce"  # where a batch carries its job's nonce, if the provider keeps metadata
ENVIRONMENT_KEY = "cj_env"  # and which deployment sent it


class Outcome(StrEnum):
    """How one item of a batch job ended."""

    SUCCEEDED = "SUCCEEDED"
    INVALID = "INVALID"  # answered, but not with a judgement: refusal, truncation, unparseable, unknown winner
    ERRORED = "ERRORED"  # the provider answered with an error; nothing was billed
    EXPIRED = "EXPIRED"  # the provider ran out of its 24 hours; nothing was billed
    CANCELLED = "CANCELLED"  # stopped before it ran; nothing was billed
    MISSING = "MISSING"  # the results never mentioned it
    LOST = "LOST"  # a synchronous call whose answer was lost: perhaps billed


class AnswerBy(StrEnum):
    """How the answer is held to its schema."""

    SCHEMA = "SCHEMA"  # the provider's structured output
    TOOL = "TOOL"  # a strict tool with the same schema


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One piece of the user's turn: text, or a page image."""

    text: str = ""
    image: bytes = b""
    media_type: str = ""  # image/png or image/jpeg, with an image
    shared: bool = False  # the prefix that ends here is the same for many requests: worth caching


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One paid question."""

    custom_id: str  # ^[A-Za-z0-9_-]{1,64}$
    model: str
    system: str
    parts: tuple[Part, ...]
    schema: dict  # JSON schema of the answer, within the subset both providers accept
    schema_name: str  # also the tool's name when answered by tool
    answer_by: AnswerBy = AnswerBy.SCHEMA
    max_tokens: int
    effort: str = ""  # "" leaves the model's own default


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """Tokens as billed. All input = input_tokens + cache_read_tokens + cache_write_tokens."""

    input_tokens: int = 0  # at full price
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0
    output_tokens: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What became of one request. The failure of one request is a Result, never an exception."""

    custom_id: str
    outcome: Outcome
    answer: str = ""  # the model's text (or the tool's input as JSON), when it succeeded
    reason: str = ""  # a short code when it did not: refused, truncated, no_text, malformed_line, rate_limited, ...
    error: str = ""  # the provider's own words, when it did not succeed
    usage: Usage = field(default_factory=Usage)
    request_id: str = ""
    retry_after: float | None = None  # seconds the provider asked for
    account_fault: bool = False  # the account, not the request, is at fault (key, credit, permission): pause it
    accepted: bool | None = None  # False: surely not billed; None: not known; True: answered


class BatchState(StrEnum):
    """Where a provider batch stands, in our words."""

    RUNNING = "RUNNING"
    CANCELLING = "CANCELLING"
    ENDED = "ENDED"  # finished, expired or cancelled: what it finished can be collected
    FAILED = "FAILED"  # the provider refused the whole batch after accepting it: nothing ran, nothing is billed


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """One look at a provider batch."""

    provider_batch_id: str
    state: BatchState
    provider_status: str = ""  # the provider's own word, for display
    total: int | None = None
    done: int | None = None  # finished either way; None where the provider gives no count
    expires_at: str = ""  # ISO 8601
    ended_at: str = ""
    created_at: str = ""
    output_file_id: str = ""
    error_file_id: str = ""
    input_file_id: str = ""
    results_ready: bool = False  # False while an ended batch's result files still lag
    results_gone: bool = False  # past the provider's retention
    error_code: str = ""
    error: str = ""
    nonce: str = ""  # where the provider keeps our metadata
    environment: str = ""  # the same
    answered: int | None = None  # requests that the provider says it answered, and billed


class FileKind(StrEnum):
    """Which of a batch's result files: Anthropic has one, OpenAI keeps failed requests apart."""

    OUTPUT = "OUTPUT"
    ERROR = "ERROR"


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultFile:
    """A result file as the provider sent it, stored before anything is read from it."""

    kind: FileKind
    path: Path
    sha256: str
    size: int  # bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """What the provider answered to the one POST of a batch job."""

    provider_batch_id: str
    input_file_id: str = ""
    expires_at: str = ""


class ProviderError(Exception):
    """Answers the two questions the pipeline asks: was it accepted, and may it be tried again?

    accepted: False when the provider surely did not take the request (a 4xx answer, or never connected);
    None when nobody can know (time-out, reset, 5xx).
    """

    def __init__(
        self,
        message: str,
        *,
        accepted: bool | None,
        transient: bool,
        code: str = "",
        retry_after: float | None = None,
        account_fault: bool = False,
    ):
        super().__init__(without_keys(message))
        self.accepted = accepted
        self.transient = transient
        self.code = code
        self.retry_after = retry_after
        self.account_fault = account_fault

    def __reduce__(self) -> tuple[Callable[..., "ProviderError"], tuple[str, dict[str, Any]]]:
        return _provider_error, (str(self), dict(self.__dict__))

    @property
    def never_connected(self) -> bool:
        return self.code == "never_connected"


def _provider_error(message: str, answers: dict[str, Any]) -> ProviderError:
    return ProviderError(message, **answers)


class NotConfigured(Exception):
    """No key for this provider, and the local provider is not switched on. Its text says what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """Where and with which key a provider is spoken to. Built from settings and environment only."""

    base_url: str = ""  # "" leaves the SDK's own default
    api_key: str = field(default="", repr=False)
    timeout: float = 600.0  # seconds for one call


class Provider(Protocol):
    """The verbs. Synchronous methods for batches, one asynchronous one for calls in flight."""

    def open_calls(self) -> "Calls":
        """An async context manager whose `complete` may be awaited many times at once."""

    def payload_bytes(self, requests: Iterable[Request]) -> Iterator[bytes]:
        """The body of a batch, one line a request, deterministic: what the payload hash is taken over."""

    def line(self, request: Request) -> bytes:
        """One line of payload_bytes."""

    def blocks(self, parts: Iterable[Part]) -> bytes:
        """Parts that share no prefix, as they stand within a line: the same bytes in every line that holds them."""

    def watermark(self) -> str:
        """The id of the provider's newest batch ("" where the provider needs none), taken before an intent."""

    def upload(self, path: Path, *, name: str) -> str:
        """Upload a batch's input file, free of charge; its id. "" where the provider takes the body in the POST."""

    def submit(self, path: Path, *, n: int, input_file_id: str, metadata: dict[str, str]) -> Submission:
        """The one paid POST, without SDK retries. `path` holds payload_bytes. Raises ProviderError."""

    def poll(self, provider_batch_id: str) -> Progress: ...

    def results(self, progress: Progress) -> Iterator[Result]:
        """Every line of every result file as a Result, as a stream, in the provider's order."""

    def download(self, progress: Progress, directory: Path) -> list[ResultFile]:
        """Store the raw result files, whole and hashed, OUTPUT before ERROR. A cut download raises ProviderError."""

    def read_results(self, path: Path, kind: FileKind) -> Iterator[Result]:
        """Every line of one stored file as a Result. `results` is both steps over a temporary directory."""

    def cancel(self, provider_batch_id: str) -> Progress: ...

    def find(self, *, nonce: str, watermark: str, n: int, input_file_id: str, since: str) -> list[Progress]:
        """Batches that may be the one a lost answer was about, oldest first."""

    def recent(self, since: str) -> Iterator[Progress]:
        """Every batch of the account made since then (ISO 8601), newest first, whoever made it."""

    def delete_files(self, progress: Progress) -> None: ...

    def count_tokens(self, request: Request) -> int: ...

    def check_model(self, model: str) -> dict: ...


class Calls(Protocol):
    async def __aenter__(self) -> "Calls": ...
    async def __aexit__(self, *exc: object) -> None: ...
    async def complete(self, request: Request) -> Result:
        """One call, `max_retries=0`. Never raises for what the provider did: that is the Result."""
