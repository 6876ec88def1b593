"""The ageing curve estimated from label means, and the update that leads g there."""

from __future__ import annotations

import numpy as np
import pytest

from copper_tf.decay import estimation as estimate
from copper_tf.decay.hypotheses import hypothesis_values

TIMES = tuple(range(16))
F = hypothesis_values("sqrt", TIMES)


@pytest.mark.parametrize("start", ["linear", "square", "exponential"])
def test_the_update_arrives_at_the_truth_whatever_the_scale(start: str) -> None:
    """Means of a local network, b + (a - b) f, lead any start to f, up to the floor that keeps g falling."""
    g = hypothesis_values(start, TIMES)
    for _ in range(8):
        g = estimate.update(g, 0.15 + 0.6 * F)
    assert np.abs(g - F).max() < 0.02
    # The fixed point itself: a share of FLOOR is linear, the rest is f.
    np.testing.assert_allclose(
        estimate.falling(0.15 + 0.6 * F), estimate.FLOOR * (1 - np.array(TIMES) / 15) + (1 - estimate.FLOOR) * F
    )


def test_borders_are_taken_away_where_they_are_known() -> None:
    means, excess = np.array([0.9, 0.5, 0.1]), np.array([0.0, 0.08, 0.04])
    np.testing.assert_allclose(estimate.without_borders(means, excess), [0.9, 0.44, 0.07])
    np.testing.assert_allclose(estimate.without_borders(means, excess, 1.0), [0.9, 0.42, 0.06])
    np.testing.assert_array_equal(estimate.without_borders(means, np.array([0.0, np.nan, 0.04])), means)
    # The likely share lies in the middle between none and the most.
    assert estimate.MOST == 2 * estimate.LIKELY


def test_one_update_goes_seven_tenths_of_the_way() -> None:
    g = hypothesis_values("linear", TIMES)
    target = estimate.falling(F)
    np.testing.assert_allclose(estimate.update(g, F), 0.3 * g + 0.7 * target)


def test_ends_that_are_too_close_leave_g_alone() -> None:
    g = hypothesis_values("linear", TIMES)
    for means in (0.5 + 0.19 * F, 0.5 - 0.4 * F, np.full(16, 0.5)):
        np.testing.assert_array_equal(estimate.update(g, means), g)
    assert np.abs(estimate.update(g, 0.5 + 0.21 * F) - g).max() > 0.1


@pytest.mark.parametrize("labels", [2, 3, 16, 40])
def test_whatever_the_means_g_falls_and_keeps_its_variance(labels: int) -> None:
    draw = np.random.default_rng(labels)
    for _ in range(200):
        means = draw.random(labels)
        means[[0, -1]] = draw.uniform(0.6, 1), draw.uniform(0, 0.4)
        g = estimate.falling(means)
        assert g[0] == 1 and g[-1] == 0
        assert np.diff(g).max() <= -estimate.FLOOR / (labels - 1) + 1e-12
        # All but the two ends would lie at 1/2: g can't collapse to a constant that any grey mask satisfies.
        assert np.var(g) >= 1 / (2 * labels) - 1e-12


def test_the_gap_is_the_widest_over_t() -> None:
    assert estimate.curve_gap([[1, 0.6, 0], [1, 0.5, 0], [1, 0.9, 0]]) == pytest.approx(0.4)
    assert estimate.curve_gap([[1, np.nan, 0], [1, 0.5, 0.1]]) == pytest.approx(0.1)
    assert np.isnan(estimate.curve_gap([[np.nan] * 3, [1, 0.5, 0]]))
