"""The feature judge by itself: what it prefers, how sure it is, how noisy."""

from collections import Counter
from statistics import mean

import pytest

from cjadmin.local.provider import tokens
from cjadmin.local.provider.draws import draw
from cjadmin.local.provider.feature_judge import Verdict, judge
from cjadmin.local.provider.features import measure
from cjadmin.local.provider.prompt_reading import PairRead, read_text
from cjadmin.local.provider.settings import Settings
from tests.local_provider.asking import GOOD, POOR


def _judged(a: str, b: str, model: str = "m", **settings: float) -> Verdict:
    return judge(PairRead(tag="", a=read_text(a), b=read_text(b)), model, Settings(**settings))


def _texts(n: int) -> list[str]:
    return [f"{GOOD} {number}" for number in range(n)]


def test_care_range_and_development_raise_the_quality() -> None:
    assert measure(GOOD).quality > measure(POOR).quality + 1
    assert measure(f"{GOOD} i dont no becuase they was there .").quality < measure(GOOD).quality
    assert measure("").quality < measure("A short answer.").quality < measure(GOOD).quality


@pytest.mark.parametrize(
    ("text", "slip"),
    [
        ("Then i went home.", "lower-case i"),
        ("They dont care.", "missing apostrophe"),
        ("It ended. then it began.", "no capital after a full stop"),
        ("We saw the the house.", "doubled word"),
        ("She have a dog.", "verb form"),
        ("There are many student here.", "number"),
        ("It is better then before.", "wrong homophone"),
        ("I came becuase of you.", "misspelling"),
        ("It was a apple.", "a for an"),
    ],
)
def test_a_slip_is_found(text: str, slip: str) -> None:
    assert measure(text).commonest_slip == slip


def test_clean_prose_has_no_slips() -> None:
    assert measure(GOOD).slips == 0.0


def test_equal_essays_fall_to_place_a_slightly_more_often() -> None:
    pairs = [(a, b) for a in _texts(40) for b in _texts(40) if a != b]
    share = mean(_judged(a, b, noise=0.0).winner == "A" for a, b in pairs)
    assert 0.52 < share < 0.58  # 0.55 is logistic of 0.2
    assert 0.46 < mean(_judged(a, b, noise=0.0, position_bias=0.0).winner == "A" for a, b in pairs) < 0.54


def test_models_and_seeds_disagree_sometimes() -> None:
    texts = _texts(30)
    by_one = [_judged(a, b, "one").winner for a in texts for b in texts]
    by_two = [_judged(a, b, "two").winner for a in texts for b in texts]
    assert by_one == [_judged(a, b, "one").winner for a in texts for b in texts]
    assert 0.3 < mean(one == two for one, two in zip(by_one, by_two, strict=True)) < 0.8


def test_confidence_follows_the_difference() -> None:
    assert _judged(GOOD, POOR).confidence == 5
    assert mean(_judged(a, b).confidence for a in _texts(10) for b in _texts(10)) < 2.5


def test_justifications_vary_in_length_and_name_the_winner() -> None:
    verdicts = [_judged(f"{GOOD} {n}", f"{POOR} {n}") for n in range(60)]
    lengths = Counter(tokens.count_text(verdict.justification) for verdict in verdicts)
    assert len(lengths) >= 5
    assert max(lengths) > 2 * min(lengths)
    assert all(f"ssay {verdict.winner}" in verdict.justification for verdict in verdicts)


def test_tokens_are_about_four_for_three_words() -> None:
    assert 1.15 < tokens.count_text(GOOD) / len(GOOD.split()) < 1.6
    assert tokens.count_text("") == 0
    assert tokens.count_text("学校で学ぶことは大切です") > tokens.count_text("x" * 12)
    assert tokens.cut(GOOD, 10_000) == GOOD
    assert tokens.count_text(tokens.cut(GOOD, 20)) <= 22


def test_draws_are_even_and_repeatable() -> None:
    drawn = [draw("x", n) for n in range(2_000)]
    assert drawn == [draw("x", n) for n in range(2_000)]
    assert 0.47 < mean(drawn) < 0.53
