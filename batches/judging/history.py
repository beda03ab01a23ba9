"""Earlier pairs -> what planning a round needs to know: who met whom, who stood first, what is still unconnected."""

from bisect import bisect_left, insort
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from functools import cached_property

from .matching import Couple, Essay, MayMeet


@dataclass(frozen=True, kw_only=True)
class History:
    """Counts over all earlier pairs, in the order read."""

    pairs: Set[Couple]  # (first, second)
    first: Counter[Essay]
    second: Counter[Essay]
    _read: tuple[Sequence[Essay], Sequence[Essay]] = field(repr=False)

    @classmethod
    def of(cls, firsts: Sequence[Essay], seconds: Sequence[Essay]) -> "History":
        """Count in one call each: a hundred thousand earlier pairs take tens of milliseconds."""
        pairs = set(zip(firsts, seconds, strict=True))
        return cls(pairs=pairs, first=Counter(firsts), second=Counter(seconds), _read=(firsts, seconds))

    @cached_property
    def met(self) -> Counter[Couple]:
        """How often each couple was read in that order; a round seldom needs it."""
        return Counter(zip(*self._read, strict=True))

    def may_meet(self, meetings: int) -> MayMeet:
        """Whether two essays have met so many times at most."""
        if meetings == 0:
            pairs = self.pairs
            return lambda x, y: (x, y) not in pairs and (y, x) not in pairs
        return lambda x, y: self.met[x, y] + self.met[y, x] <= meetings

    def leads(self, one: Essay, other: Essay) -> int:
        """How much more often the first of a couple stood first than the second, when the two met."""
        return 0 if self.may_meet(0)(one, other) else self.met[one, other] - self.met[other, one]

    def appearances(self, essay: Essay) -> int:
        return self.first[essay] + self.second[essay]

    def lead(self, essay: Essay) -> int:
        """How much more often an essay was read first than second."""
        return self.first[essay] - self.second[essay]


def components(essays: Iterable[Essay], couples: Iterable[Couple]) -> list[list[Essay]]:
    """Group `essays` by whether a chain of couples connects them; stops reading once all are one group."""
    root = {essay: essay for essay in essays}
    asked = len(root)
    joined = 0
    for one, other in couples:
        if joined == len(root) - 1:
            break
        for essay in (one, other):
            if essay not in root:
                root[essay] = essay
        while (above := root[one]) != one:  # as in _find, without a call
            root[one] = one = root[above]
        while (above := root[other]) != other:
            root[other] = other = root[above]
        if one != other:
            root[one] = other
            joined += 1
    found: dict[Essay, list[Essay]] = {}
    for essay in list(root)[:asked]:
        found.setdefault(_find(root, essay), []).append(essay)
    return list(found.values())


def _find(root: dict[Essay, Essay], essay: Essay) -> Essay:
    while root[essay] != essay:
        root[essay] = root[root[essay]]
        essay = root[essay]
    return essay


def bridges(groups: Sequence[Sequence[Essay]], key: Mapping[Essay, float]) -> list[Couple]:
    """Couples that join as many groups as one round can, each between essays near to one another by `key`.

    Largest groups first: a group of two or more brings the chain as many free essays as it uses up,
    so any number of groups without singletons becomes one.
    """
    ranked = sorted(groups, key=lambda group: (-len(group), min(key[essay] for essay in group)))
    free: list[tuple[float, int, Essay]] = []  # the number breaks ties between keys: essays need not be sortable
    couples: list[Couple] = []
    for number, group in enumerate(ranked):
        members = list(group)
        if free:
            at, newcomer = _closest(free, members, key)
            couples.append((free.pop(at)[2], newcomer))
            members.remove(newcomer)
        for essay in members:
            insort(free, (key[essay], number, essay), key=lambda entry: entry[:2])
    return couples


def _closest(
    free: Sequence[tuple[float, int, Essay]], members: Sequence[Essay], key: Mapping[Essay, float]
) -> tuple[int, Essay]:
    options = [(_nearest(free, key[essay]), essay) for essay in members]
    return min(options, key=lambda option: abs(free[option[0]][0] - key[option[1]]))


def _nearest(free: Sequence[tuple[float, int, Essay]], key: float) -> int:
    above = bisect_left(free, key, key=lambda entry: entry[0])
    beside = [at for at in (above - 1, above) if 0 <= at < len(free)]
    return min(beside, key=lambda at: abs(free[at][0] - key))
