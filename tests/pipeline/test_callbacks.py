"""What is written to the outbox, and when nothing is."""

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from batches.models import Callback, Comparison, Scale
from batches.pipeline import callbacks, retry
from tests.making import make_assessment
from tests.pipeline.conftest import drain, plan_and_let_go

pytestmark = pytest.mark.django_db


@pytest.fixture
def kafka_named(cj, settings):
    """Callbacks are on; nobody is there to take them."""
    settings.KAFKA_BOOTSTRAP_SERVERS = "127.0.0.1:9"
    cj(callback_sink="kafka")


def make_scale(assessment, **fields):
    values = {"judgement_ids": [], "judgements_sha256": "0" * 64, "n_essays": 2, "n_comparisons": 3}
    values |= {"connected": True, "components": 1, "eb_reliability": 0.9, "sigma": 1.5}
    number = assessment.scales.count() + 1
    return Scale.objects.create(assessment=assessment, number=number, **values | fields)


def publish(scale):
    with transaction.atomic():
        Scale.objects.filter(pk=scale.pk).update(published_at=timezone.now())
        callbacks.scale_published(scale)


def test_a_published_scale_is_told_of_in_the_order_of_publication(kafka_named):
    assessment = make_assessment()
    first, second = make_scale(assessment), make_scale(assessment)
    publish(second)
    publish(first)
    told = list(Callback.objects.order_by("id"))
    assert [(row.key, row.revision, row.payload["scale"]) for row in told] == [
        (assessment.slug, 1, 2),
        (assessment.slug, 2, 1),
    ]
    assert {row.payload["event_id"] for row in told} == {str(row.event_id) for row in told}


def test_a_scale_is_told_of_once_and_only_when_it_is_published(kafka_named):
    scale = make_scale(make_assessment())
    with pytest.raises(ValueError, match="not published"):
        callbacks.scale_published(scale)
    publish(scale)
    with pytest.raises(IntegrityError), transaction.atomic():
        callbacks.scale_published(scale)
    assert Callback.objects.count() == 1


@pytest.mark.parametrize(
    ("sink", "addresses"),
    [
        ("none", {"KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:9"}),
        ("kafka", {"WEBHOOK_URL": "https://example.org/hook", "WEBHOOK_SECRET": "whsec_c2VjcmV0"}),
        ("webhook", {"KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:9", "WEBHOOK_URL": "https://example.org/hook"}),
    ],
)
def test_no_rows_pile_up_where_a_sink_has_no_address(provider, cj, settings, sink, addresses):
    for name, value in addresses.items():
        setattr(settings, name, value)
    cj(callback_sink=sink)
    assessment = make_assessment(3)
    plan_and_let_go(assessment)
    drain(110)
    publish(make_scale(assessment))
    assert Comparison.objects.filter(status="JUDGED").exists()
    assert not Callback.objects.exists()


def test_a_failed_comparison_that_is_judged_later_tells_so_with_a_higher_revision(provider, kafka_named, cj):
    cj(max_attempts=1)
    assessment = make_assessment(3)
    provider.control("PUT", "faults", {"refusal": 1})
    plan_and_let_go(assessment)
    drain(110)
    failed = set(Callback.objects.values_list("comparison", "revision", "payload__status"))
    assert {(revision, status) for _, revision, status in failed} == {(1, "FAILED")}
    provider.control("DELETE", "faults")
    retry.failed(Comparison.objects.all(), actor=None)
    drain(110)
    for comparison in Comparison.objects.all():
        one, two = comparison.callbacks.order_by("id")
        assert (one.revision, one.payload["status"]) == (1, "FAILED")
        assert (two.revision, two.payload["status"]) == (2, "JUDGED")
        assert two.payload["judgement"]["winner"] == comparison.judgement.winner
        assert one.key == two.key == str(comparison.pk)


def test_the_ids_of_events_begin_with_their_moment_and_are_all_different(provider, kafka_named):
    plan_and_let_go(make_assessment(6))
    drain()
    told = list(Callback.objects.order_by("id"))
    assert len({row.event_id for row in told}) == len(told) == Comparison.objects.count()
    for row in told:
        assert str(row.event_id) == row.payload["event_id"]
        assert row.event_id.version == 7
        assert row.event_id.int >> 80 == pytest.approx(row.created_at.timestamp() * 1000, abs=10_000)
