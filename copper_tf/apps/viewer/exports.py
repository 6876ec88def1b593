"""What can be taken along: map, overlay, tables."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from copper_tf.apps.viewer.cache import STEPS, Drawn, Plate
from copper_tf.apps.viewer.library import Entry, Library
from copper_tf.apps.viewer.notes import NoteBook
from copper_tf.inference.map_files import Overview, map_file
from tfds_copper.errors import InputError

__all__ = ["file_name", "note_rows", "picture_rows", "write_overlay_of", "write_values"]

# Rows of a picture that are written at once.
_ROWS = 512


def file_name(entry: Entry, ending: str) -> str:
    """What a file about a picture is called."""
    return f"{PurePosixPath(entry.name).stem}{ending}"


def _stripes(shape: tuple[int, int]) -> Iterator[tuple[slice, slice]]:
    return ((slice(a, min(a + _ROWS, shape[0])), slice(0, shape[1])) for a in range(0, shape[0], _ROWS))


def write_values(path: Path, values: np.ndarray, pixel_size_nm: float) -> None:
    """Writes a map, or its scatter, as `copper predict` does: a float TIFF.

    Args:
        path: a ``.tif`` file.
        values: ``(height, width)``.
        pixel_size_nm: NaN where unknown.
    """
    shape = values.shape[0], values.shape[1]
    with map_file(path, shape, pixel_size_nm) as write:
        for place in _stripes(shape):
            write(*place, np.asarray(values[place]))


def write_overlay_of(path: Path, plate: Plate, drawn: Drawn, palette: str, strength: float) -> None:
    """Writes the overlay with scale bar and colours as a PNG.

    Args:
        path: a ``.png`` file.
        plate: the picture.
        drawn: its map.
        palette: a name in `draw.PALETTES`.
        strength: share of the map's colour, 0 to 1.
    """
    overview = Overview(plate.shape)
    for place in _stripes(plate.shape):
        overview.add(*place, np.asarray(plate.pixels[place]), np.asarray(drawn.potency[place]))
    overview.write(path, plate.pixel_size_nm, palette, strength)


def picture_rows(library: Library, entries: list[Entry], step: int) -> list[dict[str, Any]]:
    """One row for each picture that is mapped.

    Args:
        library: of the pictures.
        entries: those that are wanted.
        step: of the threshold, see `Drawn.share`.

    Raises:
        InputError: if none is mapped yet.
    """
    rows = []
    for entry in entries:
        drawn = library.drawn(entry)
        if drawn is None:
            continue
        plate = library.plate(entry)
        row = {"file": entry.name, "sheet": entry.sheet, "t": entry.t, "width": plate.shape[1]}
        row |= {"height": plate.shape[0], "pixel_size_nm": plate.pixel_size_nm, "potency": drawn.mean}
        row |= {"scatter": drawn.mean_scatter, "threshold": step / STEPS, "area share": drawn.share(step)}
        rows.append(row | {"notes": "; ".join(plate.notes)})
    if not rows:
        raise InputError("a table needs at least one map. Received: none yet")
    return rows


def note_rows(library: Library, notes: NoteBook) -> list[dict[str, Any]]:
    """One row for each note of all pictures; places in µm where the pixel size is known.

    Raises:
        InputError: if there is none.
    """
    sizes = {entry.name: library.plate(entry).pixel_size_nm for entry in library.shown}
    rows = []
    for note in notes.all():
        micron = sizes.get(note.picture, math.nan) / 1000
        row = {"file": note.picture, "number": note.number, "x": note.x, "y": note.y}
        row |= {"x_um": note.x * micron, "y_um": note.y * micron, "potency": note.potency, "note": note.text}
        rows.append(row | {"created": note.created})
    if not rows:
        raise InputError("notes are needed, by `Pin a note` on the page. Received: none yet")
    return rows
