"""A new assessment in the making -> kept step by step, and turned into an assessment at the last one."""

import logging
from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta
from decimal import Decimal
from itertools import batched
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from batches.essays.nouns import EssayRow, Page, Reading
from batches.essays.personal import Personal
from batches.essays.scan import suspicions
from batches.models import Assessment, Flag, Judge, Project, RosterName, Sketch, SketchEssay, SketchPage
from batches.models.project import Person
from batches.pipeline import budget, load, panel
from batches.pipeline.refused import Refused

log = logging.getLogger(__name__)
KEPT = timedelta(days=1)  # an unfinished sketch holds pupils' texts: nobody comes back to it after a day
AT_ONCE = 25  # essays looked through in one transaction
PAGES_AT_ONCE = 4  # of up to 5 MB each
STRATEGY = "llm_batching_strategy"


def begin(maker: Person, project: Project, given: Mapping[str, Any]) -> Sketch:
    """A new sketch in the place of the one this person may have had."""
    with transaction.atomic():
        Sketch.objects.filter(maker_id=maker.pk).delete()
        return Sketch.objects.create(maker_id=maker.pk or 0, project=project, given=dict(given))


def remember(sketch: Sketch, given: Mapping[str, Any], *, project: Project | None = None) -> None:
    """Keep what one more step said; where the project changes, its roster decides what is replaced."""
    moved = project is not None and project.pk != sketch.project_id
    sketch.given |= given
    if project is not None:
        sketch.project = project
    sketch.save(update_fields=["given", "project", "touched_at"])
    if moved:
        _count_replaced(sketch)


def keep_essays(sketch: Sketch, reading: Reading, *, source: str) -> int:
    """Keep the essays of a reading in the place of those before; Refused, with those kept, where it has a problem."""
    if reading.problems:
        raise Refused(reading.refusal)
    personal = _personal(sketch)
    with transaction.atomic():
        forget_essays(sketch)
        made = SketchEssay.objects.bulk_create((_essay(sketch, row, personal) for row in reading.rows), batch_size=1000)
        for some in batched(_pages(made, reading.rows), PAGES_AT_ONCE):
            SketchPage.objects.bulk_create(some)
        sketch.source, sketch.ignored_columns = source[:300], list(reading.ignored_columns)
        sketch.save(update_fields=["source", "ignored_columns", "touched_at"])
    return len(made)


def forget_essays(sketch: Sketch) -> None:
    """Drop the essays that were read so far."""
    sketch.essays.all().delete()
    sketch.source, sketch.ignored_columns = "", []
    sketch.save(update_fields=["source", "ignored_columns", "touched_at"])


def _essay(sketch: Sketch, row: EssayRow, personal: Personal) -> SketchEssay:
    found = personal.replace(row.text)
    return SketchEssay(
        sketch=sketch,
        candidate=row.candidate,
        text=row.text,
        anchor_score=row.anchor_score,
        source=_("row {number}").format(number=row.line) if row.line else row.source[:300],
        n_words=len(row.text.split()),
        n_pages=len(row.pages),
        n_names=found.names,
        n_emails=found.emails,
        n_phones=found.phones,
        suspicions=None if row.text else {},
    )


def _pages(essays: Iterable[SketchEssay], rows: Iterable[EssayRow]) -> Iterator[SketchPage]:
    for essay, row in zip(essays, rows, strict=True):
        for number, page in enumerate(row.pages, start=1):
            yield SketchPage(essay=essay, number=number, media_type=page.media_type, data=page.content)


def _personal(sketch: Sketch) -> Personal:
    """What will be replaced in its essays: the roster of the project, e-mail addresses, phone numbers."""
    names = RosterName.objects.filter(project=sketch.project_id, assessment=None).order_by("name", "pk")
    return Personal(names.values_list("name", flat=True))


def _count_replaced(sketch: Sketch) -> None:
    personal, essays = _personal(sketch), list(sketch.essays.only("pk", "text"))
    for essay in essays:
        found = personal.replace(essay.text)
        essay.n_names, essay.n_emails, essay.n_phones = found.names, found.emails, found.phones
    SketchEssay.objects.bulk_update(essays, ["n_names", "n_emails", "n_phones"], batch_size=500)


def look_through(sketch_id: int) -> int:
    """Look for words meant for the judge in essays of a sketch that nobody has looked through; how many were."""
    n = 0
    while rows := list(_not_looked_through(sketch_id)):
        for essay in rows:
            essay.suspicions = _by_kind(essay.text)
        n += SketchEssay.objects.bulk_update(rows, ["suspicions"])
    return n


def _not_looked_through(sketch_id: int) -> Iterable[SketchEssay]:
    waiting = SketchEssay.objects.filter(sketch=sketch_id, suspicions__isnull=True)
    return waiting.only("pk", "text").order_by("pk")[:AT_ONCE]


def _by_kind(text: str) -> dict[str, list[list[Any]]]:
    found: dict[str, list[list[Any]]] = {}
    for one in suspicions(text):
        found.setdefault(one.kind, []).append([one.start, one.end, one.detail])
    return found


def create(sketch: Sketch, *, actor: Person) -> Assessment:
    """The assessment with its essays, judges, strategy, budget and targets, in the place of the sketch.

    Refused, with nothing changed, where something does not fit, and where it was created or discarded before.
    """
    with transaction.atomic():
        mine = Sketch.objects.select_for_update(of=("self",)).filter(pk=sketch.pk, maker=actor.pk)
        found = mine.select_related("project").first()
        if found is None:
            raise Refused(_("This assessment was created, or discarded, before: look for it in the list."))
        assessment = stand_in(found, slug=found.given["slug"], actor=actor)
        if found.essays.exists():
            load.load_essays(assessment, Reading(rows=tuple(_rows(found))), actor=actor)
            _keep_flags(assessment, found)
        found.delete()
    return assessment


def stand_in(sketch: Sketch, *, slug: str, actor: Person) -> Assessment:
    """The assessment without its essays; whoever only tries it out rolls it back."""
    given = sketch.given
    assessment = load.create_assessment(
        actor=actor,
        project=sketch.project,
        slug=slug,
        **{key: given.get(key, "") for key in ("title", "rubric", "instructions")},
    )
    for name in given["judges"]:
        load.add_judge(assessment, chosen_judge(name))
    Assessment.objects.filter(pk=assessment.pk).update(
        overrides={STRATEGY: given["strategy"]} if given.get("strategy") else {},
        target_reliability=_decimal(given.get("target_reliability")),
        target_certain_grades=_decimal(given.get("target_certain_grades")),
    )
    budget.first_budget(assessment, Decimal(given["budget"]), actor=actor)
    _name_people(assessment, given, actor)
    assessment.refresh_from_db()
    return assessment


def _name_people(assessment: Assessment, given: Mapping[str, Any], actor: Person) -> None:
    """The people who shall judge, and their share of the pairs."""
    for username in given.get("people", ()):
        panel.name_judge(assessment, username, quota=given["quota"], actor=actor)
    if given.get("people"):
        share = _decimal(given["share"])
        panel.set_share(assessment, None if share is None else share / 100, given["pairs"], actor=actor)


def chosen_judge(name: str) -> Judge:
    """`judge:7` is one that exists, `provider:model` one of the manifest."""
    kind, _sep, rest = name.partition(":")
    if kind != "judge":
        return load.find_judge(name)
    found = Judge.objects.filter(pk=int(rest) if rest.isdecimal() else 0, kind=Judge.Kind.MODEL).first()
    if found is None:
        raise Refused(_("One of the judges is no longer there: choose the judges again."))
    return found


def _decimal(value: str | None) -> Decimal | None:
    return Decimal(value) if value else None


def _rows(sketch: Sketch) -> Iterator[EssayRow]:
    for essay in sketch.essays.prefetch_related("pages").order_by("pk"):
        yield EssayRow(
            candidate=essay.candidate,
            text=essay.text,
            anchor_score=essay.anchor_score,
            source=essay.source,
            pages=tuple(
                Page(name=essay.source, media_type=page.media_type, content=bytes(page.data))
                for page in essay.pages.all()
            ),
        )


def _keep_flags(assessment: Assessment, sketch: Sketch) -> None:
    """Take over what was found when the essays were looked through, so that nobody has to do it again."""
    looked = dict(sketch.essays.exclude(suspicions__isnull=True).values_list("candidate", "suspicions"))
    ids = dict(assessment.essays.filter(candidate__in=looked).values_list("candidate", "pk"))
    Flag.objects.bulk_create(
        Flag(essay_id=ids[candidate], kind=kind, evidence={"places": places})
        for candidate, kinds in looked.items()
        for kind, places in (kinds or {}).items()
    )
    assessment.essays.filter(pk__in=ids.values()).update(scanned_at=timezone.now())


def discard(sketch: Sketch) -> None:
    """Throw a sketch away with all that was read for it."""
    sketch.delete()


def forget_old() -> int:
    """Throw away what nobody has touched for a day; how many sketches went."""
    old = Sketch.objects.filter(touched_at__lt=timezone.now() - KEPT)
    n = old.count()
    old.delete()
    if n:
        log.info("sketches forgotten n=%d", n)
    return n
