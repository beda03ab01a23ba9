"""`make bench` -> every measurement in a process of its own, one table, one JSON document.

`--only NAME ...` runs some of them; `--scale .1` makes all sizes ten times smaller; `--short` is a look in passing,
for CI. Nothing fails because a figure is bad: the table says which targets are met. The studies behind decisions are
no part of it, because they take long: `--only NAME` alone runs one, and what follows its name goes to it.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from importlib import import_module
from pathlib import Path

import orjson

from bench.rows import Measure, Row, Sizes, document, read, table, write

# Each module has `measure(sizes) -> rows`, starts what it needs, and stops it again.
MEASUREMENTS = {
    "submit": "submit",
    "collect": "collect",
    "per-round": "per_round",
    "callbacks": "callbacks",
    "pages": "pages",
    "scale": "scale_times",
}
STUDIES = {
    "comparison-status": "comparison_status",
    "scale-truth": "scale_truth",
    "scale-coverage": "scale_coverage",
    "injection": "injection",
}
SHORT = 0.02


def main(arguments: Sequence[str]) -> None:
    if arguments[:1] == ["--only"] and arguments[1:2] and arguments[1] in STUDIES:
        return import_module(f"bench.{STUDIES[arguments[1]]}").main(arguments[2:])
    asked = _arguments(arguments)
    sizes = Sizes(scale=asked.scale * (SHORT if asked.short else 1), short=asked.short)
    if asked.rows:
        return write(list(_measure(asked.only[0])(sizes)), asked.rows)
    begun = time.perf_counter()
    rows, broken = _run(asked.only or list(MEASUREMENTS), asked)
    print(f"\n{table(rows)}")
    if asked.json:
        asked.json.write_bytes(orjson.dumps(document(rows, sizes, seconds=time.perf_counter() - begun)) + b"\n")
    if broken:
        sys.exit(f"Without a result: {', '.join(broken)}.")


def _arguments(given: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__, epilog=f"Studies: {', '.join(STUDIES)}.")
    parser.add_argument("--only", nargs="+", choices=list(MEASUREMENTS), metavar="NAME", help=", ".join(MEASUREMENTS))
    parser.add_argument("--scale", type=float, default=1.0, help="of all sizes; 1 is what the targets speak of")
    parser.add_argument("--short", action="store_true", help="a fiftieth of the sizes")
    parser.add_argument("--json", type=Path, help="write everything here too")
    parser.add_argument("--rows", type=Path, help=argparse.SUPPRESS)  # one measurement, in a process of its own
    return parser.parse_args(given)


def _measure(name: str) -> Measure:
    measure: Measure = import_module(f"bench.{MEASUREMENTS[name]}").measure
    return measure


def _run(names: Sequence[str], asked: argparse.Namespace) -> tuple[list[Row], list[str]]:
    """The rows of these measurements, and the names of those that broke down."""
    rows: list[Row] = []
    broken = []
    for name in names:
        begun = time.perf_counter()
        found = list(_in_a_process(name, asked))
        print(f"{name}: {time.perf_counter() - begun:.0f} s", file=sys.stderr, flush=True)
        rows += found
        broken += [] if found else [name]
    return rows, broken


def _in_a_process(name: str, asked: argparse.Namespace) -> Iterator[Row]:
    """Apart from the others, so that what one leaves in memory is not seen in the next."""
    with tempfile.NamedTemporaryFile(prefix="cjbench-", suffix=".json") as file:
        options = ["--only", name, "--scale", str(asked.scale), "--rows", file.name]
        command = [sys.executable, "-m", "bench", *options, *(["--short"] if asked.short else [])]
        if subprocess.run(command, check=False).returncode == 0:
            yield from read(Path(file.name))


if __name__ == "__main__":
    main(sys.argv[1:])
