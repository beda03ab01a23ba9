"""`relay_callbacks` and the scheduler, as an operator sees them."""

import threading

import pytest

from batches.management.commands import run_scheduler
from batches.models import Callback
from batches.pipeline import pace, relay
from tests.kafka import received
from tests.pipeline.conftest import kafka  # noqa: F401
from tests.pipeline.outbox import TOPIC, write_callbacks


@pytest.mark.django_db
def test_one_pass_delivers_what_waits(run, kafka):  # noqa: F811
    write_callbacks(3)
    ran = run("relay_callbacks")
    assert (ran.code, ran.out) == (0, "3 callbacks delivered, 0 wait.\n")
    assert len(received(kafka.servers, TOPIC)) == 3


@pytest.mark.django_db
def test_it_says_what_is_missing_and_changes_nothing(run, cj):
    write_callbacks(2)
    assert run("relay_callbacks").out == "Callbacks are off: CJ_CALLBACK_SINK is none.\n"
    cj(callback_sink="kafka")
    ran = run("relay_callbacks")
    assert ran.code == 2
    assert "KAFKA_BOOTSTRAP_SERVERS" in ran.err
    cj(callback_sink="webhook")
    assert "CJ_WEBHOOK_SECRET" in run("relay_callbacks").err
    assert relay.lag().waiting == 2


@pytest.mark.django_db
def test_it_ends_with_3_while_some_still_wait(run, cj, settings):
    settings.WEBHOOK_URL, settings.WEBHOOK_SECRET = "http://127.0.0.1:9/hook", "whsec_" + "A" * 40
    cj(callback_sink="webhook")
    write_callbacks(2)
    ran = run("relay_callbacks")
    assert (ran.code, ran.out) == (3, "no callbacks delivered, 2 wait.\n")
    assert "2 were tried in vain" in ran.err


@pytest.mark.django_db(transaction=True)
def test_the_scheduler_relays_beside_its_bells_until_it_is_stopped(kafka):  # noqa: F811
    write_callbacks(5)
    stopped = threading.Event()
    with run_scheduler.relaying(stopped):
        deadline = pace.time.monotonic() + 60
        while relay.lag().waiting and pace.time.monotonic() < deadline:
            stopped.wait(0.05)
        stopped.set()
    assert not Callback.objects.filter(delivered_at=None).exists()
    assert "relay" not in {thread.name for thread in threading.enumerate()}
