"""The provider's ledger and files against our rows -> what was lost, doubled, wrong or paid twice."""

import json
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

from django.db.models import Count, F, Sum

from batches.models import Assessment, BatchItem, BatchJob, Callback, Comparison, Judgement, Stranger
from batches.pipeline import reconcile
from batches.pipeline.parts import figures_of
from batches.providers import manifest, prices
from batches.providers.base import Usage
from chaos.world import World

TOKENS = ("input_tokens", "cache_read_tokens", "cache_write_tokens", "output_tokens")


@dataclass(kw_only=True)
class Found:
    """Violations by promise, each with an example; and what was merely counted."""

    violations: Counter[str] = field(default_factory=Counter)
    examples: dict[str, str] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)

    def add(self, promise: str, example: object, n: int = 1) -> None:
        self.violations[promise] += n
        self.examples.setdefault(promise, str(example)[:300])

    def merge(self, other: "Found") -> None:
        self.violations += other.violations
        self.counts += other.counts
        for promise, example in other.examples.items():
            self.examples.setdefault(promise, example)


def check(world: World) -> Found:
    """Everything that must hold once the work is done."""
    found = Found()
    nonces = set(BatchJob.objects.values_list("nonce", flat=True))
    ledger = [row for row in world.ledger() if row["billed"] and row["custom_id"][:12] in nonces]  # not others'
    _ended(found)
    _callbacks(found)
    _money(found)
    _bills(found, ledger)
    _answers(found, world, ledger)
    return found


def _ended(found: Found) -> None:
    """Lost: a comparison that is neither judged nor failed with a reason. Doubled: judged twice."""
    for comparison in Comparison.objects.exclude(status__in=["JUDGED", "FAILED"]):
        found.add("lost", f"comparison {comparison.pk} is {comparison.status}")
    for pk in Comparison.objects.filter(status="JUDGED", judgement=None).values_list("pk", flat=True):
        found.add("lost", f"comparison {pk} is JUDGED without a judgement")
    twice = BatchItem.objects.filter(outcome="SUCCEEDED").values("comparison").annotate(n=Count("pk")).filter(n__gt=1)
    for row in twice:
        found.add("doubled", f"comparison {row['comparison']} has {row['n']} answers")
    for job in BatchJob.objects.filter(status="COLLECTED"):
        outcomes = Counter(job.items.values_list("outcome", flat=True))
        for name in BatchItem.Outcome.values:
            if getattr(job, f"n_{name.lower()}") != outcomes[name]:
                found.add("ledger of a job", f"{job}: {name} {getattr(job, f'n_{name.lower()}')} of {outcomes[name]}")
        _parts(found, job)
    found.counts["comparisons"] += Comparison.objects.count()
    found.counts["judged"] += Judgement.objects.count()
    found.counts["failed"] += Comparison.objects.filter(status="FAILED").count()


def _parts(found: Found, job: BatchJob) -> None:
    """What each assessment has in a job is what its items add up to."""
    of = "comparison__round__assessment"
    items = job.items.order_by().values_list(of).annotate(Count("pk"), Count("outcome"), Sum("cost_usd"))
    kept = [(part.assessment_id, part.n_items, figures_of(part).ended, part.cost_usd) for part in job.parts.all()]
    if sorted(items) != sorted(kept):
        found.add("ledger of a job", f"{job}: parts {kept}, items {list(items)}")


def _callbacks(found: Found) -> None:
    """One callback for each resolution, no more, no fewer."""
    resolved = Comparison.objects.aggregate(n=Sum("revision"))["n"] or 0
    written = Callback.objects.count()
    if resolved != written:
        found.add("callbacks", f"{resolved} resolutions, {written} callbacks", abs(resolved - written))


def _money(found: Found) -> None:
    """Reserved is what is open, spent is what the items cost, and the budget holds."""
    for gap in reconcile.reservation_gaps():
        found.add("reservations", gap)
    for assessment in Assessment.objects.all():
        items = BatchItem.objects.filter(comparison__round__assessment=assessment)
        spent = items.aggregate(sum=Sum("cost_usd"))["sum"] or Decimal(0)
        if assessment.spent_usd != spent:
            found.add("money", f"{assessment.slug}: spent {assessment.spent_usd}, items {spent}")
        if assessment.spent_usd > assessment.budget_usd:
            found.add("budget", f"{assessment.slug}: spent {assessment.spent_usd} of {assessment.budget_usd}")


def _bills(found: Found, ledger: list[dict[str, Any]]) -> None:
    """Paid twice: a batch that no job owns, an id billed twice, a question asked again after its answer was there."""
    owned = set(BatchJob.objects.exclude(provider_batch_id="").values_list("provider_batch_id", flat=True))
    ours = set(Stranger.objects.filter(is_ours=True).values_list("provider_batch_id", flat=True))
    unowned = [row for row in ledger if row["kind"] == "batch" and row["batch_id"] not in owned]
    orphans: Counter[str] = Counter(row["batch_id"] for row in unowned)
    sent_for = {row["batch_id"]: row["custom_id"].partition("-")[0] for row in unowned}
    found.counts["batches billed"] += len({row["batch_id"] for row in ledger if row["batch_id"]})
    for batch, n in orphans.items():
        found.add("re-billed", f"{n} requests in {batch}, which no job owns: {_fate(sent_for[batch])}", n)
        found.counts["orphans"] += 1
        if batch not in ours:
            seen = Stranger.objects.filter(provider_batch_id=batch).exists()
            found.add("unreported orphan", f"{batch}, {'on record as a stranger' if seen else 'not on record'}")
    for custom_id, n in Counter(row["custom_id"] for row in ledger).items():
        if n > 1:
            found.add("re-billed", f"{custom_id} billed {n} times", n - 1)
    again = BatchItem.objects.filter(outcome="SUCCEEDED", comparison__items__pk__gt=F("pk")).values_list(
        "pk", flat=True
    )
    for pk in again:
        found.add("re-billed", f"item {pk} had its answer, and its comparison was asked again")
    _calls(found, [row for row in ledger if row["kind"] == "sync"])


def _fate(nonce: str) -> str:
    """What became of the job that a batch was sent for: a batch that came late is told from one that was overlooked."""
    job = BatchJob.objects.filter(nonce=nonce).first()
    if job is None:
        return f"nobody has the nonce {nonce}"
    after = (job.closed_at - job.sent_at).total_seconds() if job.closed_at and job.sent_at else float("nan")
    return f"{job} was sent and {job.get_status_display()} {after:.2f} s later, after {job.looks} looks"


def _calls(found: Found, ledger: list[dict[str, Any]]) -> None:
    """A single call that was billed has an answer with us, or is counted as LOST."""
    outcomes = dict(BatchItem.objects.values_list("custom_id", "outcome"))
    for row in ledger:
        outcome = outcomes.get(row["custom_id"])
        if outcome not in ("SUCCEEDED", "INVALID", "LOST"):
            found.add("unaccounted call", f"{row['custom_id']} was billed and is {outcome}")
    lost = BatchItem.objects.filter(outcome="LOST")
    billed = {row["custom_id"] for row in ledger}
    found.counts["calls lost"] += lost.count()
    found.counts["calls lost with a worker"] += lost.filter(reason="worker_died").count()
    found.counts["calls lost and billed"] += sum(one in billed for one in lost.values_list("custom_id", flat=True))


def _answers(found: Found, world: World, ledger: list[dict[str, Any]]) -> None:
    """Wrong: a judgement that is not what the provider said first for that id, or of essays in the other order."""
    by_id = {row["custom_id"]: row for row in ledger}
    first = _first_winners(world)
    items = BatchItem.objects.filter(outcome="SUCCEEDED").select_related("judgement", "job")
    for item in items:
        row = by_id.get(item.custom_id)
        if row is None:
            found.add("wrong", f"{item.custom_id} was never billed")
            continue
        said = first.get(item.custom_id, row["winner"])
        if not hasattr(item, "judgement") or item.judgement.winner != said:
            found.add("wrong", f"{item.custom_id}: the provider said {said}")
        if tuple(getattr(item, name) for name in TOKENS) != tuple(row[name] for name in TOKENS):
            found.add("money", f"{item.custom_id}: other tokens than the provider booked")
        elif item.cost_usd != _cost(item, row):
            found.add("money", f"{item.custom_id}: costs {item.cost_usd}, not {_cost(item, row)}")
    for custom_id in BatchItem.objects.filter(outcome="MISSING").values_list("custom_id", flat=True):
        if custom_id in first:
            found.add("lost line", f"{custom_id} is MISSING, and the provider's file has it")
    _order(found, world)


def _cost(item: BatchItem, row: dict[str, Any]) -> Decimal:
    usage = Usage(**{name: row[name] for name in TOKENS})
    return prices.cost(manifest.find(row["provider"], row["model"]), usage, batch=row["kind"] == "batch")


def _first_winners(world: World) -> dict[str, str]:
    """custom_id -> the winner in the first readable line about it, read by other means than the product's."""
    winners: dict[str, str] = {}
    for job in BatchJob.objects.exclude(provider_batch_id=""):
        for path in _files(world, job.provider_batch_id):
            for line in path.read_bytes().split(b"\n"):
                custom_id, winner = _said(line)
                if custom_id:
                    winners.setdefault(custom_id, winner)
    return winners


def _files(world: World, batch: str) -> list[Path]:
    folder = world.provider_folder
    places = [folder / "results" / f"{batch}.jsonl"]
    places += [folder / "files" / f"file-{what}-{batch}" for what in ("output", "error")]
    return [place for place in places if place.exists()]


def _said(line: bytes) -> tuple[str, str]:
    try:
        row = json.loads(line)
        custom_id = row["custom_id"]
    except (ValueError, TypeError, KeyError):
        return "", ""
    try:
        message = row["result"]["message"]["content"][0]["text"] if "result" in row else _chat(row)
        return custom_id, json.loads(message)["winner"]
    except (ValueError, TypeError, KeyError, IndexError):
        return custom_id, ""


def _chat(row: dict[str, Any]) -> str:
    return str(row["response"]["body"]["choices"][0]["message"]["content"])


def _order(found: Found, world: World) -> None:
    """The essay that a comparison names as the first stood first in what was sent, and in place A."""
    sent = _sent_texts(world)
    rows = BatchItem.objects.filter(outcome="SUCCEEDED", custom_id__in=list(sent))
    for custom_id, a, b in rows.values_list("custom_id", "comparison__essay_a__text", "comparison__essay_b__text"):
        text = sent[custom_id]
        order = [text.find(part) for part in (r"place=\"A\"", a[:15], r"place=\"B\"", b[:15])]
        if order[0] < 0 or order != sorted(set(order)):
            found.add("wrong", f"{custom_id}: the essays stood in another order or place")


def _sent_texts(world: World) -> dict[str, str]:
    texts: dict[str, str] = defaultdict(str)
    for job in BatchJob.objects.exclude(provider_batch_id=""):
        body = world.provider_folder / "batches" / f"{job.provider_batch_id}.json"
        if body.exists():
            for request in json.loads(body.read_bytes())["requests"]:
                texts[request["custom_id"]] = json.dumps(request["params"]["messages"])
        file = world.provider_folder / "files" / (job.input_file_id or "-")
        if file.exists():
            for line in file.read_bytes().split(b"\n"):
                if line:
                    request = json.loads(line)
                    texts[request["custom_id"]] = json.dumps(request["body"]["messages"])
    return texts
