"""Regression of sheets that come in lots, and prediction of sheets of lots that were never seen.

The model is ``y = X b + lot + error``. Slopes are by least squares. The variance of a prediction is a sum of two mean
squares, that of sheets within lots and that of lots, with Satterthwaite's degrees of freedom; the variance of lots is
not cut off at 0. This keeps its level with three lots, where the large-sample intervals of a mixed model (REML) don't.
Measured values that are lower bounds are drawn anew above them, given all others (multiple imputation).

All functions take many studies of one design at once: arrays begin with ``(studies, ...)``.
"""

from __future__ import annotations

import dataclasses

import numpy as np
from scipy import special

from copper_tf.statistics.bootstrap import LEVEL

__all__ = ["LotDesign", "LotFit", "design_of", "fit_lots", "impute", "predict_new_lot"]

_BURN_IN, _BETWEEN = 30, 5
# A prediction is never given less than this share of its variance for being of more pictures.
_LEAST = 0.25
# Nor is scatter taken for less than this share of the variance of all strengths.
_DUST = 1e-12


@dataclasses.dataclass(frozen=True)
class LotDesign:
    """Where the sheets of a study stand.

    Attributes:
        columns: X, ``(studies, sheets, p)``.
        solve: ``(X'X)^-1 X'``, ``(studies, p, sheets)``.
        lots: 1 where a sheet is of a lot, ``(sheets, lots)``.
        within: residual maker of X and lots together, ``(studies, sheets, sheets)``.
        free_within: degrees of freedom of sheets within lots.
        free_lots: those of lots.
        lot_weight: what the variance of lots weighs in the squares of lots, ``(studies,)``.
    """

    columns: np.ndarray
    solve: np.ndarray
    lots: np.ndarray
    within: np.ndarray
    free_within: int
    free_lots: int
    lot_weight: np.ndarray


@dataclasses.dataclass(frozen=True)
class LotFit:
    """What a study says.

    Attributes:
        slopes: b, ``(studies, p)``.
        within: mean square of sheets within lots, ``(studies,)``; 0 where it has no degree of freedom.
        lots: mean square of lots, ``(studies,)``.
    """

    slopes: np.ndarray
    within: np.ndarray
    lots: np.ndarray


def _residual_maker(columns: np.ndarray) -> tuple[np.ndarray, int]:
    """I minus the projection on columns, and the rank of the columns."""
    basis, sizes, _ = np.linalg.svd(columns, full_matrices=False)
    kept = sizes > 1e-9 * sizes.max(-1, keepdims=True)
    basis = basis * kept[:, None, :]
    return np.eye(columns.shape[1]) - basis @ basis.swapaxes(1, 2), int(kept.sum(-1).max())


def design_of(columns: np.ndarray, lot: np.ndarray) -> LotDesign:
    """The design of studies.

    Args:
        columns: X, ``(studies, sheets, p)``, with a constant.
        lot: number of the lot of each sheet, ``(sheets,)``.
    """
    lots = (lot[:, None] == np.unique(lot)).astype(float)
    sheets = columns.shape[1]
    with_lots = np.concatenate([columns, np.broadcast_to(lots, (len(columns), *lots.shape))], axis=2)
    within, rank = _residual_maker(with_lots)
    whole, rank_of_columns = _residual_maker(columns)
    weight = np.einsum("il,bij,jl->b", lots, whole, lots)
    solve = np.linalg.pinv(columns)
    return LotDesign(columns, solve, lots, within, sheets - rank, rank - rank_of_columns, weight)


def fit_lots(design: LotDesign, y: np.ndarray) -> LotFit:
    """Slopes and mean squares.

    Args:
        design: of the studies.
        y: of each sheet, ``(studies, sheets)``.
    """
    slopes = np.einsum("bps,bs->bp", design.solve, y)
    rest = y - np.einsum("bsp,bp->bs", design.columns, slopes)
    inner = np.einsum("bi,bij,bj->b", rest, design.within, rest)
    outer = (rest**2).sum(1) - inner
    within = inner / design.free_within if design.free_within else np.zeros(len(y))
    return LotFit(slopes, np.maximum(within, 0), np.maximum(outer, 0) / max(design.free_lots, 1))


def predict_new_lot(
    design: LotDesign, fits: list[LotFit], at: np.ndarray, extra: np.ndarray | float = 0.0, new: bool = True
) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
    """The prediction for a new sheet of a new lot, and half the width of its 95 % interval.

    Args:
        design: of the studies.
        fits: one, or those of several imputations.
        at: its row of X, ``(studies, p)``.
        extra: variance that it has more than those of the study had, from its number of pictures.
        new: whether scatter of the new sheet and lot counts; without it the interval is that of ``at @ b`` itself.
    """
    weights = np.einsum("bp,bps->bs", at, design.solve)
    of_lots = float(new) + ((weights @ design.lots) ** 2).sum(1)
    of_sheets = float(new) + (weights**2).sum(1)
    share = of_lots * design.free_lots / design.lot_weight
    if design.free_within == 0:
        # Every lot has one sheet: both scatter as one.
        share = of_sheets
    rest = of_sheets - share
    centres = np.stack([np.einsum("bp,bp->b", at, fit.slopes) for fit in fits])
    parts = np.stack([np.stack([share * fit.lots, rest * fit.within]) for fit in fits])
    variance = parts.sum(1)
    spread = parts[:, 0] ** 2 / design.free_lots + parts[:, 1] ** 2 / max(design.free_within, 1)
    free = np.clip((variance**2 / np.maximum(spread, 1e-300)).mean(0), 1.0, design.free_lots + design.free_within)
    several = len(fits) > 1
    total = np.maximum(variance, 0).mean(0) + (centres.var(0, ddof=1) * (1 + 1 / len(fits)) if several else 0)
    total = np.maximum(total + extra, _LEAST * total)
    return centres.mean(0), special.stdtrit(free, (1 + LEVEL) / 2) * np.sqrt(total)


def _redraw(
    design: LotDesign, y: np.ndarray, bound: np.ndarray, censored: np.ndarray, rng: np.random.Generator
) -> np.ndarray:  # fmt: skip
    """One step: draws the parameters given y, and the censored values given the parameters."""
    fit = fit_lots(design, y)
    studies, sheets = y.shape
    least = np.maximum(_DUST * y.var(1), 1e-300)
    error = np.maximum(fit.within, least) * design.free_within / rng.chisquare(max(design.free_within, 1), studies)
    if design.free_within == 0:
        error = np.maximum(fit.lots, least) * design.free_lots / rng.chisquare(design.free_lots, studies)
    between = fit.lots * design.free_lots / rng.chisquare(design.free_lots, studies)
    of_lots = np.maximum(between - error, 0) * design.free_lots / design.lot_weight
    noise = rng.standard_normal((studies, sheets)) * np.sqrt(error)[:, None]
    noise += rng.standard_normal((studies, design.lots.shape[1])) @ design.lots.T * np.sqrt(of_lots)[:, None]
    slopes = fit.slopes + np.einsum("bps,bs->bp", design.solve, noise)
    middle = np.einsum("bsp,bp->bs", design.columns, slopes)
    counts = design.lots.sum(0)
    weight = of_lots[:, None] / (of_lots[:, None] * counts + error[:, None])
    effect = weight * ((y - middle) @ design.lots)
    left = np.sqrt(np.maximum(weight * error[:, None], 0))
    effect = effect + left * rng.standard_normal(effect.shape)
    middle, scale = middle + effect @ design.lots.T, np.sqrt(error)[:, None]
    tail = special.ndtr(-(bound - middle) / scale)
    drawn = middle - scale * special.ndtri(np.clip(tail * rng.random(y.shape), 1e-300, 1 - 1e-16))
    return np.where(censored, np.maximum(drawn, bound), y)


def impute(
    design: LotDesign, y: np.ndarray, censored: np.ndarray, count: int, seed: int = 0
) -> list[np.ndarray]:  # fmt: skip
    """Several completed versions of y; y itself where nothing is censored.

    Args:
        design: of the studies.
        y: of each sheet, a lower bound where it is censored, ``(studies, sheets)``.
        censored: which are, ``(studies, sheets)``.
        count: of the versions.
        seed: of the draws.
    """
    if not censored.any():
        return [y]
    rng, current, kept = np.random.default_rng(seed), y, []
    for step in range(_BURN_IN + count * _BETWEEN):
        current = _redraw(design, current, y, censored, rng)
        if step >= _BURN_IN and (step - _BURN_IN) % _BETWEEN == 0:
            kept.append(current)
    return kept
