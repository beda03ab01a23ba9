"""Calls that the document allows, and calls that it does not, by every caller: answers conform, and nothing breaks.

A few in every run of the tests; `make test-api` makes two thousand.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections, transaction
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi import checks

from batches.models import Project
from tests.admin import factories
from tests.api.conftest import CALLERS, browser, token
from tests.api.operations import KINDS, document

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("provider_env", "empty_queues")]
MODES = (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)
CHECKS = [
    not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
    checks.negative_data_rejection,
]
LARGE = {"create_assessment", "add_essays"}  # too long an essay is megabytes: left to the long test
EACH = 4  # calls by one caller of one operation in one mode


@pytest.fixture
def rows() -> dict[str, Any]:
    return factories.whole_project("Northfield")


@pytest.fixture(autouse=True)
def one_connection() -> Iterator[None]:
    """As in Django's own test client: a request does not close the connection that the test's transaction is on."""
    signals = (request_started, request_finished)
    for signal in signals:
        signal.disconnect(close_old_connections)
    yield
    for signal in signals:
        signal.connect(close_old_connections)


def application_for(name: str, project: Project) -> Callable[..., Any]:
    """The site, as this caller reaches it: every request bears their token, or their session and its CSRF token."""
    application = get_wsgi_application()
    kind, _, scopes = name.partition(":")
    known = {}
    if kind == "token":
        known = {"HTTP_AUTHORIZATION": f"Bearer {token(project, scopes)}"}
    elif kind != "anonymous":
        session = browser(name, project).cookies["sessionid"].value
        known = {"HTTP_COOKIE": f"sessionid={session}; csrftoken={'a' * 32}", "HTTP_X_CSRFTOKEN": "a" * 32}
        known |= {"HTTP_AUTHORIZATION": ""}  # schemathesis makes one up: it would come before the session
    return lambda environ, start_response: application(environ | known, start_response)


def described() -> Iterator[Any]:
    """Every operation, as schemathesis reads the document."""
    for result in schemathesis.openapi.from_dict(document()).get_all_operations():
        yield result.ok()


def aim(case: Any, rows: dict[str, Any]) -> None:
    """Point a call at a row that is there: made-up ids find nothing."""
    if "slug" in case.path_parameters:
        case.path_parameters["slug"] = rows["assessment"].slug
    if "id" in case.path_parameters:
        case.path_parameters["id"] = rows[KINDS[case.operation.path.split("/")[3]]].pk
    if isinstance(case.body, dict) and "project" in case.body:
        case.body["project"] = rows["project"].pk


def make_calls(operation: Any, mode: GenerationMode, name: str, rows: dict[str, Any], n: int) -> Counter[int]:
    """So many calls of one operation, each undone: how often each status came. Every answer has to conform."""
    application = application_for(name, rows["project"])
    came: Counter[int] = Counter()

    @seed(1)
    @settings(max_examples=n, deadline=None, database=None, phases=[Phase.generate], suppress_health_check=HealthCheck)
    @given(case=operation.as_strategy(generation_mode=mode), real=st.booleans())
    def call(case: Any, real: bool) -> None:
        if real and mode is GenerationMode.POSITIVE:
            aim(case, rows)
        with transaction.atomic():
            response = case.call(app=application, base_url="http://testserver")
            transaction.set_rollback(True)
        came[response.status_code] += 1
        refused_whole = response.status_code == 413  # schemathesis does not count it among refusals
        case.validate_response(response, checks=CHECKS[:-1] if refused_whole else CHECKS)

    call()
    return came


@pytest.mark.timeout(300)
def test_calls_by_a_machine_that_may_do_everything_conform(rows: dict[str, Any]) -> None:
    came: Counter[int] = Counter()
    for operation in described():
        came += make_calls(operation, GenerationMode.POSITIVE, "token:read,write,spend", rows, 2)
        if operation.definition.raw["operationId"] not in LARGE:
            came += make_calls(operation, GenerationMode.NEGATIVE, "token:read,write,spend", rows, 2)
    assert came.total() >= 80
    assert min(came) == 200
    assert {200, 404, 422} <= set(came)


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_two_thousand_calls_by_every_caller_conform(rows: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    came: Counter[int] = Counter()
    for name in (*CALLERS, "anonymous"):
        of_caller: Counter[int] = Counter()
        for operation in described():
            for mode in MODES:
                of_caller += make_calls(operation, mode, name, rows, EACH)
        assert (set(of_caller) == {401}) == (name == "anonymous"), (name, of_caller)
        assert 401 not in of_caller or name == "anonymous", (name, of_caller)
        came += of_caller
    with capsys.disabled():
        print(f"\n{came.total():,} calls: {dict(sorted(came.items()))}")
    assert came.total() >= 2000
    assert {200, 201, 401, 403, 404, 422} <= set(came)
