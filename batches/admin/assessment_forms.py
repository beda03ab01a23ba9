"""Forms for making an assessment, adding essays to it, and changing what may still change."""

from decimal import Decimal
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpRequest
from django.utils.text import slugify
from unfold.widgets import (
    UnfoldAdminDecimalFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

from batches.admin.access import visible
from batches.admin.forms import PlainForm, RowForm
from batches.admin.judges import ModelField, model_choices
from batches.admin.upload import EssaysField
from batches.conf import BadSetting, check_overrides, cj_settings
from batches.models import Assessment, AssessmentJudge, Judge, Project
from batches.models.judging import Strategy
from batches.models.project import Person
from batches.pipeline import load, money
from batches.pipeline.strategies import STRATEGIES

STRATEGY = "llm_batching_strategy"
IN_WORDS = {
    "per_round": "Per round: one call for each comparison, many at a time; results within minutes.",
    "serial_bundle": "Serial bundle: several comparisons in one prompt; cheaper, results within minutes.",
    "provider_batch": "Provider batch: all of a round in one parcel at half the price; results within 24 hours.",
    "accumulate": "Accumulate: a parcel leaves when enough comparisons wait, from any round.",
    "nightly": "Nightly: a parcel leaves once a night.",
}
STRATEGY_HELP = " ".join(IN_WORDS[name] for name in STRATEGIES)


def strategy_choices() -> list[tuple[str, str]]:
    default = Strategy(cj_settings.llm_batching_strategy).label
    return [("", f"As set for this installation ({default})"), *[(name, Strategy(name).label) for name in STRATEGIES]]


class BudgetField(forms.DecimalField):
    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            label="Budget (USD)",
            min_value=Decimal(0),
            max_digits=10,
            decimal_places=2,
            widget=UnfoldAdminDecimalFieldWidget(attrs={"step": "0.01"}),
            help_text="Nothing is sent that could cost more than this.",
            **kwargs,
        )


class NewAssessment(PlainForm):
    """All that an assessment needs before its first round."""

    project = forms.ModelChoiceField(
        queryset=Project.objects.none(), empty_label="Choose a project", widget=UnfoldAdminSelectWidget
    )
    title = forms.CharField(max_length=200, widget=UnfoldAdminTextInputWidget)
    slug = forms.SlugField(
        max_length=80,
        required=False,
        label="Short name",
        widget=UnfoldAdminTextInputWidget,
        help_text="For commands and addresses; made from the title when left empty.",
    )
    instructions = forms.CharField(
        required=False,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 4}),
        help_text="The task the pupils were given. The judge reads it.",
    )
    rubric = forms.CharField(
        required=False,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 8}),
        help_text="What makes one essay better than another. The judge reads it.",
    )
    judge = ModelField(help_text="Which model compares the essays.")
    strategy = forms.ChoiceField(
        choices=strategy_choices, required=False, widget=UnfoldAdminSelectWidget, help_text=STRATEGY_HELP
    )
    budget = BudgetField()
    essays = EssaysField(required=False)

    def __init__(self, *args: Any, request: HttpRequest, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        own = visible(Project, request.user)
        self.fields["project"].queryset = own  # type: ignore[attr-defined]
        self.fields["budget"].initial = cj_settings.default_budget_usd
        if own.count() == 1:
            self.fields["project"].initial = own.first()

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if not cleaned.get("slug") and "slug" not in self.errors and cleaned.get("title"):
            cleaned["slug"] = slugify(cleaned["title"])[:80].strip("-")
            if not cleaned["slug"]:
                self.add_error("slug", "Type a short name: the title has no letters it could be made from.")
        return cleaned

    def create(self, actor: Person) -> tuple[Assessment, int]:
        """The assessment and how many essays it has; Refused, with nothing kept, where something does not fit."""
        given = self.cleaned_data
        with transaction.atomic():
            assessment = load.create_assessment(
                actor=actor,
                **{key: given[key] for key in ("project", "slug", "title", "rubric", "instructions", "judge")},
            )
            if given["strategy"]:
                Assessment.objects.filter(pk=assessment.pk).update(overrides={STRATEGY: given["strategy"]})
            money.set_budget(assessment.pk, given["budget"])
            n = load.load_essays(assessment, given["essays"], actor=actor) if given["essays"] else 0
        return assessment, n


class MoreEssays(PlainForm):
    """A file of essays for an assessment that exists."""

    essays = EssaysField()


class AssessmentForm(RowForm):
    """What may change while an assessment goes on."""

    judge = forms.ChoiceField(
        widget=UnfoldAdminSelectWidget, required=False, help_text="Until the first round is planned."
    )
    strategy = forms.ChoiceField(
        choices=strategy_choices, required=False, widget=UnfoldAdminSelectWidget, help_text=STRATEGY_HELP
    )
    budget = BudgetField()

    class Meta:
        model = Assessment
        fields = (
            *("title", "instructions", "rubric", "pairing", "target_reliability", "target_certain_grades"),
            *("scaled_mean", "scaled_sd", "deadline"),
        )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "budget" in self.fields:
            self._fill(self.instance)

    def _fill(self, assessment: Assessment) -> None:
        self.initial["budget"] = assessment.budget_usd.quantize(Decimal("0.01"))
        self.initial["strategy"] = assessment.overrides.get(STRATEGY, "")
        judges = list(assessment.judges.all())
        current = [(f"judge:{judge.pk}", str(judge)) for judge in judges]
        others = [
            (f"judge:{judge.pk}", str(judge))
            for judge in Judge.objects.filter(kind=Judge.Kind.MODEL)
            .exclude(pk__in=[judge.pk for judge in judges])
            .select_related("account")
        ]
        field = self.fields["judge"]
        field.choices = [  # type: ignore[attr-defined]
            ("", "No judge yet" if not judges else "Keep as it is"),
            *current,
            *([("Judges made here", others)] if others else []),
            *model_choices_today(),
        ]
        self.initial["judge"] = current[0][0] if len(current) == 1 else ""
        field.disabled = assessment.rounds.exists()

    def clean_strategy(self) -> str:
        name = self.cleaned_data["strategy"]
        try:
            check_overrides({STRATEGY: name} if name else {})
        except BadSetting as problem:
            raise ValidationError(str(problem)) from None
        return str(name)

    def put_in_force(self, assessment: Assessment) -> None:
        """What is not a plain column: the budget with its overrun, the strategy, the judge."""
        given, changed = self.cleaned_data, self.changed_data
        if "budget" in changed:
            money.set_budget(assessment.pk, given["budget"])
        if "strategy" in changed:
            rest = {key: value for key, value in assessment.overrides.items() if key != STRATEGY}
            overrides = rest | ({STRATEGY: given["strategy"]} if given["strategy"] else {})
            Assessment.objects.filter(pk=assessment.pk).update(overrides=overrides)
        if "judge" in changed and given["judge"]:
            AssessmentJudge.objects.filter(assessment=assessment).delete()
            load.add_judge(assessment, chosen_judge(given["judge"]))


def chosen_judge(name: str) -> Judge:
    """`judge:7` is one that exists, `provider:model` one of the manifest."""
    kind, _, rest = name.partition(":")
    return Judge.objects.get(pk=rest, kind=Judge.Kind.MODEL) if kind == "judge" else load.find_judge(name)


def model_choices_today() -> list[tuple[str, Any]]:
    from django.utils import timezone

    return model_choices(timezone.localdate())
