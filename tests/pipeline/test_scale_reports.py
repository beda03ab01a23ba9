"""A scale as it is stored: with its checks, grades, outlook and report, and frozen once published."""

import json
from decimal import Decimal
from typing import Any

import pytest
from django.core.management import call_command
from django.db import IntegrityError, transaction

from batches.models import Assessment, AuditEntry, Comparison, Scale
from batches.pipeline import export, grading, report, score
from batches.pipeline.judged import essays_of, fit_judgements, judged
from batches.pipeline.outlook import outlook
from batches.pipeline.plan import plan_rounds
from batches.pipeline.refused import Refused
from batches.pipeline.standing import standing
from batches.scale import fit, read_decisions
from tests.making import make_assessment, make_judge
from tests.simulated import judge_rounds

pytestmark = pytest.mark.django_db


@pytest.fixture
def assessment() -> Assessment:
    return make_assessment(20)


def scored(assessment: Assessment, rounds: int = 10, **options: Any) -> Scale:
    judge_rounds(assessment, rounds, **options)
    return score.score(assessment, actor=None)


def test_a_new_assessment_pairs_by_score(assessment: Assessment) -> None:
    assert assessment.pairing == "adaptive"


def test_a_scale_is_stored_with_all_that_its_report_says(assessment: Assessment) -> None:
    scale = scored(assessment)
    assert scale.told_from_noise is True
    assert scale.eb_reliability_low < scale.eb_reliability < scale.eb_reliability_high  # type: ignore[operator]
    kept = scale.report
    assert [row["round"] for row in kept["by_round"]] == list(range(1, 11))
    assert kept["by_round"][-1]["eb_reliability"] == scale.eb_reliability
    assert kept["held_out"]["n"] >= 10
    assert kept["held_out"]["accuracy"] > 0.6
    assert [one["n"] for one in kept["judges"]] == [scale.n_comparisons]
    assert kept["split_half"] is None  # one judge cannot be split
    swapped = Comparison.objects.filter(round__assessment=assessment, replicate=1).count()
    assert kept["flips"]["pairs"] >= swapped > 0
    assert sum(row.flips for row in scale.scores.all()) == 2 * kept["flips"]["flipped"]
    for row in scale.scores.all():
        assert row.rank_low <= row.rank <= row.rank_high  # type: ignore[operator]
    assert json.dumps(kept, allow_nan=False)


def test_a_panel_of_judges_is_split_in_halves(assessment: Assessment) -> None:
    assessment.judges.add(make_judge("openai"))
    scale = scored(assessment)
    assert scale.report["split_half"]["by"] == "judge"
    assert 0.2 < scale.report["split_half"]["reliability"] < 1
    assert len(scale.report["judges"]) == 2


def test_a_judge_who_tosses_coins_raises_the_red_flag(assessment: Assessment) -> None:
    scale = scored(assessment, sd=0.0, bias=0.0)
    assert scale.told_from_noise is False
    assert "cannot be told from zero" in report.red_flag(scale)
    assert next(report.lines(scale)).startswith("RED FLAG")


def test_scaled_scores_have_the_mean_and_deviation_that_were_set(assessment: Assessment) -> None:
    scale = scored(assessment, 4)
    placed = [row.scaled_score for row in scale.scores.all()]
    mean = sum(placed) / 20
    assert mean == pytest.approx(50)
    assert (sum((x - mean) ** 2 for x in placed) / 20) ** 0.5 == pytest.approx(10)
    Assessment.objects.update(scaled_mean=100, scaled_sd=15)
    assessment.refresh_from_db()
    again = score.score(assessment, actor=None)
    assert again.number == 2
    assert sum(row.scaled_score for row in again.scores.all()) / 20 == pytest.approx(100)
    assert score.score(assessment, actor=None).number == 2


def give_anchors(assessment: Assessment) -> None:
    for i, essay in enumerate(assessment.essays.order_by("pk")):
        if i % 3 == 0:
            essay.anchor_score = Decimal(1 + i // 7)
            essay.save()


def test_anchors_divide_the_scale_into_grades(assessment: Assessment) -> None:
    give_anchors(assessment)
    scale = scored(assessment)
    assert scale.grades_source == "anchors"
    assert [grade["name"] for grade in scale.grades] == ["1", "2", "3"]
    for row in scale.scores.all():
        assert sum(row.grade_probabilities) == pytest.approx(1)
        assert row.grade_probability == max(row.grade_probabilities)
    best = scale.scores.get(rank=1)
    assert best.grade == "3"
    assert len(scale.report["anchors"]["anchors"]) == 7


def test_anchors_that_contradict_their_grades_give_none_and_say_so(assessment: Assessment) -> None:
    for i, essay in enumerate(assessment.essays.order_by("pk")):
        if i in (0, 19):
            essay.anchor_score = Decimal(2 if i == 0 else 1)
            essay.save()
    scale = scored(assessment, 6)
    assert scale.grades == []
    assert any("do not rise with their known grades" in word for word in scale.report["warnings"])


def test_boundaries_that_staff_set_stay_in_force_for_the_next_scale(assessment: Assessment) -> None:
    give_anchors(assessment)
    scale = scored(assessment, 6)
    grading.set_grades(scale, [("C", None), ("B", -0.5), ("A", 1.0)], actor=None)
    assert scale.grades_source == "staff"
    assert set(scale.scores.values_list("grade", flat=True)) == {"A", "B", "C"}
    assert AuditEntry.objects.filter(act="set grades").exists()
    following = scored(assessment, 1, seed=2)
    assert (following.number, following.grades, following.grades_source) == (2, scale.grades, "staff")
    grading.set_grades(following, [], actor=None)
    assert following.grades_source == ""
    assert set(following.scores.values_list("grade", flat=True)) == {""}


@pytest.mark.parametrize(
    ("grades", "says"),
    [
        ([("A", None)], "between 2 and 20"),
        ([("B", None), ("B", 1.0)], "a name of its own"),
        ([("B", 0.0), ("A", 1.0)], "lowest grade has no boundary"),
        ([("C", None), ("B", None), ("A", 1.0)], "needs the score"),
        ([("C", None), ("B", 1.0), ("A", 1.0)], "must rise"),
        ([("C", None), ("B", float("nan"))], "needs the score"),
    ],
)
def test_grades_that_make_no_sense_are_refused_and_change_nothing(
    assessment: Assessment, grades: list[tuple[str, float | None]], says: str
) -> None:
    scale = scored(assessment, 3)
    with pytest.raises(Refused, match=says):
        grading.set_grades(scale, grades, actor=None)
    scale.refresh_from_db()
    assert scale.grades == []


def test_a_published_scale_keeps_its_grades_for_ever(assessment: Assessment) -> None:
    scale = scored(assessment, 4)
    grading.set_grades(scale, [("C", None), ("B", 0.0)], actor=None)
    score.publish(scale, actor=None)
    with pytest.raises(Refused, match="published"):
        grading.set_grades(scale, [], actor=None)
    with pytest.raises(IntegrityError, match="frozen"), transaction.atomic():
        Scale.objects.filter(pk=scale.pk).update(grades=[])
    with pytest.raises(IntegrityError, match="frozen"), transaction.atomic():
        scale.scores.update(grade="A")
    with pytest.raises(Refused, match="published already"):
        score.publish(scale, actor=None)


def test_groups_that_never_met_get_no_grades_and_are_not_published(assessment: Assessment) -> None:
    judge_rounds(assessment, 1)
    scale = score.score(assessment, actor=None)
    assert not scale.connected
    assert "groups" in report.red_flag(scale)
    for refused in (lambda: grading.set_grades(scale, [("B", None), ("A", 0.0)], actor=None), lambda: _publish(scale)):
        with pytest.raises(Refused, match="never compared"):
            refused()
    assert list(report.lines(scale))
    json.dumps(report.as_report(scale), allow_nan=False)


def _publish(scale: Scale) -> None:
    score.publish(scale, actor=None)


def test_the_outlook_foresees_rounds_and_money(assessment: Assessment) -> None:
    Assessment.objects.update(target_reliability=Decimal("0.95"), spent_usd=Decimal(1))
    assessment.refresh_from_db()
    scale = scored(assessment, 6)
    [goal] = outlook(assessment, scale).goals
    reliability = scale.eb_reliability or 0.0
    per_essay = 2 * scale.n_comparisons / 20
    needed = per_essay * (0.95 / 0.05) * (1 - reliability) / reliability - per_essay
    assert goal.rounds is not None
    assert goal.comparisons is not None
    assert goal.rounds == pytest.approx(needed * 10 / 11, abs=1)  # 11 comparisons a round, with swapped repeats
    assert goal.cost_usd == pytest.approx(goal.comparisons / Decimal(scale.n_comparisons))
    assert goal.affordable == int(19 / (11 / scale.n_comparisons))
    assert standing(assessment).next_action == "plan"
    assert standing(assessment).outlook.sentences == [goal.sentence]
    Assessment.objects.update(target_reliability=Decimal("0.100"))
    now = standing(assessment)
    assert now.outlook.reached
    assert now.next_action == "publish"


def test_the_outlook_counts_essays_whose_grade_is_certain(assessment: Assessment) -> None:
    scale = scored(assessment, 6)
    assert outlook(assessment, scale, certain_grades=0.9).goals[0].rounds is None  # no grades yet
    grading.set_grades(scale, [("B", None), ("A", 0.1)], actor=None)
    sure = sum((row.grade_probability or 0) >= 0.9 for row in scale.scores.all()) / 20
    goal = outlook(assessment, scale, certain_grades=min(1.0, sure + 0.1)).goals[0]
    assert goal.now == pytest.approx(sure)
    assert goal.rounds is None or goal.rounds > 0
    assert outlook(assessment, scale, certain_grades=sure).goals[0].reached


def test_planning_looks_at_judgements_that_no_scale_has_yet() -> None:
    assessment = make_assessment(40)
    judge_rounds(assessment, 6, sd=6.0)
    assert not assessment.scales.exists()
    [cj_round] = plan_rounds(assessment, actor=None, seed=7)
    place = {pk: i for i, pk in enumerate(essays_of(assessment))}
    pairs = cj_round.comparisons.filter(is_random=False, replicate=0).values_list("essay_a", "essay_b")
    gaps = [abs(place[a] - place[b]) for a, b in pairs]
    assert sum(gaps) / len(gaps) < 9  # at random it would be 13.7


@pytest.mark.parametrize("layout", ["plain", "sirt", "nmm"])
def test_what_is_exported_for_other_engines_gives_the_same_scale(assessment: Assessment, layout: str) -> None:
    judge_rounds(assessment, 8)
    rows = {"plain": export.plain, "sirt": export.sirt, "nmm": export.no_more_marking}[layout](assessment)
    there = fit(read_decisions(export.as_csv(rows)), "sirt")
    here = fit_judgements(judged(assessment), essays_of(assessment), estimator="sirt")
    assert there.logit.tolist() == pytest.approx(here.logit.tolist(), abs=1e-12)
    assert there.scale_separation_reliability == pytest.approx(here.scale_separation_reliability, abs=1e-12)


def test_the_report_is_printed_and_given_as_json(assessment: Assessment, capsys: Any) -> None:
    give_anchors(assessment)
    judge_rounds(assessment, 6)
    call_command("scale", assessment.slug, report=True)
    printed = capsys.readouterr().out
    assert "95 % interval" in printed
    assert "Position bias" in printed
    assert "both ways round" in printed
    assert "Grades from anchors, best first: 3:" in printed
    call_command("scale", assessment.slug, report=True, json=True)
    document = json.loads(capsys.readouterr().out)
    assert document["report"]["grades_source"] == "anchors"
    assert document["report"]["anchors"]["anchors"][0]["essay"] == "C000"
    assert len(document["report"]["essays"]) == 20
    call_command("scale", assessment.slug, json=True)
    assert "report" not in json.loads(capsys.readouterr().out)
