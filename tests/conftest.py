"""What every test may ask for, and the date on which all of them run."""

import datetime
import os
from collections.abc import Iterator
from typing import Any

import pytest
import time_machine
from django.utils import timezone, translation

from cjadmin import var
from tests.provider import LocalProvider
from tests.template import template

NOW = datetime.datetime(2026, 11, 22, 12, tzinfo=datetime.UTC)


@pytest.fixture(autouse=True)
def frozen_date(request: pytest.FixtureRequest) -> Iterator[None]:
    """Run on one date, so that no model's retirement turns the suite red. The clock ticks; PostgreSQL's is its own."""
    with time_machine.travel(NOW, tick=True):
        yield


@pytest.fixture(autouse=True)
def english_again() -> Iterator[None]:
    """A request leaves its language and zone in the thread, for what is still streamed; the next test has its own."""
    yield
    translation.deactivate()
    timezone.deactivate()


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings_parallel_suffix: None) -> None:
    """This worker's database is a copy of one that has been migrated. A server from outside is left as it is."""
    from django.db import connection

    if not os.environ.get("DATABASE_URL"):
        database = connection.settings_dict
        database["TEST"]["TEMPLATE"] = template(database, var.var_dir())


@pytest.fixture
def empty_queues() -> Iterator[None]:
    """Nothing in this worker's Valkey database, before and after."""
    from django_rq import get_connection

    get_connection("submit").flushdb()
    yield
    get_connection("submit").flushdb()


@pytest.fixture(scope="session")
def local_provider_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalProvider]:
    """One server for each worker: the faults of one test must not strike another's calls."""
    with LocalProvider.start(tmp_path_factory.mktemp("local_provider"), latency=0, batch_seconds=0.1) as server:
        yield server


@pytest.fixture
def local_provider(local_provider_server: LocalProvider) -> LocalProvider:
    """The local provider as new: no faults, no batches, an empty ledger."""
    local_provider_server.reset()
    return local_provider_server


@pytest.fixture
def provider_env(local_provider: LocalProvider, settings: Any) -> LocalProvider:
    """The pipeline speaks to this test's local provider."""
    settings.LOCAL_PROVIDER = True
    settings.LOCAL_PROVIDER_URL = local_provider.url
    return local_provider
