"""Comparisons with a stored and with a derived status -> what collecting, asking and keeping them costs.

Run as `python -m bench.comparison_status --rows 1000000`. It needs nothing prepared: PostgreSQL is its own, in a
temporary folder. The decision that rests on it is docs/decisions/0001-comparison-status.md.
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench.scratch import scratch

REPEATS = 4  # jobs collected for each way and each size of chunk
ASKED = 3  # times each question is asked, after one that warms up
CHUNK = 500  # results in one transaction, as pipeline.collect writes them; the other size is a whole job


def arguments(given: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Stored against derived comparison status.")
    parser.add_argument("--rows", type=int, default=1_000_000, help="comparisons; 20,000 takes seconds")
    parser.add_argument("--json", type=Path, help="write the figures here too")
    asked = parser.parse_args(given)
    if asked.rows < 20_000 or asked.rows % 2000:
        parser.error("--rows is 20,000 or more, in whole assessments of 2,000.")
    return asked


def say(text: str) -> None:
    print(f"{time.perf_counter() - STARTED:6.1f} s  {text}", file=sys.stderr, flush=True)


def measure(rows: int) -> dict[str, Any]:
    """Fill, collect, ask, weigh. Imports wait until Django is set up."""
    from bench import comparison_status_collect as collect
    from bench import comparison_status_derived as derived
    from bench import comparison_status_queries as queries
    from bench import comparison_status_rows as stored
    from bench import comparison_status_sizes as sizes
    from bench.gauge import BackEnd, ask

    layout = stored.Layout(rows=rows, jobs=4 * REPEATS + 1)
    sizes.leave_nothing_to_chance()
    user = stored.parents(layout)
    say("filling the stored schema")
    stored.fill(layout)
    say("copying it to the derived schema")
    derived.make()
    weights = {"stored, before": sizes.weigh("public"), "derived, before": sizes.weigh("derived")}
    back_end = BackEnd()
    say("submitting")
    submitted = collect.submit_all(back_end, layout)
    sizes.analyse()
    chunks = (min(CHUNK, layout.job_size), layout.job_size)
    say("collecting")
    collected = collect.collect_all(back_end, layout, repeats=REPEATS, chunk_sizes=chunks)
    weights |= {"stored, after": sizes.weigh("public"), "derived, after": sizes.weigh("derived")}
    floor = collect.floor(back_end, layout)
    say("asking")
    asked = queries.ask_all(back_end, layout, user, times=ASKED)
    return {
        "rows": rows,
        "postgresql": ask("SHOW server_version"),
        "lived_through": len(layout.in_flight),
        "chunks": sorted(set(chunks)),
        "floor_us": floor,
        "submit_us": submitted,
        "collect_us": collected,
        "ask_ms": asked,
        "bytes": weights,
        "load": os.getloadavg(),
        "seconds": round(time.perf_counter() - STARTED, 1),
    }


def main(given: Sequence[str] | None = None) -> None:
    asked = arguments(given)
    with scratch():
        figures = measure(asked.rows)
    from bench.comparison_status_table import table

    figures["seconds"] = round(time.perf_counter() - STARTED, 1)
    print(table(figures))
    if asked.json:
        asked.json.write_text(json.dumps(figures, indent=1) + "\n")


STARTED = time.perf_counter()
if __name__ == "__main__":
    main()
