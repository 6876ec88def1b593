"""The row of a picture in a table of predictions, and its columns."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

from copper_tf.ood.check import OodCheck

__all__ = ["OOD_COLUMN", "VALUE_COLUMNS", "PredictionFailure", "PredictionRow"]

# The column that is averaged over the pictures of a sheet, by kind of model.
VALUE_COLUMNS = {"segmenter": "potency", "classifier": "median grade t"}

# The column of a table that says in what a picture is out of distribution.
OOD_COLUMN = "unlike training"


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
        about |= {"pixel_size_nm": self.pixel_size_nm, "notes": self.notes, OOD_COLUMN: self.ood.text}
        if self.probabilities:
            shares = {f"p(t={t:g})": share for t, share in zip(times, self.probabilities, strict=True)}
            return about | {"grade t": self.grade, "median grade t": self.median_grade} | shares
        means = {"potency": self.potency, "scatter": self.scatter}
        return about | {name: value for name, value in means.items() if value is not None}

    @property
    def value_column(self) -> str:
        """The column that is averaged over the pictures of a sheet."""
        return VALUE_COLUMNS["classifier" if self.probabilities else "segmenter"]


@dataclasses.dataclass(frozen=True)
class PredictionFailure:
    """A picture that has no prediction.

    Attributes:
        file: name of the picture.
        reason: why, in one line.
    """

    file: str
    reason: str
