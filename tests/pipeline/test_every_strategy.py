"""Every strategy, with both providers, on text and on page images: the same comparisons, exact books."""

import struct
import zlib

import pytest

from batches.conf import STRATEGIES
from batches.models import Assessment, BatchJob, Comparison, Essay, EssayPage, Judgement, Round
from batches.pipeline import submit
from tests.making import make_assessment, make_judge
from tests.pipeline.books import check_bundle_books, ledger
from tests.pipeline.conftest import drain, plan_and_let_go

pytestmark = pytest.mark.django_db
PROVIDERS = ["anthropic", "openai"]


def png(text: str, side: int = 64) -> bytes:
    """A grey page that keeps its essay in a text chunk, where the local judge looks for it."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    rows = b"".join(b"\x00" + b"\x80" * side for _ in range(side))
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0))
    return (
        b"\x89PNG\r\n\x1a\n"
        + head
        + chunk(b"tEXt", b"essay\x00" + text.encode())
        + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b"")
    )


def jpeg(text: str) -> bytes:
    comment = text.encode()
    return b"\xff\xd8\xff\xfe" + struct.pack(">H", len(comment) + 2) + comment + b"\xff\xd9"


def words(i: int) -> str:
    return f"Essay number {i} of a pupil, who writes about school uniforms. " * (i + 2)


def make_essays(assessment: Assessment, n: int, kind: str) -> None:
    for i in range(n):
        paged = kind == "image" or (kind == "mixed" and i % 2)
        essay = Essay.objects.create(
            assessment=assessment,
            candidate=f"P{i:02d}",
            text="" if paged else words(i),
            n_pages=1 + i % 2 if paged else 0,
        )
        for page in range(essay.n_pages):
            picture, media_type = ((png, "image/png"), (jpeg, "image/jpeg"))[(i + page) % 2]
            EssayPage.objects.create(essay=essay, number=page + 1, media_type=media_type, data=picture(words(i)))


def judged(assessment: Assessment) -> dict[tuple[str, str, int], str]:
    rows = Judgement.objects.filter(comparison__round__assessment=assessment).values_list(
        "comparison__essay_a__candidate", "comparison__essay_b__candidate", "comparison__replicate", "winner"
    )
    return {(a, b, replicate): winner for a, b, replicate, winner in rows}


def run(assessment: Assessment, strategy: str) -> None:
    plan_and_let_go(assessment, strategy=strategy)
    if strategy in ("accumulate", "nightly"):
        submit.force(Comparison.objects.filter(round__assessment=assessment), actor=None)
    drain()


@pytest.mark.parametrize("kind", ["text", "image"])
@pytest.mark.parametrize("name", PROVIDERS)
def test_all_five_strategies_judge_the_same_comparisons_and_the_books_agree(provider, cj, name, kind):
    cj(bundle_size=3, batch_chunk_requests=5)
    found = {}
    for strategy in STRATEGIES:
        provider.control("POST", "reset")
        assessment = make_assessment(judge=make_judge(name))
        make_essays(assessment, 10, kind)
        run(assessment, strategy)
        found[strategy] = judged(assessment)
        statuses = Comparison.objects.filter(round__assessment=assessment).values_list("status", flat=True)
        assert set(statuses) == {"JUDGED"}
        check_bundle_books(provider, assessment)
        packing = set(BatchJob.objects.filter(strategy=strategy).values_list("packing", flat=True))
        assert packing == {{"per_round": "SINGLE", "serial_bundle": "BUNDLE"}.get(strategy, "PROVIDER_BATCH")}
    assert len({frozenset(one) for one in found.values()}) == 1, "the same set of comparisons"
    assert len(found["per_round"]) >= 5
    assert found["provider_batch"] == found["accumulate"] == found["nightly"] == found["per_round"]


@pytest.mark.parametrize("answer_by", ["SCHEMA", "TOOL"])
def test_one_anthropic_batch_mixes_text_and_images_and_assessments(provider, answer_by):
    judge = make_judge(answer_by=answer_by)
    assessments = [make_assessment(judge=judge) for _ in range(2)]
    for assessment in assessments:
        make_essays(assessment, 6, "mixed")
        plan_and_let_go(assessment, strategy="accumulate")
    submit.force(Comparison.objects.all(), actor=None)
    drain()
    job = BatchJob.objects.get()
    assert set(job.items.values_list("comparison__round__assessment", flat=True)) == {a.pk for a in assessments}
    assert job.n_succeeded == job.n_items == Comparison.objects.count()
    check_bundle_books(provider, *assessments)
    for assessment in assessments:
        own = sum(job.items.filter(comparison__round__assessment=assessment).values_list("cost_usd", flat=True))
        assert assessment.spent_usd == own > 0, "each assessment pays for its own items"


def test_images_keep_their_place_and_their_bytes(provider):
    assessment = make_assessment()
    make_essays(assessment, 4, "image")
    plan_and_let_go(assessment, strategy="provider_batch")
    drain()
    assert len(ledger(provider)) == Comparison.objects.count()
    assert not Judgement.objects.filter(justification="").exists()
    assert Round.objects.count() == 1
