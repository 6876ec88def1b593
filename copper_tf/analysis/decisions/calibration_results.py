"""What calibrating strength by scores returns, as typed results; the file that predictions of strength are made by."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import ClassVar

from tfds_copper.results import Result, transient

__all__ = ["AddedValue", "Calibration", "CalibrationSheet", "LeftOutError", "StrengthFit", "StrengthPrediction"]

Interval = tuple[float, float]


@dataclasses.dataclass(frozen=True)
class CalibrationSheet:
    """A sheet whose strength was measured.

    Attributes:
        sheet: its name.
        lot: that it is of.
        pictures: that were scored.
        score: mean of their scores.
        true_score: what the sheet's own score is taken for, without the scatter of its pictures.
        strength: measured.
        cohesive: whether the resin failed: the interface holds at least this.
        left_out: strength predicted from all other lots; None where they are too few.
        left_out_interval: its 95 % prediction interval.
    """

    sheet: str
    lot: str
    pictures: int
    score: float
    true_score: float
    strength: float
    cohesive: bool
    left_out: float | None = None
    left_out_interval: Interval | None = None


@dataclasses.dataclass(frozen=True)
class StrengthFit:
    """One fit; several where strengths of cohesive failures were drawn.

    Attributes:
        intercept: strength at a score of 0.
        slope: strength for a step of 1 of the score.
        sheet_square: mean square of sheets within their lots.
        lot_square: mean square of lots.
    """

    intercept: float
    slope: float
    sheet_square: float
    lot_square: float


@dataclasses.dataclass(frozen=True)
class LeftOutError:
    """How well something predicts the strength of sheets of lots that it has not seen.

    Attributes:
        name: what predicts.
        error: root mean square, in the unit of the strength; None where the lots are too few.
        sheets: that were predicted.
    """

    name: str
    error: float | None
    sheets: int


@dataclasses.dataclass(frozen=True)
class AddedValue:
    """Whether the score tells more of the strength than another column does.

    Attributes:
        beside: that column.
        p: that the score adds nothing, within lots; None where sheets are too few to test it.
        free: degrees of freedom of the test.
        adds: whether it adds: p is below 0.05, and left-out lots are predicted better with it.
    """

    beside: str
    p: float | None
    free: int
    adds: bool


@dataclasses.dataclass(frozen=True)
class StrengthPrediction:
    """The strength of a new sheet.

    Attributes:
        strength: predicted.
        low: end of the 95 % prediction interval, not below 0.
        high: its other end.
        inside: whether the score lies in the range of the calibration.
    """

    strength: float
    low: float
    high: float
    inside: bool


@dataclasses.dataclass(frozen=True)
class Calibration(Result):
    """Strength by score, at the level of sheets: ``calibration.json``.

    Attributes:
        score: the column of the score.
        strength: the column of the strength, which names its unit.
        model: fingerprint of the model that scored; empty where unknown.
        sheets: that were measured.
        range: lowest and highest score of a sheet; outside of it predictions are marked.
        centre: mean score of the sheets.
        between: variance of the sheets' own scores.
        picture_variance: variance of a single picture within its sheet; None where no sheet has two.
        fits: from which strength is predicted.
        slope: strength for a step of 1 of the score.
        slope_interval: 95 %.
        errors: on left-out lots, of the score and of what stands beside it.
        added: whether the score adds to what stands beside it.
        verdicts: what was found, in sentences.
        caveats: what must be mentioned with it.
        page: path of the page.
    """

    FORMAT: ClassVar[str] = "copper-calibration 1"
    COMMAND: ClassVar[str] = "calibrate"

    score: str
    strength: str
    model: str
    sheets: tuple[CalibrationSheet, ...]
    range: Interval
    centre: float
    between: float
    picture_variance: float | None
    fits: tuple[StrengthFit, ...]
    slope: float
    slope_interval: Interval
    errors: tuple[LeftOutError, ...]
    added: tuple[AddedValue, ...]
    verdicts: tuple[str, ...]
    caveats: tuple[str, ...]
    page: Path | None = transient()
