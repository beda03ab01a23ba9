"""What every part of the harness found -> one table: promise, number, violations, seed."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from chaos.checker import Found


@dataclass(frozen=True, kw_only=True)
class Row:
    promise: str
    n: str
    violations: int
    seed: int
    seconds: float
    remarks: str = ""


def row(promise: str, n: object, found: "Found", seed: int, seconds: float, remarks: str = "") -> Row:
    violations = sum(found.violations.values())
    if violations:
        named = "; ".join(
            f"{name} x{count}: {found.examples.get(name, '')}" for name, count in found.violations.items()
        )
        remarks = f"{remarks} {named}".strip()
    return Row(promise=promise, n=str(n), violations=violations, seed=seed, seconds=seconds, remarks=remarks)


def markdown(rows: list[Row]) -> str:
    lines = ["| promise | n | violations | seed | seconds | remarks |", "|---|---|---|---|---|---|"]
    for one in rows:
        remarks = one.remarks.replace("|", "/")
        lines.append(f"| {one.promise} | {one.n} | {one.violations} | {one.seed} | {one.seconds:.0f} | {remarks} |")
    return "\n".join(lines)
