"""Ranking, curves and verdict on runs whose potencies are made up, so that every answer is known."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from copper_tf.analysis.hypotheses.curves import ageing_curve, curve_fits, gap
from copper_tf.analysis.hypotheses.groups import Group
from copper_tf.analysis.hypotheses.ranking import floors, null_distribution, rank
from copper_tf.analysis.hypotheses.results import Difference, NullDistribution, RankedHypothesis
from copper_tf.analysis.hypotheses.verdict import (
    BRIGHTNESS,
    GAP,
    NOT_SUPPORTED,
    NOTHING,
    SUPPORTED,
    UNDECIDED,
    judge,
    law_sentence,
    time_text,
)
from copper_tf.config import ANCHORS, FIXED
from copper_tf.decay.estimation import curve_gap
from copper_tf.decay.hypotheses import hypothesis_values
from copper_tf.runs.labels import Labels

K, SHEETS, EACH = 16, 5, 2
TIMES = tuple(float(t) for t in range(K))
F = hypothesis_values("sqrt", TIMES)


def _pictures() -> dict[str, np.ndarray]:
    label = np.repeat(np.arange(K), SHEETS * EACH * 3)
    split = np.tile(np.repeat(["train", "validation", "test"], SHEETS * EACH), K)
    group = np.arange(label.size) // EACH
    return {"label": label, "split": split, "group": group, "file": np.arange(label.size).astype(str)}


PICTURES = _pictures()


def _group(name: str, local: bool = True, noise: float = 0.02, learn: str = FIXED, **ends: float) -> Group:
    """Runs of a local network, which gives b + (a - b) f whatever g, or of one that paints the g it is told."""
    draw, seeds = np.random.default_rng(sum(map(ord, name))), 3
    g = hypothesis_values(name, TIMES) if learn == FIXED else np.r_[1.0, np.full(K - 2, np.nan), 0.0]
    low, high = ends.get("low", 0.1), ends.get("high", 0.9)
    levels = low + (high - low) * F if local else g
    sheets = draw.normal(0, noise, PICTURES["group"].max() + 1)[PICTURES["group"]]
    potency = np.array([levels[PICTURES["label"]] + sheets + draw.normal(0, noise, sheets.size) for _ in range(seeds)])
    three = np.full(seeds, 0.1)
    paths = tuple(f"{name}{k}" for k in range(seeds))
    unknown = np.full((seeds, K), np.nan)
    return Group(name, learn, paths, np.tile(g, (seeds, 1)), potency, three, three, three, three, unknown)


def test_the_true_law_is_first_and_what_differs_is_sure() -> None:
    rows = rank([_group(n) for n in ("linear", "square", "sqrt", "logarithmic")], PICTURES)
    assert rows[0].name == "sqrt" and rows[-1].name == "square"
    assert rows[0].behind == Difference(0.0)
    square = rows[-1].behind
    assert square.interval is not None and square.interval[0] > 0
    assert square.p_holm is not None and square.p_holm < 0.02
    # 1 - r^2 of sqrt and logarithmic is .009: no error distinguishes them, however sure the difference is.
    assert "logarithmic" in rows[0].indistinguishable and "square" not in rows[0].indistinguishable
    assert rows[0].range[0] <= rows[0].nmse <= rows[0].range[1]


def test_the_floor_is_what_a_local_network_reaches() -> None:
    groups = [_group(n, noise=1e-6, low=0.0, high=1.0) for n in ("sqrt", "linear")]
    assert floors(groups)[1, 0] == pytest.approx(0.073, abs=0.001)
    # A network free to choose its ends reaches it exactly.
    f, g = F, groups[1].mean_g
    best = np.polyval(np.polyfit(f, g, 1), f)
    rows = rank([_group("linear", noise=1e-6, low=float(best[-1]), high=float(best[0]))], PICTURES)
    assert rows[0].nmse == pytest.approx(0.073, abs=0.001)


def test_too_few_sheets_give_no_interval_and_no_p() -> None:
    few = {**PICTURES, "group": PICTURES["group"] % 4}
    rows = rank([_group(n) for n in ("linear", "sqrt")], few)
    assert rows[0].interval is None and rows[1].behind.p is None
    assert rows[1].indistinguishable == ("sqrt",)


def test_curves_of_a_local_network_agree_and_those_of_a_painter_do_not() -> None:
    names = ("sqrt", "linear", "square")
    near, far = ([ageing_curve(_group(n, local), PICTURES, K) for n in names] for local in (True, False))
    assert gap(near) < 0.1 and gap(far) > 0.4
    for found in near:
        low, high = np.array(found.band).T
        assert np.mean((low <= F + 1e-9) & (high >= F - 1e-9)) > 0.8
    # A g that doesn't fall can't be re-anchored, and one curve has nothing to agree with.
    assert np.isnan(gap([near[0], ageing_curve(_group("sine"), PICTURES, K)]))


def test_what_borders_add_is_taken_away_before_curves_are_compared() -> None:
    """Two local networks, one of which lets borders add a hump to the middle labels: their estimates agree."""
    plain, swayed = _group("sqrt", noise=0.01), _group("linear", noise=0.01)
    hump = 0.2 * np.sin(np.pi * np.arange(K) / (K - 1))
    swayed = dataclasses.replace(
        swayed, potency=swayed.potency + 0.75 * hump[PICTURES["label"]], excess=np.tile(hump, (3, 1))
    )
    plain = dataclasses.replace(plain, excess=np.zeros((3, K)))
    found = [ageing_curve(group, PICTURES, K) for group in (plain, swayed)]
    assert curve_gap([c.curve for c in found]) > 0.15 and gap(found) < 0.05
    low, high = np.array(found[1].without_borders), np.array(found[1].curve)
    assert np.all(low[1:-1] < F[1:-1] + 0.02) and np.all(high[2:-2] > F[2:-2])
    assert found[1].excess == pytest.approx(hump.tolist())


def test_the_law_is_named_with_its_interval() -> None:
    found = curve_fits(ageing_curve(_group("sqrt"), PICTURES, K), TIMES, "number")
    assert found is not None and found.fits[0].family == "power"
    low, high = found.fits[0].intervals[0]
    assert low < 0.5 < high and high - low < 0.1
    text = law_sentence(found, "anchors", Labels(TIMES, "h"))
    assert text.startswith("f(t) = 1 - (t/15 h)^0.") and "(95 %), read off anchors" in text
    assert law_sentence(None, "anchors", Labels(TIMES, "h")).startswith("no law is named")
    far = dataclasses.replace(found, fits=(dataclasses.replace(found.fits[0], birge=5.0),))
    assert "5.0 times as far from the best family" in law_sentence(far, "anchors", Labels(TIMES, "h"))


def test_one_seed_that_learnt_nothing_does_not_bend_the_curve() -> None:
    group = _group("linear", noise=0.01)
    group.potency[1] = 0.5
    whole, rest = ageing_curve(group, PICTURES, K), ageing_curve(_group("sqrt", noise=0.01), PICTURES, K)
    assert gap([whole, rest]) < 0.06


def test_seeds_that_disagree_widen_the_law() -> None:
    close = curve_fits(ageing_curve(_group("sqrt"), PICTURES, K), TIMES, "number")
    group = _group("sqrt")
    for run, power in enumerate((0.35, 0.5, 0.65)):
        group.potency[run] += 0.8 * (1 - (PICTURES["label"] / (K - 1)) ** power) - 0.8 * F[PICTURES["label"]]
    apart = curve_fits(ageing_curve(group, PICTURES, K), TIMES, "number")
    assert close is not None and apart is not None
    wide, narrow = (float(np.diff(found.fits[0].intervals[0])[0]) for found in (apart, close))
    assert wide > 0.3 > 0.1 > narrow


def test_both_readings_of_uneven_times() -> None:
    times = (0.0, 1, 2, 4, 8, 16, 32)
    by_number, by_rank = (hypothesis_values("sqrt", times, time_scale) for time_scale in ("number", "rank"))
    np.testing.assert_allclose(by_rank, hypothesis_values("sqrt", range(7)))
    assert by_number[3] == pytest.approx(1 - (4 / 32) ** 0.5)
    assert time_text(Labels((2.0, 8.0), "min"), "number") == "((t - 2)/6 min)"
    assert time_text(Labels((0.1, 0.4), "h"), "number") == "((t - 0.1)/0.3 h)"
    assert time_text(Labels((1000001.0, 2000003.0), ""), "number") == "((t - 1000001)/1000002)"
    assert time_text(Labels(times, ""), "rank") == "(k/6)"


def test_a_curve_whose_ends_are_close_names_nothing() -> None:
    assert curve_fits(ageing_curve(_group("sqrt", low=0.4, high=0.55), PICTURES, K), TIMES, "number") is None


def test_anchors_count_as_falling_and_have_no_say_in_the_ranking() -> None:
    found = ageing_curve(_group("anchors", learn=ANCHORS), PICTURES, K)
    assert found.falls and np.isnan(found.g[1])


def _row(nmse: float, name: str = "sqrt") -> RankedHypothesis:
    return RankedHypothesis(name, (), (), True, nmse, (nmse, nmse), None, nmse, 0.9, Difference(0.0))


@pytest.mark.parametrize(
    ("nmse", "median", "apart", "qwk", "verdict", "kinds"),
    [
        (0.02, 0.95, 0.12, 0.1, SUPPORTED, []),
        (0.02, 0.95, 0.30, 0.1, NOT_SUPPORTED, [GAP]),
        (0.99, 1.01, 0.80, 0.1, NOT_SUPPORTED, [NOTHING]),
        (0.99, 1.01, float("nan"), 0.1, NOT_SUPPORTED, [NOTHING]),
        (0.02, 0.95, 0.12, 0.7, NOT_SUPPORTED, [BRIGHTNESS]),
        (0.02, None, 0.12, 0.1, UNDECIDED, []),
        (0.02, 0.95, float("nan"), 0.1, UNDECIDED, []),
    ],
)
def test_the_verdict_refuses_for_the_right_reason(
    nmse: float, median: float | None, apart: float, qwk: float, verdict: str, kinds: list[str]
) -> None:
    found = judge(
        [_row(nmse), _row(2 * nmse, "linear")],
        NullDistribution(() if median is None else (median,), median),
        apart,
        qwk,
    )
    assert found.verdict == verdict and found.kinds == tuple(kinds)
    assert bool(found.ranking) is (verdict == SUPPORTED) and bool(found.reasons) is (verdict != SUPPORTED)


def test_without_hypotheses_nothing_is_ranked() -> None:
    assert judge([], NullDistribution((), None), float("nan"), None).verdict == UNDECIDED
    assert judge([_row(0.02)], NullDistribution((0.9,), 0.9), 0.1, 0.1).verdict == UNDECIDED


def test_the_null_distribution_is_over_the_test_pictures() -> None:
    painter = _group("square", local=False)
    assert (null_distribution([painter], PICTURES).median or 1) < 0.05
    assert null_distribution([], PICTURES) == NullDistribution((), None)
