"""What the API says about rows, and what its calls do to them."""

from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import django_rq
import pytest
from django.test import TestCase

from batches.models import Assessment, AuditEntry, BatchJob, Comparison, Essay, Round
from batches.pipeline import callbacks
from tests.admin import factories
from tests.api.conftest import Call, caller, machine, token
from tests.api.operations import operations

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("provider_env", "empty_queues")]


@pytest.fixture
def rows() -> dict[str, Any]:
    return factories.whole_project("Northfield")


@pytest.fixture
def call(rows: dict[str, Any]) -> Call:
    return machine(token(rows["project"]))


def slug(rows: dict[str, Any]) -> str:
    return f"/assessments/{rows['assessment'].slug}"


# Reading


def test_pages_follow_one_another_without_a_gap_or_a_double(call: Call, rows: dict[str, Any]) -> None:
    factories.cj_round(rows["assessment"], pairs=6)
    expected = list(Comparison.objects.order_by("-pk").values_list("pk", flat=True))
    seen, cursor = [], ""
    while cursor is not None:
        page = call("GET", f"/comparisons?limit=2{f'&cursor={cursor}' if cursor else ''}").data
        assert 1 <= len(page["items"]) <= 2
        seen += [one["id"] for one in page["items"]]
        cursor = page["next"]
    assert seen == expected
    assert len(expected) == 11


def test_the_assessments_of_probes_are_listed_for_whoever_asks_for_them(call: Call, rows: dict[str, Any]) -> None:
    own, probe = rows["assessment"].slug, rows["probe"].assessment.slug
    asked = {"": [own], "?probes=hidden": [own], "?probes=shown": [probe, own], "?probes=only": [probe]}
    found = {query: [one["slug"] for one in call("GET", f"/assessments{query}").data["items"]] for query in asked}
    assert found == asked
    assert call("GET", "/assessments?probes=yes").status_code == 422
    for path in (f"/assessments/{probe}", f"/assessments/{probe}/essays"):
        assert call("GET", path).status_code == 200


def test_a_page_stays_where_it_is_when_new_rows_come(call: Call, rows: dict[str, Any]) -> None:
    first = call("GET", "/comparisons?limit=2").data
    before = call("GET", f"/comparisons?limit=2&cursor={first['next']}").data
    factories.cj_round(rows["assessment"], pairs=4)
    assert call("GET", f"/comparisons?limit=2&cursor={first['next']}").data == before


def test_a_page_is_bounded_and_a_cursor_is_one_of_ours(call: Call, rows: dict[str, Any]) -> None:
    for path in ("/comparisons", "/rounds", "/assessments"):
        for query in ("limit=0", "limit=201", "limit=-1", "limit=x", "limit=", "cursor=", "cursor=!", "cursor=abc"):
            assert call("GET", f"{path}?{query}").status_code == 422, (path, query)


FILTERED = [
    ("/comparisons", "status=JUDGED", 1),
    ("/comparisons", "status=FAILED", 1),
    ("/comparisons", "status=PENDING", 2),
    ("/rounds", "submitted=yes", 1),
    ("/rounds", "submitted=no&purpose=SCALE", 1),
    ("/rounds", "purpose=LAB", 0),
    ("/rounds", "strategy=nightly", 0),
    ("/batch-jobs", "status=PLANNED&packing=SINGLE", 1),
    ("/batch-jobs", "status=COLLECTED", 0),
    ("/scales", "published=no", 1),
    ("/scales", "published=yes", 0),
]


def test_lists_are_filtered(call: Call, rows: dict[str, Any]) -> None:
    found = [(path, query, len(call("GET", f"{path}?{query}").data["items"])) for path, query, _ in FILTERED]
    assert found == FILTERED


def test_lists_are_filtered_by_assessment_and_round(call: Call, rows: dict[str, Any]) -> None:
    other = factories.assessment(rows["project"], "Others")
    factories.cj_round(other, pairs=1)
    for path, mine, others in (("/rounds", 2, 1), ("/comparisons", 5, 1), ("/batch-jobs", 1, 0), ("/scales", 1, 0)):
        assert len(call("GET", f"{path}?assessment={rows['assessment'].slug}").data["items"]) == mine, path
        assert len(call("GET", f"{path}?assessment={other.slug}").data["items"]) == others, path
    assert len(call("GET", f"/comparisons?round={rows['round'].pk}").data["items"]) == 3


def test_a_filter_that_nobody_knows_is_refused_and_not_passed_over(call: Call, rows: dict[str, Any]) -> None:
    for query in ("statsu=JUDGED", "status=judged", "assessment=%00", "round=9223372036854775808"):
        response = call("GET", f"/comparisons?{query}")
        assert response.status_code == 422, query
        assert response.data["detail"].endswith(".")


def test_a_comparison_says_who_met_whom_and_what_was_said_by_pseudonyms(call: Call, rows: dict[str, Any]) -> None:
    row = rows["comparison"]
    shown = call("GET", f"/comparisons/{row.pk}").data
    assert (shown["essay_a"], shown["essay_b"]) == (row.essay_a.candidate, row.essay_b.candidate)
    assert shown["judgement"]["winner"] == "A"
    assert shown["judge"] == {"kind": "MODEL", "provider": "anthropic", "model": "claude-haiku-4-5-20251001"}
    assert shown["items"][0]["cost_usd"] == "0.001200000000"
    assert shown["items"][0]["prompt_tokens"] == 900
    assert shown["resolved_at"].endswith("Z")


def test_no_answer_holds_the_text_of_an_essay_or_a_persons_name(call: Call, rows: dict[str, Any]) -> None:
    factories.person("turner", rows["project"], first_name="Margaret")
    for operation in operations():
        if operation.method == "GET":
            said = call("GET", operation.url(rows)).content
            for secret in (b"The essay of", b"turner", b"Margaret", b"robot"):
                assert secret not in said, operation.name


def test_money_is_a_decimal_string_everywhere(call: Call, rows: dict[str, Any]) -> None:
    def check(value: Any) -> None:
        for name, member in value.items() if isinstance(value, dict) else enumerate(value):
            if str(name).endswith("_usd"):
                assert isinstance(member, str), name
                assert Decimal(member) >= 0
            elif isinstance(member, dict | list):
                check(member)

    for operation in operations():
        if operation.method == "GET":
            check(call("GET", operation.url(rows)).data)


def test_progress_counts_what_there_is(call: Call, rows: dict[str, Any]) -> None:
    shown = call("GET", f"{slug(rows)}/progress").data
    counts = {name: n for name, n in shown["comparisons"].items() if n}
    assert counts == {
        **{"total": 5, "waiting": 2, "unsubmitted": 2, "in_flight": 1, "judged": 1, "failed": 1, "resolved": 2}
    }
    assert (shown["state"], shown["percent"], shown["jobs_live"]) == ("under_way", 40, 1)
    assert shown["scale"] == {"number": 1, "published": False, "is_current": True}


# ETags


def test_every_get_has_an_etag_and_sends_nothing_twice(call: Call, rows: dict[str, Any]) -> None:
    for operation in operations():
        if operation.method == "GET" and operation.name != "get_forecast":  # how far off the night is changes
            first = call("GET", operation.url(rows))
            again = call("GET", operation.url(rows), If_None_Match=first["ETag"])
            weak = call("GET", operation.url(rows), If_None_Match=f'"other", W/{first["ETag"]}')
            assert (again.status_code, again.content, again["ETag"]) == (304, b"", first["ETag"]), operation.name
            assert weak.status_code == 304
            assert call("GET", operation.url(rows), If_None_Match='"other"').status_code == 200


CHANGES = {
    "judged": lambda rows: factories.judged(rows["batchjob"].items.get(outcome=None)),
    "planned": lambda rows: factories.cj_round(rows["assessment"], pairs=1),
    "submitted": lambda rows: Round.objects.filter(pk=rows["planned"].pk).update(submitted_at=rows["round"].created_at),
    "held": lambda rows: Comparison.objects.filter(status="PENDING").update(held=True),
    "spent": lambda rows: Assessment.objects.update(spent_usd="0.5"),
    "a scale": lambda rows: factories.scale(rows["assessment"]),
    "a job": lambda rows: rows["batchjob"].advance(BatchJob.Status.CANCELLED),
}


@pytest.mark.parametrize("change", CHANGES)
def test_the_etag_of_progress_changes_with_whatever_happens(call: Call, rows: dict[str, Any], change: str) -> None:
    factories.cj_round(rows["assessment"], pairs=1, submitted=True)
    before = call("GET", f"{slug(rows)}/progress")
    CHANGES[change](rows)
    after = call("GET", f"{slug(rows)}/progress", If_None_Match=before["ETag"])
    assert after.status_code == 200
    assert after.data != before.data


def test_progress_costs_few_queries_and_an_unchanged_one_no_more(
    call: Call, rows: dict[str, Any], django_assert_max_num_queries: Any
) -> None:
    before = call("GET", f"{slug(rows)}/progress")
    with django_assert_max_num_queries(8):  # the token, the assessment, and six that count
        assert call("GET", f"{slug(rows)}/progress", If_None_Match=before["ETag"]).status_code == 304


def test_the_number_of_queries_does_not_grow_with_the_rows(
    call: Call, rows: dict[str, Any], django_assert_max_num_queries: Any
) -> None:
    for _ in range(3):
        work = factories.assessment(rows["project"], "More")
        cj_round = factories.cj_round(work, pairs=4, submitted=True)
        factories.judged(factories.job(list(cj_round.comparisons.all())).items.first())
        factories.scale(work)
    call("GET", "/health")
    for operation in operations():
        if operation.method == "GET":
            most = {"get_standing": 20, "get_forecast": 40}.get(operation.name, 8)
            with django_assert_max_num_queries(most):
                assert call("GET", operation.url(rows)).status_code == 200, operation.name


# Doing


def given(n: int) -> list[dict[str, str]]:
    return [{"candidate": f"C-{i:03}", "text": f"Essay {i}: it makes its case.", "anchor_score": ""} for i in range(n)]


def test_an_assessment_is_made_with_essays_judge_strategy_and_budget(call: Call, rows: dict[str, Any]) -> None:
    body = {
        "project": rows["project"].pk,
        "title": "  Year 6 writing ",
        "rubric": "Clearer is better.",
        "judge": "anthropic:claude-haiku-4-5-20251001",
        "strategy": "nightly",
        "budget_usd": "3.5",
        "essays": [*given(2), {"candidate": "anchor", "text": "Known.", "anchor_score": "3.25"}],
    }
    made = call("POST", "/assessments", body, Idempotency_Key="k").data
    row = Assessment.objects.get(slug=made["slug"])
    assert (row.title, row.rubric, row.budget_usd) == ("Year 6 writing", "Clearer is better.", Decimal("3.5"))
    assert row.overrides == {"llm_batching_strategy": "nightly"}
    assert [str(one.anchor_score) for one in row.essays.order_by("pk")] == ["None", "None", "3.250"]
    assert made["slug"].startswith("year-6-writing-")
    acts = AuditEntry.objects.order_by("pk").values_list("act", "actor_name")
    assert list(acts)[-3:] == [(act, acts.last()[1]) for act in ("create", "change budget", "load essays")]
    assert acts.last()[1].startswith("token robot (cj_")


BAD = {
    "an empty text": ({"text": " "}, "The text is empty"),
    "a candidate twice": ({"candidate": "C-000"}, "is already used by essay 1"),
    "an invisible candidate": ({"candidate": "C\u200b1"}, "control character or an invisible one"),
    "a score that is none": ({"anchor_score": "NaN"}, "The anchor_score is not a number"),
    "a NUL": ({"text": "a\x00b"}, "NUL character"),
}


@pytest.mark.parametrize("where", ["new", "more"])
def test_with_one_essay_that_cannot_be_taken_nothing_is_saved(call: Call, rows: dict[str, Any], where: str) -> None:
    before = (Assessment.objects.count(), Essay.objects.count(), AuditEntry.objects.count())
    for changed, sentence in BAD.values():
        essays = given(3)
        essays[1] |= changed
        path, body = f"{slug(rows)}/essays", {"essays": essays}
        if where == "new":
            path, body = "/assessments", {"project": rows["project"].pk, "title": "New", "essays": essays}
        refused = call("POST", path, body, Idempotency_Key="k")
        assert refused.status_code == 422
        assert refused.data["detail"].startswith("essay 2: ")
        assert sentence in refused.data["detail"]
    assert (Assessment.objects.count(), Essay.objects.count(), AuditEntry.objects.count()) == before


def test_essays_that_are_there_already_are_refused_as_by_the_import(call: Call, rows: dict[str, Any]) -> None:
    assert call("POST", f"{slug(rows)}/essays", {"essays": given(2)}, Idempotency_Key="1").data["essays"] == 6
    refused = call("POST", f"{slug(rows)}/essays", {"essays": given(3)}, Idempotency_Key="2")
    assert "C-000, C-001 already in this assessment" in refused.data["detail"]
    assert rows["assessment"].essays.count() == 6


UNBOUNDED = [
    {"essays": []},
    {"essays": given(1001)},
    {"essays": [{"candidate": "c"}]},
    {"essays": [{"candidate": "c", "text": "t", "name": "Ada"}]},
    {"essays": [{"candidate": "c", "text": "x" * 1_000_001}]},
    {},
    [],
]


def test_what_is_sent_is_bounded_and_closed(call: Call, rows: dict[str, Any]) -> None:
    for body in UNBOUNDED:
        response = call("POST", f"{slug(rows)}/essays", body, Idempotency_Key="k")
        assert response.status_code == 422, str(body)[:60]
    assert rows["assessment"].essays.count() == 4


MISTAKES = [
    {"judge": "anthropic:nobody"},
    {"judge": "claude"},
    {"budget_usd": "1e3"},
    {"budget_usd": 3},
    {"budget_usd": "-1"},
    {"title": "   "},
    {"title": "x" * 201},
    {"strategy": "by_hand"},
    {"rubric": "a\x00b"},
    {"slug": "mine"},
]


def test_an_assessment_with_a_mistake_is_not_made(call: Call, rows: dict[str, Any]) -> None:
    for changed in MISTAKES:
        body = {"project": rows["project"].pk, "title": "New"} | changed
        response = call("POST", "/assessments", body, Idempotency_Key="k")
        assert response.status_code == 422, changed
    assert Assessment.objects.filter(probe=None).count() == 1


def test_a_token_that_may_write_but_nothing_else_makes_and_plans(rows: dict[str, Any]) -> None:
    write = caller("token:write", rows["project"])
    body = {"project": rows["project"].pk, "title": "New", "essays": given(3)}
    body["judge"] = "anthropic:claude-haiku-4-5-20251001"
    made = write("POST", "/assessments", body, Idempotency_Key="k")
    assert made.status_code == 201
    assert write("POST", f"/assessments/{made.data['slug']}/plan", {}, Idempotency_Key="p").status_code == 201
    assert write("POST", f"/assessments/{made.data['slug']}/submit", {}, Idempotency_Key="s").status_code == 403
    assert write("GET", f"/assessments/{made.data['slug']}").status_code == 403


def test_submitting_lets_go_of_all_that_waits_and_rings_the_bell(call: Call, rows: dict[str, Any]) -> None:
    with TestCase.captureOnCommitCallbacks(execute=True):
        done = call("POST", f"{slug(rows)}/submit", {}, Idempotency_Key="k")
    assert done.data == {"rounds": [2], "comparisons": 2}
    rows["planned"].refresh_from_db()
    assert rows["planned"].submitted_at is not None
    assert [name.partition("-")[0] for name in django_rq.get_queue("submit").job_ids] == ["sweep"]


def test_a_round_with_nothing_to_submit_stops_the_whole_call(call: Call, rows: dict[str, Any]) -> None:
    for rounds in ([1], [2, 1], [3], [2, 99]):
        refused = call("POST", f"{slug(rows)}/submit", {"rounds": rounds}, Idempotency_Key="k")
        assert refused.status_code == 409
        assert "nothing was submitted" in refused.data["detail"]
    rows["planned"].refresh_from_db()
    assert rows["planned"].submitted_at is None


def test_submitting_is_refused_where_nothing_could_be_paid_or_sent(
    call: Call, rows: dict[str, Any], settings: Any
) -> None:
    Assessment.objects.update(budget_usd=0)
    assert "raise the budget" in call("POST", f"{slug(rows)}/submit", {}, Idempotency_Key="1").data["detail"]
    Assessment.objects.update(budget_usd=5)
    settings.LOCAL_PROVIDER = False
    refused = call("POST", f"{slug(rows)}/submit", {}, Idempotency_Key="2")
    assert (refused.status_code, "CJ_LOCAL_PROVIDER" in refused.data["detail"]) == (409, True)


def test_a_cancelled_job_is_asked_to_stop_once(call: Call, rows: dict[str, Any]) -> None:
    path = f"/batch-jobs/{rows['batchjob'].pk}/cancel"
    assert call("POST", path, Idempotency_Key="1").data == {"batch_job": rows["batchjob"].pk, "asked": True}
    rows["batchjob"].refresh_from_db()
    assert rows["batchjob"].cancel_asked_at is not None
    assert call("POST", path, Idempotency_Key="2").status_code == 409


def test_a_scale_is_asked_for_and_left_to_a_worker(call: Call, rows: dict[str, Any]) -> None:
    assert call("POST", f"{slug(rows)}/scale", Idempotency_Key="1").status_code == 202
    empty = factories.assessment(rows["project"], "Empty")
    refused = call("POST", f"/assessments/{empty.slug}/scale", Idempotency_Key="2")
    assert refused.status_code == 409


def test_callbacks_carry_the_correlation_id_given_with_the_call(
    call: Call, rows: dict[str, Any], settings: Any
) -> None:
    of_plan, of_submit = str(uuid4()), str(uuid4())
    planned = call("POST", f"{slug(rows)}/plan", {"correlation_id": of_plan}, Idempotency_Key="1").data["rounds"][0]
    assert planned["correlation_id"] == of_plan
    row = Round.objects.get(pk=planned["id"]).comparisons.first()
    assert callbacks.messages([row.pk])[0]["correlation_id"] == of_plan
    call("POST", f"{slug(rows)}/submit", {"rounds": [3], "correlation_id": of_submit}, Idempotency_Key="2")
    row = Comparison.objects.get(pk=row.pk)
    assert callbacks.messages([row.pk])[0]["correlation_id"] == of_submit
    [other] = callbacks.messages([rows["failed"].pk])
    assert UUID(other["correlation_id"]) == rows["assessment"].correlation_id
