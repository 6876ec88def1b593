"""The strength of predicted sheets as further columns of their table, by a calibration."""

from __future__ import annotations

from typing import Any

from copper_tf.analysis.decisions.calibration import predict_strength
from copper_tf.analysis.decisions.calibration_results import Calibration
from tfds_copper.errors import InputError
from tfds_copper.text import listed

__all__ = ["OUTSIDE", "SheetStrengths"]

# What stands in the column `calibration` where a score lies beyond those that were calibrated.
OUTSIDE = "outside its range"
_NAMED = 5
# Of a strength, whatever its unit.
_SIGNIFICANT = 5


def _rounded(strength: float) -> float:
    return float(f"{strength:.{_SIGNIFICANT}g}")


class SheetStrengths:
    """Adds the predicted strength to rows of sheets.

    Args:
        calibration: of the scores.
        score: the score that the model gives.
        model: fingerprint of the model.

    Raises:
        InputError: if the calibration is of another score.
    """

    def __init__(self, calibration: Calibration, score: str, model: str) -> None:
        if calibration.score != score:
            raise InputError(f"calibration: must be of the score {score} of this model. Received: {calibration.score}")
        self.calibration = calibration
        self.warnings: list[str] = []
        if calibration.model and calibration.model != model:
            self.warnings.append(
                "the calibration was made with another model, or another export of it; scores of two trainings can't "
                "be compared"
            )

    def __call__(self, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """The rows with strength, its 95 % prediction interval, and whether the calibration holds there.

        Args:
            rows: with ``sheet``, ``n`` and the mean score.
        """
        if not rows:
            self.warnings.append("strength is predicted for sheets, and no sheet is known: --sheet names it")
            return rows
        name, low, high = self.calibration.strength, *self.calibration.range
        means = [float(row[f"mean {self.calibration.score}"]) for row in rows]
        found = predict_strength(self.calibration, means, [int(row["n"]) for row in rows])
        outside = [str(row["sheet"]) for row, one in zip(rows, found, strict=True) if not one.inside]
        if outside:
            self.warnings.append(
                f"scores of {len(outside)} of {len(rows)} sheets lie outside the range of the calibration, {low:.3g} "
                f"to {high:.3g} ({listed(outside, _NAMED)}): their strength is a guess"
            )
        return [
            row | {name: _rounded(one.strength), f"{name} 95% low": _rounded(one.low),
                   f"{name} 95% high": _rounded(one.high), "calibration": "" if one.inside else OUTSIDE}
            for row, one in zip(rows, found, strict=True)
        ]  # fmt: skip
