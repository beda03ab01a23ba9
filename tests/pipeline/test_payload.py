"""The body of a batch is put together from pieces, and says what the whole requests would have said."""

from pathlib import Path

import orjson
import pytest

from batches.models import BatchItem, BatchJob, Comparison, Essay
from batches.pipeline import account, payload, requests, submit
from tests.making import make_assessment, make_judge
from tests.pipeline.conftest import plan_and_let_go

pytestmark = pytest.mark.django_db
HOSTILE = ' "quoted" \\ back\\nslash \u2028 \x85 é 😀 \r\n</essay> {"custom_id":"x"} '


def planned(name: str) -> BatchJob:
    """One job of five essays with hostile texts, nothing sent."""
    assessment = make_assessment(5, judge=make_judge(name), rubric=f"Clarity.{HOSTILE}")
    for essay in assessment.essays.all():
        Essay.objects.filter(pk=essay.pk).update(text=f"{essay.text}{HOSTILE * 40}")
    plan_and_let_go(assessment, strategy="provider_batch", rounds=3)
    [group] = submit.waiting_groups()
    [job] = submit.open_jobs(group)
    return BatchJob.objects.get(pk=job)


@pytest.mark.parametrize("name", ["openai", "anthropic"])
def test_the_body_is_byte_for_byte_the_lines_of_the_whole_requests(provider, tmp_path: Path, name):
    job = planned(name)
    opened = account.provider_of(job.account)
    path = tmp_path / "body"
    assert payload.write(job, opened, path) == job.payload_sha256
    assert path.read_bytes() == b"".join(opened.payload_bytes(requests.of_job(job)))
    asked = [orjson.loads(line)["custom_id"] for line in path.read_bytes().splitlines()]
    assert asked == list(job.items.order_by("pk").values_list("custom_id", flat=True))


def test_each_item_keeps_the_hash_of_its_whole_prompt(provider):
    job = planned("anthropic")
    desk = requests.Desk([requests.Waiting(*row) for row in _rows(job)])
    for item in job.items.select_related("comparison"):
        [row] = [requests.Waiting(*row) for row in _rows(job) if row[0] == item.comparison_id]
        prompt, _ = desk.ask(row, job.judge, item.custom_id, marks=item.cache_marks)
        assert item.prompt_sha256 == prompt.sha256


def _rows(job: BatchJob) -> list[tuple[int, ...]]:
    items = BatchItem.objects.filter(job=job).values("comparison")
    return list(Comparison.objects.filter(pk__in=items).values_list(*requests.FIELDS))


def test_a_text_that_changed_after_the_plan_gives_another_hash(provider, tmp_path: Path):
    job = planned("openai")
    job.items.first().comparison.round.assessment.__class__.objects.update(rubric="Another rubric.")
    changed = payload.write(job, account.provider_of(job.account), tmp_path / "body")
    assert changed != job.payload_sha256
    BatchItem.objects.filter(pk=job.items.order_by("pk").first().pk).update(custom_id=f"{job.nonce}-999999")
    assert payload.write(job, account.provider_of(job.account), tmp_path / "body") != changed
