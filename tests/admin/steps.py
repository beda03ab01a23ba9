"""The steps of a new assessment, walked by a client that needs no script."""

from typing import Any

from django.test import Client
from django.urls import reverse

JUDGING = (
    *("judges", "strategy", "budget", "target_reliability", "target_certain_grades"),
    *("people", "quota", "share", "pairs"),
)
HAIKU = "anthropic:claude-haiku-4-5-20251001"


def filled(project: Any, **changes: Any) -> dict[str, Any]:
    given = {"project": project.pk, "title": "Year 9 writing", "judges": [HAIKU], "budget": "7.50", "rubric": "Ideas."}
    return {key: value for key, value in (given | changes).items() if value is not None}


def to_the_check(client: Client, given: dict[str, Any]) -> Any:
    """Go up to the last step; the page of the first step that did not let us on."""
    judging = {key: value for key, value in given.items() if key in JUDGING}
    files = {key: given[key] for key in ("essays", "folder", "paths") if key in given}
    basics = {key: value for key, value in given.items() if key not in judging and key not in files}
    page = client.post(reverse("admin:batches_assessment_add"), basics, follow=True)
    for step, posted in (("essays", files), ("judging", judging)):
        if page.context.get("step") != step:
            return page
        page = client.post(page.request["PATH_INFO"], posted, follow=True)
    return page


def make(client: Client, given: dict[str, Any]) -> Any:
    """Go through all the steps; the assessment's page, or that of the step that did not let us on."""
    page = to_the_check(client, given)
    if page.context.get("step") != "check":
        return page
    return client.post(page.request["PATH_INFO"], follow=True)


def errors_of(page: Any) -> str:
    """Everything that a page finds fault with."""
    context = page.context
    form = context.get("form")
    found = [message for messages in (form.errors.values() if form else ()) for message in messages]
    found += [str(problem) for problem in context.get("problems") or ()]
    return " ".join([*map(str, found), *map(str, context.get("messages") or ())])
