"""A million comparisons: a page costs what it costs with a hundred, wherever it is and whoever asks."""

import time
from typing import Any

import pytest
from django.db import connection

from batches.models import Assessment, Comparison, Project, Round
from tests.admin import factories
from tests.api.conftest import Call, machine, token

pytestmark = [pytest.mark.django_db, pytest.mark.long, pytest.mark.timeout(1800)]
ESSAYS = 472  # 111,156 pairs of them make a round
ROUNDS = 9
FILL = """
INSERT INTO batches_comparison (round_id, essay_a_id, essay_b_id, judge_id, replicate, is_random, status, fail_reason,
                                fail_detail, attempts, revision, held, strategy)
SELECT %s, a.id, b.id, %s, 0, false, 'PENDING', '', '', 0, 0, false, ''
FROM batches_essay a JOIN batches_essay b ON a.id < b.id WHERE a.assessment_id = %s AND b.assessment_id = %s
"""
MOST = 1.0  # seconds for one page on a loaded machine; the admin's screens have 0.3 on a quiet one


@pytest.fixture
def small() -> Assessment:
    """The oldest rows of all: whoever reads backwards meets them last."""
    work: Assessment = factories.whole_project("Small")["assessment"]
    return work


@pytest.fixture
def large(small: Assessment) -> Assessment:
    work = factories.assessment(factories.project("Large"), "Large", essays=ESSAYS)
    judge = work.judges.get()
    with connection.cursor() as cursor:
        for number in range(1, ROUNDS + 1):
            fields = {"number": number, "pairing": "balanced", "seed": 1, "strategy": "per_round"}
            made = Round.objects.create(assessment=work, n_comparisons=1, **fields)
            cursor.execute(FILL, [made.pk, judge.pk, work.pk, work.pk])
        cursor.execute("ANALYZE")
    return work


def seconds(call: Call, path: str) -> float:
    """The best of three: how long the answer takes when nobody else is in the way."""
    took = []
    for _ in range(3):
        begun = time.perf_counter()
        assert call("GET", path).status_code == 200
        took.append(time.perf_counter() - begun)
    return min(took)


def deep(call: Call, project: Project) -> str:
    """A cursor half-way down the project's comparisons."""
    from batches.api.paging import _cursor

    newest = Comparison.objects.in_projects([project.pk]).order_by("-pk").first()
    assert newest is not None
    return _cursor(newest.pk - 500_000)


def test_pages_of_a_million_comparisons_are_quick(
    large: Assessment, small: Assessment, capsys: pytest.CaptureFixture[str], django_assert_max_num_queries: Any
) -> None:
    assert Comparison.objects.count() > 1_000_000
    mine, theirs = machine(token(large.project)), machine(token(small.project))
    paths = {
        "first page": (mine, "/comparisons"),
        "deep page": (mine, f"/comparisons?cursor={deep(mine, large.project)}"),
        "200 rows": (mine, "/comparisons?limit=200"),
        "by status": (mine, "/comparisons?status=PENDING"),
        "none of a status": (mine, "/comparisons?status=FAILED"),
        "one assessment": (mine, f"/comparisons?assessment={large.slug}"),
        "oldest round": (mine, f"/comparisons?round={large.rounds.order_by('pk').first().pk}"),
        "a small project": (theirs, "/comparisons"),
        "one assessment of a small project": (theirs, f"/comparisons?assessment={small.slug}&status=PENDING"),
        "batch jobs": (theirs, "/batch-jobs"),
        "progress": (mine, f"/assessments/{large.slug}/progress"),
        "a round": (mine, f"/rounds/{large.rounds.first().pk}"),
    }
    took = {name: seconds(call, path) for name, (call, path) in paths.items()}
    with capsys.disabled():
        print("\n" + "\n".join(f"{1000 * value:8.0f} ms  {name}" for name, value in took.items()))
    with django_assert_max_num_queries(4) as asked:
        mine("GET", "/comparisons")
    assert not any("count(" in query["sql"].lower() for query in asked.captured_queries)
    assert {name: value for name, value in took.items() if value > MOST} == {}
