"""A person and a table -> the rows of it that this person may see. Superusers are filtered like everyone else."""

from collections.abc import Callable
from typing import Any

from django.contrib.auth.models import Group, Permission, User
from django.db.models import CharField, Exists, Model, OuterRef, Q, QuerySet
from django.db.models.functions import Cast

from batches.models import AuditEntry, BatchJob, Judge, Membership, Project, ProviderAccount, Sketch
from batches.models.project import Person


def visible(model: type[Model], user: Person) -> QuerySet[Any]:
    """The rows that a page, a choice, a filter, an action or a count of this person may touch.

    Raises LookupError for a table without a rule, so that a new one is never open by accident.
    """
    if model in RULES:
        return RULES[model](user)
    if hasattr(model, "project_path"):
        rows: QuerySet[Any] = model._default_manager.for_user(user)  # type: ignore[attr-defined]
        return rows
    raise LookupError(f"{model._meta.label} has no rule in batches.admin.access.")


def projects(user: Person) -> QuerySet[Project]:
    return Project.objects.filter(pk__in=_mine(user))


def people(user: Person) -> QuerySet[User]:
    """Themselves, those they share a project with, and those whom nobody has taken into a project yet."""
    theirs = Membership.objects.filter(user=OuterRef("pk"))
    return User.objects.filter(Q(pk=user.pk) | Exists(theirs.filter(project__in=_mine(user))) | ~Exists(theirs))


def own_people(user: Person) -> QuerySet[User]:
    """Those of `people` who are in no project that this person is not in: nobody else's account may be taken over."""
    elsewhere = Membership.objects.filter(user=OuterRef("pk")).exclude(project__in=_mine(user))
    return people(user).filter(Q(pk=user.pk) | ~Exists(elsewhere))


def judges(user: Person) -> QuerySet[Judge]:
    """Models belong to the installation; a person is seen by those who may see that person."""
    return Judge.objects.filter(Q(kind=Judge.Kind.MODEL) | Q(user__in=people(user)))


def audit(user: Person) -> QuerySet[AuditEntry]:
    """What was done in their projects, to what the whole installation shares, and by people they see to shared jobs."""
    jobs = BatchJob.objects.for_user(user).annotate(text=Cast("pk", CharField())).order_by().values("text")
    shared = Q(target_type__in=["provideraccount", "judge"])
    by_people = Q(target_type="batchjob", target_id__in=jobs, actor__in=people(user).values("pk"))
    by_hand = Q(actor=user.pk)
    return AuditEntry.objects.filter(
        Q(project__in=_mine(user)) | Q(project__isnull=True) & (shared | by_people | by_hand)
    )


def sketches(user: Person) -> QuerySet[Sketch]:
    """Their own, for as long as they belong to its project."""
    return Sketch.objects.filter(maker=user.pk, project__in=_mine(user))


def _mine(user: Person) -> QuerySet[Any]:
    return Membership.objects.filter(user=user.pk).values("project_id")


RULES: dict[type[Model], Callable[[Person], QuerySet[Any]]] = {
    Project: projects,
    Membership: lambda user: Membership.objects.filter(project__in=_mine(user)),
    User: people,
    Judge: judges,
    BatchJob: BatchJob.objects.for_user,
    AuditEntry: audit,
    Sketch: sketches,
    ProviderAccount: lambda user: ProviderAccount.objects.all(),
    Group: lambda user: Group.objects.all(),
    Permission: lambda user: Permission.objects.all(),
}
