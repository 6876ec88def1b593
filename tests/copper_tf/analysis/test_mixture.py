"""Mixtures of two textures, and textures that change by degrees."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from scipy import ndimage

from copper_tf.analysis.trust.mixture import band_ratios, mixture_of, texture_histograms, unexplained_share
from copper_tf.analysis.trust.verdict import TESTS, UNDECIDED, judge, verdict

TEST = next(test for test in TESTS if test.name == "mixture")
F = np.linspace(0.9, 0.1, 6)


def _picture(kind: str, f: float, contrast: float, draw: np.random.Generator) -> np.ndarray:
    """Fine and coarse noise: each in its own areas, or added up in proportion everywhere; or as much of both always."""
    fine, coarse = (ndimage.gaussian_filter(draw.standard_normal((96, 96)), s, mode="wrap") for s in (0.5, 1.5))
    fine, coarse = fine / fine.std(), coarse / coarse.std()
    field = ndimage.gaussian_filter(draw.standard_normal((96, 96)), 8, mode="wrap")
    shares = {
        "two phases": field > np.quantile(field, 1 - f),
        "by degrees": np.full(field.shape, f),
        "nothing": field > np.median(field),
    }
    return np.asarray(0.5 + 0.05 * contrast * (shares[kind] * fine + (1 - shares[kind]) * coarse))


def _share(kind: str, seed: int, sheets: int = 6, differ: float = 0.0) -> float:
    draw, found, rows = np.random.default_rng(seed), [], []
    for label, f in enumerate(F):
        for sheet in range(sheets):
            # Sheets differ in contrast and in how much of each texture there is.
            contrast, own = np.exp(differ * draw.standard_normal()), f + 0.1 * differ * draw.standard_normal()
            for number in range(3):
                found.append(band_ratios(_picture(kind, float(np.clip(own, 0.02, 0.98)), contrast, draw)))
                rows.append((label, f"{label}-{sheet}", f"{label}-{sheet}-{number}"))
    labels, names, files = zip(*rows, strict=True)
    return unexplained_share(texture_histograms(found), np.array(labels), names, files)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("differ", [0.0, 0.5])
def test_two_phases_pass_and_degrees_fail(seed: int, differ: float) -> None:
    assert TEST.outcome(_share("two phases", seed, differ=differ)) == "passed"
    assert TEST.outcome(_share("by degrees", seed, differ=differ)) == "failed"


@pytest.mark.parametrize("seed", range(3))
def test_where_nothing_follows_t_it_says_nothing(seed: int) -> None:
    assert math.isnan(_share("nothing", seed))


def test_sheets_are_compared_with_other_sheets() -> None:
    assert math.isnan(_share("by degrees", 0, sheets=1))
    assert _share("by degrees", 0, sheets=3) > TEST.fails


def test_brightness_and_contrast_are_no_texture() -> None:
    one = _picture("two phases", 0.5, 1.0, np.random.default_rng(0))
    assert np.abs(band_ratios(0.2 + 0.6 * one) - band_ratios(one)).mean() < 0.03


def test_pictures_of_a_dataset_are_looked_at(dataset: Any) -> None:
    told: list[tuple[int, int]] = []
    value = mixture_of(dataset, lambda done, total, what: told.append((done, total)))
    assert math.isnan(value) or value >= 0
    assert told[-1][0] == told[-1][1] == sum(dataset.split_sizes.values())


def test_the_verdict_does_without_it_where_it_says_nothing() -> None:
    good = {test.name: test.passes for test in TESTS}
    outcome, reasons = verdict(judge(good | {"mixture": math.nan}))
    assert outcome == "supported" and not any(TEST.title in reason for reason in reasons)
    between = (TEST.passes + TEST.fails) / 2
    assert verdict(judge(good | {"mixture": between}))[0] == UNDECIDED
