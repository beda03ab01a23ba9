"""So many of so many -> a share with its interval."""

from dataclasses import dataclass

from batches.scale.proportion import wilson


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """So many of so many, with Wilson's interval of 95 %: honest for small numbers and near 0 and 1."""

    hits: int
    n: int

    @property
    def value(self) -> float | None:
        return self.hits / self.n if self.n else None

    @property
    def interval(self) -> tuple[float, float]:
        return wilson(self.hits, self.n) if self.n else (0.0, 1.0)

    def as_json(self) -> dict[str, object]:
        return {"value": self.value, "n": self.n, "low": self.interval[0], "high": self.interval[1]}
