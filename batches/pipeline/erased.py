"""Essays whose text is gone -> the items and comparisons that must not be asked, or written down, any more."""

from collections.abc import Iterable

from django.db.models import Q, QuerySet

from batches.models import BatchItem, BatchJob

GONE = "essay_withdrawn"  # the reason of an item that was not sent because an essay of it is gone
OF_A_GONE_ESSAY = Q(comparison__essay_a__erased_at__isnull=False) | Q(comparison__essay_b__erased_at__isnull=False)


def open_items(job: BatchJob, custom_ids: Iterable[str] | None = None) -> set[str]:
    """The custom_ids of a job's unresolved items (or of some of them) that are about an essay whose text is gone."""
    items: QuerySet[BatchItem] = job.items.filter(OF_A_GONE_ESSAY, outcome=None)
    if custom_ids is not None:
        items = items.filter(custom_id__in=list(custom_ids))
    return set(items.values_list("custom_id", flat=True))
