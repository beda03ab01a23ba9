"""The admin's and the pipeline's questions about statuses -> one statement each, for stored and for derived statuses.

Stored: what Django sends, from the project's own querysets. Derived: the same joins and columns, with the status read
out of the tables that it follows from. "Open rounds": derived, helped by a list of the rounds that are not finished.
"""

from dataclasses import dataclass
from typing import Any

from django.contrib.auth import get_user_model
from django.db import connection
from django.db.models import BooleanField, Count, F, QuerySet
from django.db.models.expressions import RawSQL

from batches.models import Comparison, Judge, Round
from bench import comparison_status_derived as derived
from bench.comparison_status_rows import Layout
from bench.gauge import BackEnd, repeated, run

COUNTED_ALL = "count by status, all"
PAGE = 50  # rows on a page of the admin
CAP = 10_001  # as far as the admin counts
CHUNK = 1000  # comparisons in one batch job
RELATED = ("round__assessment", "essay_a", "essay_b", "judge__account", "judge__user", "judgement")
LONG = (
    "essay_a__text",
    "essay_b__text",
    "round__assessment__rubric",
    "round__assessment__instructions",
    "judgement__justification",
)
MINE = "FROM {} WHERE {}.comparison_id = batches_comparison.id"
JUDGEMENT, LIVE, SETBACK = (MINE.format(table, table) for table in ("batches_judgement", "live_item", "setback"))
IS = {
    "JUDGED": f"EXISTS (SELECT {JUDGEMENT}) AND NOT EXISTS (SELECT {SETBACK} AND setback.final = 'WITHDRAWN')",
    "FAILED": "batches_comparison.id IN (SELECT comparison_id FROM setback WHERE final = 'FAILED')",
    "PENDING": f"NOT EXISTS (SELECT {JUDGEMENT}) AND NOT EXISTS (SELECT {LIVE})"
    f" AND NOT EXISTS (SELECT {SETBACK} AND setback.final <> '')",
}
# now(), not the clock that the pipeline reads: a volatile function would keep the planner from joining here.
DUE = (
    f"NOT EXISTS (SELECT {JUDGEMENT}) AND NOT EXISTS (SELECT {LIVE}) AND NOT EXISTS (SELECT {SETBACK}"
    " AND (setback.final <> '' OR setback.held OR setback.not_before > now()))"
)
RARE = ("PENDING", "FAILED")
IN_OPEN_ROUND = " AND batches_comparison.round_id IN (SELECT round_id FROM open_round)"
STATUS = """CASE WHEN setback.final <> '' THEN setback.final WHEN said.comparison_id IS NOT NULL THEN 'JUDGED'
    WHEN live.comparison_id IS NOT NULL THEN 'IN_FLIGHT' ELSE 'PENDING' END"""
SIDES = """LEFT JOIN batches_judgement said ON said.comparison_id = batches_comparison.id
LEFT JOIN live_item live ON live.comparison_id = batches_comparison.id
LEFT JOIN setback ON setback.comparison_id = batches_comparison.id"""
COUNT_ONE = f"""SELECT {STATUS}, count(*) FROM batches_comparison
JOIN batches_round ON batches_round.id = batches_comparison.round_id {SIDES}
WHERE batches_round.assessment_id = %s GROUP BY 1"""
COUNT_ROUNDS = f"""SELECT round_id, {STATUS}, count(*) FROM batches_comparison {SIDES}
WHERE round_id = ANY(%s) GROUP BY 1, 2"""
# Subtraction instead of a join: five counts, none of which looks at a pair of big tables.
COUNT_ALL = """SELECT (SELECT count(*) FROM batches_comparison), (SELECT count(*) FROM batches_judgement),
(SELECT count(*) FROM live_item), (SELECT count(*) FROM setback WHERE final = 'FAILED'),
(SELECT count(*) FROM setback WHERE final = 'WITHDRAWN'),
(SELECT count(*) FROM setback JOIN batches_judgement USING (comparison_id) WHERE final = 'WITHDRAWN')"""

Statement = tuple[str, Any]
Statements = tuple[Statement, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One thing somebody asks, as the statements that answer it; of several derived answers the cheapest counts."""

    name: str
    stored: Statements
    derived: tuple[Statements, ...]
    open_rounds: tuple[Statements, ...] = ()


def statement(rows: QuerySet[Any, Any]) -> Statement:
    return rows.query.sql_with_params()


def where(rows: QuerySet[Any, Any], condition: str) -> QuerySet[Any, Any]:
    return rows.filter(RawSQL(condition, [], output_field=BooleanField()))


def counts(assessment: int) -> list[Question]:
    """How many in each status: one assessment, the newest page of rounds, everything."""
    by_status = Comparison.objects.order_by().values_list("status").annotate(n=Count("pk"))
    rounds = list(Round.objects.order_by("-id").values_list("pk", flat=True)[:PAGE])
    by_round = Comparison.objects.filter(round__in=rounds).order_by().values_list("round", "status")
    return [
        Question(
            name="count by status, one assessment",
            stored=(statement(by_status.filter(round__assessment=assessment)),),
            derived=(((COUNT_ONE, [assessment]),),),
        ),
        Question(
            name=f"count by status, {len(rounds)} rounds on a page",
            stored=(statement(by_round.annotate(n=Count("pk"))),),
            derived=(((COUNT_ROUNDS, [rounds]),),),
        ),
        Question(name=COUNTED_ALL, stored=(statement(by_status),), derived=(((COUNT_ALL, []),),)),
    ]


def page(user: Any, status: str, *, when: str = "") -> Question:
    """The newest comparisons of one status, as the admin lists them, with its capped count."""
    rows = Comparison.objects.for_user(user).order_by("-id")
    bare = rows.select_related(*RELATED).defer(*LONG)
    slim = rows.select_related(*RELATED).defer(*LONG, *derived.STATUS)

    def both(listed: QuerySet[Any, Any], counted: QuerySet[Any, Any]) -> Statements:
        inner, parameters = statement(counted.order_by().values("pk")[:CAP])
        return statement(listed[:PAGE]), (f"SELECT count(*) FROM ({inner}) capped", parameters)

    def walking(condition: str) -> Statements:
        """From the newest comparison on, until the page is full: good where they are many, or new."""
        return both(where(slim, condition), where(rows, condition))

    def gathering(condition: str) -> Statements:
        """All of them first, then the newest of them: good where they are few, or old."""
        found = where(rows, condition)
        newest = found.order_by((F("pk") + 0).desc()).values("pk")[:PAGE]
        inner, parameters = statement(newest)
        once = RawSQL(f"batches_comparison.id = ANY (ARRAY({inner}))", parameters, output_field=BooleanField())
        return both(slim.filter(once), found)

    return Question(
        name=f"page and count of {status}{when}",
        stored=both(bare.filter(status=status), rows.filter(status=status)),
        derived=(walking(IS[status]), gathering(IS[status])) if status in RARE else (walking(IS[status]),),
        open_rounds=(gathering(IS[status] + IN_OPEN_ROUND),) if status == "PENDING" else (),
    )


def due(*, when: str = "") -> list[Question]:
    """What the sweep asks every few seconds, and what opening one job asks."""
    let_go = Comparison.objects.filter(round__submitted_at__isnull=False, judge__kind=Judge.Kind.MODEL)
    sides = (Comparison.objects.due(), where(let_go, DUE), where(let_go, DUE + IN_OPEN_ROUND))
    groups = [(statement(rows.order_by().values_list("judge_id", "round__strategy").distinct()),) for rows in sides]
    chunks = [
        (statement(rows.filter(judge=1, round__strategy="per_round").order_by("pk").values_list("pk")[:CHUNK]),)
        for rows in sides
    ]
    return [
        Question(name=f"due groups{when}", stored=groups[0], derived=(groups[1],), open_rounds=(groups[2],)),
        Question(name=f"due, first {CHUNK:,}{when}", stored=chunks[0], derived=(chunks[1],), open_rounds=(chunks[2],)),
    ]


def ask_all(back_end: BackEnd, layout: Layout, user: int, *, times: int) -> dict[str, dict[str, dict[str, float]]]:
    """Ask everything, first with comparisons waiting, then when the only ones left are in a round nobody let go."""
    person = get_user_model().objects.get(pk=user)
    run(derived.OPEN_ROUNDS)
    _settle_down()
    middle = Round.objects.values_list("assessment_id", flat=True).get(pk=layout.job_ids(0).start // 1000 + 1)
    busy = [*counts(middle), *(page(person, status) for status in IS), *due()]
    answers = {one.name: _ask(back_end, one, times) for one in busy}
    Comparison.objects.filter(pk__in=list(layout.waiting)).advance("WITHDRAWN")
    with derived.derived_tables():
        derived.withdraw(layout.waiting)
    _settle_down()
    idle = [page(person, "PENDING", when=", idle"), *due(when=", idle")]
    return answers | {one.name: _ask(back_end, one, times) for one in idle}


def _settle_down() -> None:
    """What autovacuum would do in a quiet moment."""
    for name in ("comparison", "batchitem", "judgement"):
        run(f"VACUUM (ANALYZE) public.batches_{name}, derived.batches_{name}")
    run("VACUUM (ANALYZE) derived.live_item, derived.setback, derived.open_round, derived.item_outcome")


def _ask(back_end: BackEnd, question: Question, times: int) -> dict[str, dict[str, float]]:
    """One processor only: what the server spends is then what its back end spends."""
    run("SET max_parallel_workers_per_gather = 0")
    answers = {"stored": _time(back_end, question.stored, times)}
    expected = _answers(question.stored)
    with derived.derived_tables():
        for way, alternatives in (("derived", question.derived), ("open rounds", question.open_rounds)):
            costs = [_time(back_end, statements, times) for statements in alternatives]
            if costs:
                answers[way] = min(costs, key=lambda cost: cost["server"])
            for statements in alternatives:
                _same(question, expected, _answers(statements))
    return answers


def _time(back_end: BackEnd, statements: Statements, times: int) -> dict[str, float]:
    return repeated(back_end, lambda: _answers(statements), times=times)


def _same(question: Question, expected: list[Any], found: list[Any]) -> None:
    """Both sides found the same comparisons (by their number, and a page by its ids)."""
    if question.name.startswith("page"):
        same = [row[0] for row in expected[0]] == [row[0] for row in found[0]] and expected[1] == found[1]
    elif question.name == COUNTED_ALL:
        every, said, live, failed, withdrawn, both = found[0][0]
        judged, by_status = said - both, dict(expected[0])
        pending = every - judged - live - failed - withdrawn
        counted = {"JUDGED": judged, "IN_FLIGHT": live, "FAILED": failed, "WITHDRAWN": withdrawn, "PENDING": pending}
        same = by_status == counted
    else:
        same = sorted(expected[0]) == sorted(found[0])
    if not same:
        raise AssertionError(f"{question.name}: stored and derived statuses disagree")


def _answers(statements: Statements) -> list[list[tuple[Any, ...]]]:
    answers = []
    with connection.cursor() as cursor:
        for text, parameters in statements:
            cursor.execute(text, parameters)
            answers.append(cursor.fetchall())
    return answers
