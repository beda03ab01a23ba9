"""Models and essays -> whether the one may be asked about the other."""

from collections.abc import Iterable
from datetime import timedelta

from django.utils import timezone
from django.utils.translation import gettext as _

from batches.judging.prompts import SYSTEM
from batches.models import Assessment, Judge
from batches.numbers import grouped
from batches.pipeline.refused import Refused
from batches.providers import manifest, prices

BATCH_LASTS = timedelta(days=1)  # the longest a provider works on a batch
PAGE_TOKENS = 1600  # what both providers make of a full page image, rounded up
OVERHEAD_TOKENS = 400  # schema, marks and the question


def usable_model(provider: str, model_id: str, *, batch: bool = False) -> manifest.Model:
    """The model as the manifest knows it; Refused when unknown, retired (by the end of a batch), or no judge."""
    today = timezone.localdate()
    try:
        model = manifest.find(provider, model_id)
        manifest.check_usable(model, today)
        if batch:
            manifest.check_usable(model, today + BATCH_LASTS)
    except (manifest.UnknownModel, manifest.RetiredModel) as problem:
        raise Refused(str(problem)) from None
    if batch and not model.batch:
        raise Refused(_("%(id)s takes no provider batches: choose per_round or serial_bundle.") % {"id": model.id})
    return model


def model_of(judge: Judge, *, batch: bool = False) -> manifest.Model:
    """The model of a judge; Refused where the judge could not be asked, or not in a provider batch."""
    model = usable_model(judge.own_account.provider, judge.model_id, batch=batch)
    able = model.tools if judge.answer_by == Judge.AnswerBy.TOOL else model.structured_output
    if not able:
        raise Refused(
            _("%(id)s cannot answer by %(answer_by)s: choose the other way.")
            % {"id": model.id, "answer_by": judge.get_answer_by_display()}
        )
    try:
        manifest.check_effort(model, judge.effort)
    except manifest.UnsupportedEffort as problem:
        raise Refused(str(problem)) from None
    return model


def retirement_warnings(judges: Iterable[Judge]) -> list[str]:
    """A sentence for each model among these judges that retires within 60 days."""
    today = timezone.localdate()
    known = manifest.load()
    models = {judge.model_id: known[judge.model_id] for judge in judges if judge.model_id in known}
    return [warning for model in models.values() if (warning := manifest.retirement_warning(model, today))]


def check_essays(assessment: Assessment, essays: Iterable[tuple[str, str, int]]) -> None:
    """Refuse essays (candidate, text, pages) of which two, with the rubric, would not fit into a judge's context."""
    shared = prices.estimate_tokens(SYSTEM + assessment.rubric + assessment.instructions) + OVERHEAD_TOKENS
    judges = list(assessment.judges.filter(kind=Judge.Kind.MODEL).select_related("account"))
    if not judges:
        return
    blind = [judge.model_id for judge in judges if not model_of(judge).vision]
    room = {judge: (model_of(judge).context - shared - judge.max_tokens) // 2 for judge in judges}
    judge, most = min(room.items(), key=lambda pair: pair[1])
    if most <= 0:
        raise Refused(
            _("The rubric and instructions leave no room for essays in the context of %(model_id)s.")
            % {"model_id": judge.model_id}
        )
    for candidate, text, n_pages in essays:
        tokens = prices.estimate_tokens(text) + n_pages * PAGE_TOKENS
        if n_pages and blind:
            raise Refused(
                _("The essay of %(candidate)s is given as page images, which %(judge)s cannot see.")
                % {"candidate": candidate, "judge": blind[0]}
            )
        if tokens > most:
            raise Refused(
                _(
                    "The essay of %(candidate)s has about %(tokens)s tokens, and two of that length do not fit "
                    "into the context of %(model_id)s: shorten it, or choose a judge with a larger context."
                )
                % {"candidate": candidate, "tokens": grouped(tokens), "model_id": judge.model_id}
            )
