"""A calibration of strength by scores, both of which have errors; many studies of one design at once.

A sheet's score is the mean of few pictures. What the sheet itself is, is expected nearer to the mean of all sheets, the
fewer pictures it has (regression calibration). So a slope is not flattened by the scatter of pictures, and a new sheet
may have another number of them.
"""

from __future__ import annotations

import dataclasses

import numpy as np
from scipy import special

from copper_tf.statistics.lot_regression import LotDesign, LotFit, design_of, fit_lots, impute, predict_new_lot

__all__ = ["Scale", "added_p", "age_basis", "calibrate", "left_out", "predict", "scale_of"]

# Completed versions of the strengths of cohesive failures.
IMPUTATIONS = 20
# Ages are told apart one by one where there are so many sheets of each, else by a curve.
_SHEETS_OF_AGE = 3
_LEAST_RELIABLE = 0.05


@dataclasses.dataclass(frozen=True)
class Scale:
    """How scores of sheets scatter.

    Attributes:
        centre: mean score, ``(studies,)``.
        between: variance of the sheets' own scores, ``(studies,)``.
        within: variance of a single picture within its sheet, ``(studies,)``; 0 where unknown.
    """

    centre: np.ndarray
    between: np.ndarray
    within: np.ndarray

    def reliability(self, pictures: np.ndarray) -> np.ndarray:
        """The share of a score's variance that is of the sheets themselves, ``(studies, sheets)``."""
        return self.between[:, None] / (self.between[:, None] + self.within[:, None] / pictures)

    def true_score(self, score: np.ndarray, pictures: np.ndarray) -> np.ndarray:
        """What sheets themselves are expected to have, ``(studies, sheets)``."""
        return self.centre[:, None] + self.reliability(pictures) * (score - self.centre[:, None])

    def left_variance(self, pictures: np.ndarray) -> np.ndarray:
        """Variance of what a sheet has about what is expected of it, ``(studies, sheets)``."""
        return self.between[:, None] * (1 - self.reliability(pictures))


def scale_of(score: np.ndarray, pictures: np.ndarray, within: np.ndarray) -> Scale:
    """The scale of studies.

    Args:
        score: of each sheet, ``(studies, sheets)``.
        pictures: how many it has, ``(sheets,)``.
        within: variance of single pictures, ``(studies,)``.
    """
    total = score.var(1, ddof=1)
    between = np.maximum(total - within * np.mean(1 / pictures), _LEAST_RELIABLE * total)
    return Scale(score.mean(1), between, within)


def _with_constant(values: np.ndarray) -> np.ndarray:
    return np.stack([np.ones_like(values), values], axis=-1)


def calibrate(
    true_score: np.ndarray, strength: np.ndarray, cohesive: np.ndarray, lot: np.ndarray, seed: int = 0
) -> tuple[LotDesign, list[LotFit]]:  # fmt: skip
    """Fits strength by score.

    Args:
        true_score: of `Scale.true_score`, ``(studies, sheets)``.
        strength: measured, ``(studies, sheets)``.
        cohesive: where it is a lower bound, ``(studies, sheets)``.
        lot: of each sheet, ``(sheets,)``.
        seed: of the draws above lower bounds.

    Returns:
        The design and a fit for each completed version of the strengths.
    """
    design = design_of(_with_constant(true_score), lot)
    return design, [fit_lots(design, y) for y in impute(design, strength, cohesive, IMPUTATIONS, seed)]


def predict(
    design: LotDesign, fits: list[LotFit], scale: Scale, pictures: np.ndarray, score: np.ndarray, new: int
) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
    """Strength of a new sheet of a lot that was never seen, and half its 95 % prediction interval.

    Args:
        design: of `calibrate`.
        fits: of `calibrate`.
        scale: of `scale_of`.
        pictures: of the sheets of the study.
        score: of the new sheet, ``(studies,)``.
        new: how many pictures it has.
    """
    count = np.array([new])
    at = _with_constant(scale.true_score(score[:, None], count)[:, 0])
    slope = np.mean([fit.slopes[:, 1] for fit in fits], axis=0)
    more = scale.left_variance(count)[:, 0] - scale.left_variance(pictures).mean(1)
    return predict_new_lot(design, fits, at, slope**2 * more)


def age_basis(age: np.ndarray, free: int) -> np.ndarray:
    """Columns by which strength may follow age: a mean for each age, else a curve, else a line; ``(sheets, columns)``.

    Args:
        age: of each sheet, in any unit.
        free: degrees of freedom without them.
    """
    different = np.unique(age)
    if len(different) * _SHEETS_OF_AGE <= len(age) and free - len(different) + 1 > 1:
        return (age[:, None] == different[1:]).astype(float)
    scaled = (age - age.mean()) / (np.ptp(age) or 1)
    powers = 2 if len(different) > 2 and free > 3 else 1
    return np.stack([scaled**k for k in range(1, powers + 1)], axis=1)


def added_p(
    true_score: np.ndarray, strength: np.ndarray, lot: np.ndarray, basis: np.ndarray
) -> tuple[np.ndarray, int]:  # fmt: skip
    """P that the score adds nothing to other columns, by the t-test of its slope within lots.

    Lots are taken as fixed, so that the test is exact however much they differ.

    Args:
        true_score: ``(studies, sheets)``.
        strength: ``(studies, sheets)``.
        lot: ``(sheets,)``.
        basis: the other columns, ``(sheets, columns)`` or ``(studies, sheets, columns)``.

    Returns:
        p of each study, NaN where it can't be tested, and the degrees of freedom.
    """
    studies, sheets = true_score.shape
    lots = (lot[:, None] == np.unique(lot)).astype(float)
    parts = [np.broadcast_to(c, (studies, *c.shape[-2:])) for c in (lots, basis)]
    basis_of, sizes, _ = np.linalg.svd(np.concatenate(parts, axis=2), full_matrices=False)
    basis_of = basis_of * (sizes > 1e-9 * sizes.max(1, keepdims=True))[:, None, :]
    free = sheets - int((sizes > 1e-9 * sizes.max(1, keepdims=True)).sum(1).max()) - 1
    if free < 1:
        return np.full(studies, np.nan), max(free, 0)

    def rest(values: np.ndarray) -> np.ndarray:
        return values - np.einsum("bsk,btk,bt->bs", basis_of, basis_of, values)

    x, y = rest(true_score), rest(strength)
    squares = (x**2).sum(1)
    alone = squares <= 1e-9 * np.maximum((true_score**2).sum(1), 1e-300)
    squares = np.where(alone, 1.0, squares)
    slope = (x * y).sum(1) / squares
    error = ((y - slope[:, None] * x) ** 2).sum(1) / free
    t = np.abs(slope) * np.sqrt(squares / np.maximum(error, 1e-300))
    return np.where(alone, np.nan, 2 * special.stdtr(free, -t)), free


def left_out(columns: np.ndarray, strength: np.ndarray, lot: np.ndarray) -> np.ndarray:
    """Strength of every sheet predicted by least squares on all other lots; NaN where those are too few.

    Args:
        columns: that predict, with a constant, ``(studies, sheets, p)``.
        strength: ``(studies, sheets)``.
        lot: ``(sheets,)``.
    """
    result = np.full(strength.shape, np.nan)
    for one in np.unique(lot):
        out = lot == one
        if (~out).sum() > columns.shape[2]:
            slopes = np.einsum("bps,bs->bp", np.linalg.pinv(columns[:, ~out]), strength[:, ~out])
            result[:, out] = np.einsum("bsp,bp->bs", columns[:, out], slopes)
    return result
