"""The downloads of the page: files that are written on request, and nothing else on this machine."""

from __future__ import annotations

import asyncio
import dataclasses
import re
import tempfile
import urllib.parse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import tornado.iostream
import tornado.web

from copper_tf.apps.viewer.cache import PERCENT
from copper_tf.apps.viewer.exports import file_name, note_rows, picture_rows, write_map, write_overlay
from copper_tf.apps.viewer.library import Entry, Library
from copper_tf.apps.viewer.notes import NoteBook
from copper_tf.utils.drawing import PALETTES
from copper_tf.utils.tables import write_tables
from tfds_copper.errors import CopperError, InputError

__all__ = ["Download", "download_route"]

# Bytes per write.
_CHUNK = 2**20
_FILES = ("map.tif", "scatter.tif", "overlay.png", "table.csv", "notes.csv")
# The query of a download, and what it means to leave a part of it out.
_DEFAULTS = {"threshold": "50", "palette": "paper", "opacity": "45"}


def _number(text: str, maximum: int, name: str) -> int:
    if not re.fullmatch(r"[0-9]{1,3}", text) or int(text) > maximum:
        raise InputError(f"{name} must be a whole number from 0 to {maximum}. Received: {text[:20]!r}")
    return int(text)


@dataclasses.dataclass(frozen=True)
class _FileWriter:
    """Writes a file into a temporary folder; called in a worker thread."""

    library: Library
    notes: NoteBook
    entry: Entry
    name: str
    query: Mapping[str, str]

    def __call__(self, folder: Path) -> tuple[Path, str]:
        """Returns the file, and its name for the browser.

        Raises:
            InputError: if there is nothing to write, or the query is wrong.
        """
        file = folder / self.name
        if self.name == "notes.csv":
            write_tables(file, note_rows(self.library, self.notes, self.entry), [])
            return file, "notes.csv"
        if self.name == "table.csv":
            percent = _number(self.query["threshold"], PERCENT, "threshold")
            entries = self.library.public
            entries += [] if self.entry in entries else [self.entry]
            write_tables(file, picture_rows(self.library, entries, percent), [])
            return file, "potency.csv"
        return self._write_map_file(file)

    def _write_map_file(self, file: Path) -> tuple[Path, str]:
        potency_map, picture = self.library.map(self.entry), self.library.picture(self.entry)
        scatter = self.name == "scatter.tif"
        values = None if potency_map is None else potency_map.scatter if scatter else potency_map.potency
        if potency_map is None or values is None:
            raise InputError(f"{self.entry.name}: a map is needed. Received: none yet")
        if self.name == "overlay.png":
            palette = self.query["palette"]
            if palette not in PALETTES:
                raise InputError(f"palette must be one of {', '.join(PALETTES)}. Received: {palette[:20]!r}")
            opacity = _number(self.query["opacity"], 100, "opacity")
            write_overlay(file, picture, potency_map, palette, opacity / 100)
            return file, file_name(self.entry, "_overlay.png")
        write_map(file, values, picture.pixel_size_nm)
        return file, file_name(self.entry, "_scatter.tif" if scatter else "_map.tif")


class Download(tornado.web.RequestHandler):
    """Sends one of `_FILES` of a picture, by its ident."""

    def initialize(self, library: Library, notes: NoteBook) -> None:
        """See `download_route`."""
        self._library, self._notes = library, notes

    async def get(self, ident: str, name: str) -> None:
        """Writes the file and sends it in chunks."""
        entry = self._library.get(ident)
        if entry is None or name not in _FILES:
            raise tornado.web.HTTPError(404)
        # The query is read here: a request must not be used in another thread.
        query = {key: str(self.get_query_argument(key, default)) for key, default in _DEFAULTS.items()}
        write = _FileWriter(self._library, self._notes, entry, name, query)
        with tempfile.TemporaryDirectory(prefix="copper-view-") as folder:
            try:
                file, sent_as = await asyncio.get_running_loop().run_in_executor(None, write, Path(folder))
            except CopperError as error:
                self.set_status(409)
                self.set_header("Content-Type", "text/plain; charset=utf-8")
                self.finish(str(error))
                return
            await self._send(file, sent_as)

    async def _send(self, file: Path, sent_as: str) -> None:
        self.set_header("Content-Type", "application/octet-stream")
        self.set_header("Content-Length", str(file.stat().st_size))
        self.set_header("Content-Disposition", f"attachment; filename*=UTF-8''{urllib.parse.quote(sent_as, safe='')}")
        with file.open("rb") as stream:
            while chunk := stream.read(_CHUNK):
                self.write(chunk)
                try:
                    await self.flush()
                except tornado.iostream.StreamClosedError:
                    return


def download_route(library: Library, notes: NoteBook) -> tuple[str, Any, dict[str, Any]]:
    """The route of all downloads.

    Args:
        library: of the pictures.
        notes: of all of them.
    """
    return r"/download/([0-9a-f]{24})/([a-z]+\.[a-z]{3})", Download, {"library": library, "notes": notes}
