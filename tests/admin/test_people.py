"""Projects, their members, people and roles."""

import re

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client
from django.urls import reverse

from batches.models import AuditEntry, Membership, Project
from tests.admin import factories
from tests.admin.conftest import Visit

pytestmark = pytest.mark.django_db
FORMS = {"memberships-TOTAL_FORMS": "1", "memberships-INITIAL_FORMS": "0"}


def members(project: Project) -> set[str]:
    return set(project.people.values_list("username", flat=True))


def change(client: Client, project: Project, *, add: str = "", remove: tuple[str, ...] = ()) -> str:
    """Save the project's form with members added or removed; the errors on it."""
    there = list(project.memberships.order_by("user__username"))
    posted = {"name": project.name, "_save": "Save", "memberships-INITIAL_FORMS": len(there)}
    posted["memberships-TOTAL_FORMS"] = len(there) + 1
    for i, member in enumerate(there):
        posted |= {f"memberships-{i}-id": member.pk, f"memberships-{i}-project": project.pk}
        if member.user.username in remove:
            posted[f"memberships-{i}-DELETE"] = "on"
    posted |= {f"memberships-{len(there)}-username": add, f"memberships-{len(there)}-project": project.pk}
    response = client.post(reverse("admin:batches_project_change", args=[project.pk]), posted)
    return " ".join(str(error) for error in response.context["errors"]) if response.status_code == 200 else ""


def test_whoever_makes_a_project_belongs_to_it(visit: Visit) -> None:
    visit("administrator").post(reverse("admin:batches_project_add"), FORMS | {"name": "New", "_save": "Save"})
    assert members(Project.objects.get(name="New")) == {"administrator"}
    assert AuditEntry.objects.filter(act="create", target_name="New").exists()


def test_members_are_named_by_their_user_name_and_put_on_record(visit: Visit, project: Project) -> None:
    client = visit("administrator")
    factories.person("ada")
    assert change(client, project, add="ada") == ""
    assert members(project) == {"administrator", "ada"}
    assert change(client, project, remove=("ada",)) == ""
    assert members(project) == {"administrator"}
    assert list(AuditEntry.objects.order_by("pk").values_list("act", flat=True)) == [
        *("change", "add member", "change", "remove member")
    ]


def test_a_member_who_does_not_exist_or_is_there_already_is_refused(visit: Visit, project: Project) -> None:
    client = visit("administrator")
    assert "Nobody here has the user name nobody" in change(client, project, add="nobody")
    assert "is in this project already" in change(client, project, add="administrator")
    assert members(project) == {"administrator"}


def test_a_project_keeps_at_least_one_member(visit: Visit, project: Project) -> None:
    client = visit("administrator")
    assert "needs at least one member" in change(client, project, remove=("administrator",))
    assert members(project) == {"administrator"}


def test_a_new_person_can_log_in_and_is_given_a_role(visit: Visit) -> None:
    client = visit("administrator")
    password = {"password1": "a long enough passphrase", "password2": "a long enough passphrase"}
    client.post(reverse("admin:auth_user_add"), password | {"username": "ada", "usable_password": "true"})
    ada = User.objects.get(username="ada")
    assert ada.is_staff
    role = Group.objects.get(name="editor")
    posted = {"username": "ada", "is_active": "on", "is_staff": "on", "groups": [role.pk], "_save": "Save"}
    client.post(reverse("admin:auth_user_change", args=[ada.pk]), posted)
    assert list(ada.groups.all()) == [role]
    assert Client().login(username="ada", password="a long enough passphrase")


def test_nobody_gives_away_more_than_they_hold(visit: Visit, project: Project) -> None:
    client = visit("administrator")
    ada = factories.person("ada", project)
    above = Group.objects.create(name="above")
    above.permissions.add(*factories.Permission.objects.filter(codename="delete_group"))
    posted = {"username": "ada", "is_active": "on", "is_staff": "on", "is_superuser": "on", "groups": [above.pk]}
    client.post(reverse("admin:auth_user_change", args=[ada.pk]), posted | {"_save": "Save"})
    ada.refresh_from_db()
    assert not ada.is_superuser
    assert not ada.groups.exists()


def test_a_superuser_cannot_be_changed_by_an_administrator(visit: Visit, project: Project) -> None:
    root = factories.person("root", project, is_superuser=True)
    client = visit("administrator")
    password = reverse("admin:auth_user_password_change", args=[root.pk])
    assert client.post(password, {"password1": "x" * 12, "password2": "x" * 12}).status_code == 403
    assert client.post(reverse("admin:auth_user_change", args=[root.pk]), {"username": "mine"}).status_code == 403
    root.refresh_from_db()
    assert root.username == "root"


def test_nobody_is_deleted(client: Client, project: Project) -> None:
    client.force_login(factories.person("root", project, is_superuser=True))
    ada = factories.person("ada", project)
    assert client.post(reverse("admin:auth_user_delete", args=[ada.pk]), {"post": "yes"}).status_code == 403
    assert Membership.objects.filter(user=ada).exists()


def test_the_queue_pages_of_all_projects_are_not_on_the_site(client: Client, project: Project) -> None:
    client.force_login(factories.person("root", project, is_superuser=True))
    assert client.get("/admin/django_rq/dashboard/").status_code == 404


@pytest.mark.parametrize(("name", "words"), [("user", "People"), ("group", "Roles")])
def test_above_their_pages_people_and_roles_are_called_what_the_navigation_calls_them(
    visit: Visit, name: str, words: str
) -> None:
    page = visit("administrator").get(reverse(f"admin:auth_{name}_changelist")).content.decode()
    path = re.sub(r"<[^>]*>", " ", page.partition("<h1")[2].partition(">")[2].partition("</h1>")[0]).split()
    assert " ".join(path).lower().endswith(f"people and roles chevron_right {words.lower()}")
    assert f"<title>{words}" in " ".join(page.split()).replace("> ", ">")
    assert "Authentication and Authorization" not in page
