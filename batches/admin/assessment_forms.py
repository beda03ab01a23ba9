"""The form for changing what may still change of an assessment."""

from decimal import Decimal
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.widgets import (
    UnfoldAdminDecimalFieldWidget,
    UnfoldAdminSelectWidget,
)

from batches.admin.forms import RowForm
from batches.admin.judges import model_choices
from batches.conf import BadSetting, check_overrides, cj_settings
from batches.models import Assessment, AssessmentJudge, Judge
from batches.models.judging import Strategy
from batches.pipeline import load, sketches
from batches.pipeline.strategies import STRATEGIES

STRATEGY = "llm_batching_strategy"


def strategy_choices() -> list[tuple[str, str]]:
    default = Strategy(cj_settings.llm_batching_strategy).label
    as_set = _("As set for this installation ({name})").format(name=default)
    return [("", as_set), *[(name, str(Strategy(name).label)) for name in STRATEGIES]]


class BudgetField(forms.DecimalField):
    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            label=gettext_lazy("Budget (USD)"),
            min_value=Decimal(0),
            max_digits=10,
            decimal_places=2,
            widget=UnfoldAdminDecimalFieldWidget(attrs={"step": "0.01"}),
            help_text=gettext_lazy("Nothing is sent that could cost more than this."),
            **kwargs,
        )


class AssessmentForm(RowForm):
    """What may change while an assessment goes on."""

    judge = forms.ChoiceField(
        widget=UnfoldAdminSelectWidget, required=False, help_text=gettext_lazy("Until the first round is planned.")
    )
    strategy = forms.ChoiceField(choices=strategy_choices, required=False, widget=UnfoldAdminSelectWidget)

    class Meta:
        model = Assessment
        fields = (
            *("title", "instructions", "rubric", "pairing", "target_reliability", "target_certain_grades"),
            *("scaled_mean", "scaled_sd", "deadline"),
        )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "strategy" in self.fields:
            self._fill(self.instance)

    def _fill(self, assessment: Assessment) -> None:
        self.initial["strategy"] = assessment.overrides.get(STRATEGY, "")
        judges = list(assessment.judges.filter(kind=Judge.Kind.MODEL))
        current = [(f"judge:{judge.pk}", str(judge)) for judge in judges]
        others = [
            (f"judge:{judge.pk}", str(judge))
            for judge in Judge.objects.filter(kind=Judge.Kind.MODEL)
            .exclude(pk__in=[judge.pk for judge in judges])
            .select_related("account")
        ]
        field = self.fields["judge"]
        field.choices = [  # type: ignore[attr-defined]
            ("", _("Keep as it is") if judges else _("No judge yet")),
            *current,
            *([(_("Judges made here"), others)] if others else []),
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
        """What is not a plain column: the strategy, the judge."""
        given, changed = self.cleaned_data, self.changed_data
        if "strategy" in changed:
            rest = {key: value for key, value in assessment.overrides.items() if key != STRATEGY}
            overrides = rest | ({STRATEGY: given["strategy"]} if given["strategy"] else {})
            Assessment.objects.filter(pk=assessment.pk).update(overrides=overrides)
        if "judge" in changed and given["judge"]:
            AssessmentJudge.objects.filter(assessment=assessment, judge__kind=Judge.Kind.MODEL).delete()
            load.add_judge(assessment, sketches.chosen_judge(given["judge"]))


def model_choices_today() -> list[tuple[str, Any]]:
    from django.utils import timezone

    return model_choices(timezone.localdate())
