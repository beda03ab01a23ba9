"""Names of pupils, and what is replaced by placeholders -> the rules by which texts leave, and how much they change."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import NamedTuple

from django.db import connection, transaction
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from batches.conf import cj_settings
from batches.essays.clean import clean_text
from batches.essays.personal import Personal, Replaced
from batches.essays.scan.passages import without
from batches.models import Assessment, AuditEntry, Essay, Project, RosterName
from batches.models.project import Person
from batches.numbers import grouped
from batches.pipeline.refused import Refused

MOST_NAMES = 20_000
SWITCHES = ("replace_names", "replace_emails", "replace_phones")  # cj_settings that an assessment may override


def rules(assessments: Iterable[Assessment]) -> dict[int, Personal]:
    """Assessment id -> what is replaced in everything of it that leaves: the same rules whenever they are asked for."""
    assessments = list(assessments)
    projects = {assessment.project_id for assessment in assessments}
    names: dict[tuple[int, int | None], list[str]] = defaultdict(list)
    rows = RosterName.objects.filter(project__in=projects).order_by("name", "pk")
    for project, assessment, name in rows.values_list("project_id", "assessment_id", "name"):
        names[project, assessment].append(name)
    return {
        one.pk: _rules(one, tuple(names[one.project_id, None] + names[one.project_id, one.pk])) for one in assessments
    }


def rules_of(assessment: Assessment) -> Personal:
    return rules([assessment])[assessment.pk]


def _rules(assessment: Assessment, names: tuple[str, ...]) -> Personal:
    own = cj_settings.of(assessment.overrides)
    return _made(names if own.replace_names else (), own.replace_emails, own.replace_phones)


@lru_cache(maxsize=32)
def _made(names: tuple[str, ...], emails: bool, phones: bool) -> Personal:
    return Personal(names, emails=emails, phones=phones)


def as_it_leaves(essay: Essay) -> Replaced:
    """An essay's text as every judge model reads it."""
    return rules_of(essay.assessment).replace(without(essay.text, essay.left_out))


def recount(assessments: Iterable[Assessment], *, essays: QuerySet[Essay] | None = None) -> None:
    """Write down for each essay how much of it is replaced: what pages and lists show."""
    for pk, personal in rules(assessments).items():
        mine = (Essay.objects.all() if essays is None else essays).filter(assessment=pk, erased_at=None)
        changed = []
        rows = mine.only("pk", "text", "n_names", "n_emails", "n_phones").order_by("pk")
        for essay in rows.iterator(chunk_size=500):
            found = personal.replace(essay.text)
            counts = (found.names, found.emails, found.phones)
            if counts != (essay.n_names, essay.n_emails, essay.n_phones):
                essay.n_names, essay.n_emails, essay.n_phones = counts
                changed.append(essay)
        Essay.objects.bulk_update(changed, ["n_names", "n_emails", "n_phones"], batch_size=500)


class Counts(NamedTuple):
    """The essays of an assessment, and what is replaced in them: how many of each kind, and with how many names."""

    live: int  # essays that were not withdrawn
    flagged: int  # of those, with a flag that nobody has decided on
    names: int
    emails: int
    phones: int
    essays: int  # in which something is replaced
    roster: int


COUNTS = """
SELECT count(*) FILTER (WHERE withdrawn_at IS NULL),
       count(*) FILTER (WHERE withdrawn_at IS NULL AND EXISTS (
           SELECT FROM batches_flag flag WHERE flag.essay_id = essay.id AND flag.verdict = '')),
       coalesce(sum(n_names), 0), coalesce(sum(n_emails), 0), coalesce(sum(n_phones), 0),
       count(*) FILTER (WHERE n_names > 0 OR n_emails > 0 OR n_phones > 0),
       (SELECT count(*) FROM batches_rostername
        WHERE project_id = %(project)s AND (assessment_id IS NULL OR assessment_id = %(assessment)s))
FROM batches_essay essay WHERE assessment_id = %(assessment)s AND known = ''
"""


def counts(assessment: Assessment) -> Counts:
    """The figures of an assessment's page: one query."""
    with connection.cursor() as cursor:
        cursor.execute(COUNTS, {"assessment": assessment.pk, "project": assessment.project_id})
        return Counts(*cursor.fetchone())


def _names(assessment: Assessment) -> QuerySet[RosterName]:
    return RosterName.objects.filter(Q(assessment=None) | Q(assessment=assessment), project=assessment.project_id)


def read_names(text: str) -> list[str]:
    """One name a line, cleaned, each once; Refused where a line cannot be a name."""
    lines = text.splitlines()  # rule splitlines: typed or pasted by a person
    names = list(dict.fromkeys(" ".join(clean_text(line).split()) for line in lines))
    names = [name for name in names if name]
    for name in names:
        if len(name) > 200:
            raise Refused(
                _("A name has at most 200 characters: write one name a line, not %(name)s...")
                % {"name": f"{name[:40]!r}"}
            )
    if len(names) > MOST_NAMES:
        raise Refused(
            _("A roster holds at most %(most_names)s names, not %(names)s.")
            % {"most_names": grouped(MOST_NAMES), "names": grouped(len(names))}
        )
    return names


def set_names(of: Project | Assessment, names: Sequence[str], *, actor: Person | None) -> int:
    """Replace a roster by these names; Refused, with nothing changed, where a candidate's code holds one of them.

    Jobs that are planned and not yet sent are planned anew with the new names.
    """
    project = of if isinstance(of, Project) else of.project
    assessment = of if isinstance(of, Assessment) else None
    with transaction.atomic():
        affected = list(project.assessments.all() if assessment is None else [assessment])
        RosterName.objects.filter(project=project, assessment=assessment).delete()
        RosterName.objects.bulk_create(
            (RosterName(project=project, assessment=assessment, name=name) for name in names), batch_size=1000
        )
        for one in affected:
            check_candidates(one, one.essays.values_list("candidate", flat=True))
        recount(affected)
        AuditEntry.record("change roster", of, actor=actor, project=project, names=len(names))
    return len(names)


def check_candidates(assessment: Assessment, candidates: Iterable[str]) -> None:
    """Refuse codes that hold a name of the roster: codes leave with every callback and export."""
    personal = Personal(_names(assessment).values_list("name", flat=True), emails=False, phones=False)
    named = [candidate for candidate in candidates if personal.names_in(candidate)]
    if named:
        raise Refused(
            ngettext(
                "%(n)s candidate code holds a name of the roster: give these pupils codes that do not name them, "
                "then load them again.",
                "%(n)s candidate codes hold names of the roster: give these pupils codes that do not name them, "
                "then load them again.",
                len(named),
            )
            % {"n": grouped(len(named))}
        )


def switch(assessment: Assessment, *, actor: Person | None, **switches: bool) -> None:
    """Leave a kind of personal data as it is, or replace it again: `replace_phones=False`."""
    with transaction.atomic():
        mine = Assessment.objects.select_for_update().select_related("project").get(pk=assessment.pk)
        kept = {key: value for key, value in mine.overrides.items() if key not in switches}
        mine.overrides = kept | {key: "no" for key, wanted in switches.items() if not wanted}
        Assessment.objects.filter(pk=mine.pk).update(overrides=mine.overrides)
        recount([mine])
        AuditEntry.record("change what is replaced", mine, actor=actor, project=mine.project, **switches)
    assessment.overrides = mine.overrides
