"""The pictures of a viewer and their maps, which one thread computes while the pages are used."""

from __future__ import annotations

import base64
import collections
import dataclasses
import hashlib
import io
import math
import shutil
import threading
import time
from collections.abc import Callable
from pathlib import Path

from PIL import Image

from copper_tf.apps.viewer.cache import Drawn, Plate, has_map, has_plate, keep_map, keep_plate, open_map, open_plate
from copper_tf.inference.predictor import Predictor
from copper_tf.ood.check import OodCheck, check_ood
from copper_tf.ood.reference import ReferenceStatistics
from copper_tf.runs.labels import Labels
from tfds_copper.errors import CopperError
from tfds_copper.micrograph import Opened

__all__ = ["Entry", "Library", "State", "model_key"]

# Longest side in px of a thumbnail.
_THUMB = 176
# Seconds after which what is half written is no one's any more.
_STALE = 86_400
# What a map hangs on, in the folder of a run, of each member of an ensemble, or of an export.
_MODEL_FILES = ("config.json", "normalisation.json", "checkpoints/*", "saved_model.pb", "*/model.*")


def model_key(path: Path) -> str:
    """A name for a model that changes with its weights and settings.

    Args:
        path: a run, an ensemble or an export.
    """
    found = hashlib.sha256(path.read_bytes() if path.is_file() else b"")
    for pattern in _MODEL_FILES:
        for file in sorted(f for prefix in ("", "seed_*/") for f in path.glob(prefix + pattern) if f.is_file()):
            found.update(file.relative_to(path).as_posix().encode() + b"\0" + file.read_bytes())
    return found.hexdigest()[:16]


@dataclasses.dataclass(frozen=True)
class Entry:
    """A picture of the viewer.

    Attributes:
        ident: a name for it in addresses and folders, hexadecimal.
        name: what people call it; its notes go by it.
        group: the heading that it stands under.
        sheet: "" where unknown.
        t: stress time; NaN where unknown.
    """

    ident: str
    name: str
    group: str
    sheet: str = ""
    t: float = math.nan

    @staticmethod
    def of(name: str, group: str, *identity: object, sheet: str = "", t: float = math.nan) -> Entry:
        """An entry whose ident is made of all that tells its pixels from others'."""
        ident = hashlib.sha256("\0".join(map(str, (name, *identity))).encode()).hexdigest()[:24]
        return Entry(ident, name, group, sheet, t)


@dataclasses.dataclass(frozen=True)
class State:
    """How far the map of a picture is.

    Attributes:
        done: tiles that are mapped.
        total: tiles in all; 0 while it waits.
        ready: whether the map is there.
        problem: why there will be none, else empty.
    """

    done: int = 0
    total: int = 0
    ready: bool = False
    problem: str = ""


Listener = Callable[[Entry, State], None]


class Library:
    """Pictures with their maps, kept in a folder from one session to the next.

    Args:
        model: a segmenter: a `RunPredictor`, an `Ensemble` or an `ExportedPredictor`.
        labels: the labels of the model.
        key: of the model, see `model_key`.
        folder: where pictures and maps are kept.
        scale: pixel sizes of the model's data, see `ood.check.pixel_size_range`.
        reference_statistics: of the model's training pictures; None where it has none.
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
        self.labels, self.folder, self.scale, self.reference_statistics = labels, folder, scale, reference_statistics
        self._model, self._key = model, key
        self._entries: dict[str, Entry] = {}
        self._private: dict[str, Path] = {}
        self._states: dict[str, State] = {}
        self._waiting: collections.deque[str] = collections.deque()
        self._listeners: list[Listener] = []
        self._lock = threading.Condition()
        self._stopped = False
        self._thread: threading.Thread | None = None
        _sweep(folder)

    def add(self, entry: Entry, picture: Opened, private: Path | None = None) -> None:
        """Takes a picture in, unless it is kept already; its map comes later.

        Args:
            entry: what it is called.
            picture: the same, open for reading.
            private: the folder of a picture that is no one else's; None: it is shown to all and kept.

        Raises:
            InputError: if damage inside a large picture shows.
        """
        if private is not None:
            self._private[entry.ident] = private
        if not has_plate(self._plate(entry)):
            keep_plate(self._plate(entry), picture)
        with self._lock:
            self._entries[entry.ident] = entry
            self._states[entry.ident] = State(ready=has_map(self._map(entry)))
            if not self._states[entry.ident].ready:
                self._waiting.append(entry.ident)
            self._lock.notify()

    def sort(self, order: list[Entry]) -> None:
        """Brings the pictures, and the maps that wait, into an order.

        Args:
            order: all pictures.
        """
        with self._lock:
            self._entries = {entry.ident: entry for entry in order}
            waiting = set(self._waiting)
            self._waiting = collections.deque(ident for ident in self._entries if ident in waiting)

    def discard(self, entry: Entry) -> None:
        """Forgets a private picture; its folder is the caller's."""
        with self._lock:
            for known in (self._entries, self._states, self._private):
                known.pop(entry.ident, None)
            if entry.ident in self._waiting:
                self._waiting.remove(entry.ident)

    def _plate(self, entry: Entry) -> Path:
        return self._private.get(entry.ident, self.folder) / "pictures" / entry.ident

    def _map(self, entry: Entry) -> Path:
        return self._private.get(entry.ident, self.folder) / "maps" / self._key / entry.ident

    @property
    def shown(self) -> list[Entry]:
        """The pictures that are shown to all, in the order in which they came."""
        return [entry for ident, entry in list(self._entries.items()) if ident not in self._private]

    def find(self, ident: str) -> Entry | None:
        """The picture of that ident, None where there is none."""
        return self._entries.get(ident)

    def state(self, entry: Entry) -> State:
        """How far its map is."""
        return self._states.get(entry.ident, State())

    def plate(self, entry: Entry) -> Plate:
        """The picture itself."""
        return open_plate(self._plate(entry))

    def caution(self, plate: Plate) -> OodCheck:
        """Whether a picture is like those that the model was trained on."""
        return check_ood(plate.windows, plate.pixel_size_nm, self.reference_statistics, self.scale)

    def drawn(self, entry: Entry) -> Drawn | None:
        """Its map, None while there is none."""
        return open_map(self._map(entry)) if self.state(entry).ready else None

    def thumbnail(self, entry: Entry) -> str:
        """A small JPEG of it as a data address."""
        stream = io.BytesIO()
        Image.fromarray(self.plate(entry).levels.small(_THUMB)).save(stream, "JPEG", quality=80)
        return "data:image/jpeg;base64," + base64.b64encode(stream.getvalue()).decode()

    def first(self, entry: Entry) -> None:
        """Has this picture's map computed before all that wait."""
        with self._lock:
            if entry.ident in self._waiting:
                self._waiting.remove(entry.ident)
                self._waiting.appendleft(entry.ident)

    def listen(self, listener: Listener) -> Callable[[], None]:
        """Tells of every step of every map, from the thread that computes them.

        Returns:
            What ends it.
        """
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener) if listener in self._listeners else None

    def start(self) -> None:
        """Begins to compute maps."""
        self._thread = threading.Thread(target=self._work, name="maps", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Ends it after the tile that is being computed."""
        with self._lock:
            self._stopped = True
            self._lock.notify()
        if self._thread:
            self._thread.join()

    def _tell(self, entry: Entry, state: State) -> None:
        if entry.ident in self._entries:
            self._states[entry.ident] = state
            for listener in list(self._listeners):
                listener(entry, state)

    def _next(self) -> Entry | None:
        with self._lock:
            self._lock.wait_for(lambda: self._waiting or self._stopped)
            return None if self._stopped else self._entries[self._waiting.popleft()]

    def _work(self) -> None:
        while (entry := self._next()) is not None:
            try:
                self.compute(entry)
            except _Ended:
                return
            except CopperError as error:
                self._tell(entry, State(problem=str(error)))
            except Exception as error:  # noqa: BLE001 - one picture must not end the maps of all others
                self._tell(entry, State(problem=f"{entry.name}: no map. Received: {type(error).__name__}: {error}"))

    def compute(self, entry: Entry) -> None:
        """Computes the map of a picture, tile by tile.

        Raises:
            InputError: if the model can't take the picture.
        """

        def progress(done: int, total: int, what: str) -> None:
            if self._stopped or entry.ident not in self._entries:
                raise _Ended
            self._tell(entry, State(done, total))

        plate = self.plate(entry)
        pieces = self._model.map_tiles(plate.windows, entry.name, progress)
        try:
            keep_map(self._map(entry), plate.shape, pieces)
        except _Ended:
            if self._stopped:
                raise
            return
        self._tell(entry, State(ready=True))


def _sweep(folder: Path) -> None:
    """Takes away what a killed viewer had half written, unless another one can still be at it."""
    for place in folder.glob("**/.writing-*"):
        if place.is_dir() and time.time() - place.stat().st_mtime > _STALE:
            shutil.rmtree(place, ignore_errors=True)


class _Ended(Exception):  # noqa: N818 - it ends a loop and is no error
    """The viewer ends, or the picture is gone."""
