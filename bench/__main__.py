"""`make bench ARGS="--only NAME ..."` -> one measurement; without --only all of them, one after the other.

Everything after the name goes to that measurement: `--only scale-truth --help` lists what it takes. Most have a size
that is smaller than what the promises are about, so that a look does not take an hour.
"""

import sys
from collections.abc import Callable, Sequence
from importlib import import_module

MEASUREMENTS = {
    "comparison-status": "comparison_status",
    "callbacks": "callbacks",
    "scale-truth": "scale_truth",
    "scale-coverage": "scale_coverage",
    "scale-times": "scale_times",
}


def measurement(name: str) -> Callable[[Sequence[str]], None]:
    return import_module(f"bench.{MEASUREMENTS[name]}").main


def main(arguments: Sequence[str]) -> None:
    if arguments[:1] == ["--only"]:
        if len(arguments) < 2 or arguments[1] not in MEASUREMENTS:
            sys.exit(f"--only takes one of: {', '.join(MEASUREMENTS)}")
        return measurement(arguments[1])(arguments[2:])
    if arguments:
        sys.exit(f"{arguments[0]}: say which measurement takes it, --only with one of {', '.join(MEASUREMENTS)}")
    for name in MEASUREMENTS:
        print(f"\n{name}", flush=True)
        measurement(name)([])


if __name__ == "__main__":
    main(sys.argv[1:])
