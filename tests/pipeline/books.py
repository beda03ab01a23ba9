"""Our books against the local provider's ledger, whatever the packing: to the token and to 1e-9 USD."""

import json
from collections import defaultdict
from decimal import Decimal
from typing import Any

from batches.models import Assessment, BatchItem
from batches.pipeline.requests import bundle_id
from batches.providers import manifest, prices
from batches.providers.base import Usage
from tests.local_provider.conftest import Server

TOKENS = ("input_tokens", "cache_read_tokens", "cache_write_tokens", "output_tokens")


def ledger(server: Server) -> dict[str, dict[str, Any]]:
    rows, after = {}, 0
    while after is not None:
        page = server.control("GET", f"ledger?limit=10000&after={after}")
        rows |= {row["custom_id"]: row for row in page["rows"] if row["billed"]}
        after = page["next_after"]
    return rows


def check_bundle_books(server: Server, *assessments: Assessment) -> None:
    """Each request of ours is one billed row, with the same tokens, winners and dollars; the budgets agree."""
    rows = ledger(server)
    asked: dict[str, list[BatchItem]] = defaultdict(list)
    items = BatchItem.objects.filter(comparison__round__assessment__in=assessments)
    for item in items.select_related("job__judge", "judgement").order_by("pk"):
        asked[_request(item)].append(item)
    paid = {custom_id: some for custom_id, some in asked.items() if any(item.output_tokens for item in some)}
    assert set(paid) == set(rows)
    total = Decimal(0)
    for custom_id, some in paid.items():
        total += _check_request(rows[custom_id], some)
    spent = Decimal(0)
    for assessment in assessments:
        assessment.refresh_from_db()
        assert assessment.reserved_usd == 0
        spent += assessment.spent_usd
    assert abs(spent - total) < Decimal("1e-9")


def _request(item: BatchItem) -> str:
    alone = item.bundle is None or not item.tag
    return item.custom_id if alone else bundle_id(item.job.nonce, item.bundle)


def _check_request(row: dict[str, Any], items: list[BatchItem]) -> Decimal:
    for name in TOKENS:
        assert sum(getattr(item, name) for item in items) == row[name], (name, row)
    model = manifest.find(items[0].job.provider, items[0].job.judge.model_id)
    usage = Usage(**{name: row[name] for name in TOKENS})
    cost = prices.cost(model, usage, batch=row["kind"] == "batch")
    assert sum(item.cost_usd for item in items) == cost
    winners = json.loads(row["winner"]) if row["winner"].startswith("{") else {items[0].tag: row["winner"]}
    for item in items:
        if item.outcome == "SUCCEEDED" and not _lost_race(item):
            assert item.judgement.winner == winners[item.tag]
    return cost


def _lost_race(item: BatchItem) -> bool:
    """Whether another answer to the same comparison came first."""
    rivals = item.comparison.items.filter(outcome="SUCCEEDED").exclude(pk=item.pk)
    return rivals.filter(judgement__isnull=False).exists()
