"""Failed logins -> a door that stays closed for a while. Counted in the database, for all web processes together."""

import hashlib
from datetime import timedelta
from typing import Any

from django.contrib.auth.signals import user_login_failed
from django.core.exceptions import PermissionDenied
from django.dispatch import receiver
from django.http import HttpRequest
from django.utils import timezone

from batches.models import FailedLogin

WITHIN = timedelta(minutes=15)
KEPT = timedelta(days=1)
MOST_PAIR, MOST_NAME, MOST_ADDRESS = 5, 30, 100  # failures of a name from one address, of a name, from an address


def _sha256(username: str) -> str:
    return hashlib.sha256(username.casefold().encode("utf-8", "replace")).hexdigest()


def _address(request: HttpRequest | None) -> str:
    return str(request.META.get("REMOTE_ADDR") or "")[:45] if request else ""


def is_closed(request: HttpRequest | None, username: str) -> bool:
    """Whether this name, or this address, has failed too often just now."""
    recent = FailedLogin.objects.filter(at__gt=timezone.now() - WITHIN)
    name, address = recent.filter(username_sha256=_sha256(username)), _address(request)
    if name.count() >= MOST_NAME or name.filter(address=address).count() >= MOST_PAIR:
        return True
    return recent.filter(address=address).count() >= MOST_ADDRESS


class Throttle:
    """The first of the authentication backends: while the door is closed, no other is asked. It knows no users."""

    def authenticate(self, request: HttpRequest | None, username: str | None = None, **credentials: Any) -> None:
        if username and is_closed(request, username):
            raise PermissionDenied


@receiver(user_login_failed, dispatch_uid="throttling")
def count(sender: Any, credentials: dict[str, Any], request: HttpRequest | None = None, **kwargs: Any) -> None:
    FailedLogin.objects.filter(at__lt=timezone.now() - KEPT).delete()
    FailedLogin.objects.create(
        username_sha256=_sha256(str(credentials.get("username") or "")), address=_address(request)
    )
