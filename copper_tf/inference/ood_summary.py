"""Out-of-distribution warnings about all pictures of a table together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

from copper_tf.inference.prediction_rows import OOD_COLUMN, PredictionRow
from copper_tf.ood.check import pixel_size_range, pixel_size_text
from tfds_copper.micrograph.depth import low_bits

__all__ = ["LowDepths", "OodSummary"]

# A picture of 16 bits that stays below this depth's full scale is rarely only dark.
_SURELY_LOW = 12


class LowDepths:
    """Pictures of 16 bits whose values would fit into fewer, gathered from their notes."""

    def __init__(self) -> None:
        self._counts, self._example = Counter[int](), ""

    def add(self, file: str, notes: str) -> None:
        """Takes a picture into account: its name, and how it was read."""
        bits = low_bits(notes)
        if bits:
            self._counts[bits] += 1
            self._example = self._example or file

    def warnings(self, count: int) -> Iterator[str]:
        """That they may have been recorded with fewer bits, of `count` pictures in all."""
        low, bits = self._counts.total(), max(self._counts, default=0)
        if low and (bits <= _SURELY_LOW or low == count):
            yield (
                f"{low} of {count} pictures have 16 bits and no grey value above {2**bits - 1}, such as "
                f"{self._example}: if they were recorded with {bits} bits, --bit-depth {bits} reads them so"
            )


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
        self._depths = LowDepths()

    def add(self, row: PredictionRow) -> None:
        """Takes a row into account."""
        check = row.ood
        self._depths.add(row.file, row.notes)
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
        """Pictures of fewer bits, of another pixel size than those of training, unlike them, or not compared."""
        yield from self._depths.warnings(self._count)
        if self._other_sizes and self._trained:
            yield (
                f"{self._other_sizes} of {self._count} pictures are of another pixel size than those of training "
                f"({pixel_size_text(self._trained)}), such as {self._other_size}: their results mean nothing"
            )
        if self._unlike:
            groups = ", ".join(f"{group} {count}" for group, count in self._groups.most_common())
            yield (
                f"{self._unlike} of {self._count} pictures differ from those of training ({groups}), such as "
                f"{self._example}: their results may mean nothing; see the column {OOD_COLUMN!r}"
            )
        for reason, count in self._not_checked.items():
            yield f"{count} of {self._count} pictures were {reason}"
