"""A request -> who calls, and what they may see and do: a person with their session, or a machine with its token."""

from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest
from ninja.security import APIKeyCookie, HttpBearer
from ninja.utils import check_csrf

from batches.api import throttle
from batches.api.problems import Refusal
from batches.models import ApiToken, Membership, Project
from batches.models.project import Person


class Machine(AnonymousUser):
    """Whom the audit log names when a token acted: it has no row among the people."""

    def __init__(self, token: ApiToken) -> None:
        super().__init__()
        self.username: str = f"token {token}"  # type: ignore[assignment]


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who calls. Everything that a call reads or changes comes from `rows` and `one`."""

    name: str  # person:7 or token:7: whose calls are counted, and whose idempotency keys these are
    actor: Person
    projects: tuple[int, ...]
    permissions: frozenset[str]  # as batches.<codename>

    def may(self, permission: str) -> bool:
        return f"batches.{permission}" in self.permissions

    def rows(self, model: type[Model]) -> QuerySet[Any]:
        """The rows of their projects."""
        if model is Project:
            return Project.objects.filter(pk__in=self.projects)
        rows: QuerySet[Any] = model._default_manager.in_projects(self.projects)  # type: ignore[attr-defined]
        return rows

    def one(self, model: type[Model], *related: str, without: tuple[str, ...] = (), **lookup: Any) -> Any:
        """The one row of theirs; Http404 for what is not there and for what is others' alike."""
        rows = self.rows(model).select_related(*related) if related else self.rows(model)
        found = rows.defer(*without).filter(**lookup).first()
        if found is None:
            raise Http404
        return found


class Token(HttpBearer):
    """A machine's token."""

    openapi_description = "A token that an administrator made under API tokens. It is limited to one project."

    def __init__(self, permission: str) -> None:
        super().__init__()
        self.permission = permission

    def authenticate(self, request: HttpRequest, token: str) -> Caller:
        found = ApiToken.find(token.strip())
        if found is None:
            raise Refusal(401, "This token is unknown, expired or revoked: ask an administrator for another.")
        found.note_use()
        caller = Caller(
            name=f"token:{found.pk}",
            actor=Machine(found),
            projects=(found.project_id,),
            permissions=frozenset(f"batches.{name}" for name in found.permissions),
        )
        return admitted(caller, request, self.permission)


class Session(APIKeyCookie):
    """A member of staff who is logged in. What changes anything needs the CSRF token in X-CSRFToken."""

    param_name = "sessionid"
    openapi_description = "The session of somebody who is logged in; with X-CSRFToken for POST."

    def __init__(self, permission: str) -> None:
        super().__init__(csrf=False)  # looked at below, once it is known that somebody is logged in
        self.permission = permission

    def authenticate(self, request: HttpRequest, key: str | None) -> Caller | None:
        user = request.user
        if not (user.is_authenticated and user.is_active and user.is_staff):
            return None
        if check_csrf(request) is not None:
            raise Refusal(
                403, "The CSRF token is missing or wrong: send the cookie csrftoken in the header X-CSRFToken."
            )
        mine = Membership.objects.filter(user_id=user.pk).values_list("project_id", flat=True)
        caller = Caller(
            name=f"person:{user.pk}",
            actor=user,
            projects=tuple(mine),
            permissions=frozenset(user.get_all_permissions()),
        )
        return admitted(caller, request, self.permission)


def admitted(caller: Caller, request: HttpRequest, permission: str) -> Caller:
    """The caller, unless they have called too often or may not do this."""
    throttle.count(caller.name, changes=request.method == "POST")
    if not caller.may(permission):
        raise Refusal(403)
    return caller


def caller_of(request: HttpRequest) -> Caller:
    caller: Caller = request.auth  # type: ignore[attr-defined]
    return caller
