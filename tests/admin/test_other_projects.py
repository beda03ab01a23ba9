"""A person of one project finds nothing of another, wherever they look and whatever they post."""

from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.test import Client, RequestFactory
from django.urls import reverse

from batches.models import Essay, Membership, Project
from tests.admin import factories
from tests.admin.snapshot import snapshot
from tests.admin.urls import addresses

THEIRS = "Zeppelin"  # stands in every name and text of the other project
pytestmark = pytest.mark.django_db
SHARED = {"provideraccount", "judge", "group"}  # by the whole installation
ALLOWED = {200, 302, 400, 403, 404, 405}


@pytest.fixture
def theirs() -> dict[str, Any]:
    rows = factories.whole_project(THEIRS)
    rows["user"] = factories.person(f"{THEIRS.lower()}-person", rows["project"], first_name=THEIRS)
    rows["membership"] = Membership.objects.get(user=rows["user"])
    return rows


@pytest.fixture(params=["everything", "superuser"])
def me(request: pytest.FixtureRequest) -> User:
    """Somebody with every permission, in a project of their own."""
    user = factories.person("me", factories.project("Mine"), role="everything")
    if request.param == "superuser":
        User.objects.filter(pk=user.pk).update(is_superuser=True)
    factories.whole_project("Other")  # so that counts of all projects differ from both
    return User.objects.get(pk=user.pk)


@pytest.fixture
def client(me: User, client: Client) -> Client:
    client.force_login(me)
    client.raise_request_exception = True
    return client


def ids_of(rows: dict[str, Any]) -> dict[str, int]:
    return {row._meta.model_name: row.pk for row in rows.values()}


def shows_nothing(response: Any) -> bool:
    if response.status_code not in ALLOWED:
        return False
    text = b"" if response.streaming else response.content
    return THEIRS.lower().encode() not in text.lower() and THEIRS not in response.get("Location", "")


def test_no_page_of_the_admin_shows_a_row_of_another_project(client: Client, theirs: dict[str, Any]) -> None:
    tried = list(addresses(ids_of(theirs)))
    leaks = [address.url for address in tried if not shows_nothing(client.get(address.url))]
    assert leaks == []
    assert {"batches_comparison_change", "batches_essay_delete", "batches_scale_history"} <= {a.name for a in tried}


def test_object_pages_with_a_guessed_id_lead_nowhere(client: Client, theirs: dict[str, Any]) -> None:
    for address in addresses(ids_of(theirs)):
        if address.of_a_row and address.model not in SHARED:
            for query in ("", "?edit=1", "?_popup=1"):
                response = client.get(address.url + query)
                assert response.status_code in {302, 403, 404}, address.url + query


def test_posting_to_any_address_with_a_guessed_id_changes_nothing(client: Client, theirs: dict[str, Any]) -> None:
    before = snapshot()
    for address in addresses(ids_of(theirs)):
        if not address.of_a_row:
            continue
        for posted in ({}, {"post": "yes"}, {"_save": "Save", "name": "taken", "title": "taken", "username": "taken"}):
            assert shows_nothing(client.post(address.url, posted)), (address.url, posted)
    assert snapshot() == before


@pytest.mark.parametrize(
    "model", [model for model in admin.site._registry if model._meta.model_name not in SHARED], ids=lambda m: m.__name__
)
def test_an_action_on_foreign_ids_changes_nothing(client: Client, theirs: dict[str, Any], model: Any) -> None:
    foreign = [str(row.pk) for row in theirs.values() if row._meta.model_name == model._meta.model_name]
    assert foreign, model
    before = snapshot()
    for action in [*(admin.site._registry[model].actions or ()), "delete_selected"]:
        try_in_every_way(client, model, action, foreign)
        assert snapshot() == before, action


def try_in_every_way(client: Client, model: Any, action: str, foreign: list[str]) -> None:
    """From the list, with a yes and with "all of them"; and from the page of each row."""
    name = model._meta.model_name
    lists = reverse(f"admin:{model._meta.app_label}_{name}_changelist")
    for across in ("0", "1"):
        posted = {"action": action, "_selected_action": foreign, "select_across": across, "index": "0", "post": "yes"}
        if across == "1":
            posted["_selected_action"] = foreign[:1]
        response = client.post(lists, posted | {"confirmed": "yes"} if across == "0" else posted, follow=True)
        assert shows_nothing(response)
    for pk in foreign:
        page = reverse(f"admin:{model._meta.app_label}_{name}_change", args=[pk])
        posted = {"CHANGE_FORM-action": action, "_selected_action": pk, "confirmed": "yes"}
        assert shows_nothing(client.post(page, posted, follow=True))


def listed(me: User, model: Any, term: str) -> list[Any]:
    """What the list shows of a search, without rendering it."""
    request = RequestFactory().get("/", {"q": term})
    request.user = me
    return list(admin.site._registry[model].get_changelist_instance(request).result_list)


def test_lists_filtered_or_searched_by_foreign_values_stay_empty(
    client: Client, me: User, theirs: dict[str, Any]
) -> None:
    comparison = theirs["comparison"]
    terms = [THEIRS, theirs["essay"].candidate, theirs["assessment"].slug, comparison.pk, theirs["project"].name]
    terms += [theirs["batchjob"].items.first().custom_id, theirs["user"].username, theirs["callback"].event_id]
    for model in admin.site._registry:
        address = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
        for term in terms:
            found = listed(me, model, term)
            assert THEIRS not in " ".join(str(row) for row in found), (address, term)
            assert model._meta.model_name in SHARED or found == [], (address, term)
        for path in ("project", "assessment", "round__assessment", "round", "judge"):
            foreign = theirs.get(path.rsplit("__", 1)[-1]) or theirs["comparison"].judge
            response = client.get(address, {f"{path}__id__exact": foreign.pk}, follow=True)
            assert shows_nothing(response), (address, path)


@pytest.mark.parametrize(
    ("model", "lookup", "of"),
    [
        ("judge", "assessments__id__exact", "assessment"),
        ("judge", "comparisons__id__exact", "comparison"),
        ("judge", "jobs__id__exact", "batchjob"),
        ("provideraccount", "jobs__id__exact", "batchjob"),
        ("provideraccount", "judges__assessments__id__exact", "assessment"),
        ("batchjob", "items__comparison__id__exact", "comparison"),
        ("essay", "text__startswith", "essay"),
    ],
)
def test_a_lookup_that_the_list_does_not_offer_is_refused(
    client: Client, theirs: dict[str, Any], model: str, lookup: str, of: str
) -> None:
    address = reverse(f"admin:batches_{model}_changelist")
    client.raise_request_exception = False
    assert client.get(address, {lookup: theirs[of].pk}).status_code == 400


def test_autocomplete_offers_nothing_of_another_project(client: Client, theirs: dict[str, Any]) -> None:
    for model in admin.site._registry:
        for field in model._meta.get_fields():
            if not field.is_relation or not field.concrete:  # the others are no choice of any form
                continue
            asked = {"app_label": model._meta.app_label, "model_name": model._meta.model_name, "field_name": field.name}
            for term in ("", THEIRS, theirs["essay"].candidate, theirs["assessment"].slug):
                assert shows_nothing(client.get(reverse("admin:autocomplete"), asked | {"term": term}))


def test_forms_do_not_take_a_row_of_another_project(client: Client, theirs: dict[str, Any]) -> None:
    before = snapshot()
    essay = {"assessment": theirs["assessment"].pk, "candidate": "mine", "text": "A text.", "_save": "Save"}
    assert client.post(reverse("admin:batches_essay_add"), essay).status_code == 200
    made = {"project": theirs["project"].pk, "title": "Mine"}
    assert shows_nothing(client.post(reverse("admin:batches_assessment_add"), made))
    assert snapshot() == before
    assert not Essay.objects.filter(candidate="mine").exists()


def test_the_front_page_counts_only_what_is_mine(client: Client, theirs: dict[str, Any]) -> None:
    context = client.get(reverse("admin:index")).context
    assert (context["in_flight"], context["waiting"], context["to_submit"], context["failed"]) == ("0", "0", "0", "0")
    assert (context["n_assessments"], context["n_jobs"], context["jobs"]) == (0, "0", [])
    assert context["money"]["spent"] == 0


def test_a_job_that_holds_comparisons_of_two_projects_shows_only_mine(
    client: Client, me: User, theirs: dict[str, Any]
) -> None:
    mine = factories.assessment(Project.objects.get(name="Mine"), "Mine alone")
    planned = theirs["planned"].comparisons.all()
    shared = factories.job([*factories.cj_round(mine, pairs=1, submitted=True).comparisons.all(), *planned])
    page = client.get(reverse("admin:batches_batchjob_change", args=[shared.pk]))
    assert shows_nothing(page)
    assert page.status_code == 200
    assert "0 of 1" in page.content.decode()
    assert len(page.context["items"]) == 1
    listed = client.get(reverse("admin:batches_batchjob_changelist"))
    assert [row.own_items for row in listed.context["cl"].result_list] == [1]


def test_a_job_that_others_share_cannot_be_cancelled_by_one_of_them(
    client: Client, me: User, theirs: dict[str, Any]
) -> None:
    mine = factories.assessment(Project.objects.get(name="Mine"), "Mine alone")
    planned = theirs["planned"].comparisons.all()
    shared = factories.job([*factories.cj_round(mine, pairs=1, submitted=True).comparisons.all(), *planned])
    page = reverse("admin:batches_batchjob_change", args=[shared.pk])
    posted = {"CHANGE_FORM-action": "cancel", "_selected_action": shared.pk, "confirmed": "yes"}
    response = client.post(page, posted, follow=True)
    shared.refresh_from_db()
    assert shared.cancel_asked_at is None
    assert "also holds comparisons of projects you are not in" in response.content.decode()
    assert shows_nothing(response)


def test_an_account_that_also_works_elsewhere_cannot_be_taken_over(client: Client, me: User) -> None:
    colleague = factories.person("colleague", Project.objects.get(name="Mine"), factories.project(THEIRS))
    assert client.get(reverse("admin:auth_user_change", args=[colleague.pk])).status_code == 200
    password = reverse("admin:auth_user_password_change", args=[colleague.pk])
    posted = {"password1": "something quite new 1", "password2": "something quite new 1", "usable_password": "true"}
    assert client.post(password, posted).status_code == 403
    colleague.refresh_from_db()
    assert colleague.check_password(factories.PASSWORD)
