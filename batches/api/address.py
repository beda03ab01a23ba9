"""What the operations of every resource share: who may call them, and how they answer."""

from typing import Any

from batches.api.callers import Session, Token


def needs(permission: str, **extra: Any) -> dict[str, Any]:
    """Arguments of an operation that this permission opens; the document names it as x-permission."""
    return {"auth": [Token(permission), Session(permission)], "openapi_extra": {"x-permission": permission, **extra}}
