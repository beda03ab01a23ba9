"""Files read into rows -> assessments with essays and a judge."""

import hashlib
from collections.abc import Iterable
from decimal import Decimal

from django.core.exceptions import ValidationError
from django.core.validators import validate_slug
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from batches.conf import cj_settings
from batches.essays.clean import BadEssay, check_text
from batches.essays.nouns import EssayRow, Reading
from batches.models import Assessment, AssessmentJudge, AuditEntry, Essay, EssayPage, Judge, Project
from batches.models.project import Person
from batches.pipeline import account, fits, roster
from batches.pipeline.refused import Refused
from batches.providers import manifest

DEFAULT_MAX_TOKENS = 2000
THINKING_MAX_TOKENS = 6000  # a model that always thinks first spends part of its answer on it


def find_judge(name: str) -> Judge:
    """The judge called `provider:model`, made on first use; Refused for a model that is unknown or retired."""
    provider, _colon, model_id = name.partition(":")
    if provider not in account.KEY_VARIABLE or not model_id:
        raise Refused(
            _("A judge is named provider:model, such as anthropic:claude-haiku-4-5-20251001, not %(name)s.")
            % {"name": f"{name!r}"}
        )
    model = fits.usable_model(provider, model_id)
    judge, _made = Judge.objects.get_or_create(
        kind=Judge.Kind.MODEL,
        account=account.account_for(provider),
        model_id=model.id,
        max_tokens=THINKING_MAX_TOKENS if model.thinking == manifest.Thinking.ALWAYS else DEFAULT_MAX_TOKENS,
        effort="",
        answer_by=Judge.AnswerBy.SCHEMA,
    )
    return judge


def create_assessment(
    *,
    project: Project,
    slug: str,
    title: str,
    rubric: str = "",
    instructions: str = "",
    judge: Judge | str | None = None,
    actor: Person | None = None,
) -> Assessment:
    """A new assessment; Refused, with nothing changed, when its slug is taken or its text cannot be stored."""
    try:
        validate_slug(slug)
    except ValidationError:
        raise Refused(
            _("A slug has letters, digits, hyphens and underscores only, not %(slug)s.") % {"slug": f"{slug!r}"}
        ) from None
    for what, text in (("title", title), ("rubric", rubric), ("instructions", instructions)):
        try:
            check_text(text)
        except BadEssay as problem:
            raise Refused(
                _("The %(what)s cannot be stored: %(problem)s") % {"what": what, "problem": problem}
            ) from None
    with transaction.atomic():
        try:
            with transaction.atomic():
                assessment = Assessment.objects.create(
                    project=project,
                    slug=slug,
                    title=title,
                    rubric=rubric,
                    instructions=instructions,
                    budget_usd=cj_settings.default_budget_usd,
                    created_by_id=actor.pk if actor else None,
                )
        except IntegrityError:
            raise Refused(
                _("There is already an assessment called %(slug)s: choose another slug.") % {"slug": f"{slug!r}"}
            ) from None
        if judge is not None:
            add_judge(assessment, find_judge(judge) if isinstance(judge, str) else judge)
        AuditEntry.record("create", assessment, actor=actor, project=project)
    return assessment


def add_judge(assessment: Assessment, judge: Judge) -> None:
    """Let a judge judge this assessment; Refused where local and real judges would meet."""
    if AssessmentJudge.objects.filter(assessment=assessment, judge=judge).exists():
        return
    try:
        with transaction.atomic():
            AssessmentJudge.objects.create(assessment=assessment, judge=judge)
    except IntegrityError:
        raise Refused(
            _("Local and real judges never meet in one assessment: make a new assessment for this judge.")
        ) from None


def load_essays(assessment: Assessment, reading: Reading, *, actor: Person | None = None) -> int:
    """Add every essay of a reading, or none: Refused with its first problem when there is one."""
    if reading.problems:
        raise Refused(reading.refusal)
    if not reading.rows:
        raise Refused(_("There is no essay in this file."))
    with transaction.atomic():
        assessment = Assessment.objects.select_for_update().select_related("project").get(pk=assessment.pk)
        if assessment.purged_at:
            raise Refused(_("This assessment was purged: make a new one for these essays."))
        _check_new(assessment, reading.rows)
        roster.check_candidates(assessment, (row.candidate for row in reading.rows))
        fits.check_essays(assessment, [(row.candidate, row.text, len(row.pages)) for row in reading.rows])
        essays = Essay.objects.bulk_create([_essay(assessment, row) for row in reading.rows], batch_size=1000)
        EssayPage.objects.bulk_create(list(_pages(essays, reading.rows)), batch_size=50)
        roster.recount([assessment], essays=Essay.objects.filter(pk__in=[essay.pk for essay in essays]))
        AuditEntry.record("load essays", assessment, actor=actor, project=assessment.project, essays=len(essays))
    return len(essays)


def _check_new(assessment: Assessment, rows: Iterable[EssayRow]) -> None:
    known = set(assessment.essays.values_list("candidate", flat=True))
    twice = [row.candidate for row in rows if row.candidate in known]
    if twice:
        more = _(" and %(n)s more") % {"n": len(twice) - 3} if len(twice) > 3 else ""
        raise Refused(
            _("%(candidates)s%(more)s already in this assessment: leave out the essays that were loaded before.")
            % {"candidates": ", ".join(twice[:3]), "more": more}
        )


def _essay(assessment: Assessment, row: EssayRow) -> Essay:
    return Essay(
        assessment=assessment,
        candidate=row.candidate,
        text=row.text,
        text_sha256=hashlib.sha256(row.text.encode()).hexdigest(),
        n_words=len(row.text.split()),
        n_pages=len(row.pages),
        anchor_score=Decimal(row.anchor_score) if row.anchor_score is not None else None,
    )


def _pages(essays: Iterable[Essay], rows: Iterable[EssayRow]) -> Iterable[EssayPage]:
    for essay, row in zip(essays, rows, strict=True):
        for number, page in enumerate(row.pages, start=1):
            yield EssayPage(essay=essay, number=number, media_type=page.media_type, data=page.content)
