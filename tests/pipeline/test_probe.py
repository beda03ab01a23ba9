"""A judge put to the test: what it is asked, what is counted, what it costs, and who is asked before."""

import io
import json

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, transaction

from batches.judging.attacks import attacks
from batches.judging.probing import material, questions
from batches.models import Assessment, AuditEntry, Comparison, Flag, Membership, Probe, Project
from batches.pipeline import probe
from tests.admin import factories
from tests.making import MODELS
from tests.pipeline.conftest import check_books

pytestmark = pytest.mark.django_db
JUDGE = f"anthropic:{MODELS['anthropic']}"
COMMANDS = {attack.words: attack.wish for attack in attacks()}


@pytest.fixture(autouse=True)
def _no_workers(empty_queues):
    """The command does the work itself."""


def run(*options: str) -> str:
    out = io.StringIO()
    call_command("probe_judge", JUDGE, *options, stdout=out)
    return out.getvalue()


def probed(*options: str) -> dict:
    return json.loads(run("--yes", "--json", *options))


def test_every_question_names_texts_that_are_there_and_no_pair_comes_twice():
    texts, asked = material(), questions()
    assert {one.a for one in asked} | {one.b for one in asked} <= set(texts)
    assert len({(one.a, one.b) for one in asked}) == len(asked)
    kinds = {attack.kind for attack in attacks()}
    assert len(kinds) == 9
    assert {one.name for one in asked if one.kind == "attack"} == kinds
    firsts = [one.meant for one in asked if one.kind in ("known", "length")]
    assert firsts.count("A") == firsts.count("B")


@pytest.mark.parametrize(("obedience", "low", "high"), [(0.0, 0.0, 0.05), (0.3, 0.1, 0.6), (1.0, 1.0, 1.0)])
def test_obedience_is_measured_as_it_is(provider, obedience, low, high):
    provider.faults(obedience=obedience, commands=COMMANDS)
    found = probed()
    assert found["judged"] == found["asked"] == len(questions())
    assert low <= found["obeyed"]["value"] <= high
    assert found["obeyed"]["low"] - 1e-9 <= obedience <= found["obeyed"]["high"] + 1e-9
    assert found["accuracy"]["value"] == found["noticed"]["value"] == 1.0
    assert found["false_alarms"]["value"] == 0.0
    assert sum(one["n"] for one in found["by_attack"].values()) == found["obeyed"]["n"]


def test_a_judge_that_always_chooses_the_first_is_seen_by_its_flips_and_its_misses(provider):
    provider.settings(position_bias=1000)
    try:
        found = probed()
    finally:
        provider.settings(position_bias=0.2)
    names = ("flips", "first_won", "first_of_same", "accuracy", "longer_won")
    assert [found[name]["value"] for name in names] == [1.0, 1.0, 1.0, 0.5, 0.5]


def test_it_is_paid_for_by_an_assessment_of_its_own_and_enters_no_scale(provider):
    run("--yes")
    made = Probe.objects.get()
    check_books(provider, made.assessment)
    assert f"{made.assessment.spent_usd:f}" == made.figures["cost_usd"]
    assert made.assessment.spent_usd > 0
    assert set(made.assessment.rounds.values_list("purpose", flat=True)) == {"LAB"}
    assert not Flag.objects.exists()
    assert AuditEntry.objects.get(act="probe").detail["comparisons"] == len(questions())


def test_the_price_comes_first_and_nothing_is_sent_without_a_yes(provider, monkeypatch):
    assert "Nothing was sent" in run("--dry-run")
    assert set(json.loads(run("--dry-run", "--json"))) >= {"comparisons", "cost_usd", "budget_usd"}
    monkeypatch.setattr("builtins.input", lambda question: "n")
    with pytest.raises(CommandError, match="say --yes to spend it"):
        run()
    assert not Probe.objects.exists()
    assert not Assessment.objects.exists()
    assert provider.ledger(limit=10) == []


def test_a_probe_without_the_question_leaves_it_out_and_its_strategy_is_chosen(provider, cj):
    cj(poll_interval_min="1 s")
    found = probed("--no-ask-instructions", "--strategy", "provider_batch")
    assert found["noticed"]["value"] is None
    assert set(Comparison.objects.values_list("items__job__packing", flat=True)) == {"PROVIDER_BATCH"}
    assert "chose the better text of a known pair" in run("--yes")
    assert [one.assessment.slug[-2:] for one in Probe.objects.order_by("pk")] == ["-1", "-2"]


@pytest.mark.parametrize(
    ("name", "sentence"),
    [("99999", "There is no judge"), ("nobody:x", "A judge is named provider:model"), ("9" * 30, "There is no judge")],
)
def test_an_unknown_judge_is_one_sentence(name, sentence):
    with pytest.raises(CommandError, match=sentence) as found:
        call_command("probe_judge", name, "--yes")
    assert found.value.returncode == 2


def test_a_person_probes_within_their_projects_and_sees_only_their_probes(provider, client):
    mine = factories.project("Mine")
    user = factories.person("prober", mine, role="submitter")
    with pytest.raises(CommandError, match="no project called 'Probes'"):
        run("--yes", "--user", "prober")
    run("--yes", "--user", "prober", "--project", "Mine")
    made = Probe.objects.get()
    client.force_login(user)
    page = client.get(f"/admin/batches/probe/{made.pk}/change/")
    assert b"pretends that the essay ends" in page.content
    assert client.get("/admin/batches/probe/").status_code == 200
    Membership.objects.filter(user=user).update(project=Project.objects.create(name="Elsewhere"))
    assert client.get(f"/admin/batches/probe/{made.pk}/change/").status_code == 302


def test_a_probe_is_finished_once_with_figures(provider):
    run("--yes")
    made = Probe.objects.get()
    Comparison.objects.all()[0].items.update(answer="changed")
    assert probe.finish(made).figures == made.figures
    with pytest.raises(IntegrityError), transaction.atomic():
        Probe.objects.update(finished_at=None)
