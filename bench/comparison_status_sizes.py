"""Tables of either schema -> their bytes, told apart by what they are for."""

from bench.gauge import ask, run

TABLES = {
    "comparison": ("batches_comparison", "live_item", "setback"),
    "item": ("batches_batchitem", "item_outcome"),
    "judgement": ("batches_judgement",),
}


def leave_nothing_to_chance() -> None:
    """No checkpoint and no autovacuum in the middle of a measurement: both are asked for where they are due."""
    for setting in ("autovacuum = off", "max_wal_size = '16GB'", "checkpoint_timeout = '1h'"):
        run(f"ALTER SYSTEM SET {setting}")
    run("SELECT pg_reload_conf()")
    run("SET maintenance_work_mem = '256MB'")


def analyse() -> None:
    """What autovacuum would soon do after so many changes. Without it the planner takes IN_FLIGHT for a rare value,
    and one chunk's UPDATE reads every comparison in flight: three times the cost with 200,000 of them."""
    for schema in ("public", "derived"):
        run(f"ANALYZE {', '.join(f'{schema}.{name}' for name in ('batches_comparison', 'batches_batchitem'))}")
    run("ANALYZE derived.live_item")


def weigh(schema: str) -> dict[str, dict[str, int]]:
    """Bytes of table and indexes, by what the tables are for."""
    return {noun: _weigh([f"{schema}.{name}" for name in names]) for noun, names in TABLES.items()}


def _weigh(names: list[str]) -> dict[str, int]:
    there = [name for name in names if ask("SELECT to_regclass(%s) IS NOT NULL", [name])]
    return {
        "table": sum(int(ask("SELECT pg_table_size(%s::regclass)", [name])) for name in there),
        "indexes": sum(int(ask("SELECT pg_indexes_size(%s::regclass)", [name])) for name in there),
    }
