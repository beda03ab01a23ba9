"""Result files, stored before they are read: each answer counts once, and every line is accounted for."""

import zlib

import pytest

from batches.models import BatchItem, BatchJob, Comparison, Judgement, RawChunk, RawFile, StrayLine
from batches.pipeline import collect, pace, raw, watch
from batches.providers.base import FileKind, Outcome, Progress, Result
from tests.making import make_assessment, make_judge
from tests.pipeline.conftest import check_books, drain, hurry, one_pass, plan_and_let_go, reasons

pytestmark = pytest.mark.django_db
PROVIDERS = ["anthropic", "openai"]


class Stopped(Exception):
    """Stands for a worker's death."""


def sent(provider, name: str = "anthropic", n: int = 8) -> BatchJob:
    plan_and_let_go(make_assessment(n, judge=make_judge(name)), strategy="provider_batch")
    one_pass()
    return BatchJob.objects.get()


def until_collecting(job: BatchJob) -> None:
    for _ in range(100):
        hurry()
        if watch.step(job.pk) == "COLLECTING":
            return
    raise AssertionError("the batch never ended")


@pytest.mark.parametrize("name", PROVIDERS)
def test_the_bytes_are_stored_whole_and_hashed_before_anything_is_read(provider, name, monkeypatch):
    provider.faults(errored_line={"next": 2})
    job = sent(provider, name)
    until_collecting(job)
    monkeypatch.setattr(raw, "PIECE", 100)

    def die(label: str) -> None:
        if label == "raw_stored":
            raise Stopped

    monkeypatch.setattr(raw, "crash_point", die)
    with pytest.raises(Stopped):
        watch.step(job.pk)
    kinds = {file.kind: file for file in RawFile.objects.all()}
    assert set(kinds) == ({"OUTPUT", "ERROR"} if name == "openai" else {"OUTPUT"})
    for file in kinds.values():
        with raw.opened(file) as path:
            content = path.read_bytes()
        assert (len(content), content.count(b"\n")) == (file.size, file.n_lines)
        assert file.chunks.count() == -(-file.size // 100)
    assert not Judgement.objects.exists()


@pytest.mark.parametrize("name", PROVIDERS)
def test_a_download_that_was_cut_off_is_not_made_up_for_by_lines_that_come_twice(provider, name, monkeypatch):
    monkeypatch.setattr(pace, "FETCH", 0)
    provider.faults(duplicate_line={}, truncated_download={"next": 1, "how": "whole_lines"})
    job = sent(provider, name, 24)
    drain()
    assert reasons() == {"SUCCEEDED": job.n_items}


def test_collecting_goes_on_in_the_middle_of_a_file_where_another_worker_stopped(provider, monkeypatch):
    provider.faults(duplicate_line={"next": 2}, unknown_id_line={"next": 2})
    job = sent(provider)
    until_collecting(job)
    monkeypatch.setattr(collect, "CHUNK", 3)
    calls = []

    def die(label: str) -> None:
        if label == "mid_collect":
            calls.append(label)
            if len(calls) == 2:
                raise Stopped

    monkeypatch.setattr(collect, "crash_point", die)
    with pytest.raises(Stopped):
        watch.step(job.pk)
    assert RawFile.objects.get().lines_read == 6
    before = dict(Judgement.objects.values_list("pk", "created_at"))
    BatchJob.objects.update(lease_until=None)
    drain()
    job.refresh_from_db()
    assert (job.n_duplicates, job.n_strangers) == (2, 2), "counted once, although the file was read by two workers"
    assert before.items() <= dict(Judgement.objects.values_list("pk", "created_at")).items()
    assert Judgement.objects.count() == Comparison.objects.count()


def test_a_worker_that_dies_inside_a_chunk_leaves_nothing_of_it(provider, monkeypatch):
    job = sent(provider)
    until_collecting(job)

    def die(label: str) -> None:
        if label == "before_chunk_commit":
            raise Stopped

    monkeypatch.setattr(collect, "crash_point", die)
    with pytest.raises(Stopped):
        watch.step(job.pk)
    assert (Judgement.objects.count(), RawFile.objects.get().lines_read) == (0, 0)
    assert not BatchItem.objects.exclude(outcome=None).exists()


def test_a_stored_file_that_was_damaged_is_fetched_again(provider, monkeypatch):
    job = sent(provider)
    until_collecting(job)

    def die(label: str) -> None:
        if label == "raw_stored":
            raise Stopped

    with monkeypatch.context() as here:
        here.setattr(raw, "crash_point", die)
        with pytest.raises(Stopped):
            watch.step(job.pk)
    RawChunk.objects.update(data=zlib.compress(b"{}\n"))
    BatchJob.objects.update(lease_until=None)
    drain()
    assert set(reasons()) == {"SUCCEEDED"}
    assert job.raw_files.get().lines_read == job.n_items


@pytest.mark.parametrize("how", ["short", "broken", "whole_lines"])
@pytest.mark.parametrize("name", PROVIDERS)
def test_a_download_that_was_cut_off_anywhere_is_made_again(provider, name, how, monkeypatch):
    monkeypatch.setattr(pace, "FETCH", 0.01)
    provider.faults(truncated_download={"next": 1, "how": how})
    job = sent(provider, name)
    drain()
    assert set(reasons()) == {"SUCCEEDED"}
    assert BatchJob.objects.count() == 1
    check_books(provider, job.items.first().comparison.round.assessment)


def test_lines_that_the_provider_counts_and_never_delivers_are_missing_in_the_end(provider, monkeypatch):
    monkeypatch.setattr(pace, "FETCH", 0.01)
    provider.faults(missing_line={"next": 2})
    job = sent(provider)
    drain()
    job.refresh_from_db()
    assert (job.n_missing, job.n_succeeded, job.provider_answered) == (2, job.n_items - 2, job.n_items)


def test_strange_lines_are_kept_aside_and_a_second_different_answer_is_flagged(provider):
    provider.faults(
        unknown_id_line={"next": 1},
        junk_line={"next": 2},
        duplicate_line_other_answer={"next": 1},
        duplicate_line={"next": 1},
    )
    job = sent(provider)
    drain()
    kinds = list(StrayLine.objects.order_by("kind").values_list("kind", flat=True))
    assert kinds.count("STRANGER") == 1
    assert kinds.count("CONFLICT") == 1
    assert "UNREADABLE" in kinds
    job.refresh_from_db()
    assert job.n_duplicates == 2, "the plain repetition is counted, not kept"
    assert Judgement.objects.count() == job.n_items


def test_reading_the_same_file_twice_changes_nothing(provider):
    job = sent(provider)
    drain()
    judged = dict(Judgement.objects.values_list("pk", "created_at"))
    job.refresh_from_db()
    file = job.raw_files.get()
    RawFile.objects.update(lines_read=0)
    BatchJob.objects.update(fence=job.fence)
    file.refresh_from_db()
    from batches.pipeline import account

    collect._read(job, account.provider_of(job.account), file)
    assert dict(Judgement.objects.values_list("pk", "created_at")) == judged
    assert not StrayLine.objects.exists()


def test_an_ended_batch_whose_files_never_come_is_not_waited_for_for_ever(provider, monkeypatch):
    monkeypatch.setattr(pace, "FETCH", 0.01)
    provider.faults(file_id_lag={"seconds": 3600, "provider": "openai"})
    job = sent(provider, "openai")
    for _ in range(20):
        hurry()
        watch.step(job.pk)
    job.refresh_from_db()
    assert (job.status, job.provider_status) == ("IN_PROGRESS", "completed"), "completed without its file is no success"
    monkeypatch.setattr(pace, "RESULTS", 0.01)
    hurry()
    watch.step(job.pk)
    hurry()
    watch.step(job.pk)
    job.refresh_from_db()
    assert (job.status, job.n_missing) == ("COLLECTED", job.n_items)


def test_a_batch_is_not_declared_expired_without_asking(provider):
    """Two days without a scheduler: the results are there all the same, and are collected."""
    job = sent(provider)
    BatchJob.objects.update(sent_at="2026-11-19T00:00Z", expires_at="2026-11-20T00:00Z")
    drain()
    job.refresh_from_db()
    assert (job.status, job.n_succeeded) == ("COLLECTED", job.n_items)


class Mixed:
    """A provider whose answer is another job's file."""

    def __init__(self, path_of_other: bytes, real) -> None:
        self.content, self.real = path_of_other, real

    def __getattr__(self, name: str):
        return getattr(self.real, name)

    def download(self, progress: Progress, directory):
        import hashlib

        from batches.providers.base import ResultFile

        path = directory / "other.jsonl"
        path.write_bytes(self.content)
        digest = hashlib.sha256(self.content).hexdigest()
        return [ResultFile(kind=FileKind.OUTPUT, path=path, sha256=digest, size=len(self.content))]


def test_results_of_another_job_are_refused_not_taken_for_missing_ones(provider, monkeypatch):
    monkeypatch.setattr(pace, "FETCH", 0.01)
    first = sent(provider)
    drain()
    with raw.opened(first.raw_files.get()) as path:
        content = path.read_bytes()
    plan_and_let_go(first.items.first().comparison.round.assessment, strategy="provider_batch")
    one_pass()
    second = BatchJob.objects.exclude(pk=first.pk).get()
    until_collecting(second)
    from batches.pipeline import account

    real = account.provider_of(second.account)
    with monkeypatch.context() as here:
        here.setattr(account, "provider_of", lambda _: Mixed(content, real))
        watch.step(second.pk)
    second.refresh_from_db()
    assert (second.status, second.n_missing, second.raw_files.count()) == ("COLLECTING", 0, 0)
    drain()
    second.refresh_from_db()
    assert second.n_succeeded == second.n_items


def test_an_account_fault_in_a_result_line_pauses_the_account(provider, monkeypatch):
    job = sent(provider)
    until_collecting(job)
    real = collect.resolve.resolve
    fault = Result(custom_id="x", outcome=Outcome.ERRORED, reason="quota", error="no credit", account_fault=True)
    file_lines = [(b"{}", fault)]
    mine = BatchJob.objects.take(job.pk, seconds=60)
    file = RawFile.objects.create(job=mine, kind="OUTPUT", sha256="0" * 64, size=2, n_lines=1)
    collect._write(mine, file, file_lines)
    assert collect.resolve.resolve is real
    mine.account.refresh_from_db()
    assert (mine.account.paused_at is not None, mine.account.paused_reason) == (True, "no credit")


def test_a_batch_the_provider_does_not_know_any_more_is_put_before_a_person(provider):
    job = sent(provider)
    BatchJob.objects.update(provider_batch_id="msgbatch_gone")
    for _ in range(3):
        hurry()
        watch.step(job.pk)
    job.refresh_from_db()
    assert (job.status, job.provider_batch_id) == ("NEEDS_ATTENTION", "msgbatch_gone")
