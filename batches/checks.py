"""Start-up -> sentences about what is set up wrongly."""

from collections.abc import Iterable
from typing import Any

from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.db import connections

from batches.conf import BadSetting, cj_settings


@register()
def settings_are_known(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """batches.E001: an unknown key or a bad value in cj_settings."""
    try:
        cj_settings.values  # noqa: B018  reading is checking
    except BadSetting as problem:
        return [Error(str(problem), hint="Correct the CJ_* variable or CJ_SETTINGS.", id="batches.E001")]
    return []


@register()
def callbacks_have_a_sink(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """batches.W001: a sink is named that this version cannot serve."""
    try:
        sink = cj_settings.callback_sink
    except BadSetting:
        return []
    if sink == "none":
        return []
    return [
        Warning(f"Callbacks are written to the outbox for {sink}, but nothing delivers them yet.", id="batches.W001")
    ]


UNSAFE = {
    "fsync": (
        "batches.E002",
        "A power cut could forget that a batch was sent, and it would be sent and paid for again.",
    ),
    "synchronous_commit": (
        "batches.E003",
        "A crash could forget that a batch was sent, and it would be paid for again.",
    ),
}


@register(Tags.database)
def the_database_keeps_what_it_commits(
    app_configs: Any = None, databases: Iterable[str] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """batches.E002, batches.E003: PostgreSQL is set up to forget commits in a crash."""
    problems: list[CheckMessage] = []
    for alias in databases or ():
        with connections[alias].cursor() as cursor:
            for setting, (number, why) in UNSAFE.items():
                cursor.execute("SELECT current_setting(%s)", [setting])
                if cursor.fetchone()[0] == "off":
                    problems.append(
                        Error(f"PostgreSQL runs with {setting}=off. {why}", hint=f"Set {setting}=on.", id=number)
                    )
    return problems


class UnsafeDatabase(Exception):
    """The database may forget what it has committed: nothing is sent from here."""


def refuse_unsafe_database() -> None:
    """Raise UnsafeDatabase where the checks above find an error: workers do not run system checks by themselves."""
    if problems := the_database_keeps_what_it_commits(databases=["default"]):
        raise UnsafeDatabase(" ".join(f"{problem.id}: {problem.msg} {problem.hint}" for problem in problems))
