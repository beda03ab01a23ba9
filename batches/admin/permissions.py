"""The app's own permissions -> the methods by which the admin asks for them."""

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest


def may(codename: str) -> Callable[..., bool]:
    """A `has_..._permission` method for a permission of this app."""

    def allowed(self: Any, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm(f"batches.{codename}")

    return allowed
