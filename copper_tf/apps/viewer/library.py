"""The pictures of a viewer and their maps, which a background thread computes while the page is used."""

from __future__ import annotations

import base64
import collections
import dataclasses
import hashlib
import io
import logging
import math
import shutil
import threading
import time
from collections.abc import Callable
from pathlib import Path

from PIL import Image

from copper_tf.apps.viewer.cache import (
    CachedMap,
    CachedPicture,
    cache_map,
    cache_picture,
    has_map,
    has_picture,
    open_map,
    open_picture,
)
from copper_tf.inference.predictor import Predictor
from copper_tf.ood.check import OodCheck, check_ood
from copper_tf.ood.reference import ReferenceStatistics
from copper_tf.runs.labels import Labels
from tfds_copper.errors import CopperError
from tfds_copper.files import DISK_FULL, is_disk_full
from tfds_copper.micrograph import Opened

__all__ = ["Entry", "Library", "MapState", "logged_reason"]

_LOG = logging.getLogger(__name__)
# Longest side in px of a thumbnail.
_THUMBNAIL = 176
# Seconds after which an unfinished folder counts as left behind.
_STALE = 86_400


def logged_reason(what: str, error: Exception) -> str:
    """Logs what went wrong, and returns what a page may tell of it: an error may name folders of this machine."""
    _LOG.error("%s: %s: %s", what, type(error).__name__, error)
    return DISK_FULL if is_disk_full(error) else type(error).__name__


@dataclasses.dataclass(frozen=True)
class Entry:
    """A picture of the viewer.

    Attributes:
        ident: its hexadecimal name in URLs and folders.
        name: its name on the page; notes refer to it.
        group: the heading above its thumbnail.
        sheet: "" where unknown.
        t: stress time; NaN where unknown.
    """

    ident: str
    name: str
    group: str
    sheet: str = ""
    # No NaN equals another, and Python 3.13 asks each field: a picture without t must equal itself.
    t: float = dataclasses.field(default=math.nan, compare=False)

    @staticmethod
    def create(name: str, group: str, *identity: object, sheet: str = "", t: float = math.nan) -> Entry:
        """An entry whose ident is derived from its name and all that identifies its pixels."""
        ident = hashlib.sha256("\0".join(map(str, (name, *identity))).encode()).hexdigest()[:24]
        return Entry(ident, name, group, sheet, t)


@dataclasses.dataclass(frozen=True)
class MapState:
    """The progress of a picture's map.

    Attributes:
        done: tiles done.
        total: tiles in all; 0 while the map is queued.
        ready: whether the map is complete.
        error: why there is no map; empty if nothing failed.
    """

    done: int = 0
    total: int = 0
    ready: bool = False
    error: str = ""


Listener = Callable[[Entry, MapState], None]


class Library:
    """Pictures and their maps, cached in a folder from one session to the next.

    Args:
        model: a segmenter: a run, an ensemble or an export.
        labels: of the model.
        key: of the model: its maps are kept by it, see `Predictor.identity`.
        folder: of the cache.
        scale: pixel sizes of the model's data, see `ood.check.pixel_size_range`.
        reference_statistics: of the training pictures; None where the model has none.
    """

    def __init__(
        self,
        model: Predictor,
        labels: Labels,
        key: str,
        folder: Path,
        scale: tuple[float, float] | None = None,
        reference_statistics: ReferenceStatistics | None = None,
    ) -> None:
        self.labels, self.folder, self.scale = labels, folder, scale
        self._reference_statistics = reference_statistics
        self._model, self._key = model, key
        self._entries: dict[str, Entry] = {}
        self._private_folders: dict[str, Path] = {}
        self._states: dict[str, MapState] = {}
        self._queue: collections.deque[str] = collections.deque()
        self._listeners: list[Listener] = []
        self._lock = threading.Condition()
        self._stopped = False
        self._thread: threading.Thread | None = None
        _remove_stale(folder)

    def add(self, entry: Entry, picture: Opened, private: Path | None = None) -> None:
        """Adds a picture and queues its map, unless both are cached already.

        Args:
            entry: name and identity of the picture.
            picture: the same, open for reading.
            private: the folder of a picture that only one page shows; None for a public one, which is cached.

        Raises:
            InputError: if damage inside a large picture shows.
        """
        if private is not None:
            self._private_folders[entry.ident] = private
        if not has_picture(self._picture_folder(entry)):
            cache_picture(self._picture_folder(entry), picture)
        with self._lock:
            self._entries[entry.ident] = entry
            self._states[entry.ident] = MapState(ready=has_map(self._map_folder(entry)))
            if not self._states[entry.ident].ready:
                self._queue.append(entry.ident)
            self._lock.notify()

    def reorder(self, order: list[Entry]) -> None:
        """Reorders the pictures and the queue of their maps.

        Args:
            order: all pictures.
        """
        with self._lock:
            self._entries = {entry.ident: entry for entry in order}
            queued = set(self._queue)
            self._queue = collections.deque(ident for ident in self._entries if ident in queued)

    def discard(self, entry: Entry) -> None:
        """Removes a private picture; the caller deletes its folder."""
        with self._lock:
            for table in (self._entries, self._states, self._private_folders):
                table.pop(entry.ident, None)
            if entry.ident in self._queue:
                self._queue.remove(entry.ident)

    def _picture_folder(self, entry: Entry) -> Path:
        return self._private_folders.get(entry.ident, self.folder) / "pictures" / entry.ident

    def _map_folder(self, entry: Entry) -> Path:
        return self._private_folders.get(entry.ident, self.folder) / "maps" / self._key / entry.ident

    def private_folder(self, entry: Entry) -> Path | None:
        """The folder of a picture that only one page shows; None of a public one."""
        return self._private_folders.get(entry.ident)

    @property
    def public(self) -> list[Entry]:
        """The pictures that every page shows, in order."""
        return [entry for ident, entry in list(self._entries.items()) if ident not in self._private_folders]

    def get(self, ident: str) -> Entry | None:
        """The picture with an ident, or None."""
        return self._entries.get(ident)

    def state(self, entry: Entry) -> MapState:
        """The progress of its map."""
        return self._states.get(entry.ident, MapState())

    def picture(self, entry: Entry) -> CachedPicture:
        """Opens the picture."""
        return open_picture(self._picture_folder(entry))

    def check_ood(self, picture: CachedPicture) -> OodCheck:
        """Compares a picture with the training pictures of the model."""
        return check_ood(picture.windows, picture.pixel_size_nm, self._reference_statistics, self.scale)

    def map(self, entry: Entry) -> CachedMap | None:
        """Opens its map; None while there is none."""
        return open_map(self._map_folder(entry)) if self.state(entry).ready else None

    def thumbnail(self, entry: Entry) -> str:
        """A small JPEG of it as a data URL."""
        stream = io.BytesIO()
        Image.fromarray(self.picture(entry).pyramid.thumbnail(_THUMBNAIL)).save(stream, "JPEG", quality=80)
        return "data:image/jpeg;base64," + base64.b64encode(stream.getvalue()).decode()

    def prioritise(self, entry: Entry) -> None:
        """Moves the map of a picture to the front of the queue."""
        with self._lock:
            if entry.ident in self._queue:
                self._queue.remove(entry.ident)
                self._queue.appendleft(entry.ident)

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Calls a listener at every step of every map, from the thread that computes them.

        Returns:
            A function that ends the subscription.
        """
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener) if listener in self._listeners else None

    def start(self) -> None:
        """Starts computing maps."""
        self._thread = threading.Thread(target=self._run, name="maps", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stops after the current tile."""
        with self._lock:
            self._stopped = True
            self._lock.notify()
        if self._thread:
            self._thread.join()

    def _notify(self, entry: Entry, state: MapState) -> None:
        if entry.ident in self._entries:
            self._states[entry.ident] = state
            for listener in list(self._listeners):
                listener(entry, state)

    def _next(self) -> Entry | None:
        with self._lock:
            self._lock.wait_for(lambda: self._queue or self._stopped)
            return None if self._stopped else self._entries[self._queue.popleft()]

    def _run(self) -> None:
        while (entry := self._next()) is not None:
            try:
                self.compute(entry)
            except _Cancelled:
                return
            except CopperError as error:
                self._notify(entry, MapState(error=str(error)))
            except Exception as error:  # noqa: BLE001 - one picture must not stop the maps of the others
                reason = logged_reason(f"the map of {entry.name}", error)
                self._notify(entry, MapState(error=f"{entry.name}: no map. Received: {reason}"))

    def compute(self, entry: Entry) -> None:
        """Computes the map of a picture, tile by tile.

        Raises:
            InputError: if the model can't take the picture.
        """

        def progress(done: int, total: int, task: str) -> None:
            if self._stopped or entry.ident not in self._entries:
                raise _Cancelled
            self._notify(entry, MapState(done, total))

        picture = self.picture(entry)
        tiles = self._model.map_tiles(picture.windows, entry.name, progress)
        try:
            cache_map(self._map_folder(entry), picture.shape, tiles)
        except _Cancelled:
            if self._stopped:
                raise
            return
        self._notify(entry, MapState(ready=True))


def _remove_stale(folder: Path) -> None:
    """Removes what a killed viewer left unfinished, unless another one may still be writing it."""
    for path in folder.glob("**/.writing-*"):
        if path.is_dir() and time.time() - path.stat().st_mtime > _STALE:
            shutil.rmtree(path, ignore_errors=True)


class _Cancelled(Exception):  # noqa: N818 - it ends a loop and is no error
    """The viewer stops, or the picture was removed."""
