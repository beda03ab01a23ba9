"""Who judges, and on whose account. Keys are never here."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class ProviderAccount(models.Model):
    """One provider's account as this deployment uses it. The key stays in the environment."""

    class Provider(models.TextChoices):
        ANTHROPIC = "anthropic", "Anthropic"
        OPENAI = "openai", "OpenAI"

    alias = models.SlugField(unique=True)
    provider = models.CharField(max_length=20, choices=Provider)
    is_local = models.BooleanField(
        _("local"), default=False, help_text=_("Served by the local provider on this machine.")
    )
    endpoint = models.CharField(max_length=200, blank=True, help_text=_("Where its requests go, for display only."))
    paused_reason = models.CharField(max_length=500, blank=True)
    paused_at = models.DateTimeField(null=True, blank=True)
    failures = models.PositiveIntegerField(default=0, help_text=_("Failures in a row."))
    blocked_until = models.DateTimeField(null=True, blank=True, help_text=_("Nothing is sent before this moment."))
    last_error = models.CharField(max_length=500, blank=True)
    reconciled_at = models.DateTimeField(
        null=True, blank=True, help_text=_("When its books were last compared with ours.")
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["alias"]
        constraints = [
            models.CheckConstraint(
                condition=Q(paused_at__isnull=True) | ~Q(paused_reason=""), name="paused_with_a_reason"
            ),
            models.CheckConstraint(condition=Q(provider__in=["anthropic", "openai"]), name="known_provider"),
            models.UniqueConstraint(
                fields=["provider"], condition=Q(is_local=True), name="one_local_account_per_provider"
            ),
        ]
        permissions = [("resume_provideraccount", "Can resume a paused provider account")]

    def __str__(self) -> str:
        return self.alias


class Judge(models.Model):
    """A model with its settings, or a person."""

    class Kind(models.TextChoices):
        MODEL = "MODEL", _("model")
        PERSON = "PERSON", _("person")

    class AnswerBy(models.TextChoices):
        SCHEMA = "SCHEMA", _("structured output")
        TOOL = "TOOL", _("tool call")

    class Effort(models.TextChoices):
        DEFAULT = "", _("the model's default")
        LOW = "low", _("low")
        MEDIUM = "medium", _("medium")
        HIGH = "high", _("high")
        XHIGH = "xhigh", _("very high")
        MAX = "max", _("maximum")

    kind = models.CharField(max_length=10, choices=Kind, default=Kind.MODEL)
    account = models.ForeignKey(ProviderAccount, null=True, blank=True, on_delete=models.PROTECT, related_name="judges")
    model_id = models.CharField(_("model"), max_length=100, blank=True)
    effort = models.CharField(max_length=10, choices=Effort, default=Effort.DEFAULT, blank=True)
    max_tokens = models.PositiveIntegerField(
        default=2000, help_text=_("The longest answer paid for, thinking included.")
    )
    answer_by = models.CharField(max_length=10, choices=AnswerBy, default=AnswerBy.SCHEMA)
    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="judge"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["id"]
        constraints = [
            models.CheckConstraint(
                name="judge_is_a_model_or_a_person",
                condition=(Q(kind="MODEL", account__isnull=False, user__isnull=True) & ~Q(model_id=""))
                | Q(kind="PERSON", account__isnull=True, user__isnull=False, model_id=""),
            ),
            models.CheckConstraint(condition=Q(max_tokens__gte=1), name="judge_may_answer"),
            models.UniqueConstraint(
                fields=["account", "model_id", "effort", "max_tokens", "answer_by"],
                condition=Q(kind="MODEL"),
                name="model_judge_once",
            ),
        ]

    def __str__(self) -> str:
        if self.kind == self.Kind.PERSON:
            return str(self.user)
        tool = str(_("tool")) if self.answer_by == self.AnswerBy.TOOL else ""
        extras = [extra for extra in (self.effort, tool) if extra]
        local = str(_(" (local)")) if self.account and self.account.is_local else ""
        return " · ".join([f"{self.model_id}{local}", *extras])

    @property
    def own_account(self) -> ProviderAccount:
        """The account of a model judge; a person has none, and the database keeps the two apart."""
        if self.account is None:
            raise LookupError(f"{self} is a person and has no account.")
        return self.account

    @property
    def is_local(self) -> bool:
        return bool(self.account and self.account.is_local)
