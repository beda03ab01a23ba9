"""Machines that may call the status API, and the answers that calls with an idempotency key got."""

import hashlib
import secrets
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from django.utils.translation import gettext_lazy as _

from batches.models.fields import DatabaseClock
from batches.models.project import MemberQuerySet, Project

MARK = "cj"  # what a token begins with, so that one that got into a log or a repository is recognised
SEEN_EVERY = timedelta(minutes=1)  # how often the last use is written down: not with every call


class Scope(models.TextChoices):
    """What a token may do. Each stands for itself: `spend` alone cannot read."""

    READ = "read", _("read: everything of the project that a viewer sees")
    WRITE = "write", _("write: make assessments, load essays, plan rounds, ask for a scale")
    SPEND = "spend", _("spend: submit what is planned, and cancel batch jobs")


# The permissions that a person would need for the same.
GRANTS: dict[str, frozenset[str]] = {
    Scope.READ: frozenset(
        f"view_{model}"
        for model in (
            *("project", "assessment", "essay", "round", "comparison", "judgement"),
            *("batchjob", "batchitem", "scale", "score"),
        )
    ),
    Scope.WRITE: frozenset({"add_assessment", "load_essays", "plan_round", "score_assessment"}),
    Scope.SPEND: frozenset({"submit_round", "cancel_batchjob"}),
}


def new_prefix() -> str:
    """Eight characters by which a token is recognised without being known."""
    return secrets.token_hex(4)


class ApiToken(models.Model):
    """A machine's key to one project. Only its hash is kept; the token itself is shown once, when it is made."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="tokens")
    name = models.CharField(max_length=100, help_text=_("Which machine or service uses it."))
    prefix = models.CharField(max_length=8, unique=True, default=new_prefix, editable=False)
    secret_sha256 = models.CharField(max_length=64, editable=False)
    scopes = ArrayField(models.CharField(max_length=10, choices=Scope))
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, editable=False, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True, blank=True, editable=False)
    last_used_at = models.DateTimeField(null=True, blank=True, editable=False)

    project_path = "project"
    objects = MemberQuerySet["ApiToken"].as_manager()

    class Meta:
        ordering = ["-id"]
        verbose_name = _("API token")
        constraints = [
            models.CheckConstraint(
                condition=Q(scopes__contained_by=[str(scope) for scope in Scope]) & Q(scopes__len__gt=0),
                name="token_has_known_scopes",
            ),
            models.CheckConstraint(condition=Q(expires_at__gt=F("created_at")), name="token_expires_later"),
        ]
        permissions = [("revoke_apitoken", "Can revoke API tokens")]

    def __str__(self) -> str:
        return f"{self.name} ({MARK}_{self.prefix}_…)"

    @classmethod
    def issue(cls, **fields: Any) -> tuple["ApiToken", str]:
        """Make a token; the row, and the token itself, which nobody can read again."""
        secret = secrets.token_urlsafe(32)  # 256 random bits: a plain hash of it cannot be guessed back
        made = cls.objects.create(secret_sha256=_hash(secret), **fields)
        return made, f"{MARK}_{made.prefix}_{secret}"

    @classmethod
    def find(cls, token: str) -> "ApiToken | None":
        """The token that this text is, if it may be used now."""
        mark, _, rest = token.partition("_")
        prefix, _, secret = rest.partition("_")
        if mark != MARK or len(prefix) != 8 or not prefix.isascii() or not prefix.isalnum():
            return None
        found = cls.objects.select_related("project").filter(prefix=prefix).first()
        expected = found.secret_sha256 if found else _hash("")
        right = constant_time_compare(_hash(secret), expected)  # looked at in the same way whether or not it exists
        return found if found and right and found.is_usable else None

    @property
    def is_usable(self) -> bool:
        return self.revoked_at is None and self.expires_at > timezone.now()

    @property
    def permissions(self) -> frozenset[str]:
        return frozenset().union(*(GRANTS[scope] for scope in self.scopes))

    def note_use(self) -> None:
        """Write the last use down, once a minute at most."""
        now = timezone.now()
        if self.last_used_at is None or self.last_used_at < now - SEEN_EVERY:
            ApiToken.objects.filter(pk=self.pk).update(last_used_at=now)

    def revoke(self) -> bool:
        """End it for ever; False where it was revoked before."""
        return bool(ApiToken.objects.filter(pk=self.pk, revoked_at=None).update(revoked_at=DatabaseClock()))


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


class StoredAnswer(models.Model):
    """What a call with an Idempotency-Key did, so that the same call again gets the same answer and does nothing."""

    caller = models.CharField(max_length=40)  # person:7 or token:7
    key = models.CharField(max_length=100)
    request_sha256 = models.CharField(max_length=64)  # over method, address and body
    status = models.PositiveSmallIntegerField(null=True)  # null only within the transaction that does the work
    body = models.TextField(blank=True)
    created_at = models.DateTimeField(auto_now_add=True, db_index=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["caller", "key"], name="one_effect_per_key")]

    def __str__(self) -> str:
        return f"{self.caller} {self.key}"
