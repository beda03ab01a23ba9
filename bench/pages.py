"""1,000,000 comparisons in 500 assessments -> what every page of the admin and the API costs: time and queries.

Every address that the admin resolves is asked for by a member of five projects: lists, each of their filters, their
orders, their first and last pages and searches, and the pages of two rows of each table: one in the middle, whose work
is done, and the newest, which is under way.
"""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from bench.rows import Row, Sizes
from bench.scratch import scratch

ROWS = 1_000_000
MOST, MOST_QUERIES = 300.0, 15  # milliseconds, queries
TRIES, EASY = 3, 0.1  # seconds
BASE = "/api/v1"
SKIPPED = {"logout", "autocomplete", "jsi18n", "view_on_site"}  # no page, or one that is all of Django's own


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One page: the least milliseconds of processor of a few tries, and what it asked the database."""

    path: str
    ms: float
    wall: float
    queries: int
    status: int


def measure(sizes: Sizes) -> Iterator[Row]:
    """T7: the dearest pages of each kind, and the one with most queries."""
    rows = sizes.of(ROWS // 2000, least=10) * 2000
    with scratch():
        seen = sorted(pages(rows), key=lambda page: -page.ms)
    for page in [*seen[:10], max(seen, key=lambda page: page.queries)]:
        yield Row(
            target="T7", path="pages", size=f"{rows:,} comparisons", figure=page.path, value=page.ms, unit="ms",
            at_most=MOST, note=f"{page.queries} queries, {page.wall:.0f} ms of wall time",
        )  # fmt: skip
    yield Row(
        target="T7", path="pages", size=f"{rows:,} comparisons", figure=f"most queries of {len(seen)} pages",
        value=max(page.queries for page in seen), unit="", at_most=MOST_QUERIES,
    )  # fmt: skip


def pages(rows: int) -> list[Seen]:
    """Fill, then look at everything. Imports wait until Django is set up."""
    from bench import comparison_status_rows as stored
    from bench import comparison_status_sizes as database
    from bench.pages_rows import hang_on

    layout = stored.Layout(rows=rows, jobs=17)
    database.leave_nothing_to_chance()
    stored.parents(layout)
    stored.fill(layout)
    hang_on(layout)
    return look()


def look(only: str = "") -> list[Seen]:
    """Every page whose address holds `only`."""
    from django.db import connection
    from django.test import Client

    from bench.gauge import run
    from bench.pages_rows import viewer

    logging.getLogger("django.request").setLevel(logging.CRITICAL)  # pages that refuse are no news here
    connection.settings_dict["CONN_MAX_AGE"] = None  # one back end, whose processor time can be read
    run("SET max_parallel_workers_per_gather = 0")  # and which does all of the work
    client, user = Client(), viewer()
    client.force_login(user)
    asked = [(path, {}) for path in dict.fromkeys(admin_paths())]
    asked += [(path, {"HTTP_AUTHORIZATION": f"Bearer {bearer(user)}"}) for path in api_paths()]
    return [one(client, path, headers) for path, headers in asked if only in path]


def one(client: Any, path: str, headers: dict[str, str]) -> Seen:
    """Ask once to count the queries, then for the time: a page that is far from the limit is not asked again."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    from bench.gauge import BackEnd, measured

    with CaptureQueriesContext(connection) as queries:
        answer = client.get(path, **headers)
    asked = len(queries)  # now: the next request empties the log
    costs: list[Any] = []
    while len(costs) < TRIES and not any(cost.client + cost.server < EASY for cost in costs):
        with measured(BackEnd()) as cost:
            client.get(path, **headers).close()
        costs.append(cost)
    return Seen(
        path=path,
        ms=min(cost.client + cost.server for cost in costs) * 1e3,
        wall=min(cost.wall for cost in costs) * 1e3,
        queries=asked,
        status=answer.status_code,
    )


def ids_of_rows() -> Iterator[dict[str, int]]:
    """For every table that the admin shows a row in its middle; then the newest of each."""
    from django.contrib import admin

    ids = {model: model._default_manager.order_by("pk").values_list("pk", flat=True) for model in admin.site._registry}
    yield {model._meta.model_name or "": found[n // 2] for model, found in ids.items() if (n := found.count())}
    yield {model._meta.model_name or "": newest for model, found in ids.items() if (newest := found.last())}


def admin_paths() -> Iterator[str]:
    from tests.admin.urls import addresses

    for address in (one for ids in ids_of_rows() for one in addresses(ids)):
        if not any(word in address.name for word in SKIPPED):
            yield address.url
        if address.name.endswith("_changelist"):
            yield from (f"{address.url}?{query}" for query in list_queries(address.model))


def list_queries(name: str) -> Iterator[str]:
    """What a person can ask of one list: the last page, each order, each filter, a search for what there is."""
    from django.contrib import admin

    model, screen = next((m, s) for m, s in admin.site._registry.items() if m._meta.model_name == name)
    every = model._default_manager.order_by("pk")
    n = every.count()
    yield "p=2"
    if n > screen.list_per_page:
        yield f"p={min(10_000, n) // screen.list_per_page}"
    yield from (f"o={sign}{place}" for place in range(1, len(screen.list_display) + 1) for sign in ("", "-"))
    for entry in screen.list_filter:
        yield from filter_queries(model, entry)
    for lookup in screen.get_search_fields(None) if n else ():
        yield urlencode({"q": searched(every[n // 2], lookup)})
    yield urlencode({"q": "nothing like it"})


def searched(row: Any, lookup: str) -> str:
    from django.core.exceptions import FieldDoesNotExist

    try:
        value = row
        for part in lookup.removesuffix("__exact").removesuffix("__startswith").split("__"):
            value = getattr(value, part)
    except (AttributeError, FieldDoesNotExist):
        return "C001"
    return str(value)


def filter_queries(model: Any, entry: Any) -> Iterator[str]:
    if isinstance(entry, type):
        yield from (f"{entry.parameter_name}={value}" for value in getattr(entry, "conditions", {}))  # type: ignore[attr-defined]
        return
    path = entry if isinstance(entry, str) else entry[0]
    field = model
    for part in path.split("__"):
        field = (field._meta if isinstance(field, type) else field.related_model._meta).get_field(part)
    if field.is_relation:
        ids = field.related_model._default_manager.order_by("pk").values_list("pk", flat=True)
        yield from (f"{path}__id__exact={pk}" for pk in {*ids[:1], *ids.reverse()[:1]})
    else:
        yield from (f"{path}__exact={value}" for value, _ in field.flatchoices)


def bearer(user: Any) -> str:
    from batches.models import Project
    from tests.api.conftest import token

    return str(token(Project.objects.order_by("pk").first()))


def api_paths() -> Iterator[str]:
    """What the API answers about the first project, from its newest rows on."""
    from batches.models import BatchJob, Comparison, Project, Scale

    mine = Project.objects.order_by("pk")[:1]
    newest = Comparison.objects.in_projects(mine.values("pk")).order_by("-pk").first()
    paths = ["/comparisons", "/comparisons?limit=200", "/batch-jobs", "/assessments"]
    paths += [f"/comparisons?status={status}" for status in Comparison.Status.values]
    if newest is not None:
        work = newest.round.assessment
        paths += [f"/comparisons?assessment={work.slug}", f"/comparisons/{newest.pk}", f"/rounds/{newest.round_id}"]
        paths += [f"/assessments/{work.slug}", f"/assessments/{work.slug}/progress"]
        paths += [f"/assessments/{work.slug}/scales"] if Scale.objects.filter(assessment=work).exists() else []
    paths += [f"/batch-jobs/{job.pk}" for job in BatchJob.objects.in_projects(mine.values("pk"))[:1]]
    yield from (BASE + path for path in paths)
