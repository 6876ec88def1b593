"""Regression over lots: known values come back, and prediction intervals cover what they should."""

from __future__ import annotations

import numpy as np
import pytest

from copper_tf.statistics.calibration import added_p, age_basis, calibrate, left_out, predict, scale_of
from copper_tf.statistics.lot_regression import design_of, fit_lots, impute, predict_new_lot


def world(studies: int, sheets: int, lots: int, seed: int = 0, lot_sd: float = 0.06):
    """Scores, strengths and lots of simulated studies; the last lot is not to be seen."""
    rng = np.random.default_rng(seed)
    lot = np.arange(sheets * (lots + 1)) % (lots + 1)
    true = rng.uniform(0.2, 0.9, (studies, len(lot)))
    score = true + rng.normal(0, 0.02, true.shape)
    strength = 0.25 + 0.9 * true + rng.normal(0, lot_sd, (studies, lots + 1))[:, lot] + rng.normal(0, 0.05, true.shape)
    return score, strength, lot


def test_mean_squares_are_those_of_a_balanced_analysis_of_variance() -> None:
    rng = np.random.default_rng(1)
    lot = np.repeat(np.arange(4), 5)
    y = rng.normal(size=20)
    design = design_of(np.ones((1, 20, 1)), lot)
    fit = fit_lots(design, y[None])
    groups = y.reshape(4, 5)
    assert fit.within[0] == pytest.approx(groups.var(1, ddof=1).mean())
    assert fit.lots[0] == pytest.approx(5 * groups.mean(1).var(ddof=1))
    assert (design.free_within, design.free_lots) == (16, 3)
    # The variance of a new sheet of a new lot, about the mean of all.
    _, half = predict_new_lot(design, [fit], np.ones((1, 1)))
    between = (fit.lots - fit.within) / 5
    variance = between * (1 + 1 / 4) + fit.within * (1 + 1 / 20)
    assert np.sqrt(variance) * 1.96 < half < np.sqrt(variance) * 13


def test_reml_of_statsmodels_agrees_where_the_design_is_balanced() -> None:
    import warnings

    from statsmodels.regression.mixed_linear_model import MixedLM

    rng = np.random.default_rng(2)
    lot = np.repeat(np.arange(6), 5)
    x = np.tile(rng.uniform(size=5), 6)
    y = 0.3 + 0.8 * x + rng.normal(0, 0.3, 6)[lot] + rng.normal(0, 0.1, 30)
    columns = np.stack([np.ones(30), x], axis=1)
    fit = fit_lots(design := design_of(columns[None], lot), y[None])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        reml = MixedLM(y, columns, groups=lot).fit(reml=True)
    np.testing.assert_allclose(fit.slopes[0], reml.fe_params, rtol=1e-4)
    assert fit.within[0] == pytest.approx(reml.scale, rel=1e-3)
    of_lots = (fit.lots - fit.within)[0] * design.free_lots / design.lot_weight[0]
    assert of_lots == pytest.approx(float(reml.cov_re[0, 0]), rel=1e-2)


@pytest.mark.parametrize("sheets, lots", [(2, 3), (4, 3), (5, 6)])
def test_unseen_lots_are_covered(sheets: int, lots: int) -> None:
    score, strength, lot = world(1500, sheets, lots)
    seen, pictures = lot < lots, np.full(sheets * lots, 4)
    scale = scale_of(score[:, seen], pictures, np.full(1500, 0.02**2 * 4))
    true = scale.true_score(score[:, seen], pictures)
    design, fits = calibrate(true, strength[:, seen], np.zeros_like(true, bool), lot[seen])
    new = np.flatnonzero(~seen)[0]
    centre, half = predict(design, fits, scale, pictures, score[:, new], 4)
    assert np.mean(np.abs(centre - strength[:, new]) <= half) == pytest.approx(0.95, abs=0.02)


def test_cohesive_failures_count_as_bounds() -> None:
    score, strength, lot = world(300, 8, 4, seed=4)
    seen = lot < 4
    bound = 0.8
    measured, cohesive = np.minimum(strength, bound), strength > bound
    x = np.stack([np.ones_like(score), score], axis=-1)[:, seen]
    design = design_of(x, lot[seen])
    naive = fit_lots(design, measured[:, seen]).slopes[:, 1].mean()
    drawn = impute(design, measured[:, seen], cohesive[:, seen], 10)
    kept = np.mean([fit_lots(design, y).slopes[:, 1] for y in drawn])
    assert naive < 0.8 < kept and kept == pytest.approx(0.9, abs=0.03)
    assert all((y >= measured[:, seen] - 1e-12).all() for y in drawn)
    assert all((y[~cohesive[:, seen]] == measured[:, seen][~cohesive[:, seen]]).all() for y in drawn)


def test_errors_of_the_score_dont_flatten_the_slope() -> None:
    rng = np.random.default_rng(5)
    true = rng.uniform(0, 1, (400, 30))
    score = true + rng.normal(0, 0.3, true.shape) / np.sqrt(4)
    strength, lot = true + rng.normal(0, 0.02, true.shape), np.arange(30) % 3
    scale = scale_of(score, np.full(30, 4), np.full(400, 0.09))
    _, fits = calibrate(scale.true_score(score, np.full(30, 4)), strength, np.zeros(true.shape, bool), lot)
    _, plain = calibrate(score, strength, np.zeros(true.shape, bool), lot)
    assert fits[0].slopes[:, 1].mean() == pytest.approx(1, abs=0.05)
    assert plain[0].slopes[:, 1].mean() < 0.85


def test_a_score_that_adds_nothing_is_called_useful_once_in_twenty() -> None:
    rng = np.random.default_rng(6)
    age = np.tile(np.repeat(np.arange(4), 3), 1).astype(float)
    lot = np.arange(12) % 3
    score = np.exp(-age) + rng.normal(0, 0.1, (3000, 12))
    strength = np.exp(-age) + rng.normal(0, 0.3, (3000, 3))[:, lot] + rng.normal(0, 0.05, (3000, 12))
    p, free = added_p(score, strength, lot, age_basis(age, 8))
    assert free == 12 - 3 - 3 - 1
    assert np.mean(p < 0.05) == pytest.approx(0.05, abs=0.012)


def test_too_few_sheets_leave_it_open_whether_a_score_adds() -> None:
    p, free = added_p(np.arange(4.0)[None], np.arange(4.0)[None], np.array([0, 0, 1, 1]), np.arange(4.0)[:, None] ** 2)
    assert np.isnan(p[0]) and free == 0


def test_lots_are_left_out_whole() -> None:
    lot = np.array([0, 0, 1, 1, 2, 2])
    x = np.stack([np.ones(6), np.arange(6.0)], axis=1)[None]
    y = 2 + 3 * np.arange(6.0)[None]
    np.testing.assert_allclose(left_out(x, y, lot), y)
    y[0, :2] += 100
    np.testing.assert_allclose(left_out(x, y, lot)[0, :2], [2, 5])
