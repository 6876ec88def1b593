"""The part files of a table: written whole or not at all, bound to what made them, and merged at the end."""

from __future__ import annotations

import dataclasses
import os
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar

from copper_tf.inference.bulk.shards import Shard
from copper_tf.inference.ood_summary import OodSummary
from copper_tf.inference.prediction_rows import PredictionFailure, PredictionRow
from copper_tf.utils.tables import sheet_rows, write_tables
from tfds_copper.errors import OutputError, RunError
from tfds_copper.files import read_json, write_json
from tfds_copper.micrograph import ReadSettings
from tfds_copper.results import Result

__all__ = ["BAD", "PARTS", "TABLE", "Job", "Part", "PartFiles", "WorkerSettings"]

PARTS, TABLE, BAD = "parts", "predictions.csv", "bad.csv"
_JOB, _LIST = "job.json", "pictures.jsonl"


@dataclasses.dataclass(frozen=True)
class Job:
    """All that the parts of a table depend on, but for the pictures.

    Attributes:
        model: `Predictor.identity` of the exported model.
        runtime: the format that is used.
        reading: what the user overrules in reading.
        maps: the palette of the overlays; empty where no maps are written.
        version: of copper_tf.
    """

    model: str
    runtime: str
    reading: dict[str, Any]
    maps: str
    version: str


@dataclasses.dataclass(frozen=True)
class Part(Result):
    """The predictions of one shard.

    Attributes:
        rows: of the pictures that could be predicted.
        failures: the others.
    """

    FORMAT: ClassVar[str] = "copper-bulk-part 1"

    rows: tuple[PredictionRow, ...]
    failures: tuple[PredictionFailure, ...]


@dataclasses.dataclass(frozen=True)
class WorkerSettings:
    """What a worker must know; it must see both folders at these paths.

    Attributes:
        model: the export.
        runtime: the format to use.
        output: where the table goes.
        reading: settings of reading that the user gave.
        palette: colours of the overlays; empty where no maps are written.
    """

    model: Path
    runtime: str
    output: Path
    reading: ReadSettings
    palette: str


class PartFiles:
    """The folder of the part files.

    Args:
        output: where the table goes.
    """

    def __init__(self, output: Path) -> None:
        self.output, self.folder = output, output / PARTS
        self.list = self.folder / _LIST

    def begin(self, job: Job, force: bool) -> None:
        """Makes the folder, or goes on with one that the same job left.

        Raises:
            OutputError: if there are parts of another job and `force` is not given.
        """
        file, values = self.folder / _JOB, dataclasses.asdict(job)
        if force and self.folder.exists():
            shutil.rmtree(self.folder)
        if self.folder.exists() and self.finished():
            try:
                earlier = read_json(file)
            except (OSError, ValueError):
                earlier = {}
            other = [name for name in values if earlier.get(name) != values[name]]
            if other:
                raise OutputError(
                    f"{self.folder}: parts must be of the same model and settings; --force makes them anew. "
                    f"Received: another {', '.join(other)}"
                )
        for unfinished in self.folder.glob(".writing-*"):
            unfinished.unlink()
        write_json(file, values)

    def finished(self) -> set[str]:
        """The names of all parts there are, of other lists of pictures too."""
        return {name for name in os.listdir(self.folder) if name[0].isdigit()}

    def write(self, shard: Shard, part: Part) -> None:
        """Finishes a shard."""
        part.write(self.folder / shard.part)

    def _read(self, shard: Shard) -> Part:
        file = self.folder / shard.part
        try:
            return Part.read(file)
        except RunError:
            what = "damaged" if file.exists() else "nothing there"
            raise RunError(
                f"{file}: must be a whole part; the same command makes it anew once it is deleted. Received: {what}"
            ) from None

    def rows(self, shards: Sequence[Shard]) -> Iterator[PredictionRow]:
        """All rows in order; one part is in memory at a time."""
        return (row for shard in shards for row in self._read(shard).rows)

    def failures(self, shards: Sequence[Shard]) -> Iterator[PredictionFailure]:
        """The pictures that could not be predicted, in order."""
        return (failure for shard in shards for failure in self._read(shard).failures)

    def merge(self, shards: Sequence[Shard], summary: OodSummary, times: Sequence[float]) -> tuple[list[Path], int]:
        """Writes the tables.

        Args:
            shards: all of them, in order.
            summary: takes all rows into account.
            times: stress time of each label.

        Returns:
            The files written, and how many pictures could not be predicted.
        """
        table, bad = self.output / TABLE, self.output / BAD
        files: list[Path] = []
        first = next(self.rows(shards), None)
        if first:
            cells = (row.cells(times) for row in self.rows(shards))
            sheets = sheet_rows(cells, first.value_column, first.value_limits)
            files += write_tables(table, (row.cells(times) for row in summary.adding(self.rows(shards))), sheets)
        count = sum(1 for _ in self.failures(shards))
        if count:
            files += write_tables(bad, (dataclasses.asdict(failure) for failure in self.failures(shards)), [])
        # What an earlier call left of other pictures.
        for stale in {table, table.with_name(f"{table.stem}_sheets.csv"), bad}.difference(files):
            stale.unlink(missing_ok=True)
        return files, count
