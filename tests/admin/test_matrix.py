"""Every role and every button: who is offered it, and that the others are refused where its work begins."""

from typing import Any

import pytest
from django.contrib import admin
from django.contrib.admin import ActionLocation
from django.contrib.auth.models import Group, User
from django.core.exceptions import PermissionDenied
from django.test import RequestFactory

from batches.models import Project
from tests.admin import factories
from tests.admin.snapshot import snapshot
from tests.admin.test_actions import every_button

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("provider_env", "empty_queues")]
ROLES = ("nobody", "judge", "viewer", "editor", "submitter", "budget manager", "administrator", "superuser")


@pytest.fixture
def rows() -> dict[str, Any]:
    """A project with a row of every kind."""
    return factories.whole_project("Northfield")


def user_of(role: str, of: Project) -> User:
    group = "" if role == "nobody" else "everything" if role == "superuser" else role
    user = factories.person(role, of, role=group)
    User.objects.filter(pk=user.pk).update(is_superuser=role == "superuser")
    return User.objects.get(pk=user.pk)


SPENDERS = {"submitter", "administrator", "superuser"}
EDITORS = SPENDERS | {"editor"}
ADMINISTRATORS = {"administrator", "superuser"}
# Whoever adds a button decides here who is offered it.
WHO_MAY = {
    "assessment.plan": EDITORS,
    "assessment.submit": SPENDERS,
    "assessment.retry": SPENDERS,
    "assessment.force": SPENDERS,
    "assessment.score": EDITORS,
    "assessment.budget": ADMINISTRATORS | {"budget manager"},
    "assessment.call_back": EDITORS,
    "assessment.purge": ADMINISTRATORS,
    "round.submit": SPENDERS,
    "round.release": EDITORS,
    "round.ask_again": EDITORS,
    "comparison.retry": SPENDERS,
    "essay.judge_again": EDITORS,
    "essay.harmless": EDITORS,
    "essay.put_back": EDITORS,
    "essay.withdraw": ADMINISTRATORS,
    "batchjob.poll": SPENDERS,
    "batchjob.cancel": SPENDERS,
    "batchjob.look_again": SPENDERS,
    "batchjob.adopt": SPENDERS,
    "batchjob.never_arrived": SPENDERS,
    "scale.publish": SPENDERS,
    "scale.set_grades": SPENDERS,
    "provideraccount.resume": ADMINISTRATORS,
    "apitoken.revoke": ADMINISTRATORS,
    "callback.try_now": ADMINISTRATORS,
}


def named(model: Any, action: str) -> str:
    return f"{model._meta.model_name}.{action}"


def test_every_button_was_decided_on() -> None:
    assert {named(model, action) for model, action in every_button()} == set(WHO_MAY)


@pytest.mark.parametrize("role", ROLES)
def test_a_role_is_offered_its_buttons_and_refused_the_others_where_the_work_begins(
    role: str, rows: dict[str, Any]
) -> None:
    request = RequestFactory().post("/")
    request.user = user_of(role, rows["project"])
    before = snapshot()
    for model, action in every_button():
        screen = admin.site._registry[model]
        offered = screen.get_actions(request, action_location=ActionLocation.CHANGE_FORM)
        assert (action in offered) == (role in WHO_MAY[named(model, action)]), named(model, action)
        if action not in offered:
            with pytest.raises(PermissionDenied):
                getattr(type(screen), action)(screen, request, model._default_manager.all())
    assert snapshot() == before


@pytest.mark.parametrize("role", ["viewer", "editor", "submitter", "administrator"])
def test_a_budget_manager_may_change_budgets_and_what_a_viewer_may(role: str) -> None:
    def held(name: str) -> set[str]:
        return set(Group.objects.get(name=name).permissions.values_list("codename", flat=True))

    assert held("budget manager") == held("viewer") | {"change_budget"}
    assert ("change_budget" in held(role)) == (role == "administrator")
    assert held("judge") == {"judge_comparison"}
