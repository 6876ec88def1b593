"""What the page's links lead to: files that are made when they are asked for, and nothing else on this machine."""

from __future__ import annotations

import asyncio
import dataclasses
import re
import tempfile
import urllib.parse
from collections.abc import Callable
from pathlib import Path
from typing import Any

import tornado.iostream
import tornado.web

from copper_tf.apps.viewer.cache import STEPS
from copper_tf.apps.viewer.exports import file_name, note_rows, picture_rows, write_overlay_of, write_values
from copper_tf.apps.viewer.library import Entry, Library
from copper_tf.apps.viewer.notes import NoteBook
from copper_tf.utils.drawing import PALETTES
from copper_tf.utils.tables import write_tables
from tfds_copper.errors import CopperError, InputError

__all__ = ["Download", "route"]

# Bytes that are held at once.
_CHUNK = 2**20
_NAMES = ("map.tif", "scatter.tif", "overlay.png", "table.csv", "notes.csv")


def _number(text: str, most: int, name: str) -> int:
    if not re.fullmatch(r"[0-9]{1,3}", text) or int(text) > most:
        raise InputError(f"{name} must be a whole number from 0 to {most}. Received: {text[:20]!r}")
    return int(text)


@dataclasses.dataclass(frozen=True)
class _Maker:
    """Writes a file into a temporary folder, in a thread of its own."""

    library: Library
    notes: NoteBook
    entry: Entry
    name: str
    asked: Callable[[str, str], str]

    def __call__(self, folder: Path) -> tuple[Path, str]:
        """The file, and what the browser is to call it.

        Raises:
            InputError: if there is nothing to write, or it is asked for wrongly.
        """
        file = folder / self.name
        if self.name == "notes.csv":
            write_tables(file, note_rows(self.library, self.notes), [])
            return file, "notes.csv"
        if self.name == "table.csv":
            step = _number(self.asked("threshold", "50"), STEPS, "threshold")
            entries = self.library.shown
            entries += [] if self.entry in entries else [self.entry]
            write_tables(file, picture_rows(self.library, entries, step), [])
            return file, "potency.csv"
        return self._of_map(file)

    def _of_map(self, file: Path) -> tuple[Path, str]:
        drawn, plate = self.library.drawn(self.entry), self.library.plate(self.entry)
        values = None if drawn is None else drawn.scatter if self.name == "scatter.tif" else drawn.potency
        if drawn is None or values is None:
            raise InputError(f"{self.entry.name}: a map is needed. Received: none yet")
        if self.name == "overlay.png":
            palette = self.asked("palette", "paper")
            if palette not in PALETTES:
                raise InputError(f"palette must be one of {', '.join(PALETTES)}. Received: {palette[:20]!r}")
            opacity = _number(self.asked("opacity", "45"), 100, "opacity")
            write_overlay_of(file, plate, drawn, palette, opacity / 100)
            return file, file_name(self.entry, "_overlay.png")
        write_values(file, values, plate.pixel_size_nm)
        return file, file_name(self.entry, "_scatter.tif" if self.name == "scatter.tif" else "_map.tif")


class Download(tornado.web.RequestHandler):
    """Sends one of `_NAMES` of a picture that is known, by its ident."""

    def initialize(self, library: Library, notes: NoteBook) -> None:
        """See `route`."""
        self._library, self._notes = library, notes

    def _asked(self, name: str, default: str) -> str:
        return str(self.get_query_argument(name, default))

    async def get(self, ident: str, name: str) -> None:
        """Makes the file and sends it, piece by piece."""
        entry = self._library.find(ident)
        if entry is None or name not in _NAMES:
            raise tornado.web.HTTPError(404)
        # Arguments are read here: a request belongs to its own thread.
        known = {key: self._asked(key, default) for key, default in
                 (("threshold", "50"), ("palette", "paper"), ("opacity", "45"))}  # fmt: skip
        make = _Maker(self._library, self._notes, entry, name, lambda key, default: known.get(key, default))
        with tempfile.TemporaryDirectory(prefix="copper-view-") as folder:
            try:
                file, called = await asyncio.get_running_loop().run_in_executor(None, make, Path(folder))
            except CopperError as error:
                self.set_status(409)
                self.set_header("Content-Type", "text/plain; charset=utf-8")
                self.finish(str(error))
                return
            await self._send(file, called)

    async def _send(self, file: Path, called: str) -> None:
        self.set_header("Content-Type", "application/octet-stream")
        self.set_header("Content-Length", str(file.stat().st_size))
        self.set_header("Content-Disposition", f"attachment; filename*=UTF-8''{urllib.parse.quote(called, safe='')}")
        with file.open("rb") as stream:
            while chunk := stream.read(_CHUNK):
                self.write(chunk)
                try:
                    await self.flush()
                except tornado.iostream.StreamClosedError:
                    return


def route(library: Library, notes: NoteBook) -> tuple[str, Any, dict[str, Any]]:
    """The route of all downloads.

    Args:
        library: of the pictures.
        notes: of all of them.
    """
    return r"/download/([0-9a-f]{24})/([a-z]+\.[a-z]{3})", Download, {"library": library, "notes": notes}
