"""Start-up -> sentences about what is set up wrongly."""

from collections.abc import Iterable
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import CheckMessage, Error, Info, Tags, Warning, register
from django.db import connections

from batches.conf import BadSetting, cj_settings, sink_in_force
from batches.sinks import signature

LOOPBACK = ("localhost", "127.0.0.1", "::1")


@register()
def settings_are_known(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """batches.E001: an unknown key or a bad value in cj_settings."""
    try:
        cj_settings.values  # noqa: B018  reading is checking
    except BadSetting as problem:
        return [Error(str(problem), hint="Correct the CJ_* variable or CJ_SETTINGS.", id="batches.E001")]
    return []


@register()
def callbacks_have_an_address(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """batches.I001: callbacks are off. batches.W001: they are meant to be on. batches.E004: the webhook cannot be."""
    try:
        wanted, in_force = cj_settings.callback_sink, sink_in_force()
    except BadSetting:
        return []
    if wanted == "none":
        hint = "To have them, set CJ_CALLBACK_SINK to kafka or webhook, and its address: docs/callbacks.md."
        return [Info("Callbacks are off, and none are written down.", hint=hint, id="batches.I001")]
    if in_force == "none":
        hint = {
            "kafka": "Set KAFKA_BOOTSTRAP_SERVERS, such as broker.example.org:9092.",
            "webhook": "Set CJ_WEBHOOK_URL and CJ_WEBHOOK_SECRET.",
        }[wanted]
        return [Warning(f"Callbacks are off: {wanted} has no address.", hint=hint, id="batches.W001")]
    return _unusable_webhook() if wanted == "webhook" else []


def _unusable_webhook() -> list[CheckMessage]:
    """batches.E004."""
    problems = []
    url = urlsplit(settings.WEBHOOK_URL)
    if url.scheme not in ("https", "http") or not url.hostname:
        problems.append("CJ_WEBHOOK_URL is an address that begins with https://")
    elif url.scheme == "http" and url.hostname not in LOOPBACK:
        problems.append("CJ_WEBHOOK_URL is http:// for this machine only: use https://")
    try:
        signature.keys(settings.WEBHOOK_SECRET)
    except ValueError as problem:
        problems.append(f"CJ_WEBHOOK_SECRET: {problem}")
    hint = "Correct it: callbacks cannot leave like this."
    return [Error(f"{problem}.", hint=hint, id="batches.E004") for problem in problems]


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
