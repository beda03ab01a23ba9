"""Who works together, and who did what."""

from typing import Any

from django.conf import settings
from django.contrib.auth.models import AbstractUser, AnonymousUser
from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import override

from batches.models.fields import UsdField

Person = AbstractUser | AnonymousUser


class Project(models.Model):
    """The people of one school, trust or study, and their assessments."""

    name = models.CharField(max_length=200, unique=True)
    created_at = models.DateTimeField(auto_now_add=True)
    retention_days = models.PositiveIntegerField(
        _("keep texts for (days)"),
        null=True,
        blank=True,
        help_text=_(
            "So many days after an assessment's last judgement, or its last published scale, its texts are "
            "removed for good; scores, counts and money stay. Empty: until somebody purges it."
        ),
    )
    people = models.ManyToManyField(settings.AUTH_USER_MODEL, through="Membership", related_name="projects")

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class Membership(models.Model):
    """One person in one project: the ground of every filter."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="memberships")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="memberships")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["project", "user"], name="member_once_per_project")]

    def __str__(self) -> str:
        return f"{self.user} in {self.project}"


class MemberQuerySet[M: models.Model](models.QuerySet[M]):
    """Rows that a person may see: those of the projects they belong to, superusers included."""

    def for_user(self, user: Person) -> "MemberQuerySet[M]":
        return self.in_projects(Membership.objects.filter(user_id=user.pk or 0).values("project_id"))

    def in_projects(self, projects: Any) -> "MemberQuerySet[M]":
        """Rows of these projects: ids, or a query for ids."""
        path = self.model.project_path  # type: ignore[attr-defined]
        return self.filter(**{f"{path}__in": projects})


class AuditEntry(models.Model):
    """One act that changed money, results or rights. A trigger refuses to change or delete it."""

    at = models.DateTimeField(auto_now_add=True)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.DO_NOTHING, db_constraint=False
    )
    actor_name = models.CharField(max_length=200)
    project = models.ForeignKey(Project, null=True, blank=True, on_delete=models.DO_NOTHING, db_constraint=False)
    act = models.CharField(max_length=60)
    target_type = models.CharField(max_length=60)
    target_id = models.CharField(max_length=60)
    target_name = models.CharField(max_length=300)
    detail = models.JSONField(default=dict, blank=True)
    cost_usd = UsdField(null=True, blank=True)

    project_path = "project"
    objects = MemberQuerySet["AuditEntry"].as_manager()

    class Meta:
        ordering = ["-id"]
        verbose_name = _("audit entry")
        verbose_name_plural = _("audit log")
        indexes = [models.Index(fields=["target_type", "target_id"], name="audit_by_target")]

    def __str__(self) -> str:
        return f"{self.actor_name}: {self.act} {self.target_name}"

    @classmethod
    def record(
        cls, act: str, target: models.Model, *, actor: Person | None, project: Project | None, **detail: Any
    ) -> "AuditEntry":
        """Write down who did what; `cost_usd` among the details goes to its own column."""
        return cls.objects.create(
            actor_id=actor.pk if actor else None,
            actor_name=actor.get_username() if actor else "command line",
            project=project,
            act=act,
            target_type=target._meta.model_name or "",
            target_id=str(target.pk),
            target_name=_in_english(target)[:300],
            cost_usd=detail.pop("cost_usd", None),
            detail=detail,
        )


def _in_english(target: models.Model) -> str:
    """The record is kept in one language, whoever acts."""
    with override(settings.LANGUAGE_CODE):
        return str(target)
