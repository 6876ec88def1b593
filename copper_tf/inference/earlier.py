"""What predicting has left in a folder before: results of two models, or of two sets of pictures, never mix there."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import ClassVar

from tfds_copper.errors import OutputError, RunError
from tfds_copper.folder.clutter import OVERLAYS, PREDICTION, PREDICTION_MAPS
from tfds_copper.results import Result

__all__ = ["PredictionRecord", "begin_predictions", "refuse_predictions"]


@dataclasses.dataclass(frozen=True)
class PredictionRecord(Result):
    """What the results in a folder are of; written before the first of them.

    Attributes:
        model: `Predictor.identity` of the model.
        results: names of the maps and overlays, without their own endings.
        table: name of the table.
    """

    FORMAT: ClassVar[str] = "copper-prediction 1"

    model: str
    results: tuple[str, ...]
    table: str

    def paths(self, folder: Path) -> list[Path]:
        """All that may lie in the folder."""
        table = folder / self.table
        maps = [folder / name / f"{result}.tif" for name in PREDICTION_MAPS.values() for result in self.results]
        overlays = [folder / OVERLAYS / f"{result}.png" for result in self.results]
        return [table, table.with_name(f"{table.stem}_sheets.csv"), *maps, *overlays]


def _removable(earlier: PredictionRecord, folder: Path, file: Path) -> list[Path]:
    """All that may lie in the folder, once nothing leads out of it: whoever made the folder wrote the names.

    Raises:
        RunError: naming the record, if something does.
    """
    for name in (earlier.table, *earlier.results):
        if not name or Path(name).anchor or ".." in Path(name).parts:
            raise RunError(f"{file}: results must be names inside {folder}. Received: {name!r}")
    paths, root = earlier.paths(folder), folder.resolve()
    for path in paths:
        # A link that is a result itself may be removed.
        if not path.parent.resolve().is_relative_to(root):
            raise RunError(f"{file}: results must lie inside {folder}. Received: a link to {path.parent.resolve()}")
    return paths


def _difference(earlier: PredictionRecord, now: PredictionRecord) -> str:
    """Why new results can't lie among earlier ones; empty where they replace all of them."""
    if earlier.model != now.model:
        return "those of another model"
    others = sorted(set(earlier.results) - set(now.results))
    return f"those of {len(others)} other pictures, such as {others[0]}" if others else ""


def begin_predictions(record: PredictionRecord, folder: Path, force: bool) -> None:
    """Makes a folder ready for results.

    Args:
        record: what they will be of.
        folder: where they go.
        force: removes earlier ones that they would mix with.

    Raises:
        OutputError: if there are such, and `force` isn't given; or results that no record tells of.
        RunError: if the record of the earlier ones is damaged, or tells of files elsewhere that would be removed.
    """
    file = folder / PREDICTION
    if file.exists():
        earlier = PredictionRecord.read(file)
        difference = _difference(earlier, record)
        if difference and not force:
            raise OutputError(
                f"{folder}: results must be of one model and one set of pictures; --force replaces those that are "
                f"there. Received: {difference}"
            )
        if difference:
            for path in _removable(earlier, folder, file):
                path.unlink(missing_ok=True)
    else:
        names = (record.table, *PREDICTION_MAPS.values(), OVERLAYS)
        there = [name for name in names if (folder / name).exists()]
        if there:
            raise OutputError(
                f"{folder}: results need a folder without others, or with those of `copper predict`. "
                f"Received: one with {there[0]}"
            )
    record.write(file)


def refuse_predictions(folder: Path) -> None:
    """Keeps the results of `copper bulk` apart from those of `copper predict`.

    Raises:
        OutputError: if the folder holds such.
    """
    if (folder / PREDICTION).exists():
        raise OutputError(f"{folder}: must not hold results of `copper predict`. Received: {PREDICTION}")
