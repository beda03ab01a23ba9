"""Rounds of pairs: balance, freshness, bridging, determinism."""

from collections import Counter
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from batches.judging.history import History, components
from batches.judging.matching import pair_neighbours
from batches.judging.pairs import METHODS, Pair, plan_pairs, swap_repeats, winning_essay


def plan_rounds(n: int, rounds: int, **options) -> list[Pair]:
    earlier: list[Pair] = []
    for number in range(rounds):
        earlier += plan_pairs(range(n), earlier=earlier, seed=number, **options)
    return earlier


def meetings(pairs) -> Counter:
    return Counter(frozenset((pair.a, pair.b)) for pair in pairs)


def leads(pairs) -> Counter:
    counts = Counter(pair.a for pair in pairs)
    counts.subtract(Counter(pair.b for pair in pairs))
    return counts


@pytest.mark.parametrize("method", METHODS)
def test_a_round_shows_every_essay_once(method):
    scores = {essay: essay / 10 for essay in range(24)}
    pairs = plan_pairs(range(24), earlier=[], seed=1, method=method, scores=scores)
    assert sorted(essay for pair in pairs for essay in (pair.a, pair.b)) == list(range(24))


def test_of_an_odd_number_the_most_shown_essay_sits_out():
    earlier = [Pair(0, 1), Pair(1, 2), Pair(3, 4)]
    for seed in range(10):
        pairs = plan_pairs(range(5), earlier=earlier, seed=seed)
        assert {essay for pair in pairs for essay in (pair.a, pair.b)} == {0, 2, 3, 4}


def test_over_an_odd_number_of_rounds_everybody_is_shown_about_equally_often():
    pairs = plan_rounds(7, 7)
    shown = Counter(essay for pair in pairs for essay in (pair.a, pair.b))
    assert set(shown.values()) == {6}


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(("n", "rounds"), [(24, 11), (30, 10), (31, 10), (120, 10)])
def test_no_pair_meets_twice_while_fresh_ones_remain(method, n, rounds):
    scores = {essay: float(essay) for essay in range(n)}
    pairs = plan_rounds(n, rounds, method=method, scores=scores)
    assert set(meetings(pairs).values()) == {1}


def test_when_all_have_met_they_meet_again_the_other_way_round():
    pairs = plan_rounds(4, 3)
    again = plan_pairs(range(4), earlier=pairs, seed=9)
    assert len(again) == 2
    orders = {(pair.a, pair.b) for pair in pairs}
    swapped = leads(pairs + again)
    assert all((pair.b, pair.a) in orders or abs(swapped[pair.a]) <= 1 for pair in again)


@pytest.mark.parametrize("seed", range(20))
def test_a_round_repeats_no_more_pairs_than_it_must(seed):
    """Everybody but one disjoint set of couples has met: those couples are the only fresh round there is."""
    rng = Random(seed)
    essays = list(range(12))
    rng.shuffle(essays)
    fresh = {frozenset(essays[at : at + 2]) for at in range(0, 12, 2)}
    everything = [Pair(x, y) for x in range(12) for y in range(x) if frozenset((x, y)) not in fresh]
    pairs = plan_pairs(range(12), earlier=everything, seed=seed)
    assert set(meetings(pairs)) == fresh


def most_couples(essays: frozenset, fresh: set) -> int:
    """The size of the largest set of disjoint fresh couples, by trying them all."""
    if len(essays) < 2:
        return 0
    one, rest = min(essays), essays - {min(essays)}
    with_one = [1 + most_couples(rest - {other}, fresh) for other in rest if frozenset((one, other)) in fresh]
    return max([most_couples(rest, fresh), *with_one])


@pytest.mark.parametrize("seed", range(60))
def test_no_arrangement_would_have_had_more_fresh_pairs(seed):
    rng = Random(seed)
    couples = [frozenset((x, y)) for x in range(10) for y in range(x)]
    fresh = set(rng.sample(couples, rng.randint(8, 16)))
    met = [Pair(*couple) for couple in couples if couple not in fresh]
    planned = set(meetings(plan_pairs(range(10), earlier=met, seed=seed)))
    assert len(planned & fresh) == most_couples(frozenset(range(10)), fresh)


@pytest.mark.parametrize("seed", [14, 54, 68, 142, 174, 213, 216])
def test_fresh_pairs_in_odd_circles_are_used_to_the_full(seed):
    """Seeds for which a search that does not shrink odd circles finds too few couples."""
    rng = Random(seed)
    circles = [(0, 1, 2), (3, 4, 5, 6, 7), (8, 9, 10)]
    fresh = {frozenset(edge) for circle in circles for edge in zip(circle, circle[1:] + circle[:1], strict=True)}
    fresh |= {frozenset(rng.sample(range(12), 2)) for _ in range(rng.randint(2, 5))}
    met = [(x, y) for x in range(12) for y in range(x) if frozenset((x, y)) not in fresh]
    order = list(range(12))
    rng.shuffle(order)
    planned = {frozenset(couple) for couple in pair_neighbours(order, History.of(*zip(*met, strict=True)))}
    assert len(planned & fresh) == most_couples(frozenset(range(12)), fresh)


def test_two_triangles_of_fresh_pairs_force_exactly_one_repeat():
    triangles = [{0, 1, 2}, {3, 4, 5}]
    met = [Pair(x, y) for x in triangles[0] for y in triangles[1]]
    joined = plan_pairs(range(6), earlier=met, seed=3)
    assert sum(any({pair.a, pair.b} <= triangle for triangle in triangles) for pair in joined) == 2


@pytest.mark.parametrize("method", ["balanced", "adaptive"])
def test_every_essay_stands_first_about_half_of_the_time(method):
    scores = {essay: float(essay) for essay in range(60)}
    pairs = plan_rounds(60, 20, method=method, scores=scores, errors=dict.fromkeys(range(60), 3.0))
    assert max(abs(lead) for lead in leads(pairs).values()) <= 2


def test_separate_groups_are_joined_by_the_next_round():
    groups = [range(0, 6), range(6, 10), range(10, 16), range(16, 18)]
    earlier = [Pair(group[at], group[at + 1]) for group in groups for at in range(len(group) - 1)]
    scores = {essay: 10.0 * (essay // 6) for essay in range(18)}
    for method in ("balanced", "adaptive"):
        pairs = plan_pairs(range(18), earlier=earlier, seed=1, method=method, scores=scores)
        assert len(components(range(18), [(p.a, p.b) for p in earlier + pairs])) == 1


@pytest.mark.parametrize("n", [4, 24, 25, 120])
def test_two_rounds_connect_any_number_of_essays(n):
    pairs = plan_rounds(n, 2)
    played = {essay for pair in pairs for essay in (pair.a, pair.b)}
    assert len(components(played, [(pair.a, pair.b) for pair in pairs])) <= 1 + n % 2


def test_a_newcomer_is_joined_to_the_others():
    earlier = plan_rounds(20, 4)
    pairs = plan_pairs(range(24), earlier=earlier, seed=5, method="adaptive", scores=dict.fromkeys(range(20), 0.0))
    partners = {pair.b if pair.a >= 20 else pair.a for pair in pairs if pair.a >= 20 or pair.b >= 20}
    assert len(partners) == 4
    assert max(partners) < 20


def test_adaptive_pairs_are_near_on_the_scale_but_for_the_random_share():
    scores = {essay: essay / 50 for essay in range(500)}
    pairs = plan_pairs(range(500), earlier=plan_rounds(500, 2), seed=4, method="adaptive", scores=scores)
    gap = {kind: [abs(scores[p.a] - scores[p.b]) for p in pairs if p.random is kind] for kind in (True, False)}
    assert len(gap[True]) == 25
    assert max(gap[False]) < 0.2
    assert sum(gap[True]) / 25 > 2


def test_a_jitter_of_half_a_standard_error_widens_the_neighbourhood():
    scores = {essay: essay / 50 for essay in range(500)}
    pairs = plan_pairs(
        range(500), earlier=plan_rounds(500, 2), seed=4, method="adaptive", scores=scores,
        errors=dict.fromkeys(range(500), 1.0), random_share=0,
    )  # fmt: skip
    gaps = [abs(scores[pair.a] - scores[pair.b]) for pair in pairs]
    # the difference of two jittered neighbours has a spread of .5 * sqrt(2), its mean size is .56
    assert 0.45 < sum(gaps) / len(gaps) < 0.70


def test_without_scores_adaptive_draws_as_balanced():
    earlier = plan_rounds(30, 2)
    adaptive = plan_pairs(range(30), earlier=earlier, seed=6, method="adaptive", scores={}, errors={})
    assert adaptive == plan_pairs(range(30), earlier=earlier, seed=6, method="balanced")
    assert all(pair.random for pair in adaptive)


@pytest.mark.parametrize("method", METHODS)
def test_the_same_seed_gives_the_same_round_and_another_seed_another(method):
    scores = {essay: float(essay % 7) for essay in range(40)}
    options = {"earlier": plan_rounds(40, 3), "method": method, "scores": scores, "errors": dict.fromkeys(scores, 1.0)}
    first = plan_pairs(range(40), seed=1, **options)
    assert [(p.a, p.b) for p in first] == [(p.a, p.b) for p in plan_pairs(range(40), seed=1, **options)]
    assert meetings(first) != meetings(plan_pairs(range(40), seed=2, **options))


def test_essays_may_be_any_hashable():
    pairs = plan_pairs(["w", "x", ("y",), None], earlier=[Pair("w", "x")], seed=1)
    assert {pair.a for pair in pairs} | {pair.b for pair in pairs} == {"w", "x", ("y",), None}


@pytest.mark.parametrize(("n", "pairs"), [(0, 0), (1, 0), (2, 1), (3, 1)])
def test_the_smallest_assessments_pair_too(n, pairs):
    assert len(plan_pairs(range(n), earlier=[], seed=1, method="adaptive")) == pairs


@settings(deadline=None)
@given(st.data())
def test_a_round_is_whole_whatever_went_before(data):
    n = data.draw(st.integers(2, 14))
    essay = st.integers(0, n + 2)
    earlier = [Pair(x, y) for x, y in data.draw(st.lists(st.tuples(essay, essay), max_size=80)) if x != y]
    scores = data.draw(st.dictionaries(essay, st.floats(-9, 9) | st.just(float("nan")), max_size=n))
    method = data.draw(st.sampled_from(sorted(METHODS)))
    pairs = plan_pairs(range(n), earlier=earlier, seed=data.draw(st.integers()), scores=scores, method=method)
    shown = [essay for pair in pairs for essay in (pair.a, pair.b)]
    assert len(pairs) == n // 2
    assert len(set(shown)) == len(shown) == n - n % 2
    assert set(shown) <= set(range(n))


def test_swapped_repeats_are_a_share_of_the_pairs_in_the_other_order():
    pairs = plan_rounds(200, 1)
    swapped = swap_repeats(pairs, 0.10, seed=3)
    assert len(swapped) == 10
    assert set(swapped) <= {Pair(pair.b, pair.a) for pair in pairs}
    assert swapped == swap_repeats(pairs, 0.10, seed=3)
    assert swap_repeats(pairs, 0, seed=3) == []
    assert len(swap_repeats(pairs, 1, seed=3)) == 100


def test_small_rounds_keep_the_swap_share_on_average():
    pairs = plan_rounds(8, 1)
    assert 60 < sum(len(swap_repeats(pairs, 0.10, seed=seed)) for seed in range(200)) < 100


def test_the_winning_place_names_the_essay_that_stood_there():
    assert winning_essay(Pair(7, 3), "A") == 7
    assert winning_essay(Pair(7, 3), "B") == 3
    assert winning_essay(Pair(3, 7), "B") == 7
    with pytest.raises(ValueError):
        winning_essay(Pair(7, 3), "a")


def test_ten_thousand_essays_pair_in_well_under_a_second():
    from time import process_time

    earlier = plan_rounds(10_000, 2)
    scores = {essay: (essay * 7919 % 10_000) / 1000 for essay in range(10_000)}
    before = process_time()
    plan_pairs(range(10_000), earlier=earlier, seed=3, method="adaptive", scores=scores)
    assert process_time() - before < 0.5
