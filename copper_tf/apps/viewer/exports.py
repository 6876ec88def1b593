"""The files that the viewer offers for download: maps, overlays, tables."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from copper_tf.apps.viewer.cache import PERCENT, CachedMap, CachedPicture
from copper_tf.apps.viewer.library import Entry, Library
from copper_tf.apps.viewer.notes import NoteBook, private_notes
from copper_tf.inference.map_files import Overview, map_file
from tfds_copper.errors import InputError

__all__ = ["file_name", "note_rows", "picture_rows", "write_map", "write_overlay"]

# Rows of a picture that are written at a time.
_ROWS = 512


def file_name(entry: Entry, ending: str) -> str:
    """The name of a file about a picture."""
    return f"{PurePosixPath(entry.name).stem}{ending}"


def _row_blocks(shape: tuple[int, int]) -> Iterator[tuple[slice, slice]]:
    return ((slice(a, min(a + _ROWS, shape[0])), slice(0, shape[1])) for a in range(0, shape[0], _ROWS))


def write_map(path: Path, values: np.ndarray, pixel_size_nm: float) -> None:
    """Writes a map, or its scatter, as the float TIFF that `copper predict` writes.

    Args:
        path: a ``.tif`` file.
        values: ``(height, width)``.
        pixel_size_nm: NaN where unknown.
    """
    shape = values.shape[0], values.shape[1]
    with map_file(path, shape, pixel_size_nm) as write:
        for block in _row_blocks(shape):
            write(*block, np.asarray(values[block]))


def write_overlay(path: Path, picture: CachedPicture, potency_map: CachedMap, palette: str, strength: float) -> None:
    """Writes the overlay with scale bar and colour bar as a PNG.

    Args:
        path: a ``.png`` file.
        picture: the picture.
        potency_map: its map.
        palette: a name in `drawing.PALETTES`.
        strength: share of the map's colour, 0 to 1.
    """
    overview = Overview(picture.shape)
    for block in _row_blocks(picture.shape):
        overview.add(*block, np.asarray(picture.pixels[block]), np.asarray(potency_map.potency[block]))
    overview.write(path, picture.pixel_size_nm, palette, strength)


def picture_rows(library: Library, entries: list[Entry], percent: int) -> list[dict[str, Any]]:
    """One row for each picture that has a map.

    Args:
        library: of the pictures.
        entries: the pictures of the table.
        percent: threshold of the area share, 0 to 100.

    Raises:
        InputError: if none has a map yet.
    """
    rows = []
    for entry in entries:
        potency_map = library.map(entry)
        if potency_map is None:
            continue
        picture = library.picture(entry)
        row = {"file": entry.name, "sheet": entry.sheet, "t": entry.t, "width": picture.shape[1]}
        row |= {"height": picture.shape[0], "pixel_size_nm": picture.pixel_size_nm, "potency": potency_map.mean_potency}
        row |= {"scatter": potency_map.mean_scatter, "threshold": percent / PERCENT}
        row |= {"area share": potency_map.area_share(percent)}
        rows.append(row | {"notes": "; ".join(picture.notes)})
    if not rows:
        raise InputError("a table needs at least one map. Received: none yet")
    return rows


def note_rows(library: Library, notes: NoteBook, entry: Entry | None = None) -> list[dict[str, Any]]:
    """One row for each note of all pictures; positions also in µm where the pixel size is known.

    Args:
        library: of the pictures.
        notes: on the public ones.
        entry: the picture of a page, whose own notes are added where it is private.

    Raises:
        InputError: if there are no notes.
    """
    folder = None if entry is None else library.private_folder(entry)
    every = [*notes.all(), *(private_notes(folder).all() if folder else ())]
    entries = [*library.public, *([entry] if entry and folder else ())]
    sizes = {shown.name: library.picture(shown).pixel_size_nm for shown in entries}
    rows = []
    for note in every:
        micron = sizes.get(note.picture, math.nan) / 1000
        row = {"file": note.picture, "number": note.number, "x": note.x, "y": note.y}
        row |= {"x_um": note.x * micron, "y_um": note.y * micron, "potency": note.potency, "note": note.text}
        rows.append(row | {"created": note.created})
    if not rows:
        raise InputError("a table needs at least one note, see `Add a note` on the page. Received: none yet")
    return rows
