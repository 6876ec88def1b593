"""Pictures dropped on a page: read like any other, in a temporary folder, within limits."""

from __future__ import annotations

import dataclasses
import hashlib
import re
import shutil
import tempfile
from pathlib import Path, PurePosixPath, PureWindowsPath

from copper_tf.apps.viewer.library import Entry, Library
from tfds_copper.errors import CopperError, InputError
from tfds_copper.micrograph import EXTENSIONS, ReadSettings, open_windows

__all__ = ["GROUP", "MAX_BYTES", "MAX_PIXELS", "Uploads", "safe_name"]

GROUP = "Added here"
# A 16-bit picture of 10,000 x 10,000 px holds 200 MB.
MAX_BYTES = 256 * 10**6
MAX_PIXELS = 2 * 10**8
# Pictures that one page may hold.
_MAX_PICTURES = 20


def safe_name(name: str) -> str:
    """The last part of a file name from a browser, without characters that are special in paths or unprintable."""
    last = PureWindowsPath(PurePosixPath(name).name).name
    return re.sub(r"[^\w .()+-]", "_", last).strip(". ")[-80:] or "picture"


class Uploads:
    """The pictures dropped on one page; removed when the page is closed.

    Args:
        library: which caches the pictures and computes their maps.
        settings: how pictures are read, of at most `MAX_PIXELS` px.
        root: a temporary folder, in which this page gets its own.
    """

    def __init__(self, library: Library, settings: ReadSettings, root: Path) -> None:
        self._library = library
        self._settings = dataclasses.replace(settings, max_pixels=min(settings.max_pixels, MAX_PIXELS))
        self._folder = Path(tempfile.mkdtemp(dir=root))
        self.entries: list[Entry] = []

    def add(self, name: str, data: bytes) -> Entry:
        """Adds a picture.

        Args:
            name: the file name from the browser.
            data: the bytes of the file.

        Raises:
            InputError: if it is no picture, or there are too many or too large ones.
        """
        safe = safe_name(name)
        suffix = PurePosixPath(safe).suffix.lower()
        if suffix not in EXTENSIONS:
            allowed = ", ".join(sorted(EXTENSIONS))
            raise InputError(f"{safe}: a picture ({allowed}) is needed. Received: {suffix or 'no ending'}")
        if len(data) > MAX_BYTES:
            raise InputError(
                f"{safe}: a file of at most {MAX_BYTES // 10**6} MB is needed. Received: {len(data)} bytes"
            )
        content = hashlib.sha256(data).hexdigest()
        entry = Entry.create(f"{safe} ({content[:8]})", GROUP, content, self._folder)
        if entry in self.entries:
            return entry
        if len(self.entries) >= _MAX_PICTURES:
            raise InputError(f"{safe}: at most {_MAX_PICTURES} pictures can be added to a page. Received: one more")
        file = self._folder / f"{content[:24]}{suffix}"
        file.write_bytes(data)
        try:
            with open_windows(file, self._settings) as opened:
                self._library.add(entry, opened, self._folder)
        except CopperError as error:
            # The browser must not learn paths of this machine.
            raise InputError(str(error).replace(str(file), safe)) from None
        finally:
            file.unlink(missing_ok=True)
        self.entries.append(entry)
        return entry

    def close(self) -> None:
        """Removes all pictures of the page."""
        for entry in self.entries:
            self._library.discard(entry)
        self.entries = []
        shutil.rmtree(self._folder, ignore_errors=True)
