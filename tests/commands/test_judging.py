"""load_essays, judge, scale and export, as typed at a shell."""

import csv
import io
import json

import pytest
from django.contrib.auth.models import Group, User

from batches.models import Assessment, AuditEntry, Comparison, Essay, Judgement, Membership, Project, Round, Scale
from tests.admin.sheets import sheets
from tests.making import make_assessment

pytestmark = pytest.mark.django_db
HAIKU = "anthropic:claude-haiku-4-5-20251001"


@pytest.mark.parametrize("judge", [HAIKU, "openai:gpt-5.4-mini"])
@pytest.mark.parametrize("strategy", ["per_round", "provider_batch"])
def test_essays_become_a_ranked_scale(provider, cj, run, essays_csv, judge, strategy):
    cj(poll_interval_min="1 s")
    loaded = run("load_essays", str(essays_csv), "--assessment", "later-start", "--judge", judge, "--json")
    assert json.loads(loaded.out) == {
        "assessment": "later-start",
        "new": True,
        "essays": 12,
        "ignored_columns": ["human_score"],
    }
    judged = run("judge", "later-start", "--rounds", "3", "--strategy", strategy, "--wait", "--json")
    assert judged.code == 0, judged.err
    report = json.loads(judged.out)
    assert report["judged"] == report["comparisons"] == Judgement.objects.count()
    assert report["local"] is True
    scale = json.loads(run("scale", "later-start", "--json").out)
    assert {row["essay"] for row in scale["essays"]} == {f"E{i:02d}" for i in range(12)}
    assert sorted(row["rank"] for row in scale["essays"])[0] == 1
    assert scale["n_comparisons"] == report["judged"]
    assert Scale.objects.count() == 1, "the same judgements are one scale"
    rows = list(csv.DictReader(io.StringIO(run("export", "later-start").out)))
    assert len(rows) == report["judged"]
    assert {row["local"] for row in rows} == {"yes"}
    assert {row["winner"] for row in rows} <= {"A", "B"}
    lines = run("export", "later-start", "--format", "jsonl").out.splitlines()
    assert {json.loads(line)["status"] for line in lines} == {"JUDGED"}
    assert run("export", "later-start", "--format", "sirt").out.startswith("id1,id2,result")


def test_nothing_but_the_text_reaches_the_judge(provider, run, tmp_path):
    path = tmp_path / "essays.csv"
    path.write_text("candidate,text,human_score,name\nE1,One text.,98765,Zorro\nE2,Two texts.,12345,Batman\n")
    run("load_essays", str(path), "--assessment", "x", "--judge", HAIKU)
    stored = str(list(Essay.objects.values())) + str(list(Assessment.objects.values()))
    for secret in ("98765", "12345", "Zorro", "Batman"):
        assert secret not in stored


def test_judging_without_waiting_is_not_finished_yet(provider, run, essays_csv):
    run("load_essays", str(essays_csv), "--assessment", "x", "--judge", HAIKU)
    ended = run("judge", "x")
    assert ended.code == 3
    assert Comparison.objects.filter(status="PENDING").count() == Comparison.objects.count() > 0
    assert run("judge", "x", "--rounds", "0", "--wait").code == 0
    assert set(Comparison.objects.values_list("status", flat=True)) == {"JUDGED"}


def test_judging_until_reliable_stops_when_it_is(provider, run, essays_csv):
    run("load_essays", str(essays_csv), "--assessment", "x", "--judge", HAIKU)
    ended = run("judge", "x", "--until-reliability", ".3", "--rounds", "12", "--json")
    assert ended.code in (0, 3)
    scale = Scale.objects.order_by("-pk").first()
    assert scale is not None
    assert (ended.code == 0) == ((scale.eb_reliability or 0) >= 0.3)


BAD_CSV = {
    "no columns": (b"name,essay\nA,B\n", "column"),
    "empty candidate": (b"candidate,text\n,Some text.\n", "candidate"),
    "duplicate candidate": (b"candidate,text\nA,One.\nA,Two.\n", "A"),
    "NUL bytes": (b"candidate,text\nA,On\x00e.\nB,Two.\n", "NUL"),
    "lone surrogate": (b"candidate,text\nA,On\xed\xa0\x80e.\nB,Two.\n", "UTF-8"),
    "0 bytes": (b"", "empty"),
    "latin-1": ("candidate,text\nA,Caf\xe9.\n".encode("latin-1"), "UTF-8"),
    "empty text": (b"candidate,text\nA,\nB,Two.\n", "text"),
}


@pytest.mark.parametrize("name", BAD_CSV)
def test_a_bad_file_gets_one_sentence_and_changes_nothing(run, tmp_path, name):
    content, word = BAD_CSV[name]
    path = tmp_path / "essays.csv"
    path.write_bytes(content)
    ended = run("load_essays", str(path), "--assessment", "x", "--project", "New", "--judge", HAIKU)
    assert ended.code == 2
    assert word in ended.err
    assert "\n" not in ended.err.strip()
    assert not Essay.objects.exists()
    assert not Assessment.objects.exists()
    assert not Project.objects.exists()


@pytest.mark.parametrize(
    ("judge", "words"),
    [
        ("anthropic:claude-haiku-9", "claude-haiku-9"),
        ("mistral:large", "provider:model"),
        ("claude-haiku-4-5-20251001", "provider:model"),
        ("openai:claude-haiku-4-5-20251001", "no openai model"),
    ],
)
def test_an_unknown_judge_is_refused(run, essays_csv, judge, words):
    ended = run("load_essays", str(essays_csv), "--assessment", "x", "--judge", judge)
    assert (ended.code, Assessment.objects.exists()) == (2, False)
    assert words in ended.err


@pytest.mark.parametrize(("day", "code"), [("2026-11-30", 0), ("2026-12-01", 2)])
def test_a_model_may_be_used_on_its_last_day_and_not_after(run, essays_csv, day, code):
    import time_machine

    with time_machine.travel(f"{day}T12:00:00Z"):
        ended = run(
            "load_essays", str(essays_csv), "--assessment", "x", "--judge", "anthropic:claude-sonnet-4-5-20250929"
        )
    assert ended.code == code, ended.err
    if code:
        assert "retired on 2026-11-30" in ended.err
        assert not Assessment.objects.exists()


def test_a_round_is_not_submitted_to_a_model_that_has_retired_since(run, essays_csv, provider):
    import time_machine

    assert run("load_essays", str(essays_csv), "--assessment", "x", "--judge", "anthropic:claude-sonnet-4-5").code == 0
    with time_machine.travel("2026-12-01T12:00:00Z"):
        ended = run("judge", "x", "--wait")
    assert ended.code == 2
    assert "retired" in ended.err
    assert not Round.objects.exists()


def test_an_essay_longer_than_the_context_is_refused(run, tmp_path):
    path = tmp_path / "essays.csv"
    path.write_text("candidate,text\nA,Short.\nLONG," + "word " * 120_000 + "\n")
    ended = run("load_essays", str(path), "--assessment", "x", "--judge", HAIKU)
    assert ended.code == 2
    assert "LONG" in ended.err
    assert "do not fit into the context" in ended.err
    assert not Essay.objects.exists()


@pytest.mark.parametrize(
    "argv",
    [
        ("judge", "nothing"),
        ("scale", "nothing"),
        ("export", "nothing"),
        ("load_essays", "/nowhere.csv", "--assessment", "x"),
    ],
)
def test_what_is_not_there_is_named_in_one_sentence(run, argv):
    ended = run(*argv)
    assert ended.code == 2
    assert ended.err.count("\n") == 0
    assert "There is no" in ended.err or "nowhere.csv" in ended.err


def test_too_few_essays_no_judge_and_no_judgement_are_sentences(run, provider):
    empty = make_assessment(1)
    assert "at least two essays" in run("judge", empty.slug).err
    assert "no judgement yet" in run("scale", empty.slug).err
    assert run("judge", empty.slug, "--rounds", "-1").code == 2
    assert run("judge", empty.slug, "--until-reliability", "7").code == 2


def test_a_user_of_one_project_reaches_nothing_of_another(run, essays_csv, provider):
    theirs = make_assessment(4, slug="theirs")
    user = User.objects.create_user("ada", is_staff=True)
    user.groups.add(Group.objects.get(name="administrator"))
    mine = Project.objects.create(name="Mine")
    Membership.objects.create(project=mine, user=user)
    before = (Essay.objects.count(), Round.objects.count())
    for argv in (
        ("judge", "theirs"),
        ("scale", "theirs"),
        ("export", "theirs"),
        ("load_essays", str(essays_csv), "--assessment", "theirs"),
        ("load_essays", str(essays_csv), "--assessment", "y", "--project", theirs.project.name, "--judge", HAIKU),
    ):
        ended = run(*argv, "--user", "ada")
        assert ended.code == 2, argv
        assert ended.err.startswith("There is no "), ended.err
        assert "Assessment" not in ended.err
    assert (Essay.objects.count(), Round.objects.count()) == before
    assert run("load_essays", str(essays_csv), "--assessment", "z", "--project", "Mine", "--user", "ada").code == 0


def test_a_viewer_may_not_spend_at_the_shell_either(run):
    assessment = make_assessment(4)
    user = User.objects.create_user("vera", is_staff=True)
    user.groups.add(Group.objects.get(name="viewer"))
    Membership.objects.create(project=assessment.project, user=user)
    ended = run("judge", assessment.slug, "--user", "vera")
    assert (ended.code, Round.objects.exists()) == (2, False)
    assert "submit_round" in ended.err


def test_an_exported_cell_is_never_a_formula(run, provider):
    assessment = make_assessment()
    for candidate in ("=1+1", "@SUM(A1)", "-cmd", "+1"):
        Essay.objects.create(assessment=assessment, candidate=candidate, text=f"Text of {candidate} and more.")
    assert run("judge", assessment.slug, "--rounds", "2", "--wait").code == 0
    for what in ("judgements", "scores"):
        for row in csv.reader(io.StringIO(run("export", assessment.slug, "--what", what).out)):
            for cell in row:
                assert not cell.startswith(("=", "@", "-c")), cell


def test_judge_does_the_work_itself_where_workers_are_there_but_take_nothing(provider, run, essays_csv, monkeypatch):
    from batches import tasks
    from batches.management.commands import judge

    monkeypatch.setattr(judge, "PATIENCE", 0.5)
    monkeypatch.setattr(tasks, "workers_alive", lambda: True)  # registered, and stuck
    run("load_essays", str(essays_csv), "--assessment", "x", "--judge", HAIKU)
    assert run("judge", "x", "--wait").code == 0
    assert set(Comparison.objects.values_list("status", flat=True)) == {"JUDGED"}


def test_any_csv_of_decisions_is_fitted_without_a_database(run, tmp_path):
    path = tmp_path / "decisions.csv"
    path.write_text("chosen,not_chosen,left\na,b,a\nb,c,c\na,c,a\nc,d,d\nb,d,b\nd,a,d\n")
    scale = json.loads(run("scale_csv", str(path), "--json").out)
    assert [scale["n_essays"], scale["n_comparisons"], scale["connected"]] == [4, 6, True]
    assert {row["essay"] for row in scale["essays"]} == {"a", "b", "c", "d"}


def test_essays_that_never_met_are_components_and_not_an_error(run, tmp_path):
    path = tmp_path / "decisions.csv"
    path.write_text("chosen,not_chosen\na,b\nb,a\nc,d\nd,c\n")
    ended = run("scale_csv", str(path), "--json", "--estimator", "sirt")
    scale = json.loads(ended.out)
    assert (ended.code, scale["connected"], scale["components"]) == (0, False, 2)
    assert {row["rank"] for row in scale["essays"]} == {None}
    assert "2 groups that nothing connects" in run("scale_csv", str(path), "--estimator", "sirt").out


@pytest.mark.parametrize("content", ["", "winner,loser\na,b\n", "chosen,not_chosen\na,a\n", "chosen,not_chosen\na\n"])
def test_a_csv_without_decisions_gets_one_sentence(run, tmp_path, content):
    path = tmp_path / "decisions.csv"
    path.write_text(content)
    ended = run("scale_csv", str(path))
    assert ended.code == 2
    assert ended.err.count("\n") == 0


def test_a_workbook_is_written_to_a_file_and_put_on_record(run, provider, tmp_path):
    assessment = make_assessment(3)
    target = tmp_path / "out.xlsx"
    assert run("export", assessment.slug, "--format", "xlsx").code == 2
    assert run("export", assessment.slug, "--format", "xlsx", "--output", str(tmp_path / "no" / "x.xlsx")).code == 2
    assert not AuditEntry.objects.filter(act="export").exists()
    assert run("export", assessment.slug, "--format", "xlsx", "--output", str(target)).code == 0
    assert list(sheets(target.read_bytes())) == ["Scores", "Judgements", "About"]
    assert AuditEntry.objects.get(act="export").detail == {"what": "results", "format": "xlsx"}
