"""Webhooks as OpenAI signs them, and as others would like to."""

import base64
import hmac
import json
import secrets
import time
from datetime import timedelta
from typing import Any

import django_rq
import pytest
from django.test import Client

from batches.models import BatchJob, IncomingWebhook, Judge, ProviderAccount
from batches.pipeline import pace
from tests.making import make_job, make_judge

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("empty_queues")]
SECRET, OTHER = ("whsec_" + base64.b64encode(bytes([i]) * 32).decode() for i in (1, 2))


@pytest.fixture(autouse=True)
def secret(settings):
    settings.OPENAI_WEBHOOK_SECRET = SECRET


def event(batch: str = "batch_1", kind: str = "batch.completed") -> bytes:
    body = {"id": "evt_1", "object": "event", "created_at": 1, "type": kind, "data": {"id": batch}}
    return json.dumps(body).encode()


def signed(body: bytes, *, secret: str = SECRET, id: str = "", age: float = 0) -> dict[str, str]:
    """The headers, made after OpenAI's description and without its SDK."""
    id, timestamp = id or f"wh_{secrets.token_hex(8)}", str(int(time.time() - age))
    digest = hmac.digest(
        base64.b64decode(secret.removeprefix("whsec_")), f"{id}.{timestamp}.".encode() + body, "sha256"
    )
    return {
        "webhook-id": id,
        "webhook-timestamp": timestamp,
        "webhook-signature": f"v1,{base64.b64encode(digest).decode()}",
    }


def send(body: bytes, headers: dict[str, str]) -> Any:
    return Client(enforce_csrf_checks=True).post(
        "/webhooks/openai", body, content_type="application/json", headers=headers
    )


def make_batch(judge: Judge, name: str = "batch_1") -> BatchJob:
    """A batch that the provider has accepted just now."""
    job = make_job(judge=judge, sent_at=pace.now())
    job.advance(BatchJob.Status.SENDING)
    job.advance(BatchJob.Status.IN_PROGRESS, provider_batch_id=name)
    return job


@pytest.fixture
def job():
    """A batch at OpenAI that is not to be looked at for an hour."""
    job = make_batch(make_judge("openai"))
    BatchJob.objects.filter(pk=job.pk).update(next_poll_at=pace.soon(3600))
    return job


def due(job) -> bool:
    job.refresh_from_db()
    return job.next_poll_at <= pace.now()


@pytest.mark.parametrize("kind", ["batch.completed", "batch.failed", "batch.expired", "batch.cancelled"])
def test_a_batch_that_ended_is_looked_at_now(job, kind):
    assert send(event(kind=kind), signed(event(kind=kind))).status_code == 200
    assert due(job)
    job.refresh_from_db()
    assert (job.status, job.provider_status) == ("IN_PROGRESS", ""), "only the provider's own answer moves it"


def test_the_bell_rings(job, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        send(event(), signed(event()))
    assert django_rq.get_queue("submit").count == 1


@pytest.mark.parametrize(
    "forged",
    [
        {"webhook-signature": "v1,AAAA"},
        {"webhook-signature": "v1,é"},
        {"webhook-signature": ""},
        {"webhook-timestamp": "9" * 5000},
        {"webhook-timestamp": "soon"},
        {"webhook-id": "another"},
    ],
)
def test_what_openai_did_not_sign_changes_nothing(job, forged):
    assert send(event(), signed(event()) | forged).status_code == 400
    assert not due(job)
    assert not IncomingWebhook.objects.exists()


def test_a_signature_of_another_secret_or_another_body_or_none_changes_nothing(job):
    assert send(event(), signed(event(), secret=OTHER)).status_code == 400
    assert send(event(), signed(event("batch_2"))).status_code == 400
    assert send(event(), {}).status_code == 400
    assert send(b"\xff\xfe", signed(b"\xff\xfe")).status_code == 400
    assert send(b"not json", signed(b"not json")).status_code == 400
    assert not due(job)


def test_an_old_webhook_is_refused_and_so_is_one_from_the_future(job):
    assert send(event(), signed(event(), age=301)).status_code == 400
    assert send(event(), signed(event(), age=-400)).status_code == 400
    assert not due(job)


def test_a_replay_is_taken_and_changes_nothing(job):
    headers = signed(event())
    assert send(event(), headers).status_code == 200
    BatchJob.objects.filter(pk=job.pk).update(next_poll_at=pace.soon(3600))
    assert send(event(), headers).status_code == 200, "anything else would be sent again for three days"
    assert not due(job)
    assert IncomingWebhook.objects.count() == 1


def test_two_secrets_hold_while_one_replaces_the_other(job, settings):
    settings.OPENAI_WEBHOOK_SECRET = f"{OTHER} {SECRET}"
    assert send(event(), signed(event())).status_code == 200
    assert due(job)


def test_batches_and_events_that_are_not_ours_are_taken_without_a_word(job):
    assert send(event("batch_9"), signed(event("batch_9"))).status_code == 200
    body = event("resp_1", "response.completed")
    assert send(body, signed(body)).status_code == 200
    assert send(b"[]", signed(b"[]")).status_code == 200
    assert not due(job)


def test_a_large_body_is_not_read(job):
    body = b" " * 70_000 + event()
    assert send(body, signed(body)).status_code == 413


def test_only_post_and_only_with_a_secret(job, settings):
    assert Client().get("/webhooks/openai").status_code == 405
    settings.OPENAI_WEBHOOK_SECRET = ""
    assert send(event(), signed(event())).status_code == 404


def test_ids_are_forgotten_when_their_age_alone_refuses_them(job):
    send(event(), signed(event()))
    IncomingWebhook.objects.update(received_at=IncomingWebhook.objects.get().received_at - timedelta(hours=2))
    send(event(), signed(event()))
    assert IncomingWebhook.objects.count() == 1


@pytest.mark.parametrize(
    ("age", "live", "local", "seconds"),
    [
        (10, 1, False, 15),  # young: the shortest
        (1200, 1, False, 120),  # a tenth of its age
        (90_000, 1, False, 600),  # old: the longest
        (10, 100, False, 200),  # many at one account: its rate limit
        (10, 100, True, 15),  # nobody counts what the local provider is asked
    ],
)
def test_a_job_is_asked_about_by_its_age_and_no_more_often_than_the_provider_allows(age, live, local, seconds):
    alias = "openai-local" if local else "openai"
    account = ProviderAccount.objects.create(alias=alias, provider="openai", is_local=local)
    judge = make_judge("openai", account=account)
    jobs = [make_batch(judge, f"batch_{i}") for i in range(live)]
    BatchJob.objects.filter(pk=jobs[0].pk).update(sent_at=pace.now() - timedelta(seconds=age))
    assert pace.interval(BatchJob.objects.get(pk=jobs[0].pk)) == pytest.approx(seconds, abs=1)
