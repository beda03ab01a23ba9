"""Ids become places in one list, whatever the ids are."""

from hypothesis import given
from hypothesis import strategies as st

from batches.judging.history import History
from batches.judging.matching import walk
from batches.judging.numbering import numbered

IDS = st.integers(-(2**40), 2**40)


@given(st.lists(IDS, unique=True, max_size=20), st.lists(st.tuples(IDS, IDS), max_size=30), st.booleans())
def test_every_id_stands_where_its_number_says(names, couples, as_text):
    columns = [[couple[side] for couple in couples] for side in (0, 1)]
    if as_text:
        names, columns = [str(name) for name in names], [[str(one) for one in column] for column in columns]
    every, numbers = numbered(names, columns)
    assert every[: len(names)] == names
    assert set(every) == {*names, *columns[0], *columns[1]}
    assert len(set(every)) == len(every)
    assert [[every[at] for at in column] for column in numbers] == columns


def walk_one_by_one(order, met):
    """Each essay takes the first that waits and that it has not met."""
    couples, waiting = [], []
    for essay in order:
        free = [other for other in waiting if frozenset((essay, other)) not in met]
        if free:
            waiting.remove(free[0])
            couples.append((free[0], essay))
        else:
            waiting.append(essay)
    return couples, waiting


@given(
    st.permutations(range(9)), st.sets(st.tuples(st.integers(0, 8), st.integers(0, 8)), max_size=36), st.integers(0, 9)
)
def test_asking_for_all_neighbours_at_once_walks_as_asking_one_by_one(order, met, n):
    met = [(one, other) for one, other in met if one != other]
    history = History.of([one for one, _ in met], [other for _, other in met], essays=9)
    assert walk(order[:n], history) == walk_one_by_one(order[:n], {frozenset(couple) for couple in met})
