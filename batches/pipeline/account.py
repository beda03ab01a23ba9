"""Provider accounts -> open providers; faults of an account -> pauses that a person or time ends."""

import logging
import os
from datetime import timedelta
from functools import lru_cache

from django.conf import settings
from django.db import transaction
from django.db.models import F, QuerySet
from django.db.models.functions import Least
from django.utils.translation import gettext as _

from batches.conf import cj_settings
from batches.models import AuditEntry, Judge, ProviderAccount
from batches.models.fields import DatabaseClock
from batches.models.project import Person
from batches.pipeline import pace
from batches.pipeline.refused import Refused
from batches.providers.base import Endpoint, NotConfigured, Provider, ProviderError
from batches.providers.choose import open_provider

log = logging.getLogger(__name__)
KEY_VARIABLE = {"anthropic": "ANTHROPIC_API_KEY", "openai": "OPENAI_API_KEY"}
URL_VARIABLE = {"anthropic": "ANTHROPIC_BASE_URL", "openai": "OPENAI_BASE_URL"}
LOCAL_PATH = {"anthropic": "/anthropic", "openai": "/openai/v1"}
# Failures that say something of the account or its provider, not of one request: the next ones would fail as well.
PROVIDER_DOWN = frozenset(
    {"rate_limited", "overloaded", "server_error", "timeout"}
    | {"never_connected", "connection_lost", "unreadable_answer"}
)


def account_for(provider: str) -> ProviderAccount:
    """The account that judges of this provider use here: the local one where the local provider is switched on."""
    local = settings.LOCAL_PROVIDER
    account, _ = ProviderAccount.objects.get_or_create(
        alias=f"{provider}-local" if local else provider, defaults={"provider": provider, "is_local": local}
    )
    return account


def endpoint(account: ProviderAccount) -> Endpoint:
    """Where and with which key this account is spoken to; Refused where there is neither key nor local provider."""
    if account.is_local:
        return Endpoint(
            base_url=_local_url() + LOCAL_PATH[account.provider], api_key="local", timeout=cj_settings.call_timeout
        )
    if settings.LOCAL_PROVIDER:
        raise Refused(
            _(
                "CJ_LOCAL_PROVIDER=1 is set, so nothing is sent to the real account %(alias)s: unset it, or "
                "choose a judge on the local provider."
            )
            % {"alias": account.alias}
        )
    key = os.environ.get(KEY_VARIABLE[account.provider], "")
    if not key:
        raise Refused(
            _(
                "There is no %(key_variable)s in the environment: export your key and start again, or set "
                "CJ_LOCAL_PROVIDER=1 to try things out on the local provider."
            )
            % {"key_variable": KEY_VARIABLE[account.provider]}
        )
    base_url = os.environ.get(URL_VARIABLE[account.provider], "")
    return Endpoint(base_url=base_url, api_key=key, timeout=cj_settings.call_timeout)


def _local_url() -> str:
    if not settings.LOCAL_PROVIDER:
        raise Refused(
            _(
                "This judge is on the local provider: set CJ_LOCAL_PROVIDER=1 and start it with `manage.py up`, "
                "or choose a judge on a real account."
            )
        )
    if settings.LOCAL_PROVIDER_URL:
        return str(settings.LOCAL_PROVIDER_URL)
    try:
        return settings.LOCAL_PROVIDER_URL_FILE.read_text().strip()
    except FileNotFoundError:
        raise Refused(_("The local provider is not running: start it with `manage.py up`.")) from None


def provider_of(account: ProviderAccount) -> Provider:
    """The provider of this account, ready to speak."""
    try:
        return _open(account.provider, endpoint(account))
    except NotConfigured as problem:
        raise Refused(str(problem)) from None


_open = lru_cache(maxsize=8)(open_provider)  # a client loads its certificates anew each time: tens of milliseconds


def check_open(judge: Judge) -> None:
    """Refuse to spend on an account that has no key, is paused, or is local where only real is wanted."""
    endpoint(judge.own_account)
    if judge.own_account.paused_at:
        raise Refused(
            _("The account %(alias)s is paused (%(paused_reason)s): put it right, then resume it on its page.")
            % {"alias": judge.own_account.alias, "paused_reason": judge.own_account.paused_reason}
        )


def open_accounts() -> QuerySet[ProviderAccount]:
    """Accounts that may be spoken to now."""
    here = ProviderAccount.objects.filter(paused_at__isnull=True, is_local=settings.LOCAL_PROVIDER)
    return here.exclude(blocked_until__gt=DatabaseClock())


def is_open(account: ProviderAccount) -> bool:
    """Whether the account may be spent on now."""
    return open_accounts().filter(pk=account.pk).exists()


def note_failure(account: ProviderAccount, error: ProviderError) -> None:
    """Pause an account whose key or credit is at fault, with one alert; let a provider that is down come back."""
    me = ProviderAccount.objects.filter(pk=account.pk)
    text = str(error)[:500]
    if error.account_fault:
        with transaction.atomic():
            if me.filter(paused_at__isnull=True).update(paused_at=DatabaseClock(), paused_reason=text, last_error=text):
                AuditEntry.record("pause", account, actor=None, project=None, reason=text)
                log.error("account paused account=%s reason=%s", account.alias, error.code)
    elif error.code in PROVIDER_DOWN:
        _back_off(me, error, text)
    else:
        me.update(last_error=text)


def _back_off(me: QuerySet[ProviderAccount], error: ProviderError, text: str) -> None:
    """Send nothing for a while, longer with each failure in a row; then one success closes the circuit again."""
    failures = me.values_list("failures", flat=True).get()
    wait = error.retry_after or min(pace.LONGEST_PAUSE, pace.FIRST_PAUSE * 2 ** min(failures, 10))
    me.update(
        failures=Least(F("failures") + 1, 1000),
        blocked_until=DatabaseClock() + timedelta(seconds=wait),
        last_error=text,
    )


def note_success(account: ProviderAccount) -> None:
    """The account answers: forget its failures."""
    ProviderAccount.objects.filter(pk=account.pk, failures__gt=0).update(failures=0, blocked_until=None, last_error="")


def resume(accounts: QuerySet[ProviderAccount], *, actor: Person | None) -> int:
    """Take up paused accounts again; the number that were paused or blocked."""
    resumed = 0
    for account in accounts:
        changed = ProviderAccount.objects.filter(pk=account.pk).exclude(paused_at=None, blocked_until=None)
        if changed.update(paused_at=None, paused_reason="", blocked_until=None, failures=0, last_error=""):
            AuditEntry.record("resume", account, actor=actor, project=None)
            resumed += 1
    return resumed
