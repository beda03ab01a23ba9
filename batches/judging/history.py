"""Earlier pairs -> what planning a round needs to know: who met whom, who stood first, what is still unconnected."""

from bisect import bisect_left, insort
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from .matching import Couple, Essay, MayMeet

WIDE = 2**32  # two essays' numbers in one: sorted and searched as a whole number


@dataclass(frozen=True, kw_only=True)
class History:
    """Counts over all earlier pairs of numbered essays, in the order read."""

    appearances: Sequence[int]  # per essay
    lead: Sequence[int]  # how much more often an essay was read first than second
    _one: NDArray[np.int64] = field(repr=False)
    _other: NDArray[np.int64] = field(repr=False)

    @classmethod
    def of(cls, firsts: ArrayLike, seconds: ArrayLike, *, essays: int = 0) -> "History":
        """Count among so many essays, or as many as the pairs name, in a handful of passes over arrays."""
        one, other = np.asarray(firsts, dtype=np.int64), np.asarray(seconds, dtype=np.int64)
        size = max(essays, int(one.max(initial=-1)) + 1, int(other.max(initial=-1)) + 1)
        first, second = np.bincount(one, minlength=size), np.bincount(other, minlength=size)
        lead, appearances = (first - second).tolist(), (first + second).tolist()
        return cls(appearances=appearances, lead=lead, _one=one, _other=other)

    @cached_property
    def _couples(self) -> NDArray[np.int64]:
        """Who has met, sorted, whichever stood first."""
        return np.sort(_code(self._one, self._other))

    @cached_property
    def _listed(self) -> list[int]:
        return self._couples.tolist()

    @cached_property
    def _read(self) -> Counter[int]:
        """How often each couple was read in that order; a round seldom needs it."""
        return Counter((self._one * WIDE + self._other).tolist())

    def connects(self, essays: int) -> bool:
        """Whether a chain of couples leads from each of the first so many essays to each other one."""
        size = len(self.lead)
        graph = coo_array((np.ones(len(self._one)), (self._one, self._other)), shape=(size, size))
        _, label = connected_components(graph, directed=False)
        return bool((label[:essays] == label[0]).all()) if essays else True

    def met(self, one: int, other: int) -> bool:
        code = min(one, other) * WIDE + max(one, other)
        at = bisect_left(self._listed, code)
        return at < len(self._listed) and self._listed[at] == code

    def all_met(self, ones: Sequence[int], others: Sequence[int]) -> NDArray[np.bool_]:
        """The same of many couples at once."""
        asked = _code(np.array(ones, dtype=np.int64), np.array(others, dtype=np.int64))
        if not len(self._couples):
            return np.zeros(len(asked), dtype=bool)
        return self._couples[np.minimum(np.searchsorted(self._couples, asked), len(self._couples) - 1)] == asked

    def may_meet(self, meetings: int) -> MayMeet:
        """Whether two essays have met so many times at most."""
        if meetings == 0:
            return lambda x, y: not self.met(x, y)
        return lambda x, y: self._read[x * WIDE + y] + self._read[y * WIDE + x] <= meetings

    def leads(self, one: int, other: int) -> int:
        """How much more often the first of a couple stood first than the second, when the two met."""
        return self._read[one * WIDE + other] - self._read[other * WIDE + one]


def _code(one: NDArray[np.int64], other: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.minimum(one, other) * WIDE + np.maximum(one, other)


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
    if not joined:
        return [[essay] for essay in islice(root, asked)]
    found: dict[Essay, list[Essay]] = {}
    for essay in islice(root, asked):
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
    ranked = sorted(groups, key=lambda group: (-len(group), min(map(key.__getitem__, group))))
    free: list[tuple[float, int, Essay]] = []  # the number breaks ties between keys: essays need not be sortable
    couples: list[Couple] = []
    for number, group in enumerate(ranked):
        if not free and len(group) == 1:  # single essays from here on, by key: each pair is the nearest there is
            single = [essay for (essay,) in ranked[number:]]
            return couples + list(zip(single[::2], single[1::2], strict=False))
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
