"""Answered requests -> rows of what was billed, which only this server writes and anyone may read."""

from dataclasses import asdict, astuple, dataclass, fields
from datetime import UTC, datetime
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from .calls import Answer, Call

if TYPE_CHECKING:
    from .store import Store

MOST_ROWS = 10_000
TOKENS = ("input_tokens", "cache_read_tokens", "cache_write_tokens", "output_tokens")


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One request that was answered, or that a batch ended without answering."""

    at: float
    provider: str
    kind: str  # sync or batch
    model: str
    custom_id: str = ""
    batch_id: str = ""
    line: int = 0  # in the batch, from 1
    key: str
    prompt_sha256: str = ""
    input_tokens: int = 0
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0
    output_tokens: int = 0
    billed: bool
    outcome: str  # answered, refused, truncated, errored, expired, cancelled
    winner: str = ""

    def values(self) -> tuple[Any, ...]:
        return astuple(self)


COLUMNS = tuple(field.name for field in fields(Entry))


def fingerprint(key: str) -> str:
    """Tells keys apart without keeping them."""
    return sha256(key.encode("utf-8", "surrogatepass")).hexdigest()[:12]


def of_answer(call: Call, answer: Answer, **where: Any) -> Entry:
    """The row of a billed answer."""
    used = asdict(answer.usage)
    return Entry(
        provider=call.provider,
        model=call.model.id,
        prompt_sha256=call.prompt_sha256(),
        billed=True,
        outcome=answer.outcome,
        winner=answer.winner if answer.outcome == "answered" else "",
        **{name: used[name] for name in TOKENS},
        **where,
    )


def moment(text: str) -> float:
    """Unix seconds or ISO 8601 -> unix seconds."""
    try:
        return float(text)
    except ValueError:
        at = datetime.fromisoformat(text)
        return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()


def rows(store: "Store", *, since: float = 0.0, after: int = 0, limit: int = 1_000) -> dict[str, Any]:
    """Rows in the order written, from a time and behind a row on; `next_after` is null on the last page."""
    limit = max(1, min(limit, MOST_ROWS))
    found = store.rows("SELECT * FROM ledger WHERE at >= ? AND seq > ? ORDER BY seq LIMIT ?", since, after, limit + 1)
    data = [dict(row) | {"billed": bool(row["billed"])} for row in found[:limit]]
    return {"rows": data, "next_after": data[-1]["seq"] if len(found) > limit else None}


TOTALS = """
    SELECT provider, kind, model, count(*) AS requests, sum(billed) AS billed,
           coalesce(sum(input_tokens) FILTER (WHERE billed), 0) AS input_tokens,
           coalesce(sum(cache_read_tokens) FILTER (WHERE billed), 0) AS cache_read_tokens,
           coalesce(sum(cache_write_tokens) FILTER (WHERE billed), 0) AS cache_write_tokens,
           coalesce(sum(output_tokens) FILTER (WHERE billed), 0) AS output_tokens
      FROM ledger GROUP BY provider, kind, model ORDER BY provider, kind, model
"""
OUTCOMES = "SELECT outcome, count(*) AS n FROM ledger GROUP BY outcome ORDER BY outcome"
AGAIN = {  # how many were billed more than once, and how many bills there were beyond the first
    "custom_ids_billed_again": """
        SELECT count(*) AS things, coalesce(sum(times - 1), 0) AS extra_bills
          FROM (SELECT count(*) AS times FROM ledger WHERE billed AND custom_id <> ''
                 GROUP BY provider, custom_id HAVING count(*) > 1)
    """,
    "prompts_billed_again": """
        SELECT count(*) AS things, coalesce(sum(times - 1), 0) AS extra_bills
          FROM (SELECT count(*) AS times FROM ledger WHERE billed
                 GROUP BY provider, model, prompt_sha256 HAVING count(*) > 1)
    """,
}


def summary(store: "Store") -> dict[str, Any]:
    """What was billed by provider, kind and model, and what was billed more than once."""
    totals = [dict(row) for row in store.rows(TOTALS)]
    return {
        "requests": sum(row["requests"] for row in totals),
        "billed": sum(row["billed"] for row in totals),
        "totals": totals,
        "outcomes": {row["outcome"]: row["n"] for row in store.rows(OUTCOMES)},
        **{name: dict(store.rows(sql)[0]) for name, sql in AGAIN.items()},
    }
