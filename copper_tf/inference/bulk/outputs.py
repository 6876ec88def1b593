"""The parts of a table: written whole or not at all, bound to what made them, and put together at the end."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
import os
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from copper_tf.inference.bulk.shards import Shard
from copper_tf.inference.prediction_rows import UNLIKE, Told, told, value_column
from copper_tf.inference.predictor import Caution
from copper_tf.utils.tables import sheet_rows, write_tables
from tfds_copper.errors import OutputError, RunError
from tfds_copper.files import write_json
from tfds_copper.micrograph import ReadSettings

__all__ = ["BAD", "PARTS", "TABLE", "Job", "Parts", "Work", "model_sha256"]

Row = dict[str, Any]

PARTS, TABLE, BAD = "parts", "predictions.csv", "bad.csv"
_JOB, _LIST = "job.json", "pictures.jsonl"


def model_sha256(file: Path) -> str:
    """SHA-256 over the files of an exported model.

    Args:
        file: that is opened; those of the same stem beside it belong to it, and all of a SavedModel's folder.
    """
    found = file.rglob("*") if file.is_dir() else file.parent.glob(f"{file.stem}.*")
    total = hashlib.sha256()
    for one in sorted(p for p in found if p.is_file()):
        total.update(one.name.encode() + hashlib.sha256(one.read_bytes()).digest())
    return total.hexdigest()


@dataclasses.dataclass(frozen=True)
class Job:
    """All that the parts of a table depend on, but for the pictures.

    Attributes:
        model: hash of the exported model.
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
class Work:
    """What a worker must know; it must see both folders at these paths.

    Attributes:
        model: the export.
        runtime: the format to use.
        output: where the table goes.
        reading: what the user overrules in reading.
        palette: colours of the overlays; empty where no maps are written.
    """

    model: Path
    runtime: str
    output: Path
    reading: ReadSettings
    palette: str


class Parts:
    """The folder of the parts.

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
        file, asked = self.folder / _JOB, dataclasses.asdict(job)
        if force and self.folder.exists():
            shutil.rmtree(self.folder)
        if self.folder.exists() and self.finished():
            try:
                made = json.loads(file.read_text(encoding="utf-8"))
            except (OSError, ValueError):
                made = {}
            other = [name for name in asked if made.get(name) != asked[name]]
            if other:
                raise OutputError(
                    f"{self.folder}: parts must be of the same model and settings; --force makes them anew. "
                    f"Received: another {', '.join(other)}"
                )
        for unfinished in self.folder.glob(".writing-*"):
            unfinished.unlink()
        write_json(file, asked)

    def finished(self) -> set[str]:
        """The names of all parts there are, of other lists of pictures too."""
        return {name for name in os.listdir(self.folder) if name[0].isdigit()}

    def write(self, shard: Shard, rows: Sequence[Row], bad: Sequence[Row]) -> None:
        """Finishes a shard.

        Args:
            shard: the shard.
            rows: of the pictures that could be read, as `row_of` gives them.
            bad: file and reason of the others.
        """
        cells = [row | {UNLIKE: dataclasses.asdict(row[UNLIKE])} for row in rows]
        write_json(self.folder / shard.part, {"rows": cells, "bad": bad})

    def _read(self, shard: Shard) -> tuple[list[Row], list[Row]]:
        file = self.folder / shard.part
        try:
            part = json.loads(file.read_text(encoding="utf-8"))
            return part["rows"], part["bad"]
        except (OSError, ValueError, KeyError, TypeError):
            what = "damaged" if file.exists() else "nothing there"
            raise RunError(
                f"{file}: must be a whole part; the same command makes it anew once it is deleted. Received: {what}"
            ) from None

    def rows(self, shards: Sequence[Shard]) -> Iterator[Row]:
        """All rows in order, as `row_of` gives them; one part is in memory at a time."""
        for shard in shards:
            for row in self._read(shard)[0]:
                said = row[UNLIKE]
                size = math.nan if row["pixel_size_nm"] is None else row["pixel_size_nm"]
                caution = Caution(tuple(said["reasons"]), said["untold"], said["other_scale"])
                yield row | {"pixel_size_nm": size, UNLIKE: caution}

    def bad(self, shards: Sequence[Shard]) -> Iterator[Row]:
        """File and reason of all pictures that could not be read, in order."""
        return (row for shard in shards for row in self._read(shard)[1])

    def merge(self, shards: Sequence[Shard], gathered: Told) -> tuple[list[Path], int]:
        """Puts the parts together.

        Args:
            shards: all of them, in order.
            gathered: takes all rows into account.

        Returns:
            The files written, and how many pictures could not be read.
        """
        table, sheets, bad = self.output / TABLE, [], self.output / BAD
        files: list[Path] = []
        first = next(self.rows(shards), None)
        if first:
            sheets = sheet_rows(self.rows(shards), value_column(first))
            files += write_tables(table, told(self.rows(shards), gathered), sheets)
        count = sum(1 for _ in self.bad(shards))
        if count:
            files += write_tables(bad, self.bad(shards), [])
        # What an earlier call left of other pictures.
        for stale in {table, table.with_name(f"{table.stem}_sheets.csv"), bad}.difference(files):
            stale.unlink(missing_ok=True)
        return files, count
