"""The row of a picture in a table of predictions, and its columns."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

from copper_tf.ood.check import OodCheck
from copper_tf.statistics.bootstrap import UNIT, UNLIMITED
from copper_tf.utils.tables import DECIMALS
from tfds_copper.folder.times import time_text
from tfds_copper.micrograph.depth import low_bits

__all__ = ["OOD_COLUMN", "VALUE_COLUMNS", "WARNINGS_COLUMN", "PredictionFailure", "PredictionRow"]

# The column that is averaged over the pictures of a sheet, by kind of model.
VALUE_COLUMNS = {"segmenter": "potency", "classifier": "median grade t"}

# The column of a table that says in what a picture is out of distribution.
OOD_COLUMN = "out of distribution"
# The column of its warnings in one word each, and the word for a depth that may be less than 16 bits.
WARNINGS_COLUMN, LOW_DEPTH = "warnings", "bit-depth"


@dataclasses.dataclass(frozen=True)
class PredictionRow:
    """The prediction of one picture.

    Attributes:
        file: name of the picture.
        sheet: "" where unknown.
        width: in px, without information bar.
        height: in px, without information bar.
        pixel_size_nm: NaN where unknown.
        notes: how the picture was read.
        ood: in what it is out of distribution.
        potency: mean of its map, from a segmenter.
        area_share: share of its map over `statistics.scores.CUT`.
        nearest_t: t of the label whose g is nearest to the potency; None where g is unknown.
        scatter: mean standard deviation of its map over the members, from an ensemble of segmenters.
        grade: t of the most probable label, from a classifier.
        median_grade: t of the label at the median of the probabilities.
        probabilities: of each label.
    """

    file: str
    sheet: str
    width: int
    height: int
    pixel_size_nm: float
    notes: str
    ood: OodCheck
    potency: float | None = None
    area_share: float | None = None
    nearest_t: float | None = None
    scatter: float | None = None
    grade: float | None = None
    median_grade: float | None = None
    probabilities: tuple[float, ...] = ()

    def cells(self, times: Sequence[float]) -> dict[str, Any]:
        """The row as it stands in a table, by column.

        Args:
            times: stress time of each label.
        """
        about = {"file": self.file, "sheet": self.sheet, "width": self.width, "height": self.height}
        about |= {"pixel_size_nm": self.pixel_size_nm, "notes": self.notes}
        about |= {WARNINGS_COLUMN: " ".join(self.warning_codes), OOD_COLUMN: self.ood.text}
        if self.probabilities:
            shares = {
                f"p(t={time_text(t)})": round(p, DECIMALS) for t, p in zip(times, self.probabilities, strict=True)
            }
            sure = {"p(grade t)": round(max(self.probabilities), DECIMALS)}
            return about | {"grade t": self.grade} | sure | {"median grade t": self.median_grade} | shares
        means = {"potency": self.potency, "scatter": self.scatter, "area share": self.area_share}
        cells = {name: round(value, DECIMALS) for name, value in means.items() if value is not None}
        return about | cells | ({} if self.nearest_t is None else {"nearest t": self.nearest_t})

    @property
    def warning_codes(self) -> tuple[str, ...]:
        """What makes the result doubtful, in one word each."""
        return (*self.ood.codes, *([LOW_DEPTH] if low_bits(self.notes) else []))

    @property
    def value_column(self) -> str:
        """The column that is averaged over the pictures of a sheet."""
        return VALUE_COLUMNS["classifier" if self.probabilities else "segmenter"]

    @property
    def value_limits(self) -> tuple[float, float]:
        """What a value of that column can be."""
        return UNLIMITED if self.probabilities else UNIT


@dataclasses.dataclass(frozen=True)
class PredictionFailure:
    """A picture that has no prediction.

    Attributes:
        file: name of the picture.
        reason: why, in one line.
    """

    file: str
    reason: str
