"""From scores to strength: fitted over sheets and lots, tested on lots left out, and used on new sheets."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence

import numpy as np

from copper_tf.analysis.decisions.calibration_results import (
    AddedValue,
    Calibration,
    CalibrationSheet,
    LeftOutError,
    StrengthFit,
    StrengthPrediction,
)
from copper_tf.analysis.decisions.cells import refused
from copper_tf.analysis.decisions.scores import ScoreTable
from copper_tf.statistics.calibration import Scale, added_p, age_basis, left_out, predict, scale_of
from copper_tf.statistics.calibration import calibrate as fit_strength
from copper_tf.statistics.groups import ALPHA
from copper_tf.statistics.lot_regression import LotFit, design_of, predict_new_lot
from tfds_copper.errors import InputError

__all__ = ["AGE", "BESIDE", "FAILURE", "LOT", "calibrate", "predict_strength"]

# Columns by default: of the lot, of how a sheet failed, of age, and those that the score must be better than.
LOT, FAILURE, AGE = "lot", "failure", "t"
BESIDE = (AGE, "etch_depth_um")
_COHESIVE, _ADHESIVE = "cohesive", "adhesive"
# Fewer adhesive failures can't carry a line.
_FEWEST = 3


@dataclasses.dataclass(frozen=True)
class _Sheets:
    """The sheets whose strength is known, as arrays."""

    table: ScoreTable
    score: np.ndarray
    pictures: np.ndarray
    within: float
    strength: np.ndarray
    cohesive: np.ndarray
    lots: tuple[str, ...]
    lot: np.ndarray
    unmeasured: int


def _means_of_sheets(table: ScoreTable, values: np.ndarray) -> np.ndarray:
    """The mean over a sheet's rows of what was measured on it; equal numbers in all of them are one measurement."""
    index, result = table.sheets.index, []
    for k in range(len(table.sheets.names)):
        own = values[index == k]
        result.append(float(own.mean() if np.ptp(own) else own[0]))
    return np.array(result)


def _cohesive(table: ScoreTable, failure: str) -> np.ndarray:
    """Which sheets failed in the resin; none where nothing is said of it."""
    if failure not in table.columns:
        if failure != FAILURE:
            table.cells(failure)
        return np.zeros(len(table.sheets.names), bool)
    bad = [cell for cell in table.cells(failure) if cell[1].casefold() not in (_COHESIVE, _ADHESIVE, "")]
    if bad:
        raise refused(table.where, f"{failure} must be {_ADHESIVE}, {_COHESIVE} or empty", bad)
    words = np.array([text.casefold() == _COHESIVE for text in table.columns[failure]])
    return np.bincount(table.sheets.index, words) > 0


def _read(table: ScoreTable, strength: str, lot: str, failure: str) -> _Sheets:
    values = table.numbers(strength, empty=True)
    if negative := [(line, f"{v:g}") for line, v in zip(table.lines, values, strict=True) if v < 0]:
        raise refused(table.where, f"{strength} must be a number of at least 0", negative)
    measured = np.flatnonzero(np.isfinite(values))
    if not len(measured):
        raise InputError(f"{table.where}: {strength} must be given for some sheets. Received: for none")
    known = table.chosen(measured)
    names, sheets = known.of_sheet(lot), known.sheets
    found = _means_of_sheets(known, values[measured])
    cohesive = _cohesive(known, failure)
    lots = tuple(dict.fromkeys(names))
    within = sheets.within if sheets.free else 0.0
    unmeasured = len(set(table.columns["sheet"]) - set(sheets.names))
    number = np.array([lots.index(name) for name in names])
    _check(known.where, strength, found, cohesive, lots, sheets.mean, known.score)
    return _Sheets(known, sheets.mean, sheets.pictures, within, found, cohesive, lots, number, unmeasured)


def _check(
    where: str, strength: str, values: np.ndarray, cohesive: np.ndarray, lots: Sequence[str], score: np.ndarray,
    name: str,
) -> None:  # fmt: skip
    """Refuses what no line can be laid through."""
    if len(lots) < 2:
        raise InputError(
            f"{where}: sheets of at least 2 lots are needed, since one can't tell how lots differ. Received: {lots[0]}"
        )
    for what, of in ((strength, values), (name, score)):
        if np.ptp(of) <= 1e-12 * np.abs(of).max():
            raise InputError(f"{where}: {what} of the sheets must differ. Received: {of[0]:g} for all {len(of)}")
    if (exact := int((~cohesive).sum())) < _FEWEST:
        raise InputError(
            f"{where}: at least {_FEWEST} sheets must have failed at the interface (adhesive). Received: {exact} of "
            f"{len(values)}"
        )
    one_each = len(lots) == len(values)
    needed = 4 if one_each else len(lots) + 2
    if len(values) < needed:
        raise InputError(f"{where}: {len(lots)} lots need at least {needed} sheets. Received: {len(values)}")


def _columns(sheets: _Sheets, beside: Sequence[str]) -> dict[str, np.ndarray]:
    """What stands beside the score, as columns of a regression without a constant, by name."""
    free = len(sheets.score) - len(sheets.lots) - 1
    found = {}
    for name in beside:
        if name == AGE:
            sheets.table.of_sheet(name)
            times, _ = sheets.table.times(name)
            found[name] = age_basis(_means_of_sheets(sheets.table, times), free)
        else:
            values = _means_of_sheets(sheets.table, sheets.table.numbers(name))
            found[name] = values[:, None]
    return found


def _error(columns: np.ndarray, sheets: _Sheets) -> tuple[float | None, int]:
    """The error on left-out lots; a cohesive failure errs only where less than its bound is predicted."""
    ones = np.ones((len(sheets.score), 1))
    found = left_out(np.concatenate([ones, columns], axis=1)[None], sheets.strength[None], sheets.lot)[0]
    off = found - sheets.strength
    off = np.where(sheets.cohesive, np.minimum(off, 0), off)[np.isfinite(off)]
    return (float(np.sqrt(np.mean(off**2))) if len(off) == len(sheets.score) else None), len(off)


def _compare(
    sheets: _Sheets, true_score: np.ndarray, beside: dict[str, np.ndarray], score: str
) -> tuple[tuple[LeftOutError, ...], tuple[AddedValue, ...]]:  # fmt: skip
    """The score against, and together with, what stands beside it."""
    own = true_score[:, None]
    rows, added = [LeftOutError(score, *_error(own, sheets))], []
    exact = ~sheets.cohesive
    for name, columns in beside.items():
        alone, together = (
            LeftOutError(title, *_error(of, sheets))
            for title, of in (
                (f"{name} alone", columns),
                (f"{name} and {score}", np.concatenate([columns, own], axis=1)),
            )
        )
        rows += [alone, together]
        # Strengths of cohesive failures are left out: bounds can't make a score look useful then.
        p, free = added_p(true_score[None, exact], sheets.strength[None, exact], sheets.lot[exact], columns[exact])
        better = None not in (alone.error, together.error) and together.error < alone.error  # type: ignore[operator]
        known = None if math.isnan(p[0]) else float(p[0])
        added.append(AddedValue(name, known, free, bool(known is not None and known < ALPHA and better)))
    return tuple(rows), tuple(added)


def _left_out_rows(sheets: _Sheets, scale: Scale) -> list[tuple[float | None, tuple[float, float] | None]]:
    """Every sheet predicted by all other lots, with its interval where they are enough."""
    rows: list[tuple[float | None, tuple[float, float] | None]] = [(None, None)] * len(sheets.score)
    for one in range(len(sheets.lots)):
        kept, out = sheets.lot != one, np.flatnonzero(sheets.lot == one)
        lots = len(set(sheets.lot[kept].tolist()))
        enough = kept.sum() >= (4 if lots == kept.sum() else lots + 2) and (~sheets.cohesive[kept]).sum() >= _FEWEST
        if lots < 2 or not enough:
            continue
        true = scale.true_score(sheets.score[None], sheets.pictures)[:, kept]
        design, fits = fit_strength(true, sheets.strength[None, kept], sheets.cohesive[None, kept], sheets.lot[kept])
        for k in out:
            centre, half = predict(
                design, fits, scale, sheets.pictures[kept], sheets.score[None, k], int(sheets.pictures[k])
            )
            rows[k] = float(centre[0]), (max(0.0, float(centre[0] - half[0])), float(centre[0] + half[0]))
    return rows


def _verdicts(result: Calibration, half: float) -> tuple[str, ...]:
    low, high = result.slope_interval
    falls = low > 0 or high < 0
    texts = [
        f"Strength {'follows' if falls else 'is not shown to follow'} the {result.score}: {result.slope:.3g} for a "
        f"step of 1 (95 % interval {low:.3g} to {high:.3g})."
    ]
    if result.errors[0].error is not None:
        texts.append(f"Sheets of lots left out are predicted to {result.errors[0].error:.2g} (root mean square).")
    texts.append(f"The strength of a sheet of a new lot is predicted to about ±{half:.2g} (95 % prediction interval).")
    for row in result.added:
        if row.adds:
            texts.append(f"The {result.score} tells more than {row.beside} alone (p = {row.p:.2g} within lots).")
        elif row.p is None:
            texts.append(f"Whether the {result.score} adds to {row.beside} can't be tested with so few sheets.")
        else:
            texts.append(f"That the {result.score} adds anything to {row.beside} is not shown (p = {row.p:.2g}).")
    return tuple(texts)


def _caveats(sheets: _Sheets, half: float) -> tuple[str, ...]:
    texts = []
    if len(sheets.lots) < 3:
        texts.append(
            f"With {len(sheets.lots)} lots how lots differ is hardly known: prediction intervals are very wide."
        )
    if failed := int(sheets.cohesive.sum()):
        texts.append(
            f"In {failed} of {len(sheets.score)} sheets the resin failed; their interface holds at least what was "
            "measured, and was counted so."
        )
    if not sheets.within:
        texts.append("Every sheet has one picture, so the error of its score is not known, and was taken as 0.")
    if half > np.ptp(sheets.strength):
        texts.append(
            "Prediction intervals are wider than all that was measured: the score can't stand for a peel test."
        )
    if sheets.unmeasured:
        texts.append(f"{sheets.unmeasured} sheets without a measured strength were left out.")
    return tuple(texts)


def calibrate(
    table: ScoreTable, strength: str, *, lot: str = LOT, failure: str = FAILURE, beside: Sequence[str] | None = None,
    model: str = "",
) -> Calibration:  # fmt: skip
    """Calibrates strength by score, sheet by sheet.

    Args:
        table: scores with strengths and lots.
        strength: column of the strength, empty where it was not measured.
        lot: column of the lot.
        failure: column that says ``cohesive`` where the resin failed; may be absent if it is `FAILURE`.
        beside: columns that the score must be better than; those of `BESIDE` that are there by default.
        model: fingerprint of the model that scored.

    Raises:
        InputError: naming the lines, if the table can't be used.
    """
    sheets = _read(table, strength, lot, failure)
    names = [name for name in BESIDE if table.has(name)] if beside is None else list(beside)
    scale = scale_of(sheets.score[None], sheets.pictures, np.array([sheets.within]))
    true = scale.true_score(sheets.score[None], sheets.pictures)
    design, fits = fit_strength(true, sheets.strength[None], sheets.cohesive[None], sheets.lot)
    centre, half = predict_new_lot(design, fits, np.array([[0.0, 1.0]]), new=False)
    errors, added = _compare(sheets, true[0], _columns(sheets, names), table.score)
    rows = [
        CalibrationSheet(
            name, sheets.lots[sheets.lot[k]], int(sheets.pictures[k]), float(sheets.score[k]), float(true[0, k]),
            float(sheets.strength[k]), bool(sheets.cohesive[k]), *left,
        )
        for k, (name, left) in enumerate(zip(sheets.table.sheets.names, _left_out_rows(sheets, scale), strict=True))
    ]  # fmt: skip
    result = Calibration(
        score=table.score, strength=strength, model=model, sheets=tuple(rows),
        range=(float(sheets.score.min()), float(sheets.score.max())),
        centre=float(scale.centre[0]), between=float(scale.between[0]),
        picture_variance=sheets.within if sheets.table.sheets.free else None,
        fits=tuple(StrengthFit(*(float(v) for v in (*f.slopes[0], f.within[0], f.lots[0]))) for f in fits),
        slope=float(centre[0]), slope_interval=(float(centre[0] - half[0]), float(centre[0] + half[0])),
        errors=errors, added=added, verdicts=(), caveats=(),
    )  # fmt: skip
    _, middle = predict(design, fits, scale, sheets.pictures, scale.centre, round(float(np.median(sheets.pictures))))
    return dataclasses.replace(
        result, verdicts=_verdicts(result, float(middle[0])), caveats=_caveats(sheets, float(middle[0]))
    )


def predict_strength(
    calibration: Calibration, scores: Sequence[float], pictures: Sequence[int]
) -> list[StrengthPrediction]:  # fmt: skip
    """The strength of new sheets of lots that were never seen, with 95 % prediction intervals.

    Args:
        calibration: of `calibrate`.
        scores: of the sheets.
        pictures: how many each has.
    """
    sheets = calibration.sheets
    numbers = {name: k for k, name in enumerate(dict.fromkeys(s.lot for s in sheets))}
    lot = np.array([numbers[s.lot] for s in sheets])
    true = np.array([s.true_score for s in sheets])
    design = design_of(np.stack([np.ones_like(true), true], axis=1)[None], lot)
    fits = [
        LotFit(np.array([[f.intercept, f.slope]]), np.array([f.sheet_square]), np.array([f.lot_square]))
        for f in calibration.fits
    ]
    within = calibration.picture_variance or 0.0
    scale = Scale(np.array([calibration.centre]), np.array([calibration.between]), np.array([within]))
    low, high = calibration.range
    counts, result = np.array([s.pictures for s in sheets]), []
    for score, new in zip(scores, pictures, strict=True):
        centre, half = predict(design, fits, scale, counts, np.array([score]), new)
        ends = max(0.0, float(centre[0] - half[0])), float(centre[0] + half[0])
        result.append(StrengthPrediction(float(centre[0]), *ends, low <= score <= high))
    return result
