"""Predictions of many pictures as typed results: a row a picture, and warnings about all of them together."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from copper_tf.ood.check import OodCheck, pixel_size_range, pixel_size_text
from tfds_copper.results import Result

__all__ = ["OOD_COLUMN", "BulkResult", "OodSummary", "PredictionFailure", "PredictionResult", "PredictionRow"]

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
        return "median grade t" if self.probabilities else "potency"


@dataclasses.dataclass(frozen=True)
class PredictionFailure:
    """A picture that has no prediction.

    Attributes:
        file: name of the picture.
        reason: why, in one line.
    """

    file: str
    reason: str


@dataclasses.dataclass(frozen=True)
class PredictionResult(Result):
    """What `copper_tf.predict` returns.

    Attributes:
        rows: one a picture, in order.
        failures: the pictures that could not be predicted.
        warnings: what must be mentioned with these results.
        hypothesis_note: what must be mentioned of a g that was learned; empty for a given hypothesis.
        files: tables and folders that were written.
    """

    FORMAT: ClassVar[str] = "copper-predictions 1"

    rows: tuple[PredictionRow, ...]
    failures: tuple[PredictionFailure, ...]
    warnings: tuple[str, ...]
    hypothesis_note: str
    files: tuple[Path, ...]


@dataclasses.dataclass(frozen=True)
class BulkResult(Result):
    """What `copper_tf.bulk` returns; the rows themselves are in the table.

    Attributes:
        pictures: how many there are.
        failures: how many of them could not be predicted; they are listed in ``bad.csv``.
        warnings: what must be mentioned with these results.
        hypothesis_note: what must be mentioned of a g that was learned; empty for a given hypothesis.
        files: tables and folders that were written.
    """

    FORMAT: ClassVar[str] = "copper-bulk 1"

    pictures: int
    failures: int
    warnings: tuple[str, ...]
    hypothesis_note: str
    files: tuple[Path, ...]


class OodSummary:
    """Out-of-distribution warnings about all pictures of a table, gathered row by row.

    Args:
        pixel_sizes_nm: of the model's data, see `Predictor.pixel_sizes_nm`.
    """

    def __init__(self, pixel_sizes_nm: Mapping[str, int]) -> None:
        self._trained = pixel_size_range(pixel_sizes_nm)
        self._count = self._other_sizes = self._unlike = 0
        self._other_size = self._example = ""
        self._groups, self._not_checked = Counter[str](), Counter[str]()

    def add(self, row: PredictionRow) -> None:
        """Takes a row into account."""
        check = row.ood
        self._count += 1
        if check.pixel_size_differs:
            self._other_sizes += 1
            self._other_size = self._other_size or f"{row.file} of {row.pixel_size_nm:g} nm"
        for reason in check.reasons[check.pixel_size_differs :]:
            self._unlike += 1
            self._example = self._example or f"{row.file} ({reason})"
            self._groups[reason.split(": ")[0]] += 1
        if check.not_checked:
            self._not_checked[check.not_checked] += 1

    def adding(self, rows: Iterable[PredictionRow]) -> Iterator[PredictionRow]:
        """The same rows, each taken into account when it is reached."""
        for row in rows:
            self.add(row)
            yield row

    def warnings(self) -> Iterator[str]:
        """Pictures of another pixel size than those of training, unlike them, or not compared with them."""
        if self._other_sizes and self._trained:
            yield (
                f"{self._other_sizes} of {self._count} pictures are of another pixel size than those of training "
                f"({pixel_size_text(self._trained)}), such as {self._other_size}: their results mean nothing"
            )
        if self._unlike:
            groups = ", ".join(f"{group} {count}" for group, count in self._groups.most_common())
            yield (
                f"{self._unlike} of {self._count} pictures are unlike those of training ({groups}), such as "
                f"{self._example}: their results may mean nothing; see the column {OOD_COLUMN!r}"
            )
        for reason, count in self._not_checked.items():
            yield f"{count} of {self._count} pictures were {reason}"
