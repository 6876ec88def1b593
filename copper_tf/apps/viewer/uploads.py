"""Pictures dropped on a page: read like any other, in a temporary folder, within limits."""

from __future__ import annotations

import concurrent.futures
import dataclasses
import hashlib
import re
import shutil
import tempfile
import threading
import uuid
from collections.abc import Callable
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any, TypeVar

from copper_tf.apps.viewer.library import Entry, Library
from copper_tf.apps.viewer.notes import private_notes
from tfds_copper.errors import CopperError, InputError
from tfds_copper.micrograph import EXTENSIONS, ReadSettings, open_windows

__all__ = ["GROUP", "MAX_BYTES", "MAX_PIXELS", "Readers", "Uploads", "safe_name"]

GROUP = "Added here"
# A 16-bit picture of 10,000 x 10,000 px holds 200 MB.
MAX_BYTES = 256 * 10**6
MAX_PIXELS = 2 * 10**8
# Pictures that one page may hold.
_MAX_PICTURES = 20
_Made = TypeVar("_Made")


def safe_name(name: str) -> str:
    """The last part of a file name from a browser, without characters that are special in paths or unprintable."""
    last = PureWindowsPath(PurePosixPath(name).name).name
    return re.sub(r"[^\w .()+-]", "_", last).strip(". ")[-80:] or "picture"


class Readers(concurrent.futures.Executor):
    """A few threads that read dropped pictures; they end with the program, whatever they are at.

    Args:
        count: how many read at once.
    """

    def __init__(self, count: int) -> None:
        self._free = threading.Semaphore(count)

    def submit(self, call: Callable[..., _Made], /, *arguments: Any, **named: Any) -> concurrent.futures.Future[_Made]:
        """Calls a function once a thread is free."""
        task: concurrent.futures.Future[_Made] = concurrent.futures.Future()

        def run() -> None:
            with self._free:
                try:
                    task.set_result(call(*arguments, **named))
                except BaseException as error:  # noqa: BLE001 - as every executor: for who asks for the result
                    task.set_exception(error)

        threading.Thread(target=run, name="reader", daemon=True).start()
        return task


class Uploads:
    """The pictures dropped on one page; removed when the page is closed.

    Args:
        library: which caches the pictures and computes their maps.
        settings: how pictures are read, of at most `MAX_PIXELS` px.
        root: a temporary folder, in which this page gets its own.

    Attributes:
        folder: of this page alone.
        entries: its pictures.
        notes: on them.
    """

    def __init__(self, library: Library, settings: ReadSettings, root: Path) -> None:
        self._library = library
        self._settings = dataclasses.replace(settings, max_pixels=min(settings.max_pixels, MAX_PIXELS))
        self.folder = Path(tempfile.mkdtemp(dir=root))
        self.entries: list[Entry] = []
        self.notes = private_notes(self.folder)
        self._closed, self._changed = False, threading.Condition()
        self._reading: list[Entry] = []

    def add(self, name: str, data: bytes) -> Entry:
        """Adds a picture; several threads may add at once.

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
        entry = Entry.create(f"{safe} ({content[:8]})", GROUP, content, self.folder)
        with self._changed:
            self._changed.wait_for(lambda: entry not in self._reading)
            if entry in self.entries:
                return entry
            if len(self.entries) + len(self._reading) >= _MAX_PICTURES:
                raise InputError(f"{safe}: at most {_MAX_PICTURES} pictures can be added to a page. Received: one more")
            self._reading.append(entry)
        # One picture under two names is read twice at once.
        file = self.folder / f"{uuid.uuid4().hex}{suffix}"
        try:
            self._read(entry, file, data)
        except CopperError as error:
            # The browser must not learn paths of this machine.
            raise InputError(str(error).replace(str(file), safe)) from None
        else:
            with self._changed:
                self.entries += [] if self._closed else [entry]
        finally:
            with self._changed:
                self._reading.remove(entry)
                self._changed.notify_all()
            file.unlink(missing_ok=True)
            if self._closed:
                self._remove(entry)
        return entry

    def _read(self, entry: Entry, file: Path, data: bytes) -> None:
        if self._closed:
            raise InputError(f"{file}: a picture needs the page that it was dropped on. Received: a closed one")
        file.write_bytes(data)
        with open_windows(file, self._settings) as opened:
            if not self._closed:
                self._library.add(entry, opened, self.folder)

    def _remove(self, *entries: Entry) -> None:
        for entry in entries:
            self._library.discard(entry)
        shutil.rmtree(self.folder, ignore_errors=True)

    def close(self) -> None:
        """Removes all pictures of the page; one that is being read follows once it is."""
        with self._changed:
            self._closed = True
        self._remove(*self.entries)
        self.entries = []
