"""The figures of the installation -> /metrics for Prometheus: of all projects together, so only with a token."""

import time
from collections.abc import Iterable, Iterator

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.crypto import constant_time_compare
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.registry import Collector

from batches import tasks
from batches.pipeline.figures import OUTCOMES, TOKENS, Figures, figures


class Installation(Collector):
    """What the database and the queues say, asked at each scrape: every web process gives the same answer."""

    def collect(self) -> Iterable[Metric]:
        begun = time.perf_counter()
        found = figures()
        yield from _of_jobs(found)
        yield from _gauges(found)
        yield from _of_queues()
        yield GaugeMetricFamily("cj_scrape_seconds", "How long this took.", value=time.perf_counter() - begun)


def _of_jobs(found: Figures) -> Iterator[Metric]:
    jobs = GaugeMetricFamily("cj_jobs", "Batch jobs by state.", labels=["status", "packing", "provider"])
    items = CounterMetricFamily("cj_items", "Items by outcome.", labels=["outcome", "provider", "model"])
    tokens = CounterMetricFamily("cj_tokens", "Tokens as billed.", labels=["kind", "provider", "model"])
    cost = CounterMetricFamily("cj_cost_usd", "US dollars that providers billed.", labels=["provider", "model"])
    for row in found.jobs:
        of_model = [row["provider"], row["model"]]
        jobs.add_metric([row["status"], row["packing"], row["provider"]], row["n"])
        cost.add_metric(of_model, float(row["sum_cost_usd"]))
        for outcome, column in OUTCOMES.items():
            items.add_metric([outcome, *of_model], row[f"sum_{column}"])
        for kind in TOKENS:
            tokens.add_metric([kind.removesuffix("_tokens"), *of_model], row[f"sum_{kind}"])
    yield from (summed(family) for family in (jobs, items, tokens, cost))


def summed(family: Metric) -> Metric:
    """The same family with one sample for each set of labels: jobs are grouped finer than most of them."""
    totals: dict[tuple[str, tuple[tuple[str, str], ...]], float] = {}
    for sample in family.samples:
        key = (sample.name, tuple(sample.labels.items()))
        totals[key] = totals.get(key, 0.0) + sample.value
    family.samples = []
    for (name, labels), value in sorted(totals.items()):
        family.add_sample(name, dict(labels), value)
    return family


def _gauges(found: Figures) -> Iterator[Metric]:
    rows = (
        ("cj_polls_overdue", "Jobs whose poll should have been by now.", found.polls_overdue),
        ("cj_poll_overdue_seconds", "How late the latest poll is.", found.poll_overdue_seconds),
        (
            "cj_collect_seconds_average",
            "From a batch's end there to its end here, last hour.",
            found.collect_seconds_average,
        ),
        ("cj_collect_seconds_longest", "The longest of these.", found.collect_seconds_longest),
        ("cj_callbacks_waiting", "Callbacks that have not left.", found.callbacks_waiting),
        ("cj_callbacks_failing", "Of those, tried in vain.", found.callbacks_failing),
        ("cj_callback_lag_seconds", "Age of the oldest callback that has not left.", found.callback_lag_seconds),
        ("cj_reserved_usd", "US dollars held for what is under way.", float(found.reserved_usd)),
        ("cj_spent_usd", "US dollars booked on budgets.", float(found.spent_usd)),
        ("cj_overrun_usd", "US dollars used beyond budgets.", float(found.overrun_usd)),
        ("cj_accounts_paused", "Provider accounts that wait for a person.", found.accounts_paused),
    )
    for name, words, value in rows:
        yield GaugeMetricFamily(name, words, value=value)
    comparisons = GaugeMetricFamily("cj_comparisons", "Comparisons that are not resolved.", labels=["status"])
    for status, n in found.comparisons.items():
        comparisons.add_metric([status], n)
    yield comparisons


def _of_queues() -> Iterator[Metric]:
    """Nothing where Valkey does not answer: a zero would look like an empty queue."""
    depths = tasks.queue_depths()
    if depths is None:
        return
    queued = GaugeMetricFamily("cj_queue_depth", "Tasks that wait in Valkey.", labels=["queue"])
    for queue, n in depths.items():
        queued.add_metric([queue], n)
    yield queued
    yield GaugeMetricFamily("cj_workers", "Workers that listen.", value=tasks.workers())


def metrics(request: HttpRequest) -> HttpResponse:
    """The text format, for `Authorization: Bearer` with CJ_METRICS_TOKEN; 404 where none is set, 401 for another."""
    if not settings.METRICS_TOKEN:
        return HttpResponse("There is no page here: set CJ_METRICS_TOKEN.\n", status=404, content_type="text/plain")
    given = request.headers.get("Authorization", "").removeprefix("Bearer ").strip()
    if not constant_time_compare(given, settings.METRICS_TOKEN):
        refused = HttpResponse("Send the token of CJ_METRICS_TOKEN.\n", status=401, content_type="text/plain")
        refused["WWW-Authenticate"] = 'Bearer realm="metrics"'
        return refused
    registry = CollectorRegistry(auto_describe=False)
    registry.register(Installation())
    response = HttpResponse(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)
    response["Cache-Control"] = "no-store"
    return response
