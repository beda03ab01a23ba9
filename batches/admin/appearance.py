"""The admin's looks: the style sheet, and what stands in the sidebar for whom."""

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import reverse

# title, icon, the model's list, the permission that shows it
GROUPS = (
    (
        "Work",
        (
            ("Assessments", "assignment", "batches_assessment", "batches.view_assessment"),
            ("Essays", "article", "batches_essay", "batches.view_essay"),
            ("Rounds", "shuffle", "batches_round", "batches.view_round"),
            ("Comparisons", "balance", "batches_comparison", "batches.view_comparison"),
            ("Batch jobs", "outbox", "batches_batchjob", "batches.view_batchjob"),
            ("Scales", "leaderboard", "batches_scale", "batches.view_scale"),
        ),
    ),
    (
        "Set-up",
        (
            ("Projects", "folder", "batches_project", "batches.view_project"),
            ("Judges", "gavel", "batches_judge", "batches.view_judge"),
            ("Provider accounts", "key", "batches_provideraccount", "batches.view_provideraccount"),
            ("API tokens", "robot_2", "batches_apitoken", "batches.view_apitoken"),
        ),
    ),
    (
        "Record",
        (
            ("Audit log", "history", "batches_auditentry", "batches.view_auditentry"),
            ("Erasures", "delete_forever", "batches_erasure", "batches.view_erasure"),
            ("Callbacks", "campaign", "batches_callback", "batches.view_callback"),
            ("People", "group", "auth_user", "auth.view_user"),
            ("Roles", "badge", "auth_group", "auth.view_group"),
        ),
    ),
)


def stylesheet(request: HttpRequest) -> str:
    return static("cj/cj.css")


def zone_script(request: HttpRequest) -> str:
    return static("cj/zone.js")


def navigation(request: HttpRequest) -> list[dict[str, Any]]:
    """The sidebar: the front page, then the groups; what a person may not view is not there."""
    home = {"title": "Front page", "icon": "home", "link": reverse("admin:index")}
    return [
        {"items": [home]},
        *({"title": title, "items": [_item(*item) for item in items]} for title, items in GROUPS),
    ]


def _item(title: str, icon: str, model: str, permission: str) -> dict[str, Any]:
    return {
        "title": title,
        "icon": icon,
        "link": reverse(f"admin:{model}_changelist"),
        "permission": _holder_of(permission),
    }


def _holder_of(permission: str) -> Callable[[HttpRequest], bool]:
    return lambda request: request.user.has_perm(permission)
