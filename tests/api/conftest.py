"""Every kind of caller there is, and one project with a row of every kind."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from batches.models import ApiToken, Project
from tests.admin import factories

BASE = "/api/v1"
PEOPLE = (  # nobody: staff without a role
    *("viewer", "editor", "submitter", "budget manager", "judge", "administrator", "superuser", "nobody"),
)
SCOPES = ("read", "write", "spend", "read,write,spend")
CALLERS = (*PEOPLE, *(f"token:{scopes}" for scopes in SCOPES))
STRANGERS = ("anonymous", "locked out", "not staff", "expired", "revoked", "unknown")  # whom nothing answers
Call = Callable[..., Any]


@pytest.fixture
def project(db: None) -> Project:
    return factories.project("Northfield")


@pytest.fixture
def ours(project: Project) -> dict[str, Any]:
    """A project with rows of every kind, and the project of the callers."""
    return factories.whole_project("Southfield") | {"project": project}


@pytest.fixture(autouse=True)
def no_limits(settings: Any) -> None:
    """Tests call as often as they like, unless they are about that."""
    from django.core.cache import cache

    from batches.conf import cj_settings

    settings.CJ_SETTINGS = {"api_calls_per_minute": 1_000_000, "api_posts_per_minute": 1_000_000}
    cj_settings.forget()
    cache.clear()


def token(project: Project, scopes: str = "read,write,spend", **fields: Any) -> str:
    expires = timezone.now() + timedelta(days=90)
    return ApiToken.issue(project=project, name="robot", scopes=scopes.split(","), expires_at=expires)[1]


def browser(name: str, project: Project, *, checks: bool = False) -> Client:
    """Somebody logged in; `checks` for CSRF tokens being looked at."""
    user = User.objects.filter(username=name).first() or person(name, project)
    client = Client(enforce_csrf_checks=checks)
    client.force_login(user)
    return client


def person(name: str, project: Project) -> User:
    role = "everything" if name == "superuser" else "" if name == "nobody" else name
    user = factories.person(name, project, role=role)
    User.objects.filter(pk=user.pk).update(is_superuser=name == "superuser")
    return User.objects.get(pk=user.pk)


def caller(name: str, project: Project) -> Call:
    """`caller("viewer", project)("GET", "/rounds")`: a response, with the body read as JSON under `.data`."""
    kind, _, scopes = name.partition(":")
    if kind == "token":
        return machine(token(project, scopes))
    client = browser(name, project)

    def call(method: str, path: str, body: Any = None, **headers: str) -> Any:
        return send(client, method, path, body, headers)

    return call


def machine(secret: str) -> Call:
    client = Client()

    def call(method: str, path: str, body: Any = None, **headers: str) -> Any:
        return send(client, method, path, body, {"Authorization": f"Bearer {secret}"} | headers)

    return call


def send(client: Client, method: str, path: str, body: Any, headers: dict[str, str]) -> Any:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    content = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
    path = path if path.startswith("/api") else BASE + path
    response: Any = client.generic(method, path, content, content_type="application/json", headers=named)
    response.data = json.loads(response.content) if response.content else None
    return response
