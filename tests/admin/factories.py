"""Plain functions that make rows for the admin's tests, with everything that the database insists on."""

from decimal import Decimal
from itertools import combinations, count
from typing import Any

from django.contrib.auth.models import Group, Permission, User

from batches.models import (
    ApiToken,
    Assessment,
    AssessmentJudge,
    BatchItem,
    BatchJob,
    Callback,
    Comparison,
    Erasure,
    Essay,
    Judge,
    Judgement,
    Membership,
    Probe,
    Project,
    ProviderAccount,
    Round,
    Scale,
    Score,
)
from tests.making import count_parts

number = count(1)
PASSWORD = "a long enough passphrase"


def person(name: str, *projects: Project, role: str = "", **fields: Any) -> User:
    """Somebody who may log in; `role` is a group that the migration made, or "everything"."""
    user = User.objects.create_user(name, password=PASSWORD, is_staff=True, **fields)
    if role == "everything":
        user.user_permissions.set(Permission.objects.all())
    elif role:
        user.groups.add(Group.objects.get(name=role))
    for project in projects:
        Membership.objects.create(project=project, user=user)
    return user


def project(name: str) -> Project:
    return Project.objects.create(name=name)


def account(provider: str = "anthropic", *, local: bool = True) -> ProviderAccount:
    alias = f"{provider}-local" if local else provider
    return ProviderAccount.objects.get_or_create(alias=alias, defaults={"provider": provider, "is_local": local})[0]


def judge(model: str = "claude-haiku-4-5-20251001", *, provider: str = "anthropic", local: bool = True) -> Judge:
    return Judge.objects.get_or_create(account=account(provider, local=local), model_id=model)[0]


def assessment(of: Project, title: str, *, essays: int = 4, by: Judge | None = None, **fields: Any) -> Assessment:
    """An assessment with essays that name it in their text and candidates."""
    fields = {"budget_usd": Decimal(5)} | fields
    made = Assessment.objects.create(
        project=of, title=title, slug=f"a{next(number)}-{title.lower().replace(' ', '-')}"[:80], **fields
    )
    AssessmentJudge.objects.create(assessment=made, judge=by or judge())
    for i in range(essays):
        Essay.objects.create(
            assessment=made,
            candidate=f"{title[:20]} {i + 1:02}",
            text=f"The essay of {title} {i + 1}.\n\nIt has two parts.",
        )
    return made


def cj_round(of: Assessment, *, pairs: int = 3, submitted: bool = False, **fields: Any) -> Round:
    """A planned round of the first so many pairs."""
    from django.utils import timezone

    essays = list(of.essays.order_by("pk"))
    chosen = list(combinations(essays, 2))[:pairs]
    made = Round.objects.create(
        assessment=of,
        number=of.rounds.count() + 1,
        pairing=of.pairing,
        seed=1,
        strategy=fields.pop("strategy", "per_round"),
        n_comparisons=len(chosen),
        submitted_at=timezone.now() if submitted else None,
        **fields,
    )
    by = of.judges.get()
    for i, (a, b) in enumerate(chosen):
        first, second = (a, b) if i % 2 else (b, a)
        Comparison.objects.create(round=made, essay_a=first, essay_b=second, judge=by)
    return made


def job(of: list[Comparison], *, packing: str = "SINGLE", strategy: str = "per_round") -> BatchJob:
    """A planned job that holds these comparisons, which are IN_FLIGHT from here on."""
    by = of[0].judge
    assert by.account is not None
    made = BatchJob.objects.create(
        account=by.account,
        provider=by.account.provider,
        judge=by,
        strategy=strategy,
        packing=packing,
        n_items=len(of),
        reserved_usd=Decimal("0.01") * len(of),
    )
    for comparison in of:
        BatchItem.objects.create(
            job=made, comparison=comparison, custom_id=f"{made.nonce}-{comparison.pk}", reserved_usd=Decimal("0.01")
        )
        Comparison.objects.filter(pk=comparison.pk).advance(Comparison.Status.IN_FLIGHT)
    count_parts(made.pk)
    return made


def judged(
    item: BatchItem, *, winner: str = "A", why: str = "It is clearer.", confidence: int = 4, count: bool = True
) -> Judgement:
    """The item succeeded, and its comparison is judged; whoever makes many counts the parts of their job at the end."""
    from django.db import transaction
    from django.utils import timezone

    with transaction.atomic():
        BatchItem.objects.filter(pk=item.pk).update(
            outcome="SUCCEEDED",
            answer=f'{{"winner": "{winner}"}}',
            input_tokens=900,
            output_tokens=60,
            cost_usd=Decimal("0.0012"),
            resolved_at=timezone.now(),
        )
        made = Judgement.objects.create(
            comparison_id=item.comparison_id, item=item, winner=winner, justification=why, confidence=confidence
        )
        Comparison.objects.filter(pk=item.comparison_id).advance(
            Comparison.Status.JUDGED, resolved_at=timezone.now(), attempts=1
        )
        if count:
            count_parts(item.job_id)
    return made


def failed(
    item: BatchItem, *, reason: str = "refused", detail: str = "The model declined.", count: bool = True
) -> Comparison:
    from django.utils import timezone

    BatchItem.objects.filter(pk=item.pk).update(
        outcome="INVALID", reason=reason, error=detail, cost_usd=Decimal("0.0003"), resolved_at=timezone.now()
    )
    Comparison.objects.filter(pk=item.comparison_id).advance(
        Comparison.Status.FAILED, fail_reason=reason, fail_detail=detail, attempts=3, resolved_at=timezone.now()
    )
    if count:
        count_parts(item.job_id)
    return Comparison.objects.get(pk=item.comparison_id)


def collected(of: BatchJob) -> BatchJob:
    """The job is over, its ledger balanced."""
    of.advance(BatchJob.Status.RUNNING)
    outcomes = list(of.items.values_list("outcome", flat=True))
    counts = {"n_succeeded": outcomes.count("SUCCEEDED"), "n_invalid": outcomes.count("INVALID")}
    of.advance(BatchJob.Status.COLLECTED, **counts)
    return of


def scale(of: Assessment, *, reliability: float | None = 0.87, connected: bool = True) -> Scale:
    """A scale whose scores rise with the essays' ids."""
    essays = list(of.essays.order_by("pk"))
    made = Scale.objects.create(
        assessment=of,
        number=of.scales.count() + 1,
        is_local=of.judges.filter(account__is_local=True).exists(),
        judgement_ids=[],
        judgements_sha256="0" * 64,
        n_essays=len(essays),
        n_comparisons=Judgement.objects.filter(comparison__round__assessment=of).count(),
        connected=connected,
        components=1 if connected else 2,
        position_bias=0.12,
        position_bias_se=0.08,
        sigma=1.4,
        eb_reliability=reliability,
        scale_separation_reliability=0.8,
    )
    for i, essay in enumerate(essays):
        place = (i - (len(essays) - 1) / 2) / max(1, len(essays) - 1) * 5
        Score.objects.create(
            scale=made,
            essay=essay,
            component=1,
            n=10,
            wins=i,
            logit=place,
            standard_error=0.4 + 0.02 * i,
            infit=1.0,
            outfit=1.0,
            rank=len(essays) - i,
        )
    return made


def callback(of: Comparison) -> Callback:
    return Callback.objects.create(
        assessment=of.round.assessment,
        comparison=of,
        key=str(of.pk),
        revision=1,
        payload={"comparison_id": of.pk, "status": of.status},
    )


def whole_project(name: str) -> dict[str, Any]:
    """A project with one row of every kind, all of which carry its name."""
    of = project(name)
    work = assessment(of, f"{name} essays")
    done = cj_round(work, submitted=True)
    comparisons = list(done.comparisons.order_by("pk"))
    made = job(comparisons)
    items = list(made.items.order_by("pk"))
    judged(items[0], why=f"{name} justification")
    failed(items[1], detail=f"{name} failure")
    planned = cj_round(work, pairs=2)
    return {
        "project": of,
        "assessment": work,
        "essay": work.essays.first(),
        "round": done,
        "planned": planned,
        "comparison": comparisons[0],
        "failed": comparisons[1],
        "batchjob": made,
        "scale": scale(work),
        "callback": callback(comparisons[0]),
        "audit": record(work),
        "apitoken": token(of),
        "erasure": erasure(work),
        "probe": probe(of, f"{name} probe"),
    }


def probe(of: Project, title: str = "Probe 1 of a judge") -> Probe:
    """A probe that nothing was asked in yet, with an assessment of its own as every probe has."""
    return Probe.objects.create(judge=judge(), assessment=assessment(of, title, essays=2))


def token(of: Project, *scopes: str) -> ApiToken:
    from datetime import timedelta

    from django.utils import timezone

    expires = timezone.now() + timedelta(days=90)
    return ApiToken.issue(project=of, name=f"{of.name} robot", scopes=list(scopes) or ["read"], expires_at=expires)[0]


def erasure(of: Assessment) -> Erasure:
    """A certificate that names the assessment; nothing was removed for it."""
    return Erasure.objects.create(
        kind="PURGE",
        project=of.project,
        project_name=of.project.name,
        assessment_id=of.pk,
        assessment_slug=of.slug,
        why="asked for by a person",
        actor_name="somebody",
        completed_at=of.created_at,
    )


def record(of: Assessment) -> Any:
    from batches.models import AuditEntry

    return AuditEntry.record("plan", of, actor=None, project=of.project)


def foreign_keys_of(rows: dict[str, Any]) -> dict[str, int]:
    """Model name -> the id of a row of that kind."""
    return {row._meta.model_name: row.pk for row in rows.values()}
