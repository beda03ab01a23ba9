"""The callbacks' screen: what waits, what fails and why, and a button against patience."""

from datetime import timedelta

import pytest

from batches.models import Callback, Relay
from batches.pipeline import pace
from tests.admin import factories

pytestmark = pytest.mark.django_db
LIST = "/admin/batches/callback/"


@pytest.fixture
def three(project):
    """One delivered, one that was tried in vain, one that just waits."""
    work = factories.assessment(project, "Stories")
    rows = [factories.callback(one) for one in factories.cj_round(work).comparisons.order_by("pk")]
    late = pace.now() + timedelta(hours=1)
    Callback.objects.filter(pk=rows[0].pk).update(delivered_at=pace.now(), tries=1)
    Callback.objects.filter(pk=rows[1].pk).update(tries=3, last_error="answered 422", next_try_at=late)
    return rows


def test_the_list_says_how_far_behind_the_outside_is(visit, three):
    page = visit("administrator").get(LIST).content.decode()
    assert "2 waiting</strong>, 1 of them tried in vain" in page
    assert "Callbacks are off" in page
    assert "Nothing gets through" not in page
    Relay.objects.create(pk=1, failures=2, last_error="Connection refused", next_try_at=pace.now())
    assert (
        "Nothing gets through at the moment: <bdi>Connection refused"
        in visit("administrator").get(LIST).content.decode()
    )


@pytest.mark.parametrize(("state", "n"), [("waiting", 2), ("failing", 1), ("delivered", 1)])
def test_a_filter_for_each_state(visit, three, state, n):
    page = visit("administrator").get(LIST, {"delivery": state})
    assert page.context["cl"].result_count == n


def test_others_callbacks_are_neither_listed_nor_counted(visit, three):
    other = factories.whole_project("Elsewhere")
    assert other["callback"].delivered_at is None
    page = visit("administrator").get(LIST)
    assert page.context["behind"]["n"] == 2
    assert page.context["cl"].result_count == 3


def test_an_assessments_page_leads_to_its_callbacks_for_those_who_may_see_them(visit, three):
    address = f"/admin/batches/assessment/{three[0].assessment_id}/change/"
    assert "Its callbacks</a> (2 waiting)" in visit("administrator").get(address).content.decode()
    assert "callbacks" not in visit("viewer").get(address).content.decode()
    mine = visit("administrator").get(LIST, {"assessment__id__exact": three[0].assessment_id})
    assert mine.context["cl"].result_count == 3


def test_a_person_may_have_one_tried_at_once(visit, three):
    Relay.objects.create(pk=1, failures=2, next_try_at=pace.now() + timedelta(hours=1))
    done, failing, _ = three
    chosen = {"action": "try_now", "index": 0, "_selected_action": [failing.pk]}
    assert visit("administrator").post(LIST, chosen).status_code == 302
    failing.refresh_from_db()
    assert failing.next_try_at is None
    assert Relay.objects.get().next_try_at is None
    page = visit("administrator").post(LIST, chosen | {"_selected_action": [done.pk]}, follow=True)
    assert "delivered already" in page.content.decode()


def test_a_scales_callback_shows_what_it_tells_of(visit, project):
    work = factories.assessment(project, "Stories")
    scale = factories.scale(work)
    row = Callback.objects.create(assessment=work, scale=scale, key=work.slug, revision=1, payload={"scale": 1})
    name = f"Scale 1 of {work.slug}"
    assert name in visit("administrator").get(LIST).content.decode()
    assert name in visit("administrator").get(f"{LIST}{row.pk}/change/").content.decode()
