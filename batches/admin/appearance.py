"""The admin's looks: the style sheet, and what stands in the sidebar for whom."""

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

# title, icon, the model's list, the permission that shows it
GROUPS = (
    (
        gettext_lazy("Work"),
        (
            (gettext_lazy("Assessments"), "assignment", "batches_assessment", "batches.view_assessment"),
            (gettext_lazy("Essays"), "article", "batches_essay", "batches.view_essay"),
            (gettext_lazy("Rounds"), "shuffle", "batches_round", "batches.view_round"),
            (gettext_lazy("Comparisons"), "balance", "batches_comparison", "batches.view_comparison"),
            (gettext_lazy("Batch jobs"), "outbox", "batches_batchjob", "batches.view_batchjob"),
            (gettext_lazy("Scales"), "leaderboard", "batches_scale", "batches.view_scale"),
        ),
    ),
    (
        gettext_lazy("Set-up"),
        (
            (gettext_lazy("Projects"), "folder", "batches_project", "batches.view_project"),
            (gettext_lazy("Judges"), "gavel", "batches_judge", "batches.view_judge"),
            (gettext_lazy("Probes"), "labs", "batches_probe", "batches.view_probe"),
            (gettext_lazy("Provider accounts"), "key", "batches_provideraccount", "batches.view_provideraccount"),
            (gettext_lazy("API tokens"), "robot_2", "batches_apitoken", "batches.view_apitoken"),
        ),
    ),
    (
        gettext_lazy("Record"),
        (
            (gettext_lazy("Audit log"), "history", "batches_auditentry", "batches.view_auditentry"),
            (gettext_lazy("Erasures"), "delete_forever", "batches_erasure", "batches.view_erasure"),
            (gettext_lazy("Callbacks"), "campaign", "batches_callback", "batches.view_callback"),
            (gettext_lazy("People"), "group", "auth_user", "auth.view_user"),
            (gettext_lazy("Roles"), "badge", "auth_group", "auth.view_group"),
        ),
    ),
)


def icon(request: HttpRequest) -> str:
    return static("cj/icon.svg")


def stylesheet(request: HttpRequest) -> str:
    return static("cj/cj.css")


def zone_script(request: HttpRequest) -> str:
    return static("cj/zone.js")


def navigation(request: HttpRequest) -> list[dict[str, Any]]:
    """The sidebar: the front page, then the groups; what a person may not view is not there."""
    home = {"title": _("Front page"), "icon": "home", "link": reverse("admin:index")}
    judging = {
        "title": _("Judging"),
        "icon": "compare_arrows",
        "link": reverse("judging:mine"),
        "active": False,  # its pages have a frame of their own; unfold would find its name in other addresses
        "permission": _holder_of("batches.judge_comparison"),
    }
    return [
        {"items": [home, judging]},
        *({"title": title, "items": [_item(*item) for item in items]} for title, items in GROUPS),
    ]


def _item(title: Any, icon: str, model: str, permission: str) -> dict[str, Any]:
    return {
        "title": title,
        "icon": icon,
        "link": reverse(f"admin:{model}_changelist"),
        "permission": _holder_of(permission),
    }


def _holder_of(permission: str) -> Callable[[HttpRequest], bool]:
    return lambda request: request.user.has_perm(permission)
