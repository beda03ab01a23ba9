"""The broker is gone in the middle of collecting and the relay dies twice: every custom_id is told, once."""

import itertools

import pytest

from batches.models import Callback, Comparison, Judgement, Round
from batches.pipeline import plan, submit
from tests.making import make_assessment, make_judge
from tests.pipeline import deaf
from tests.pipeline.conftest import drain
from tests.pipeline.outbox import deduplicated, revisions

pytestmark = pytest.mark.django_db(transaction=True)
FAULTS = {"refusal": 0.1, "errored_line": 0.1, "failed_line": 0.1, "duplicate_line": 0.2, "prose": 0.1}


def judge_with_a_broker_that_goes(provider, kafka, names, *, essays: int, seconds: float) -> deaf.Collected:
    """Small batches and single calls, faults at the provider, and three relays, of which two are killed."""
    provider.control("PUT", "faults", FAULTS)
    assessments = [make_assessment(essays, judge=make_judge(name)) for name in names]
    strategies = itertools.cycle(["provider_batch", "per_round", "serial_bundle"])
    planned = iter(
        [
            [plan_round(one, strategy) for one in assessments]
            for strategy in itertools.islice(strategies, deaf.ROUNDS + 2)
        ]
    )

    def let_more_go() -> None:
        submit.let_go(Round.objects.filter(pk__in=next(planned, [])), actor=None)

    with deaf.relays(kafka.servers, 3) as running:
        told = deaf.collect_while_the_broker_is_away(kafka, running, let_more_go, seconds=seconds, kills=2)
        drain(120)
        messages = deaf.everything_arrived(kafka)
    assert len(running.killed) == 2
    check(messages)
    return told


def plan_round(assessment, strategy) -> int:
    [cj_round] = plan.plan_rounds(assessment, actor=None, rounds=1, strategy=strategy, seed=7)
    return cj_round.pk


def check(messages) -> None:
    """Against the database: a message for each resolution, one after removing repeats, in order, with its winner."""
    comparisons = Comparison.objects.filter(round__submitted_at__isnull=False)
    assert not comparisons.exclude(status__in=["JUDGED", "FAILED"]).exists()
    once = deduplicated(messages)
    assert len(once) == Callback.objects.count() == sum(comparisons.values_list("revision", flat=True))
    assert {m.value["event_id"] for m in once} == {str(row.event_id) for row in Callback.objects.all()}
    assert revisions(once) == {str(one.pk): list(range(1, one.revision + 1)) for one in comparisons}
    told = {m.value["custom_id"]: m.value["judgement"]["winner"] for m in once if m.value["status"] == "JUDGED"}
    assert told == dict(Judgement.objects.values_list("item__custom_id", "winner"))


@pytest.mark.timeout(300)
def test_a_broker_gone_for_seconds_and_two_dead_relays_lose_nothing(provider, kafka, cj):
    cj(batch_chunk_requests=4, sync_in_flight=2)
    told = judge_with_a_broker_that_goes(provider, kafka, ["openai"], essays=8, seconds=3)
    assert told.resolved, "collecting went on"


@pytest.mark.long
@pytest.mark.timeout(900)
def test_a_broker_gone_for_two_minutes_and_two_dead_relays_lose_nothing(provider, kafka, cj, monkeypatch):
    monkeypatch.setattr(deaf, "ROUNDS", 20)
    cj(batch_chunk_requests=20, sync_in_flight=8)
    told = judge_with_a_broker_that_goes(provider, kafka, ["anthropic", "openai"], essays=60, seconds=120)
    assert told.resolved, "collecting went on"
    print(f"{Callback.objects.count()} callbacks, {told.resolved} of them written while the broker was away")
    print(f"the longest of {len(told.passes)} passes of collecting took {max(told.passes):.2f} s meanwhile")
