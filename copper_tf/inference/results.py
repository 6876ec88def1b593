"""What predicting many pictures returns, as typed results."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import ClassVar

from copper_tf.inference.prediction_rows import PredictionFailure, PredictionRow
from tfds_copper.results import Result

__all__ = ["BulkResult", "PredictionResult"]


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
