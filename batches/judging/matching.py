"""Essays in an order -> pairs of neighbours, with as few repeated pairs as one round can have."""

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

type Essay = Any  # hashable
type Couple = tuple[Essay, Essay]
type MayMeet = Callable[[Essay, Essay], bool]


class Meetings(Protocol):
    """Who has met whom before."""

    def may_meet(self, meetings: int) -> MayMeet:
        """Whether two essays have met so many times at most."""
        ...

    def all_met(self, ones: Sequence[Essay], others: Sequence[Essay]) -> NDArray[np.bool_]:
        """Of many couples at once, whether the two have met."""
        ...


def pair_neighbours(order: Sequence[Essay], history: Meetings, chosen: Iterable[Couple] = ()) -> list[Couple]:
    """Pair everybody in `order` with somebody near; `chosen` couples (not in `order`) are kept where possible.

    A couple meets again only where the fresh couples cannot be arranged to cover everybody, and then those who have
    met least often do. `order` must be even.
    """
    if len(order) % 2:
        raise ValueError("an odd number of essays cannot be paired")
    chosen, meetings = list(chosen), 0
    couples = _cover(walk(order, history), history.may_meet(0), chosen, order)
    while 2 * (len(couples) - len(chosen)) < len(order):
        meetings += 1
        waiting, may_meet = _unpaired(order, couples), history.may_meet(meetings)
        couples += _cover(_walk(waiting, may_meet), may_meet, [], waiting)
    return couples


def _unpaired(order: Sequence[Essay], couples: list[Couple]) -> list[Essay]:
    paired = {essay for couple in couples for essay in couple}
    return [essay for essay in order if essay not in paired]


type Walked = tuple[list[Couple], list[Essay]]  # the couples, and who is left without


def _cover(walked: Walked, may_meet: MayMeet, chosen: list[Couple], order: Sequence[Essay]) -> list[Couple]:
    """As many couples as can be had: after those along the order by exchanges, then by a full search."""
    couples, waiting = walked
    couples = chosen + couples
    if not waiting:
        return couples
    place = {essay: position for position, essay in enumerate(order)}
    waiting = _exchange_all(waiting, couples, may_meet, place)
    return _search_all(waiting, couples, may_meet) if waiting else couples


def walk(order: Sequence[Essay], history: Meetings) -> Walked:
    """Give each essay the first one still waiting that it has not met, along the order.

    Of each two neighbours it is asked at once whether they have met: as long as none have, nobody waits.
    """
    ones, others = order[::2], order[1::2]
    may_meet, at = history.may_meet(0), 0
    couples: list[Couple] = []
    for stop in [*np.flatnonzero(history.all_met(ones[: len(others)], others)).tolist(), len(others)]:
        if 2 * stop < at:  # passed while somebody was waiting
            continue
        couples += zip(ones[at // 2 : stop], others[at // 2 : stop], strict=True)
        found, waiting, at = _until_nobody_waits(order, 2 * stop, may_meet)
        couples += found
        if waiting:
            return couples, waiting
    return couples, []


def _walk(order: Sequence[Essay], may_meet: MayMeet) -> Walked:
    at = 0
    couples: list[Couple] = []
    waiting: list[Essay] = []
    while at < len(order) and not waiting:
        found, waiting, at = _until_nobody_waits(order, at, may_meet)
        couples += found
    return couples, waiting


def _until_nobody_waits(order: Sequence[Essay], at: int, may_meet: MayMeet) -> tuple[list[Couple], list[Essay], int]:
    """Couples from `at` on, who is left without at the end of the order, and where to go on."""
    couples: list[Couple] = []
    waiting: list[Essay] = []
    while at < len(order):
        essay, at = order[at], at + 1
        for position, other in enumerate(waiting):
            if may_meet(other, essay):
                couples.append((waiting.pop(position), essay))
                break
        else:
            waiting.append(essay)
        if not waiting:
            break
    return couples, waiting, at


def _exchange_all(
    waiting: list[Essay], couples: list[Couple], may_meet: MayMeet, place: dict[Essay, int]
) -> list[Essay]:
    """Break one couple to pair two who wait, the nearest couple first; those still waiting.

    Two essays with d earlier opponents each can always be placed while d < n/2, so the full search
    below is only ever reached when nearly everybody has met nearly everybody, which means few essays.
    """
    stuck: list[Essay] = []
    while len(waiting) > 1:
        x, y, *waiting = waiting
        near = sorted(range(len(couples)), key=lambda at: abs(place.get(couples[at][0], 0) - place.get(x, 0)))
        for at in near:
            p, q = couples[at]
            if may_meet(x, q) and may_meet(y, p):
                p, q = q, p
            elif not (may_meet(x, p) and may_meet(y, q)):
                continue
            couples[at] = (x, p)
            couples.append((y, q))
            break
        else:
            stuck += (x, y)
    return stuck + waiting


def _search_all(waiting: list[Essay], couples: list[Couple], may_meet: MayMeet) -> list[Couple]:
    mate = {x: y for couple in couples for x, y in (couple, couple[::-1])}
    nodes = [*mate, *waiting]
    for essay in waiting:
        if essay not in mate:
            _Search(essay, nodes, mate, may_meet).augment()
    place = {node: position for position, node in enumerate(nodes)}
    return [(x, y) for x, y in mate.items() if place[x] < place[y]]


class _Search:
    """One search for an augmenting path (Edmonds 1965): odd cycles are shrunk to their base as they appear."""

    def __init__(self, root: Essay, nodes: list[Essay], mate: dict[Essay, Essay], may_meet: MayMeet):
        self.root, self.nodes, self.mate, self.may_meet = root, nodes, mate, may_meet
        self.before: dict[Essay, Essay] = {}  # how an essay at odd distance from the root was reached
        self.base = {node: node for node in nodes}
        self.even = {root}
        self.queue = deque([root])

    def augment(self) -> bool:
        """Pair the root too, changing partners along the way; False if no arrangement does."""
        while self.queue:
            here = self.queue.popleft()
            for there in self.nodes:
                if self.base[here] == self.base[there] or self.mate.get(here) == there:
                    continue
                if self.may_meet(here, there) and self._reach(here, there):
                    return True
        return False

    def _reach(self, here: Essay, there: Essay) -> bool:
        if there in self.even:
            self._shrink(here, there)
        elif there not in self.before:
            self.before[there] = here
            if there not in self.mate:
                self._flip(there)
                return True
            self._make_even(self.mate[there])
        return False

    def _make_even(self, node: Essay) -> None:
        if node not in self.even:
            self.even.add(node)
            self.queue.append(node)

    def _flip(self, end: Essay | None) -> None:
        while end is not None:
            here = self.before[end]
            following = self.mate.get(here)
            self.mate[end], self.mate[here] = here, end
            end = following

    def _shrink(self, one: Essay, other: Essay) -> None:
        top = self._common_base(one, other)
        inside: set[Essay] = set()
        self._mark(one, other, top, inside)
        self._mark(other, one, top, inside)
        for node in self.nodes:
            if self.base[node] in inside:
                self.base[node] = top
                self._make_even(node)

    def _common_base(self, one: Essay, other: Essay) -> Essay:
        seen = set()
        node = self.base[one]
        while True:
            seen.add(node)
            if node == self.root or node not in self.mate:
                break
            node = self.base[self.before[self.mate[node]]]
        node = self.base[other]
        while node not in seen:
            node = self.base[self.before[self.mate[node]]]
        return node

    def _mark(self, node: Essay, child: Essay, top: Essay, inside: set[Essay]) -> None:
        while self.base[node] != top:
            partner = self.mate[node]
            inside |= {self.base[node], self.base[partner]}
            self.before[node] = child
            child = partner
            node = self.before[partner]
