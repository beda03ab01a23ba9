"""Tokens: made once, shown once, kept as a hash, limited, counted and revoked."""

import hashlib
import re
from typing import Any

import pytest
from django.core.cache import cache
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import reverse

from batches.conf import cj_settings
from batches.models import ApiToken, AuditEntry, Project, Scope
from batches.models.api import GRANTS
from tests.admin import factories
from tests.api.conftest import Call, browser, caller, machine, token

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("empty_queues")]
TOKEN = re.compile(r"cj_([0-9a-f]{8})_([A-Za-z0-9_-]{43})")


def make(client: Client, project: Project, **fields: Any) -> Any:
    posted = {"project": project.pk, "name": "register", "scopes": ["read"], "days": 30} | fields
    return client.post(reverse("admin:batches_apitoken_add"), posted)


def test_a_token_is_shown_once_and_only_its_hash_is_kept(project: Project) -> None:
    client = browser("administrator", project)
    made = make(client, project, scopes=["read", "spend"])
    shown = TOKEN.search(made.content.decode())
    assert shown is not None
    assert "no-store" in made["Cache-Control"]
    row = ApiToken.objects.get()
    assert (row.prefix, row.scopes) == (shown[1], ["read", "spend"])
    assert row.secret_sha256 == hashlib.sha256(shown[2].encode()).hexdigest()
    page = reverse("admin:batches_apitoken_change", args=[row.pk])
    for url in (page, reverse("admin:batches_apitoken_changelist"), reverse("admin:batches_auditentry_changelist")):
        content = client.get(url).content.decode()
        assert row.prefix in content
        assert shown[2] not in content
        assert row.secret_sha256 not in content
    assert "cj_" not in str(client.session.items()) + str(client.cookies)
    assert machine(shown[0])("GET", "/projects").status_code == 200
    assert AuditEntry.objects.get(act="create").detail["scopes"] == ["read", "spend"]


def test_a_revoked_token_is_refused_from_the_next_call_on(project: Project) -> None:
    client = browser("administrator", project)
    call = machine(token(project))
    assert call("GET", "/projects").status_code == 200
    row = ApiToken.objects.get()
    page = reverse("admin:batches_apitoken_change", args=[row.pk])
    client.post(page, {"CHANGE_FORM-action": "revoke", "_selected_action": row.pk})
    assert call("GET", "/projects").status_code == 401
    assert AuditEntry.objects.filter(act="revoke", target_id=str(row.pk)).exists()


@pytest.mark.parametrize("role", ["viewer", "editor", "submitter"])
def test_tokens_are_made_by_administrators_only(project: Project, role: str) -> None:
    assert make(browser(role, project), project).status_code == 403
    assert not ApiToken.objects.exists()


def test_nobody_makes_a_token_for_another_project_or_for_more_than_they_may(project: Project) -> None:
    client = browser("administrator", project)
    make(client, factories.project("Elsewhere"))
    administrator = project.people.get()
    administrator.groups.first().permissions.remove(
        *administrator.groups.first().permissions.filter(codename="submit_round")
    )
    refused = make(browser("administrator", project), project, scopes=["read", "spend"])
    assert b"You may not do what spend allows" in refused.content
    assert make(client, project, days=400).status_code == 200
    assert not ApiToken.objects.exists()


def test_a_token_without_scopes_or_with_others_cannot_be_stored(project: Project) -> None:
    for scopes in ([], ["admin"], ["read", "admin"]):
        with pytest.raises(IntegrityError), transaction.atomic():
            factories.token(project, *scopes) if scopes else token_of(project, [])


def token_of(project: Project, scopes: list[str]) -> None:
    made = factories.token(project)
    ApiToken.objects.filter(pk=made.pk).update(scopes=scopes)


def test_every_scope_grants_permissions_that_exist(db: None) -> None:
    from django.contrib.auth.models import Permission

    known = set(Permission.objects.values_list("codename", flat=True))
    assert set(GRANTS) == set(Scope)
    assert all(granted and granted <= known for granted in GRANTS.values())


MANGLED = ["", "cj", "cj_", "cj__", "cj_00000000_", "cj_é2345678_x", "x", "cj_" + "0" * 5000, "cj_00000000_\x7f"]


def test_a_token_that_is_none_is_refused(project: Project) -> None:
    secret = token(project)
    for given in (*MANGLED, secret[:-1], secret + "x", secret.swapcase(), secret.replace("_", "-")):
        assert machine(given)("GET", "/projects").status_code == 401, given
    assert machine(f" {secret} ")("GET", "/projects").status_code == 200


def test_a_token_beats_the_session_that_comes_with_it(project: Project) -> None:
    client = browser("administrator", project)
    response = client.get("/api/v1/projects", headers={"Authorization": "Bearer cj_00000000_wrong"})
    assert response.status_code == 401


def test_the_last_use_is_written_down_once_a_minute(project: Project, django_assert_max_num_queries: Any) -> None:
    call = machine(token(project))
    call("GET", "/projects")
    first = ApiToken.objects.get().last_used_at
    assert first is not None
    with django_assert_max_num_queries(2):
        call("GET", "/projects")
    assert ApiToken.objects.get().last_used_at == first


# How often


def limit(settings: Any, calls: int, posts: int) -> None:
    settings.CJ_SETTINGS = {"api_calls_per_minute": calls, "api_posts_per_minute": posts}
    cj_settings.forget()
    cache.clear()


def statuses(call: Call, n: int, *request: Any, **headers: str) -> list[int]:
    return [call(*request, **headers).status_code for _ in range(n)]


@pytest.mark.parametrize("name", ["viewer", "token:read"])
def test_too_many_calls_are_refused_until_the_minute_is_over(
    project: Project, settings: Any, name: str, time_machine: Any
) -> None:
    limit(settings, 3, 1)
    time_machine.move_to("2026-11-22T12:00:20Z", tick=False)
    call = caller(name, project)
    assert statuses(call, 5, "GET", "/projects") == [200, 200, 200, 429, 429]
    refused = call("GET", "/projects")
    assert refused["Retry-After"] == "40"
    assert refused.data["detail"] == "More than 3 calls in a minute: wait 40 s."
    time_machine.shift(40)
    assert call("GET", "/projects").status_code == 200


def test_each_caller_is_counted_alone_and_posts_twice(project: Project, settings: Any, time_machine: Any) -> None:
    limit(settings, 100, 2)
    time_machine.move_to("2026-11-22T12:00:20Z", tick=False)
    first, second = machine(token(project)), machine(token(project))
    missing = "/assessments/none/plan"
    assert statuses(first, 3, "POST", missing, {}, Idempotency_Key="k") == [404, 404, 429]
    assert first("GET", "/projects").status_code == 200
    assert second("POST", missing, {}, Idempotency_Key="k").status_code == 404


def test_without_valkey_the_api_answers_and_counts_nobody(project: Project, settings: Any) -> None:
    limit(settings, 1, 1)
    call = machine(token(project))
    settings.CACHES = {
        "default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": "unix:///nowhere.sock"}
    }
    assert statuses(call, 3, "GET", "/projects") == [200, 200, 200]
