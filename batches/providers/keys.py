"""Text -> the same text without anything that has the shape of a key."""

import re

HIDDEN = "[key]"
_SHAPES = re.compile(
    r"""
      \bsk-[A-Za-z0-9_*.-]{6,}                                    # Anthropic's and OpenAI's keys, also half masked
    | \bwhsec_[A-Za-z0-9+/=_-]{6,}                                # webhook secrets
    | (?<=bearer[ ])[A-Za-z0-9._~+/=-]{6,}
    | (?<=://)[^\s/:@'"]*:[^\s/@'"]+(?=@)                         # user:password@ of an address
    """,
    re.VERBOSE | re.IGNORECASE,
)
_HEADERS = re.compile(
    r"""((?:x-api-key|api-key|proxy-authorization|authorization|webhook-signature|set-cookie|cookie)
         ['"]?\s*[:=,]\s*(?:b?['"])?)((?:bearer|basic|token)\s+)?[^\s'",)}\]]+""",
    re.VERBOSE | re.IGNORECASE,
)


def without_keys(text: str) -> str:
    """The text with keys, webhook secrets, passwords in addresses and values of telling headers hidden."""
    return _HEADERS.sub(rf"\1\2{HIDDEN}", _SHAPES.sub(HIDDEN, text))
