"""Variance components: those of the textbook where a study is balanced, and intervals that cover the truth."""

from __future__ import annotations

import numpy as np
import pytest

from copper_tf.analysis.decisions.gauge import grr, study_factors
from copper_tf.statistics.variance_components import components, draw_components, mean_squares, plan_components


def grid(sheets: int, operators: int, pictures: int) -> tuple[np.ndarray, np.ndarray]:
    sheet, operator, _ = np.meshgrid(np.arange(sheets), np.arange(operators), np.arange(pictures), indexing="ij")
    return sheet.ravel(), operator.ravel()


def test_a_balanced_study_gives_the_components_of_the_textbook() -> None:
    rng = np.random.default_rng(0)
    sheet, operator = grid(8, 3, 2)
    y = rng.normal(size=48) + rng.normal(0, 2, 8)[sheet] + rng.normal(0, 1, 3)[operator]
    design = plan_components(study_factors(sheet, {"operator": operator}), "picture")
    cells = y.reshape(8, 3, 2)
    of_sheets = 6 * cells.mean((1, 2)).var(ddof=1)
    of_operators = 16 * cells.mean((0, 2)).var(ddof=1)
    means = cells.mean(2)
    crossed = means - means.mean(1, keepdims=True) - means.mean(0, keepdims=True) + means.mean()
    of_both = 2 * (crossed**2).sum() / 14
    rest = cells.var(2, ddof=1).mean()
    squares = mean_squares(design, y[None])
    np.testing.assert_allclose(squares[0], [of_sheets, of_operators, of_both, rest])
    expected = [(of_sheets - of_both) / 6, (of_operators - of_both) / 16, (of_both - rest) / 2, rest]
    np.testing.assert_allclose(components(design, squares)[0], expected)


def test_reml_of_statsmodels_agrees_where_the_study_is_balanced() -> None:
    import warnings

    from statsmodels.regression.mixed_linear_model import MixedLM

    rng = np.random.default_rng(1)
    sheet = np.repeat(np.arange(9), 4)
    y = rng.normal(size=36) + rng.normal(0, 2, 9)[sheet]
    design = plan_components({"sheet": sheet}, "picture")
    found = components(design, mean_squares(design, y[None]))[0]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        reml = MixedLM(y, np.ones((36, 1)), groups=sheet).fit(reml=True)
    np.testing.assert_allclose(found, [float(reml.cov_re[0, 0]), reml.scale], rtol=1e-3)


def test_missing_pictures_leave_estimates_unbiased() -> None:
    rng = np.random.default_rng(2)
    sheet, operator = grid(10, 3, 3)
    kept = rng.random(len(sheet)) < 0.8
    sheet, operator = sheet[kept], operator[kept]
    shape = (3000, len(sheet))
    values = (
        rng.normal(0, 0.5, shape) + rng.normal(0, 1, (3000, 10))[:, sheet] + rng.normal(0, 0.7, (3000, 3))[:, operator]
    )
    design = plan_components(study_factors(sheet, {"operator": operator}), "picture")
    mean = components(design, mean_squares(design, values)).mean(0)
    np.testing.assert_allclose(mean, [1, 0.49, 0, 0.25], atol=0.04)


def test_intervals_cover_the_truth() -> None:
    rng = np.random.default_rng(3)
    sheet, operator = grid(10, 3, 3)
    shape = (800, len(sheet))
    values = (
        rng.normal(0, 0.3, shape) + rng.normal(0, 0.8, (800, 10))[:, sheet] + rng.normal(0, 0.3, (800, 3))[:, operator]
    )
    design = plan_components(study_factors(sheet, {"operator": operator}), "picture")
    squares = mean_squares(design, values)
    low, high = np.quantile(draw_components(design, squares, 512), (0.025, 0.975), axis=1)
    true = np.array([0.64, 0.09, 0, 0.09])
    covered = ((low <= true) & (true <= high)).mean(0)
    assert (np.abs(covered - 0.95) < 0.035).all()
    estimated = grr(np.maximum(components(design, squares), 0))
    assert estimated.mean() == pytest.approx(float(grr(true)), rel=0.1)
