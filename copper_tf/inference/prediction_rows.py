"""One row for each picture: what a model says of it, how it was read, and in what it is unlike those of training."""

from __future__ import annotations

import contextlib
import dataclasses
import math
import re
from collections import Counter
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from copper_tf.inference.inputs import Source
from copper_tf.inference.map_files import Overview, map_file
from copper_tf.inference.predictor import Piece, Prediction, caution, scale_text, trained_scale
from copper_tf.inference.prefetch import streamed
from tfds_copper.errors import CopperError
from tfds_copper.micrograph import Opened, ReadSettings, open_windows
from tfds_copper.progress import Progress

__all__ = ["FOLDERS", "OVERLAYS", "UNLIKE", "Drawing", "Told", "row_of", "rows_of", "told", "value_column"]

Row = dict[str, Any]
# An open picture, and what its row says before a model has seen it.
_Found = tuple[Opened, Row]

# The folders of the maps, by column of the table: of potency, and of how far the members of an ensemble lie apart.
FOLDERS = {"potency": "maps", "scatter": "scatter"}
OVERLAYS = "overlays"
# The column that says in what a picture is unlike those of training.
UNLIKE = "unlike training"


@dataclasses.dataclass(frozen=True)
class Drawing:
    """How maps are written.

    Attributes:
        folder: where their folders go.
        palette: colours of the overlays.
    """

    folder: Path
    palette: str


def _about(source: Source, picture: Opened, predictor: Any) -> Row:
    height, width = picture.windows.shape
    row = {"file": source.name, "sheet": source.sheet, "width": width, "height": height}
    row |= {"pixel_size_nm": picture.pixel_size_nm, "notes": "; ".join(picture.notes)}
    scale = trained_scale(predictor.pixel_sizes_nm)
    return row | {UNLIKE: caution(picture.windows, picture.pixel_size_nm, predictor.familiar, scale)}


def _graded(probabilities: Any, labels: Any) -> Row:
    """The results of a classifier."""
    found = Prediction(None, probabilities)
    grades = {"grade t": labels.times[found.grade], "median grade t": labels.times[found.median_grade]}
    return grades | {f"p(t={t:g})": float(p) for t, p in zip(labels.times, probabilities, strict=True)}


def _mapped(pieces: Iterator[Piece], picture: Opened) -> dict[str, float]:
    """The results of a segmenter, averaged as its pieces come."""
    sums: dict[str, float] = {}
    for piece in pieces:
        for what in FOLDERS:
            values = getattr(piece, what)
            if values is not None:
                sums[what] = sums.get(what, 0.0) + float(values.sum(dtype="float64"))
    return {what: total / math.prod(picture.windows.shape) for what, total in sums.items()}


def _drawn(pieces: Iterator[Piece], picture: Opened, name: str, drawing: Drawing) -> Iterator[Piece]:
    """The same pieces; their maps and the overlay are written on the way."""
    stem = Path(re.sub(r"[<>:\"|?*]", "_", name)).with_suffix("")
    shape, size, overview = picture.windows.shape, picture.pixel_size_nm, Overview(picture.windows.shape)
    with contextlib.ExitStack() as stack:
        files: dict[str, Any] = {}
        for piece in pieces:
            for what in FOLDERS:
                values = getattr(piece, what)
                if values is None:
                    continue
                if what not in files:
                    folder = drawing.folder / FOLDERS[what] / stem
                    files[what] = stack.enter_context(map_file(folder.with_name(f"{stem.name}.tif"), shape, size))
                files[what](piece.rows, piece.columns, values)
            overview.add(piece.rows, piece.columns, picture.windows.read(piece.rows, piece.columns), piece.potency)
            yield piece
    overview.write((drawing.folder / OVERLAYS / stem).with_name(f"{stem.name}.png"), size, drawing.palette)


@contextlib.contextmanager
def _looked_at(source: Source, predictor: Any, reading: ReadSettings, progress: Progress | None) -> Iterator[_Found]:
    with open_windows(source.path, reading, source.pixel_size_nm, progress) as picture:
        yield picture, _about(source, picture, predictor)


def _worked_on(
    source: Source, found: _Found, predictor: Any, drawing: Drawing | None, progress: Progress | None
) -> Callable[[], Row]:
    """Has the model look at a picture; what remains to be done is the writing, but for a large one's."""
    picture, about = found
    name, large = str(source.path), picture.windows.large
    tell = progress if large else None
    if predictor.kind == "classifier":
        graded = about | _graded(predictor.grades(picture.windows, name, tell), predictor.labels)
        return lambda: graded

    def mapped(pieces: Iterator[Piece]) -> Row:
        drawn = _drawn(pieces, picture, source.name, drawing) if drawing else pieces
        return about | _mapped(drawn, picture)

    pieces = predictor.pieces(picture.windows, name, tell)
    if large:
        # Its map is nowhere held whole.
        row = mapped(pieces)
        return lambda: row
    held = list(pieces)
    return lambda: mapped(iter(held))


def row_of(
    source: Source, predictor: Any, reading: ReadSettings, drawing: Drawing | None = None,
    progress: Progress | None = None,
) -> Row:  # fmt: skip
    """The row of a picture; its maps are written where they are asked for.

    Args:
        source: the picture.
        predictor: a `ByPieces` with the model's labels and what pictures it knows.
        reading: what the user overrules.
        drawing: how a segmenter's maps are written; not at all where None.
        progress: called with (done, total, what) while a large picture is looked through and mapped.

    Returns:
        The cells by column; that of `UNLIKE` is a `Caution`, whose text stands in the table.

    Raises:
        InputError: if the picture can't be read, or is smaller than the network needs.
    """
    with _looked_at(source, predictor, reading, progress) as found:
        return _worked_on(source, found, predictor, drawing, progress)()


def rows_of(
    sources: Iterable[Source], predictor: Any, reading: ReadSettings, drawing: Drawing | None = None,
    progress: Progress | None = None,
) -> Generator[Row | CopperError, None, None]:  # fmt: skip
    """The rows of pictures in their order, and the error of each that has none, see `row_of` and `streamed`."""

    def looked_at(source: Source, tell: Progress) -> contextlib.AbstractContextManager[_Found]:
        return _looked_at(source, predictor, reading, tell)

    def worked_on(source: Source, found: _Found) -> Callable[[], Row]:
        return _worked_on(source, found, predictor, drawing, progress)

    return streamed(sources, looked_at, worked_on, lambda found: found[0].windows.large, progress)


def value_column(row: Row) -> str:
    """The column of a table that is averaged over the pictures of a sheet."""
    return "potency" if "potency" in row else "median grade t"


class Told:
    """What is to be said of a table as a whole, gathered row by row.

    Args:
        pixel_sizes_nm: of the model's data, see `Predictor.pixel_sizes_nm`.
    """

    def __init__(self, pixel_sizes_nm: Mapping[str, int]) -> None:
        self._scale = trained_scale(pixel_sizes_nm)
        self._count, self._others, self._unlike = 0, 0, 0
        self._other = self._example = ""
        self._why, self._untold = Counter[str](), Counter[str]()

    def add(self, row: Row) -> None:
        """Takes a row of `row_of` into account."""
        said = row[UNLIKE]
        self._count += 1
        if said.other_scale:
            self._others += 1
            self._other = self._other or f"{row['file']} of {row['pixel_size_nm']:g} nm"
        for reason in said.reasons[said.other_scale :]:
            self._unlike += 1
            self._example = self._example or f"{row['file']} ({reason})"
            self._why[reason.split(": ")[0]] += 1
        if said.untold:
            self._untold[said.untold] += 1

    def warnings(self) -> Iterator[str]:
        """Where pictures are of another pixel size than those of training, unlike them, or that isn't known."""
        if self._others and self._scale:
            yield (
                f"{self._others} of {self._count} pictures are of another pixel size than those of training "
                f"({scale_text(self._scale)}), such as {self._other}: their results mean nothing"
            )
        if self._unlike:
            why = ", ".join(f"{group} {count}" for group, count in self._why.most_common())
            yield (
                f"{self._unlike} of {self._count} pictures are unlike those of training ({why}), such as "
                f"{self._example}: their results may mean nothing; see the column {UNLIKE!r}"
            )
        for untold, count in self._untold.items():
            yield f"{count} of {self._count} pictures were {untold}"


def told(rows: Iterator[Row], gathered: Told) -> Iterator[Row]:
    """Rows as they stand in a table, taken into account on the way."""
    for row in rows:
        gathered.add(row)
        yield row | {UNLIKE: row[UNLIKE].text}
