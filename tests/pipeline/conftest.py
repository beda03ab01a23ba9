"""A local provider of the tests' own, and a way to let the pipeline run to its end."""

import time
from collections.abc import Callable, Iterator
from decimal import Decimal

import pytest

from batches.conf import cj_settings
from batches.models import Assessment, BatchItem, BatchJob, Comparison, ProviderAccount, Round
from batches.pipeline import pace, plan, submit, triggers, watch
from batches.providers import manifest, prices
from batches.providers.base import Usage
from cjadmin.local.broker import Broker, broker
from tests.local_provider.conftest import Server


@pytest.fixture(scope="session")
def running_provider(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = Server(tmp_path_factory.mktemp("provider"), "--latency", "0", "--batch-seconds", "0.05")
    yield server
    server.stop()


@pytest.fixture
def provider(running_provider: Server, settings, monkeypatch) -> Iterator[Server]:
    """The local provider, empty and without faults, as the pipeline sees it; short downloads are repeated at once."""
    monkeypatch.setattr(pace, "FETCH", 0)
    running_provider.control("POST", "reset")
    running_provider.control("DELETE", "faults")
    settings.LOCAL_PROVIDER_URL = running_provider.url
    yield running_provider
    running_provider.control("DELETE", "faults")


@pytest.fixture
def cj(settings) -> Iterator[Callable[..., None]]:
    """Set cj_settings for one test: cj(max_attempts=2)."""

    def change(**values: object) -> None:
        settings.CJ_SETTINGS = settings.CJ_SETTINGS | values
        cj_settings.forget()

    cj_settings.forget()
    yield change
    settings.CJ_SETTINGS = {}
    cj_settings.forget()


@pytest.fixture
def kafka(cj, settings) -> Iterator[Broker]:
    """A broker of this test's own, and callbacks that go there."""
    with broker() as running:
        settings.KAFKA_BOOTSTRAP_SERVERS = running.servers
        cj(callback_sink="kafka")
        yield running


def plan_and_let_go(assessment: Assessment, rounds: int = 1, strategy: str = "per_round") -> None:
    planned = plan.plan_rounds(assessment, actor=None, rounds=rounds, strategy=strategy, seed=7)
    submit.let_go(Round.objects.filter(pk__in=[one.pk for one in planned]), actor=None)


def one_pass() -> list[str]:
    """Open what waits and take one step of every job that is due, waiting for nothing."""
    triggers.strike()
    for group in submit.waiting_groups():
        submit.open_jobs(group)
    return [watch.step(job) for job, _ in watch.due()]


def hurry() -> None:
    """Let every waiting time pass at once."""
    BatchJob.objects.filter(next_poll_at__isnull=False).update(next_poll_at=None)
    Comparison.objects.filter(not_before__isnull=False).update(not_before=None)
    ProviderAccount.objects.filter(blocked_until__isnull=False).update(blocked_until=None)


def drain(seconds: float = 30) -> None:
    """Run the pipeline until nothing is left to do."""
    deadline = time.monotonic() + seconds
    while True:
        hurry()
        one_pass()
        live = BatchJob.objects.filter(status__in=BatchJob.LIVE).exclude(status=BatchJob.Status.NEEDS_ATTENTION)
        waiting = Comparison.objects.filter(status="PENDING", held=False, round__submitted_at__isnull=False)
        if not live.exists() and not waiting.exists():
            return
        assert time.monotonic() < deadline, list(live.values("pk", "status", "error"))
        time.sleep(0.02)


def reasons() -> dict[str, int]:
    """How many items ended for each reason."""
    found: dict[str, int] = {}
    for outcome, reason in BatchItem.objects.values_list("outcome", "reason"):
        name = f"{outcome}:{reason}" if reason else str(outcome)
        found[name] = found.get(name, 0) + 1
    return found


def check_books(server: Server, assessment: Assessment) -> None:
    """Our books against the provider's own: the same requests, tokens, winners and dollars."""
    rows = {row["custom_id"]: row for row in server.ledger(limit=10_000) if row["billed"]}
    items = BatchItem.objects.filter(comparison__round__assessment=assessment).select_related("job__judge", "judgement")
    paid = [item for item in items if item.output_tokens]
    assert {item.custom_id for item in paid} == set(rows)
    total = Decimal(0)
    for item in paid:
        row = rows[item.custom_id]
        usage = Usage(
            input_tokens=row["input_tokens"],
            cache_read_tokens=row["cache_read_tokens"],
            cache_write_tokens=row["cache_write_tokens"],
            output_tokens=row["output_tokens"],
        )
        model = manifest.find(item.job.provider, item.job.judge.model_id)
        cost = prices.cost(model, usage, batch=row["kind"] == "batch")
        assert item.cost_usd == cost
        assert (item.input_tokens, item.output_tokens) == (usage.input_tokens, usage.output_tokens)
        total += cost
        if item.outcome == "SUCCEEDED":
            assert item.judgement.winner == row["winner"]
    assessment.refresh_from_db()
    assert assessment.spent_usd == total
    assert sum((one.cost_usd for one in assessment.day_costs.all()), Decimal(0)) == total
    assert assessment.reserved_usd == 0
