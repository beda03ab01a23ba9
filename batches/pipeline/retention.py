"""Projects that keep texts for so many days -> assessments whose time is over."""

from datetime import datetime, timedelta

from django.db.models import DurationField, ExpressionWrapper, F, Max, QuerySet, Value
from django.utils import timezone

from batches.models import Assessment, BatchJob, Comparison, Erasure
from batches.numbers import counted
from batches.pipeline import erase

DAY = Value(timedelta(days=1), output_field=DurationField())


def due() -> list[Assessment]:
    """Assessments whose last judgement and last published scale (or, without either, whose essays) are old enough.

    None whose jobs are under way: it is not over.
    """
    kept = ExpressionWrapper(F("project__retention_days") * DAY, output_field=DurationField())
    old = Assessment.objects.filter(purged_at=None, project__retention_days__isnull=False)
    long_ago = old.alias(kept=kept).filter(created_at__lt=timezone.now() - F("kept")).select_related("project")
    return [one for one in long_ago.order_by("pk") if _is_over(one)]


def _is_over(assessment: Assessment) -> bool:
    if _live(assessment).exists():
        return False
    last = max(filter(None, _moments(assessment)), default=assessment.created_at)
    return last < timezone.now() - timedelta(days=assessment.project.retention_days or 0)


def _live(assessment: Assessment) -> QuerySet[BatchJob]:
    return BatchJob.objects.filter(status__in=BatchJob.LIVE, items__comparison__round__assessment=assessment)


def _moments(assessment: Assessment) -> list[datetime | None]:
    judged = Comparison.objects.filter(round__assessment=assessment).aggregate(at=Max("resolved_at"))["at"]
    published = assessment.scales.aggregate(at=Max("published_at"))["at"]
    loaded = assessment.essays.aggregate(at=Max("created_at"))["at"]
    return [judged, published, loaded]


def purge_due() -> list[Erasure]:
    """Purge what is due; the erasures that began."""
    return [
        erase.purge(
            one, actor=None, why=f"kept for {counted(one.project.retention_days or 0, 'day')}, as the project says"
        )
        for one in due()
    ]
