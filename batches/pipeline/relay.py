"""Outbox rows -> Kafka or a webhook: at least once, in order for each key, by one relay at a time (ADR 6)."""

import logging
import os
import random
import socket
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass

from django.conf import settings
from django.db import InterfaceError, OperationalError, connection
from django.db.models import QuerySet

from batches.conf import cj_settings, sink_in_force
from batches.models import Callback, Relay
from batches.pipeline.crashes import crash_point
from batches.pipeline.refused import Refused
from batches.sinks.base import Message, Report, Sink
from batches.sinks.kafka import KafkaSink
from batches.sinks.webhook import WebhookSink

log = logging.getLogger(__name__)
# Seconds. Read where they are used, so that a test can turn the clock faster in its own processes.
LEASE: float = 30  # after which another relay takes over from one that died
RENEW: float = 5  # after which a relay that is at it renews its lease
LONGEST_REST: float = 30  # between two tries while nothing gets through at all
LONGEST_WAIT: float = 3600  # between two tries of one message, while others get through
IDLE: float = 1  # between two looks into an empty outbox
PRUNE_EVERY: float = 60
SET = 2000  # messages read, sent and marked together
PRUNED = 5000  # rows deleted in one statement


@dataclass(frozen=True, slots=True, kw_only=True)
class Lag:
    """How far the outside is behind."""

    waiting: int  # callbacks that are not delivered yet
    failing: int  # those among them that were tried in vain
    oldest_seconds: float  # how long the oldest of them has been waiting; 0 where none is


@dataclass(frozen=True, slots=True, kw_only=True)
class Passed:
    """What one pass over the outbox did."""

    delivered: int = 0
    failed: int = 0
    elsewhere: bool = False  # another relay is at it, or the other side is given a rest


class Displaced(Exception):
    """Another relay has taken over; what was sent and not yet reported, it sends again."""


LAG = """
SELECT count(*), count(*) FILTER (WHERE tries > 0),
       coalesce(extract(epoch FROM clock_timestamp() - min(created_at)), 0)
FROM batches_callback WHERE delivered_at IS NULL AND (%(assessment)s::bigint IS NULL OR assessment_id = %(assessment)s)
"""


def lag(assessment_id: int | None = None) -> Lag:
    """How many callbacks wait and for how long, of all or of one assessment. Reads only the rows that wait."""
    with connection.cursor() as cursor:
        cursor.execute(LAG, {"assessment": assessment_id})
        waiting, failing, oldest = cursor.fetchone()
    return Lag(waiting=waiting, failing=failing, oldest_seconds=float(oldest))


def hurry(callbacks: QuerySet[Callback]) -> int:
    """Let these be tried at once, whatever they or the relay wait for; the number that are not delivered yet."""
    waiting = Callback.objects.filter(pk__in=callbacks.values("pk"), delivered_at=None).update(next_try_at=None)
    if waiting:
        Relay.objects.update(next_try_at=None)
    return waiting


def sink() -> Sink | None:
    """The way out that the settings name; None while callbacks are off. Refused where it cannot be used."""
    name = sink_in_force()
    if name == "kafka":
        return KafkaSink(settings.KAFKA_BOOTSTRAP_SERVERS, settings.KAFKA_OPTIONS)
    try:
        return WebhookSink(settings.WEBHOOK_URL, settings.WEBHOOK_SECRET) if name == "webhook" else None
    except ValueError as problem:
        raise Refused(f"Callbacks cannot leave: {problem}; correct CJ_WEBHOOK_SECRET.") from None


def relay(sink: Sink, *, patient: bool = True, stopped: Callable[[], bool] = lambda: False) -> Passed:
    """One pass: send whatever may leave now, until nothing is left or nothing gets through.

    `patient` keeps the rest that follows a failure; a person who asks does not wait for it.
    """
    held = Relay.objects.take(holder=f"{socket.gethostname()}:{os.getpid()}", seconds=LEASE, patient=patient)
    if held is None:
        return Passed(elsewhere=True)
    hold = Hold(held)
    delivered = failed = after = 0
    trouble = False
    try:
        while not stopped() and (messages := _waiting(after)):
            after = messages[-1].id
            got, refused, trouble = _send(sink, hold, messages, stopped)
            delivered, failed = delivered + got, failed + refused
            if trouble:
                break
    except Displaced:
        log.warning("relay displaced holder=%s", held.holder)
    finally:
        held.release(delivered=delivered > 0, trouble=trouble)
    return Passed(delivered=delivered, failed=failed)


class Hold:
    """The relay's lease, renewed as it goes along."""

    def __init__(self, held: Relay) -> None:
        self.held = held
        self._renewed = time.monotonic()

    def keep(self) -> None:
        """Renew the lease if that is due; Displaced when it is no longer ours."""
        if time.monotonic() - self._renewed > RENEW:
            self._renewed = time.monotonic()
            if not self.held.keep(seconds=LEASE):
                raise Displaced


# The first of its key, or none of it: no message overtakes another of the same key. The subquery is one look into
# an index that holds only what waits.
WAITING = """
SELECT callback.id, callback.event_id::text, callback.scale_id IS NOT NULL, callback.key, callback.payload::text
FROM batches_callback callback
WHERE callback.delivered_at IS NULL AND callback.id > %s
  AND (callback.next_try_at IS NULL OR callback.next_try_at <= statement_timestamp())
  AND callback.id = (SELECT min(first.id) FROM batches_callback first
                     WHERE first.key = callback.key AND first.delivered_at IS NULL)
ORDER BY callback.id LIMIT %s
"""


def _waiting(after: int) -> list[Message]:
    """The next messages that may leave, oldest first."""
    topics = (cj_settings.callback_topic, cj_settings.callback_scale_topic)
    with connection.cursor() as cursor:
        cursor.execute(WAITING, [after, SET])
        return [
            Message(id=id, event_id=event_id, topic=topics[of_scale], key=key, body=payload.encode())
            for id, event_id, of_scale, key, payload in cursor.fetchall()
        ]


def _send(sink: Sink, hold: Hold, messages: Sequence[Message], stopped: Callable[[], bool]) -> tuple[int, int, bool]:
    """Send these and write down what became of each: delivered, failed, and whether nothing gets through."""
    delivered, failed = 0, list[Report]()
    hold.keep()
    with closing(sink.deliver(messages)) as under_way:
        for reports in under_way:
            crash_point("callbacks_reported")
            there = [report.id for report in reports if not report.error]
            failed += [report for report in reports if report.error]
            _mark(there)
            delivered += len(there)
            hold.keep()
            if stopped():
                break
    trouble = not delivered and any(not report.own_fault for report in failed)
    _note_failures(failed, rest=not trouble)
    if trouble:
        hold.held.rest(error=failed[-1].error[:500], seconds=_rest(hold.held.failures, failed))
        log.warning("callbacks not delivered problem=%s", failed[-1].error)
    return delivered, len(failed), trouble


def _rest(failures: int, failed: Sequence[Report]) -> float:
    """Seconds until the next try while nothing gets through: doubled each time, spread a little, never impolite."""
    asked = max((report.retry_after or 0 for report in failed), default=0)
    return max(asked, min(LONGEST_REST, 2.0 ** min(failures, 10)) * random.uniform(0.7, 1.0))


# A delivery is a fact whoever holds the lease by now: marking needs no fence.
MARK = """
UPDATE batches_callback SET delivered_at = clock_timestamp(), tries = tries + 1, last_error = '', next_try_at = NULL
WHERE id = ANY(%s) AND delivered_at IS NULL
"""
NOTE = """
UPDATE batches_callback callback SET tries = tries + 1, last_error = new.error,
    next_try_at = CASE WHEN %s THEN clock_timestamp() + least(%s, power(2, least(tries, 20))) * interval '1 s' END
FROM unnest(%s::bigint[], %s::text[]) AS new(id, error)
WHERE callback.id = new.id AND delivered_at IS NULL
"""


def _mark(ids: list[int]) -> None:
    if ids:
        with connection.cursor() as cursor:
            cursor.execute(MARK, [ids])


def _note_failures(failed: Sequence[Report], *, rest: bool) -> None:
    """Each of these was tried in vain. Each waits by itself where others get through: `rest`."""
    if failed:
        with connection.cursor() as cursor:
            columns = [report.id for report in failed], [report.error[:500] for report in failed]
            cursor.execute(NOTE, [rest, LONGEST_WAIT, *columns])


def prune() -> int:
    """Delete what was delivered longer ago than `callback_keep`; the number of rows deleted."""
    total = 0
    while True:
        with connection.cursor() as cursor:
            cursor.execute(PRUNE, [cj_settings.callback_keep, PRUNED])
            total += cursor.rowcount
            if cursor.rowcount < PRUNED:
                return total


PRUNE = """
DELETE FROM batches_callback WHERE id IN (
    SELECT id FROM batches_callback WHERE delivered_at < clock_timestamp() - %s * interval '1 s' LIMIT %s)
"""


def forever(stopped: threading.Event) -> None:
    """Pass after pass until stopped, in a thread or process of its own: nothing else waits for it."""
    way_out = sink()
    next_prune = time.monotonic() + PRUNE_EVERY
    try:
        while not stopped.is_set():
            try:
                passed = relay(way_out, stopped=stopped.is_set) if way_out else Passed()
                if time.monotonic() > next_prune:
                    next_prune = time.monotonic() + PRUNE_EVERY
                    prune()
            except (OperationalError, InterfaceError) as problem:
                log.warning("database away problem=%s", problem)
                connection.close()
                passed = Passed()
            if not passed.delivered:
                stopped.wait(IDLE)
    finally:
        if way_out:
            way_out.close()
        connection.close()
