"""An RQ worker that notices quickly when another one died."""

import gc
from importlib import import_module
from typing import Any

from django.conf import settings
from django.db import connections
from rq import Worker as RqWorker
from rq.serializers import JSONSerializer

from batches.checks import refuse_unsafe_database
from batches.pipeline import watch
from batches.providers.choose import PROVIDERS
from batches.providers.keys import without_keys

NO_JOB = 0  # no row has this number


class Worker(RqWorker):
    """RQ's worker with short watch intervals: by default an abandoned job is noticed after more than ten minutes."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.update(maintenance_interval=30, job_monitoring_interval=10, worker_ttl=60)
        kwargs["serializer"] = JSONSerializer  # as the queues; the command line's default could not read their jobs
        super().__init__(*args, **kwargs)
        settings.DEBUG = False  # with it Django composes every statement twice and keeps it: ours are megabytes long
        for module, _ in PROVIDERS.values():
            import_module(module)  # once here, not in every forked job: the SDKs take seconds to import

    def work(self, *args: Any, **kwargs: Any) -> bool:
        """Refuse to start where the database may forget that something was sent."""
        refuse_unsafe_database()
        self._warm_up()
        return super().work(*args, **kwargs)

    def _warm_up(self) -> None:
        """Do once what every forked job would otherwise do again: about a fifth of what an idle job costs.

        A step of no job fills Django's and psycopg's caches; frozen objects are not walked, and so not copied, by a
        fork's collector.
        """
        watch.step(NO_JOB)
        connections.close_all()  # one that stayed open would be shared with every forked job
        gc.collect()
        gc.freeze()

    def handle_job_failure(
        self, job: Any, queue: Any, started_job_registry: Any = None, exc_string: str = "", execution: Any = None
    ) -> None:
        """RQ keeps the traceback of a failed job in Valkey: without keys."""
        super().handle_job_failure(job, queue, started_job_registry, without_keys(exc_string), execution)
