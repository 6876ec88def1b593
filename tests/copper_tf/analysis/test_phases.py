"""Evidence inside areas: the same at every t on a surface of two phases, fading with t where it changes by degrees."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import ndimage

from copper_tf.analysis.trust.phases import evidence, phase_drift
from copper_tf.analysis.trust.verdict import TESTS

TEST = next(test for test in TESTS if test.name == "phase_drift")
F = np.linspace(0.9, 0.1, 6)


def _maps(two_phases: bool, noise: float, seed: int, gain: float = 4.0) -> tuple[np.ndarray, ...]:
    """Evidence, potency and labels of sharp maps: of areas of two textures, or cut out of the scatter of one."""
    draw = np.random.default_rng(seed)
    found, potency, labels = [], [], []
    for label, f in enumerate(F):
        for _ in range(6):
            scatter = ndimage.gaussian_filter(draw.standard_normal((96, 96)), 4, mode="wrap")
            scatter /= scatter.std()
            cut = scatter - np.quantile(scatter, 1 - f)
            fine = noise * ndimage.gaussian_filter(draw.standard_normal((96, 96)), 2, mode="wrap") / 0.14
            # Two textures, whatever f is; or one whose level follows f, so that its tail alone is over the cut.
            odds = gain * (np.where(cut > 0, 1.0, -1.0) + fine if two_phases else cut + fine)
            mask = 1 / (1 + np.exp(-odds))
            found.append(evidence(mask))
            potency.append(mask.mean())
            labels.append(label)
    return np.array(found), np.array(potency), np.array(labels)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("noise", [0.2, 0.4])
def test_two_phases_pass_and_degrees_fail(seed: int, noise: float) -> None:
    two, one = (phase_drift(*_maps(kind, noise, seed)) for kind in (True, False))
    assert TEST.outcome(two) == "passed" and two < 0.15
    assert TEST.outcome(one) == "failed"


def test_borders_alone_do_not_fail_it() -> None:
    # Two textures, and a network that sees them blurred over a third of the width of an area.
    draw = np.random.default_rng(4)
    found, potency, labels = [], [], []
    for label, f in enumerate(F):
        for _ in range(8):
            field = ndimage.gaussian_filter(draw.standard_normal((192, 192)), 12, mode="wrap")
            truth = np.where(field > np.quantile(field, 1 - f), 6.0, -6.0)
            mask = 1 / (1 + np.exp(-ndimage.gaussian_filter(truth, 4, mode="wrap")))
            found.append(evidence(mask))
            potency.append(mask.mean())
            labels.append(label)
    assert 0.05 < phase_drift(np.array(found), np.array(potency), np.array(labels)) < TEST.fails


def test_how_sharp_maps_are_is_no_matter() -> None:
    soft, sharp = (phase_drift(*_maps(False, 0.2, 0, gain)) for gain in (2.0, 6.0))
    assert soft == pytest.approx(sharp, rel=0.1)


def test_the_evidence_is_the_median_of_each_phase() -> None:
    mask = np.full((10, 10), 0.2)
    mask[:4] = 0.9
    assert evidence(mask) == pytest.approx((math.log(9), -math.log(4)))
    # Two of a hundred pixels are borders, no phase; and zeros and ones have a finite evidence.
    mask = np.zeros((10, 10))
    mask[0, :2] = 1
    high, low = evidence(mask)
    assert math.isnan(high) and low == pytest.approx(math.log(1e-6), rel=1e-3)


def test_it_is_unknown_where_a_phase_is_seen_at_one_label_alone() -> None:
    found = np.array([[2.0, np.nan], [2.0, -2.0], [np.nan, np.nan]])
    potency, labels = np.array([0.9, 0.5, 0.1]), np.arange(3)
    assert math.isnan(phase_drift(found, potency, labels))
    known = np.array([[2.0, -2.0], [2.0, -2.0], [2.0, -2.0]])
    assert math.isnan(phase_drift(known, np.full(3, 0.5), labels))
    assert phase_drift(known, potency, labels) == pytest.approx(0, abs=1e-12)


def test_it_is_measured_in_distances_of_both_phases() -> None:
    # From the first label to the last, both phases lose one of four.
    found = np.array([[3.0, -1.0], [2.5, -1.5], [2.0, -2.0]])
    assert phase_drift(found, np.array([0.9, 0.5, 0.1]), np.arange(3)) == pytest.approx(0.25)
    assert phase_drift(found - 7, np.array([0.9, 0.5, 0.1]), np.arange(3)) == pytest.approx(0.25)
