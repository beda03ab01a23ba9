"""A computation -> the same computation on one core: same bits on every machine, and no waiting for one another.

BLAS divides sums among threads, so their number changes the last digits; and on small matrices its threads
spend their time spinning: with the cores busy a fit of 30 essays took 5 s on two threads and .3 s on one.
"""

from collections.abc import Callable
from functools import cache, wraps
from typing import Any

from threadpoolctl import ThreadpoolController  # type: ignore[import-untyped]


@cache
def _controller() -> ThreadpoolController:
    return ThreadpoolController()  # looks through the loaded libraries: once a process


def on_one_core[**P, R](function: Callable[P, R]) -> Callable[P, R]:
    @wraps(function)
    def alone(*args: P.args, **kwargs: P.kwargs) -> R:
        limits: Any = _controller().limit(limits=1, user_api="blas")
        with limits:
            return function(*args, **kwargs)

    return alone
