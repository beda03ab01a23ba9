"""Text and images -> a number of tokens, by a rule of our own that has nothing to do with the application's."""

import struct
from functools import lru_cache
from math import ceil

MESSAGE_OVERHEAD = 7  # what wrapping a turn costs
ANTHROPIC_IMAGE_PIXELS = 750  # pixels that make one token
IMAGE_MOST = 1_600
TILE = 512
TILE_TOKENS, IMAGE_BASE = 170, 85
UNSIZED_IMAGE = 1_200  # a JPEG's size stands too deep in the file to be worth reading


@lru_cache(maxsize=4_096)
def count_text(text: str) -> int:
    """About 1.3 tokens a word of English; longer words and other alphabets cost more."""
    if not text:
        return 0
    beyond_ascii = len(text.encode("utf-8", "surrogatepass")) - len(text)
    words = 1 + text.count(" ") + text.count("\n")
    return max(1, round(0.55 * words + 0.135 * len(text) + 0.3 * beyond_ascii))


def count_image(head: bytes, provider: str) -> int:
    """By the pixels, where the first bytes of the file tell them."""
    if not head.startswith(b"\x89PNG") or len(head) < 24:
        return UNSIZED_IMAGE
    width, height = struct.unpack(">II", head[16:24])
    if provider == "anthropic":
        return max(1, min(IMAGE_MOST, ceil(width * height / ANTHROPIC_IMAGE_PIXELS)))
    return IMAGE_BASE + TILE_TOKENS * min(8, ceil(width / TILE) * ceil(height / TILE))


def cut(text: str, tokens: int) -> str:
    """The beginning of a text that is worth at most this many tokens."""
    whole = count_text(text)
    return text if whole <= tokens else text[: len(text) * max(tokens, 0) // whole]
