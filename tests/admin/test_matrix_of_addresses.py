"""Every role, every address of the admin and of the judging pages, GET and POST: what matrix.txt says, and no more.

The addresses come from the URL resolver: a new one fails the test until it stands in the table. The failing test shows
the lines that differ; look at each cell before you take it over.
"""

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser, Group, User
from django.contrib.messages.storage.fallback import FallbackStorage
from django.contrib.sessions.backends.signed_cookies import SessionStore
from django.core.exceptions import BadRequest, PermissionDenied
from django.db import connection, transaction
from django.http import Http404
from django.test import RequestFactory
from django.urls import resolve, reverse

from batches.admin import judging
from batches.models import Project, Sketch
from batches.pipeline import claims, panel
from tests.admin import factories
from tests.admin.steps import HAIKU
from tests.admin.urls import _patterns, addresses
from tests.pipeline.people import seat, submitted, with_people

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("provider_env", "empty_queues")]
TABLE = Path(__file__).with_name("matrix.txt")
# in the table, one letter for each, in this order
ROLES = (
    *("anonymous", "nobody", "judge", "viewer", "editor"),
    *("submitter", "budget manager", "administrator", "superuser"),
)
RENDERED = "viewer"  # for whom the most is left out of a page
LOGIN, REFUSED, BAD, IN, WRITES, BROKEN = ">", "-", "?", "r", "w", "!"
# what a form, a question, a button or a wizard's step would send; each screen takes what it knows
POSTED = {
    **{"post": "yes", "_save": "Save", "confirmed": "yes", "kind": "scores", "format": "csv", "forget": "yes"},
    **{"name": "A name", "title": "A title", "username": "someone", "share": "10", "pairs": "repeat"},
    **{"model": HAIKU, "answer_by": "SCHEMA", "max_tokens": "2500", "usable_password": "true"},
    **{"memberships-TOTAL_FORMS": "0", "memberships-INITIAL_FORMS": "0"},
    **{"password1": factories.PASSWORD, "password2": factories.PASSWORD},
}
NOT_COUNTED = ("django_session",)  # any request may keep a session
WRITTEN = """
SELECT coalesce(sum(n_tup_ins + n_tup_upd + n_tup_del), 0)
FROM pg_stat_xact_user_tables WHERE relname <> ALL (%s)
"""


def written() -> int:
    """Rows that this transaction has written so far, whether or not it took them back."""
    with connection.cursor() as cursor:
        cursor.execute(WRITTEN, [list(NOT_COUNTED)])
        return int(cursor.fetchone()[0])


@pytest.fixture
def rows() -> dict[str, Any]:
    """A project with a row of every kind."""
    made = factories.whole_project("Northfield")
    made["user"] = factories.person("colleague", made["project"])
    return made


def user_of(role: str, of: Project) -> Any:
    if role == "anonymous":
        return AnonymousUser()
    group = "" if role == "nobody" else "everything" if role == "superuser" else role
    user = factories.person(role, of, role=group)
    User.objects.filter(pk=user.pk).update(is_superuser=role == "superuser")
    return User.objects.get(pk=user.pk)


def everywhere(rows: dict[str, Any], user: Any) -> Iterator[tuple[str, str]]:
    """Names and addresses: of the project's rows, of this person's own sketch, and of the pair in their hands."""
    ids = factories.foreign_keys_of(rows) | {"group": Group.objects.get(name="viewer").pk}
    ids |= {"judge": factories.judge().pk, "provideraccount": factories.account().pk}
    for address in addresses(ids):
        yield address.name.removeprefix("batches_"), address.url
    yield from _of_the_wizard(rows["project"], user)
    yield from _of_judging(rows["judged"], user)


def _of_the_wizard(of: Project, user: Any) -> Iterator[tuple[str, str]]:
    given = {"title": "Mine", "slug": "mine", "judges": [], "budget": "1", "people": []}
    maker = user if user.pk else User.objects.get(username="colleague")
    sketch = Sketch.objects.create(maker=maker, project=of, given=given).pk
    yield "assessment_upload", reverse("admin:batches_assessment_upload", args=[sketch])
    for step in ("basics", "judging", "check"):
        yield f"assessment_sketch:{step}", reverse("admin:batches_assessment_sketch", args=[sketch, step])
    yield "assessment_discard", reverse("admin:batches_assessment_discard", args=[sketch])


def _of_judging(judged: Any, user: Any) -> Iterator[tuple[str, str]]:
    held = 1
    if user.has_perm(judging.PERMISSION):
        panel.name_judge(judged, user.username, quota=None, actor=None)
        claim = claims.take(seat(user, judged))
        held = claim.comparison_id if claim else 1
    arguments = {"mine": [], "desk": [judged.pk], "page": [judged.pk, held, "A", 1]}
    for pattern in judging.urlpatterns:
        yield f"judging:{pattern.name}", reverse(f"judging:{pattern.name}", args=arguments[str(pattern.name)])


def answer(user: Any, method: str, url: str, project: Project) -> str:
    """What this person gets, as a letter of the table; undone afterwards.

    Templates are rendered for one role only: that costs more than all the rest, and other tests read every page.
    """
    posted = POSTED | {"project": project.pk, "do": "take" if "/judging/" in url else "share"}
    request = getattr(RequestFactory(), method)(url, posted if method == "post" else {})
    request.user, request.session = user, SessionStore()
    request._messages = FallbackStorage(request)
    request._dont_enforce_csrf_checks = True
    request.resolver_match = match = resolve(request.path)
    before = written()
    with transaction.atomic():
        try:
            response = match.func(request, *match.args, **match.kwargs)
            if user.username == RENDERED and hasattr(response, "render"):
                response.render()
            found = _letter(response)
        except (PermissionDenied, Http404):
            found = REFUSED
        except BadRequest:
            found = BAD
        except Exception as error:
            found = f"{BROKEN}({type(error).__name__}: {error})"
        changed = written() > before
        transaction.set_rollback(True)
    if not changed:
        return found
    return WRITES if found == IN else f"{found}{WRITES}"


def _letter(response: Any) -> str:
    if response.status_code == 302 and "/login/" in response["Location"]:
        return LOGIN
    known = {200: IN, 302: IN, 400: BAD, 403: REFUSED, 404: REFUSED, 405: REFUSED}
    return known.get(response.status_code, str(response.status_code))


def measured(rows: dict[str, Any]) -> dict[tuple[str, str], str]:
    """(method, name) -> a letter for each role. Where a name has several addresses, the most that one of them gives."""
    found: dict[tuple[str, str], list[str]] = defaultdict(list)
    for role in ROLES:
        user = user_of(role, rows["project"])
        here: dict[tuple[str, str], str] = {}
        for name, url in everywhere(rows, user):
            for method in ("get", "post"):
                got = answer(user, method, url, rows["project"])
                key = (method.upper(), name)
                here[key] = max(got, here.get(key, ""), key=_gravity)
        for key, got in here.items():
            found[key].append(got)
    return {key: "".join(letters) for key, letters in found.items()}


def _gravity(got: str) -> tuple[int, int]:
    """How far a letter lets somebody in; one that should not be there counts as the furthest."""
    return (LOGIN + REFUSED + BAD + IN + WRITES + BROKEN).find(got[:1]) if got else -1, len(got)


def table() -> dict[tuple[str, str], str]:
    """matrix.txt: a method and a letter for each role, and under it the addresses of which this holds."""
    decided: dict[tuple[str, str], str] = {}
    method = letters = ""
    for line in TABLE.read_text().splitlines():
        if line.startswith(("GET", "POST")):
            method, letters = line.split()
        elif line.startswith(" "):
            decided |= {(method, name): letters for name in line.split()}
    return decided


def lines(cells: dict[tuple[str, str], str]) -> list[str]:
    """The same, to be read or taken over."""
    groups: dict[tuple[str, str], list[str]] = defaultdict(list)
    for (method, name), letters in cells.items():
        groups[method, letters].append(name)
    return [f"{method:4} {letters}  {' '.join(sorted(names))}" for (method, letters), names in sorted(groups.items())]


@pytest.mark.timeout(600)
def test_every_role_gets_from_every_address_what_the_table_says(rows: dict[str, Any]) -> None:
    rows["judged"] = with_people(essays=20)
    rows["judged"].project = rows["project"]
    rows["judged"].save(update_fields=["project"])
    submitted(rows["judged"])
    found, decided = measured(rows), table()
    differing = {key: letters for key, letters in found.items() if decided.get(key) != letters}
    assert lines(differing) == []
    assert set(decided) == set(found)


def test_the_table_has_every_address_that_django_can_resolve() -> None:
    names = {str(pattern.name).removeprefix("batches_") for pattern, _model in _patterns()}
    known = {name.partition(":")[0] for _method, name in table()}
    assert names - known == {"view_on_site"}  # it leads to a row's own page, and no row here has one


OPEN = {"index", "search", "login", "logout", "password_change", "password_change_done", "jsi18n"}
LEAST_FIRST = ("nobody", "viewer", "editor", "submitter", "administrator", "superuser")


def test_the_table_lets_nobody_in_who_has_no_role_and_no_role_less_than_the_one_below_it() -> None:
    for (method, name), letters in table().items():
        cell = dict(zip(ROLES, letters, strict=True))
        if name not in OPEN:
            assert cell["anonymous"] in (LOGIN, REFUSED), (method, name)
            assert cell["nobody"] == REFUSED, (method, name)
        if name not in OPEN and not name.startswith("judging:"):
            assert cell["judge"] == REFUSED, (method, name)
        ordered = [_gravity(cell[role]) for role in LEAST_FIRST]
        assert ordered == sorted(ordered), (method, name)
        assert _gravity(cell["budget manager"]) == _gravity(cell["viewer"]), (method, name)


def test_in_the_table_no_get_writes_and_no_viewer_changes_anything() -> None:
    for (method, name), letters in table().items():
        cell = dict(zip(ROLES, letters, strict=True))
        assert method == "POST" or WRITES not in letters, name
        assert not {cell["nobody"], cell["viewer"], cell["budget manager"]} & {WRITES}, (method, name)
