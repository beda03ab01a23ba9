"""Named places in the pipeline -> where `make chaos` lets a process die. Costs one comparison otherwise."""

from collections.abc import Callable

on_reached: Callable[[str], None] | None = None  # set by the chaos harness only, in its own processes


def crash_point(label: str) -> None:
    """A place where dying must do no harm."""
    if on_reached is not None:
        on_reached(label)
