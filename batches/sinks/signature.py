"""A body and a secret -> the headers of Standard Webhooks (https://www.standardwebhooks.com, specification 1.0.0)."""

import base64
import hashlib
import hmac

PREFIX = "whsec_"
SHORTEST, LONGEST = 24, 64  # bytes of a secret, as the specification recommends them


def keys(secrets: str) -> list[bytes]:
    """The keys in one secret, or in several with spaces between; ValueError in a sentence where one cannot be used."""
    found = [_key(secret) for secret in secrets.split()]
    if not found:
        raise ValueError("a webhook secret is missing")
    return found


def _key(secret: str) -> bytes:
    try:
        key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except ValueError:
        key = b""
    if not secret.startswith(PREFIX) or not SHORTEST <= len(key) <= LONGEST:
        raise ValueError(f"a webhook secret is {PREFIX} and {SHORTEST} to {LONGEST} random bytes in base64")
    return key


def headers(keys: list[bytes], *, event_id: str, timestamp: int, body: bytes) -> dict[str, str]:
    """The three headers. With several keys the receiver may know any one of them."""
    signed = f"{event_id}.{timestamp}.".encode() + body
    signatures = (base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode() for key in keys)
    return {
        "webhook-id": event_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(f"v1,{signature}" for signature in signatures),
    }
