"""Calls of one caller -> a refusal once there are too many in one minute. Counted in Valkey, for all web processes."""

import logging
import time

from django.core.cache import cache
from redis.exceptions import RedisError

from batches.api.problems import Refusal
from batches.conf import cj_settings

log = logging.getLogger(__name__)
WINDOW = 60  # seconds


def count(caller: str, *, changes: bool) -> None:
    """Count this call; Refusal with Retry-After where it is one too many.

    Calls that change something are counted a second time, against a limit of their own. Without Valkey nobody is
    counted: a status that can be read is worth more than a limit that is kept.
    """
    limits = [("calls", cj_settings.api_calls_per_minute)]
    if changes:
        limits.append(("posts", cj_settings.api_posts_per_minute))
    window, into = divmod(time.time(), WINDOW)
    for kind, most in limits:
        if _counted(f"api-{kind}:{caller}:{window:.0f}") > most:
            wait = str(max(1, round(WINDOW - into)))
            raise Refusal(429, f"More than {most:,} {kind} in a minute: wait {wait} s.", Retry_After=wait)


def _counted(key: str) -> int:
    try:
        cache.add(key, 0, timeout=2 * WINDOW)
        return int(cache.incr(key))
    except (RedisError, ValueError) as problem:  # ValueError: the key went between the two
        log.warning("calls not counted problem=%s", problem)
        return 0
