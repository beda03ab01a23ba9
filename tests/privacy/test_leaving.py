"""Whatever leaves for a provider, nothing in it names a pupil."""

import random
from typing import Any

import pytest

from batches.models import Assessment, AuditEntry, BatchItem, BatchJob, Comparison, Essay
from batches.pipeline import plan, requests, roster
from batches.pipeline.refused import Refused
from batches.pipeline.requests import FIELDS, Desk, Waiting
from tests.making import make_assessment, make_judge
from tests.pipeline.conftest import drain, one_pass, plan_and_let_go

pytestmark = pytest.mark.django_db
NAMES = ["Siobhán O'Neill", "Kwame Adjei", "Łucja Wiśniewska"]
TEXT = "My friend Kwame's number is 07700 900123, mine is siobhan.oneill@school.org. Lucja will call. SIOBHAN"


def with_names(n: int = 4, **fields: Any) -> Assessment:
    assessment = make_assessment(0, **fields)
    for i in range(n):
        Essay.objects.create(assessment=assessment, candidate=f"P{i}", text=f"{TEXT} {i}")
    roster.set_names(assessment, NAMES, actor=None)
    return assessment


def prompts(assessment: Assessment) -> str:
    rows = [Waiting(*row) for row in Comparison.objects.order_by("pk").values_list(*FIELDS)]
    desk, judge = Desk(rows), assessment.judges.get()
    return "".join(part.text for row in rows for part in desk.ask(row, judge, "x")[1].parts)


def test_names_addresses_and_numbers_become_placeholders_where_requests_are_built():
    assessment = with_names(instructions="Write to Kwame.", rubric="Ask head@school.org.")
    plan.plan_rounds(assessment, actor=None)
    said = prompts(assessment)
    assert "My friend [name]'s number is [phone], mine is [e-mail]. [name] will call. [name]" in said
    assert "Write to [name]." in said
    assert "Ask [e-mail]." in said


def test_a_roster_of_the_project_holds_for_all_its_assessments_and_for_no_other_project():
    mine, theirs = make_assessment(0), make_assessment(0)
    roster.set_names(mine.project, NAMES, actor=None)
    assert roster.rules_of(mine).replace("Kwame").text == "[name]"
    assert roster.rules_of(theirs).replace("Kwame").text == "Kwame"


def test_each_essay_and_assessment_shows_how_much_was_replaced():
    assessment = with_names(3)
    essay = assessment.essays.first()
    assert (essay.n_names, essay.n_emails, essay.n_phones) == (3, 1, 1)
    found = roster.counts(assessment)
    assert (found.names, found.emails, found.phones, found.essays, found.roster) == (9, 3, 3, 3, 3)
    roster.set_names(assessment, [], actor=None)
    assert roster.counts(assessment).names == 0


def test_a_kind_can_be_switched_off_for_one_assessment():
    assessment = with_names(2)
    roster.switch(assessment, actor=None, replace_phones=False, replace_names=True)
    assert assessment.essays.first().n_phones == 0
    assert roster.as_it_leaves(assessment.essays.first()).text.startswith("My friend [name]'s number is 07700 900123,")
    roster.switch(assessment, actor=None, replace_phones=True)
    assert assessment.overrides == {}
    assert assessment.essays.first().n_phones == 1


def test_a_candidates_code_never_holds_a_name():
    assessment = make_assessment(0)
    Essay.objects.create(assessment=assessment, candidate="kwame-adjei-7", text="One.")
    with pytest.raises(Refused, match="1 candidate code holds a name of the roster: give"):
        roster.set_names(assessment, NAMES, actor=None)
    assert not assessment.roster.exists()


def test_the_record_of_a_roster_says_how_many_names_and_which_none():
    with_names()
    assert AuditEntry.objects.get(act="change roster").detail == {"names": 3}


def test_the_payload_is_the_same_at_every_build(provider):
    assessment = with_names(4)
    plan_and_let_go(assessment, strategy="provider_batch")
    one_pass()
    job = BatchJob.objects.get()
    assert job.provider_batch_id  # its payload, built anew for sending, had the hash of the one that was planned
    assert len({str(list(requests.of_job(job))) for _ in range(3)}) == 1


def test_names_that_come_after_the_job_was_planned_are_replaced_before_it_leaves(provider):
    assessment = make_assessment(0)
    for i in range(4):
        Essay.objects.create(assessment=assessment, candidate=f"P{i}", text=f"{TEXT} {i}")
    plan_and_let_go(assessment, strategy="provider_batch")
    from batches.pipeline import submit

    [group] = submit.waiting_groups()
    submit.open_jobs(group)
    roster.set_names(assessment, NAMES, actor=None)
    drain()
    first, second = BatchJob.objects.order_by("pk")
    assert (first.status, first.error_code) == ("CANCELLED", "payload_changed")
    assert second.status == "COLLECTED"
    assert set(Comparison.objects.values_list("status", flat=True)) == {"JUDGED"}


@pytest.mark.parametrize(
    ("strategy", "name"),
    [
        ("per_round", "anthropic"),
        ("serial_bundle", "openai"),
        ("provider_batch", "anthropic"),
        ("provider_batch", "openai"),
    ],
)
def test_in_a_full_run_with_200_essays_no_name_address_or_number_leaves(listener, name, strategy):
    """Every byte that reaches the provider is listened to; each essay names pupils in a dozen ways of writing."""
    random.seed(1)
    pupils = [f"{a} {b}" for a in FIRST for b in LAST]
    assessment = make_assessment(0, judge=make_judge(name), budget_usd=50)
    Essay.objects.bulk_create(
        Essay(assessment=assessment, candidate=f"P{i:03d}", text=essay_about(random.sample(pupils, 3), i))
        for i in range(200)
    )
    roster.set_names(assessment.project, pupils, actor=None)
    plan_and_let_go(assessment, strategy=strategy)
    drain(90)
    assert not BatchItem.objects.exclude(outcome="SUCCEEDED").exists()
    heard = listener.heard()
    assert heard.count("[name]") > 1000
    for part in {part for pupil in pupils for part in [pupil, *pupil.split()]} | {"07700", "@school"}:
        for way in (part, part.lower(), part.upper()):
            assert way not in heard, way
    listener.unheard("P000", "P199", assessment.slug, assessment.project.name)


FIRST = ["Siobhán", "Kwame", "Łucja", "Oluwaseun", "Zoë", "Matthias", "Ngọc", "D'Arcy", "Anne-Sophie", "Jürgen"]
LAST = ["O'Neill", "Adjei", "Wiśniewska", "Okonkwo", "Ferreira", "Strøm", "Nguyễn", "MacDonald", "Singh-Gill", "Müller"]


def essay_about(pupils: list[str], i: int) -> str:
    a, b, c = pupils
    return (
        f"{a} and I think school should start later. {b.upper()} says no, but {c.lower()} agrees with {a.split()[0]}'s "
        f"mum. You can ring {b.split()[0]} on 07700 900{i:03d} or write to {c.split()[-1].lower()}{i}@school.org. "
        f"Mr {a.split()[-1]} was late, so {b.split()[-1].title()} had to wait, and {i} pupils laughed."
    )
