"""One module per screen; importing this package puts them all on the admin site."""

from django.contrib import admin
from django_rq.models import Dashboard

from batches.admin import (
    accounts,
    assessments,
    callbacks,
    comparisons,
    erasures,
    essays,
    jobs,
    judges,
    people,
    probes,
    projects,
    record,
    rounds,
    scales,
    tokens,
)

__all__ = [
    "accounts",
    "assessments",
    "callbacks",
    "comparisons",
    "erasures",
    "essays",
    "jobs",
    "judges",
    "people",
    "probes",
    "projects",
    "record",
    "rounds",
    "scales",
    "tokens",
]

# The queue's own pages let any member of staff see, stop and empty the queues of every project.
if admin.site.is_registered(Dashboard):
    admin.site.unregister(Dashboard)
