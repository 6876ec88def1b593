"""An exported model as a `Predictor`, in whatever runtime opens it."""

from __future__ import annotations

import functools
import glob
import hashlib
import importlib.util
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from copper_tf.data.normalisation import grey
from copper_tf.inference.exported.metadata import MASK, PROBABILITIES, SUMMARY, ExportResult, ModelMetadata
from copper_tf.inference.exported.runtimes import RUNTIMES, Call, format_of, opened
from copper_tf.inference.predictor import TILE, Predictor, check_size
from copper_tf.inference.tiling import MapTile, cuts
from copper_tf.models.architecture import network_of
from copper_tf.utils.tensorflow import quiet
from tfds_copper.errors import InputError, RunError
from tfds_copper.micrograph import LARGE, Windows
from tfds_copper.progress import Progress

__all__ = ["ExportedPredictor", "is_export"]


def is_export(path: Path) -> bool:
    """Whether a path is what `copper export` writes: its folder, or one of the models in it."""
    return (path / SUMMARY).is_file() or format_of(path) is not None


def _chosen(path: Path, runtime: str | None) -> tuple[Path, str]:
    """The file to open and its format.

    Raises:
        InputError: if the export doesn't hold that format, or nothing that is installed opens it.
        RunError: if its summary is damaged.
    """
    single = format_of(path)
    if single:
        return path, single
    try:
        written = ExportResult.read(path / SUMMARY).formats
    except RunError:
        raise RunError(f"{path / SUMMARY}: must be an intact file of `copper export`. Received: damaged") from None
    held = [name for name in RUNTIMES if name in written]
    if runtime and runtime not in held:
        raise InputError(f"{path}: runtime must be one of those exported: {', '.join(held)}. Received: {runtime}")
    here = [name for name in held if importlib.util.find_spec(RUNTIMES[name].package)]
    if not (runtime or here):
        needed = sorted({RUNTIMES[name].package for name in held})
        raise InputError(f"{path}: needs one of the packages {', '.join(needed)}. Received: none of them")
    name = runtime or here[0]
    return path / RUNTIMES[name].file, name


class ExportedPredictor(Predictor):
    """An exported model.

    Args:
        metadata: what it was exported with.
        call: its model.
        runtime: the format that is used.
        file: that was opened, or the folder of a SavedModel.
        tile: largest side in px of what goes through the network at once.
    """

    def __init__(self, metadata: ModelMetadata, call: Call, runtime: str, file: Path, tile: int = TILE) -> None:
        self.describe(metadata)
        self.metadata, self.call, self.runtime, self.file, self.tile = metadata, call, runtime, file, tile

    @functools.cached_property
    def identity(self) -> str:
        """See `Predictor.identity`: of the file, of those of the same stem beside it, or of all of a SavedModel."""
        beside = f"{glob.escape(self.file.stem)}.*"
        files = self.file.rglob("*") if self.file.is_dir() else self.file.parent.glob(beside)
        total = hashlib.sha256()
        for one in sorted(p for p in files if p.is_file()):
            total.update(one.name.encode() + hashlib.sha256(one.read_bytes()).digest())
        return total.hexdigest()

    @classmethod
    def load(cls, path: Path, runtime: str | None = None) -> ExportedPredictor:
        """Opens an export.

        Args:
            path: the folder of `copper export`, or one of the models in it.
            runtime: the format to use; None takes the fastest that can be opened here.

        Raises:
            InputError: if the export doesn't hold that format, or nothing that is installed opens it.
            RunError: if it is damaged.
        """
        file, name = _chosen(path, runtime)
        with quiet():
            text, call = opened(file, name)
        return cls(ModelMetadata.from_json(text, str(file)), call, name, file)

    def map_tiles(self, picture: Windows, name: str = "picture", progress: Progress | None = None) -> Iterator[MapTile]:
        """See `Predictor.map_tiles`.

        Raises:
            InputError: if the picture is smaller than the network needs, or large and normalised by itself.
        """
        data, d = self.config.data, self.config.model.d
        check_size(picture, d, name)
        height, width = picture.shape
        tile, margin = self.tile, network_of(self.config).reach
        if data.normalisation == "local":
            margin += data.window // 2
        if data.normalisation == "picture":
            self._check_whole(picture, name, "normalises each picture by itself")
            tile = max(picture.shape)
        tiles = cuts((height, width), tile, margin, d)
        for done, (row, column) in enumerate(tiles, start=1):
            mask = self._results(picture, row.window(height), column.window(width))[MASK][0, ..., 0]
            if progress:
                progress(done, len(tiles), f"tiles of {name}")
            yield MapTile(row.kept(height), column.kept(width), mask[row.inner(height), column.inner(width)])

    def probabilities(self, picture: Windows, name: str = "picture", progress: Progress | None = None) -> np.ndarray:
        """See `Predictor.probabilities`; the model is called once.

        Raises:
            InputError: if the picture is smaller than the network needs, or large.
        """
        check_size(picture, self.config.model.d, name)
        self._check_whole(picture, name, "grades")
        outputs = self._results(picture, *(slice(0, side) for side in picture.shape))
        return outputs[PROBABILITIES][0].astype(np.float64)

    @staticmethod
    def _check_whole(picture: Windows, name: str, what: str) -> None:
        if picture.large:
            raise InputError(
                f"{name}: an exported model that {what} takes pictures of at most {LARGE} px, since it is called once; "
                f"its run takes any. Received: {picture.shape[1]}x{picture.shape[0]}"
            )

    def _results(self, picture: Windows, rows: slice, columns: slice) -> dict[str, np.ndarray]:
        return self.call(grey(picture.read(rows, columns), picture.bit_depth)[None, ..., None])
