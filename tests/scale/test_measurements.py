"""The simulations of `make bench` in their smallest form: they run, and what they count is what they say."""

from bench import scale_coverage, scale_times, scale_truth
from bench.sessions import Session


def test_a_session_is_the_same_for_the_same_seed_and_grows_by_rounds() -> None:
    one, same, other = (Session(seed, 1.0, "default").judge_rounds(3) for seed in (1, 1, 2))
    assert one.rows == same.rows != other.rows
    assert one.decisions.appearances.tolist() == [3] * 40


def test_truth_is_measured_at_each_look() -> None:
    sd, found = scale_truth.look_at((3.0, 1), pairing="default", looks=(2, 5))
    assert sd == 3.0
    assert list(found) == [2, 5]
    assert 0 < found[2]["true r2"] < found[5]["true r2"] <= 1
    rows = {(3.0, look): [values, values] for look, values in found.items()}
    assert len(scale_truth.table(rows)) == 3
    words = scale_truth.verdicts({(1.0, 10): [found[5]], (0.0, 10): [found[2] | {"EB": 0.5}]})
    assert [word.split()[0] for word in words] == [
        *["kept" if gap else "BROKEN" for gap in _kept(found[5])],
        "kept",
        "BROKEN",
    ]


def _kept(values: dict[str, float]) -> list[bool]:
    gap = abs(values["EB"] - values["true r2"])
    return [gap <= 0.05, gap <= 0.10]


def test_coverage_is_a_share_for_each_interval() -> None:
    task, found = scale_coverage.cover((2.0, 6, 4), pairing="random")
    assert task == (2.0, 6, 4)
    assert 0.7 < found["logits"] <= 1
    assert 0.7 < found["differences"] <= 1
    assert found["position bias"] in (0.0, 1.0)
    [*_, last] = scale_coverage.report("random", {(2.0, 6): [found]})
    assert "position bias covered" in last


def test_the_slowest_of_a_few_runs_does_not_count() -> None:
    calls = []
    assert scale_times.seconds(lambda: calls.append(1), most=0.0) < 0.01
    assert len(calls) >= 1
    assert scale_times.decisions_of(50).appearances.tolist() == [20] * 50
