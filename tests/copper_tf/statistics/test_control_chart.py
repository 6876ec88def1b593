"""Limits of control charts: the textbook's for long baselines, and the promised run length for short ones."""

from __future__ import annotations

import numpy as np
import pytest

from copper_tf.statistics.control_chart import EWMA, NOMINAL, SHEWHART, WEIGHT, average_run_length, ewma, limit_factor


def test_a_moving_average_weighs_the_newest_point() -> None:
    np.testing.assert_allclose(ewma(np.array([1.0, 0.0, 1.0]), 0.0, 0.5), [0.5, 0.25, 0.625])
    assert ewma(np.ones((3, 4)), np.ones(3)).tolist() == np.ones((3, 4)).tolist()


def test_limits_of_a_long_baseline_are_the_textbooks() -> None:
    assert limit_factor(SHEWHART, 5000) == pytest.approx(3.0, abs=0.01)
    # Montgomery's tables: 2.86 at a weight of 0.2 for 370.
    assert limit_factor(EWMA, 5000) == pytest.approx(2.86, abs=0.03)
    assert average_run_length(SHEWHART, 3.0, 5000, 1.0) == pytest.approx(43.9, rel=0.02)
    assert average_run_length(EWMA, 2.86, 5000, 1.0) == pytest.approx(9.8, rel=0.05)


def test_short_baselines_need_other_factors() -> None:
    factors = [limit_factor(SHEWHART, count) for count in (10, 20, 50)]
    assert factors == sorted(factors) and factors[-1] < 3


def test_run_lengths_are_those_of_simulated_charts() -> None:
    rng, count, studies = np.random.default_rng(0), 20, 3000
    base = rng.normal(size=(studies, count))
    centre, sd = base.mean(1), base.std(1, ddof=1)
    factor = limit_factor(EWMA, count)
    limit, length = factor * sd * np.sqrt(WEIGHT / (2 - WEIGHT)), np.zeros(studies)
    average, running = centre.copy(), np.ones(studies, bool)
    for step in range(1, 400):
        average = (1 - WEIGHT) * average + WEIGHT * rng.normal(1.5, 1, studies)
        out = running & (np.abs(average - centre) > limit)
        length[out], running = step, running & ~out
    assert not running.any()
    assert length.mean() == pytest.approx(average_run_length(EWMA, factor, count, 1.5), rel=0.05)
    assert average_run_length(EWMA, factor, count) == pytest.approx(NOMINAL, rel=0.02)
