"""Pictures that are dropped on the page: read as any other, in a temporary place, within limits."""

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

__all__ = ["GROUP", "MOST_BYTES", "MOST_PIXELS", "Uploads", "plain_name"]

GROUP = "Added here"
# A 16-bit picture of 10,000 x 10,000 px holds 200 MB.
MOST_BYTES = 256 * 10**6
MOST_PIXELS = 2 * 10**8
# Pictures that one page holds at a time.
_MOST = 20


def plain_name(name: str) -> str:
    """The last part of a name as a browser sends it, without signs that name places or can't be printed."""
    last = PureWindowsPath(PurePosixPath(name).name).name
    return re.sub(r"[^\w .()+-]", "_", last).strip(". ")[-80:] or "picture"


class Uploads:
    """What one page was given; gone when the page is closed.

    Args:
        library: where the pictures are shown and mapped.
        settings: how pictures are read; no more than `MOST_PIXELS` px.
        root: a temporary folder, in which it gets one of its own.
    """

    def __init__(self, library: Library, settings: ReadSettings, root: Path) -> None:
        self._library = library
        self._settings = dataclasses.replace(settings, max_pixels=min(settings.max_pixels, MOST_PIXELS))
        self._place = Path(tempfile.mkdtemp(dir=root))
        self.entries: list[Entry] = []

    def take(self, name: str, data: bytes) -> Entry:
        """Reads a picture.

        Args:
            name: as the browser sent it.
            data: the file.

        Raises:
            InputError: if it is no picture, too large, or there are too many.
        """
        shown = plain_name(name)
        suffix = PurePosixPath(shown).suffix.lower()
        if suffix not in EXTENSIONS:
            allowed = ", ".join(sorted(EXTENSIONS))
            raise InputError(f"{shown}: a picture ({allowed}) is needed. Received: {suffix or 'no ending'}")
        if len(data) > MOST_BYTES:
            raise InputError(
                f"{shown}: a file of at most {MOST_BYTES // 10**6} MB is needed. Received: {len(data)} bytes"
            )
        content = hashlib.sha256(data).hexdigest()
        entry = Entry.of(f"{shown} ({content[:8]})", GROUP, content, self._place)
        if entry in self.entries:
            return entry
        if len(self.entries) >= _MOST:
            raise InputError(f"{shown}: at most {_MOST} pictures can be added to a page. Received: one more")
        file = self._place / f"{content[:24]}{suffix}"
        file.write_bytes(data)
        try:
            with open_windows(file, self._settings) as opened:
                self._library.add(entry, opened, self._place)
        except CopperError as error:
            # The place on this machine tells no one anything.
            raise InputError(str(error).replace(str(file), shown)) from None
        finally:
            file.unlink(missing_ok=True)
        self.entries.append(entry)
        return entry

    def close(self) -> None:
        """Forgets all of it."""
        for entry in self.entries:
            self._library.discard(entry)
        self.entries = []
        shutil.rmtree(self._place, ignore_errors=True)
