"""Outbox rows on a real Kafka wire, read by another client."""

import threading
import time
from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from batches.models import Callback, Relay
from batches.models.callbacks import RelayQuerySet
from batches.pipeline import pace, relay
from batches.sinks.base import Message, Report
from batches.sinks.kafka import KafkaSink
from tests.kafka import received
from tests.pipeline.outbox import TOPIC, deduplicated, revisions, write_callbacks

pytestmark = pytest.mark.django_db


@pytest.fixture
def sink(kafka) -> Iterator[KafkaSink]:
    sink = KafkaSink(kafka.servers, {"message.timeout.ms": 60_000})
    yield sink
    sink.close()


class Refusing:
    """A sink that takes what it is told to take, and counts what it was given."""

    def __init__(self, refuses=lambda message: False, own_fault=False):
        self.refuses, self.own_fault = refuses, own_fault
        self.given: list[int] = []

    def deliver(self, messages: list[Message]):
        self.given += [message.id for message in messages]
        yield [
            Report(id=message.id, error="no" if self.refuses(message) else "", own_fault=self.own_fault)
            for message in messages
        ]

    def close(self):
        pass


def test_every_callback_arrives_as_it_was_written_and_is_marked(kafka, sink):
    rows = write_callbacks(50, justification="“Ü” – 日本 \\ \n\t \U0001f600")
    assert relay.relay(sink).delivered == 50
    messages = received(kafka.servers, TOPIC)
    assert {(m.key, m.value["event_id"]) for m in messages} == {(row.key, str(row.event_id)) for row in rows}
    assert [m.value for m in sorted(messages, key=lambda m: int(m.key))] == [row.payload for row in rows]
    assert all(m.headers == {"event_id": m.value["event_id"]} for m in messages)
    assert not Callback.objects.filter(delivered_at=None).exists()
    assert set(Callback.objects.values_list("tries", flat=True)) == {1}
    assert relay.lag() == relay.Lag(waiting=0, failing=0, oldest_seconds=0)


def test_a_key_leaves_in_order_and_never_twice_at_once(kafka, sink, monkeypatch):
    monkeypatch.setattr(relay, "SET", 7)
    write_callbacks(10, revisions=5)
    while relay.lag().waiting:
        relay.relay(sink)
    assert set(map(tuple, revisions(received(kafka.servers, TOPIC)).values())) == {(1, 2, 3, 4, 5)}


def test_published_scales_leave_for_a_topic_of_their_own(kafka, sink):
    from tests.making import make_assessment
    from tests.pipeline.test_callbacks import make_scale, publish

    assessment = make_assessment()
    publish(make_scale(assessment))
    relay.relay(sink)
    [message] = received(kafka.servers, "cj.scale_published.v1")
    assert (message.key, message.value["scale"]) == (assessment.slug, 1)


def test_nothing_of_a_key_overtakes_a_message_that_was_refused():
    write_callbacks(2, revisions=2)
    first = Callback.objects.earliest("id")
    refusing = Refusing(lambda message: message.id == first.pk, own_fault=True)
    for _ in range(3):
        relay.relay(refusing)
    assert list(Callback.objects.filter(delivered_at=None).values_list("key", flat=True)) == [first.key] * 2
    assert refusing.given.count(first.pk) == 1, "it rests, and the other key goes on"
    first.refresh_from_db()
    assert (first.tries, first.last_error) == (1, "no")
    Callback.objects.filter(pk=first.pk).update(next_try_at=timezone.now() - timedelta(days=1))
    good = Refusing()
    assert relay.relay(good).delivered == 2
    assert [Callback.objects.get(pk=pk).revision for pk in good.given] == [1, 2]


def test_while_nothing_gets_through_the_relay_rests_longer_each_time_and_a_person_need_not_wait():
    write_callbacks(3)
    deaf = Refusing(lambda message: True)
    rests = []
    for _ in range(3):
        relay.relay(deaf, patient=False)
        rests.append(Relay.objects.get().next_try_at - pace.now())
    assert rests == sorted(rests)
    assert Relay.objects.get().failures == 3
    Relay.objects.update(next_try_at=pace.now() + timedelta(hours=1))
    assert relay.relay(deaf).elsewhere, "it rests"
    assert set(Callback.objects.values_list("next_try_at", flat=True)) == {None}, "all leave at once when it is over"
    assert relay.lag().failing == 3
    assert relay.relay(Refusing(), patient=False).delivered == 3
    row = Relay.objects.get()
    assert (row.failures, row.next_try_at, row.last_error, row.lease_until) == (0, None, "", None)


def test_a_broker_that_is_away_loses_nothing_and_is_told_all_when_it_is_back(kafka, sink):
    kafka.go_away()
    write_callbacks(20)
    hasty = KafkaSink(kafka.servers, {"message.timeout.ms": 1000})
    assert relay.relay(hasty).failed == 20
    assert "refused" in Callback.objects.earliest("id").last_error, "the cause, not only that time ran out"
    kafka.come_back()
    assert relay.relay(sink, patient=False).delivered == 20
    assert len(deduplicated(received(kafka.servers, TOPIC))) == 20


def test_a_relay_that_was_taken_over_stops_at_once():
    write_callbacks(30)

    class Paused(Refusing):
        def deliver(self, messages):
            """Long enough asleep for another relay to take the lease and send everything."""
            Relay.objects.update(lease_until=timezone.now() - timedelta(days=1))
            assert relay.relay(Refusing()).delivered == 30
            yield from super().deliver(messages[:10])
            raise AssertionError("it went on")

    with pytest.MonkeyPatch.context() as clock:
        clock.setattr(relay, "RENEW", -1)
        relay.relay(Paused())
    assert set(Callback.objects.values_list("tries", flat=True)) == {1}
    assert Relay.objects.get().lease_until is None, "the other has given it back"


@pytest.mark.django_db(transaction=True)
def test_a_relay_that_slept_while_it_took_the_lease_never_has_its_heirs_fence(monkeypatch):
    """Its lease runs out between the write of its name and the look at what was written."""
    Relay.objects.create(pk=1)
    write, heirs = RelayQuerySet.update, []

    def take_over() -> None:
        heirs.append(Relay.objects.take(holder="heir", seconds=60))
        connection.close()

    def write_and_sleep(self, **changes) -> int:
        monkeypatch.setattr(RelayQuerySet, "update", write)
        n = write(self, **changes)
        heir = threading.Thread(target=take_over)
        heir.start()
        heir.join()
        return n

    monkeypatch.setattr(RelayQuerySet, "update", write_and_sleep)
    sleeper = Relay.objects.take(holder="sleeper", seconds=-1)
    assert sleeper is not None
    assert len(heirs) == 1
    assert heirs[0] is None or heirs[0].fence != sleeper.fence


@pytest.mark.django_db(transaction=True)
def test_many_relays_at_once_send_everything_in_order(kafka, monkeypatch):
    monkeypatch.setattr(relay, "SET", 40)
    write_callbacks(60, revisions=5)
    deadline = time.monotonic() + 60

    def work() -> None:
        sink = KafkaSink(kafka.servers)
        try:
            while relay.lag().waiting and time.monotonic() < deadline:
                relay.relay(sink)
        finally:
            sink.close()
            connection.close()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    messages = received(kafka.servers, TOPIC)
    assert len(messages) == 300, "nothing died, so nothing is sent twice"
    assert set(map(tuple, revisions(messages).values())) == {(1, 2, 3, 4, 5)}


def test_delivered_rows_are_pruned_in_time_and_waiting_ones_never(cj):
    cj(callback_keep="1 h")
    old, young, waiting = write_callbacks(3)
    Callback.objects.filter(pk=old.pk).update(delivered_at=pace.now() - timedelta(minutes=61))
    Callback.objects.filter(pk=young.pk).update(delivered_at=pace.now() - timedelta(minutes=59))
    Callback.objects.filter(pk=waiting.pk).update(created_at=pace.now() - timedelta(days=99))
    assert relay.prune() == 1
    assert set(Callback.objects.values_list("pk", flat=True)) == {young.pk, waiting.pk}
