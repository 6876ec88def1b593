"""Export as a SavedModel, compared with the run after reloading, and its use for prediction."""

from __future__ import annotations

import dataclasses
import io
import json
import os
import shutil
from collections.abc import Callable, Iterator
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from PIL import Image

from copper_tf.config import Config
from copper_tf.export.graph import DeployedModel
from copper_tf.familiarity import Familiar
from copper_tf.geometry import cuts, smallest_picture
from copper_tf.prediction import TILE, ByPieces, Piece, Prediction, Predictor, check_size
from copper_tf.runs import Labels, Run
from tfds_copper.errors import InputError, OutputError, RunError
from tfds_copper.files import write_json
from tfds_copper.micrograph import LARGE, Windows

__all__ = ["CARD", "TOLERANCE", "ExportedPredictor", "export_saved_model", "is_export"]

Progress = Callable[[int, int, str], None]

# What tells an export of ours from any other SavedModel; TensorFlow leaves this folder alone.
CARD = Path("assets.extra") / "copper.json"
TOLERANCE = 1e-5


def is_export(path: Path) -> bool:
    """Whether a folder is a SavedModel exported by `export_saved_model`."""
    return (path / CARD).is_file() and (path / "saved_model.pb").is_file()


def _card(run: Run) -> dict[str, Any]:
    """What a user of the exported model must know and the graph can't say."""
    return {
        "kind": run.config.kind,
        "times": list(run.labels.times),
        "unit": run.labels.unit,
        "hypothesis": run.law,
        "law_note": run.law_note,
        "config": run.config.to_dict(),
        "dataset_fingerprint": run.data["fingerprint"],
        "pixel_sizes_nm": dict(run.data["pixel_sizes_nm"]),
        "caveats": list(run.caveats),
        "familiar": familiar.to_dict() if (familiar := run.familiar) else None,
        "versions": {name: metadata.version(name) for name in ("tensorflow", "keras", "numpy")},
    }


def _trial_pictures(run: Run) -> list[np.ndarray]:
    """Pictures of awkward sizes and both depths, made like nothing in particular, for the comparison."""
    draw = np.random.default_rng(0)
    side = smallest_picture(run.config.model.d)
    trials = []
    for kind, height, width in ((np.uint8, side + 67, side + 130), (np.uint16, side + 96, side + 51)):
        top = np.iinfo(kind).max
        smooth = draw.normal(run.normalisation.mean, run.normalisation.sd, (height // 4 + 1, width // 4 + 1))
        fine = draw.normal(0, run.normalisation.sd, (height, width))
        values = np.kron(smooth, np.ones((4, 4)))[:height, :width] + fine
        trials.append((np.clip(values, 0, 1) * top).astype(kind))
    return trials


def _difference(mine: Prediction, theirs: dict[str, np.ndarray]) -> float:
    if mine.mask is not None:
        return float(np.abs(mine.mask - theirs["mask"][0, ..., 0]).max())
    return float(np.abs(mine.probabilities - theirs["probabilities"][0]).max())


def _png(pixels: np.ndarray) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "PNG")
    return stream.getvalue()


def _verify(run: Run, predictor: Predictor, folder: Path) -> float:
    """The largest difference between the run and the model read back, over all signatures."""
    signatures = tf.saved_model.load(str(folder)).signatures
    worst = 0.0
    for pixels in _trial_pictures(run):
        mine = predictor.predict(pixels, pixels.dtype.itemsize * 8)
        name = pixels.dtype.name
        calls = [signatures[name](picture=tf.constant(pixels[None, ..., None]))]
        calls.append(signatures["png"](png=tf.constant(_png(pixels))))
        for result in calls:
            worst = max(worst, _difference(mine, {k: v.numpy() for k, v in result.items()}))
    return worst


def export_saved_model(run: Run, folder: Path, *, force: bool = False) -> float:
    """Writes a run as a SavedModel that needs TensorFlow alone, and proves that it says the same as the run.

    Signatures ``uint8`` (also ``serving_default``), ``uint16`` and ``png``; outputs ``mask`` and ``potency``, or
    ``probabilities``, ``grade``, ``median_grade`` and ``t``.

    Args:
        run: a trained run.
        folder: where to write; absent or empty.
        force: replace what is there, if it is an export of ours.

    Returns:
        The largest difference found between the run and the reloaded model.

    Raises:
        OutputError: if the folder is in use, or the reloaded model differs by more than `TOLERANCE`.
        RunError: if the run isn't trained or incomplete.
    """
    taken = folder.exists() and (not folder.is_dir() or any(folder.iterdir()))
    if taken and not (force and is_export(folder)):
        advice = "; --force replaces it" if is_export(folder) else ""
        raise OutputError(f"{folder}: an export needs an absent or empty folder{advice}. Received: one in use")
    predictor = Predictor(run)
    module = DeployedModel(run, predictor.model)
    signatures = {name: getattr(module, name) for name in ("uint8", "uint16", "png")}
    folder.parent.mkdir(parents=True, exist_ok=True)
    temporary = folder.with_name(f".writing-{os.getpid()}-{folder.name}")
    try:
        tf.saved_model.save(module, str(temporary), signatures={"serving_default": module.uint8, **signatures})
        write_json(temporary / CARD, _card(run))
        worst = _verify(run, predictor, temporary)
        if not worst <= TOLERANCE:
            raise OutputError(
                f"{folder}: not written, since the reloaded model must equal the run within {TOLERANCE:g}. "
                f"Received: a difference of {worst:g}"
            )
        if folder.exists():
            shutil.rmtree(folder)
        temporary.rename(folder)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return worst


@dataclasses.dataclass(frozen=True)
class ExportedPredictor(ByPieces):
    """An exported model, used like a run's `Predictor`.

    Attributes:
        kind: ``"classifier"`` or ``"segmenter"``.
        labels: the labels it grades by.
        config: the settings of the run that was exported.
        signatures: its callables by name.
        caveats: what every result must say.
        pixel_sizes_nm: how many pictures of its data were of each pixel size.
        law_note: what every result must say of a g that was learned, empty where it wasn't.
        familiar: what pictures it knows; None where its run kept no statistics of them.
        tile: largest side in px of what goes through the network at once.
    """

    kind: str
    labels: Labels
    config: Config
    signatures: dict[str, Callable[..., Any]]
    caveats: tuple[str, ...]
    pixel_sizes_nm: dict[str, int]
    law_note: str
    familiar: Familiar | None = None
    tile: int = TILE

    @classmethod
    def load(cls, path: Path) -> ExportedPredictor:
        """Opens an export.

        Raises:
            RunError: if it is damaged.
        """
        try:
            card = json.loads((path / CARD).read_text(encoding="utf-8"))
            labels = Labels(tuple(card["times"]), card["unit"])
            signatures = dict(tf.saved_model.load(str(path)).signatures)
            # Exports of earlier versions hold no such statistics.
            familiar = Familiar.from_dict(card["familiar"]) if card.get("familiar") else None
            known = tuple(card["caveats"]), dict(card["pixel_sizes_nm"]), str(card["law_note"]), familiar
            return cls(card["kind"], labels, Config.from_dict(card["config"]), signatures, *known)
        except (OSError, ValueError, KeyError) as error:
            reason = str(error).splitlines()[0][:100]
            raise RunError(f"{path}: must be an intact export of `copper export`. Received: {reason}") from None

    def pieces(self, picture: Windows, name: str = "picture", progress: Progress | None = None) -> Iterator[Piece]:
        """See `ByPieces.pieces`.

        Raises:
            InputError: if the picture is smaller than the network needs, or large and normalised by itself.
        """
        data, d = self.config.data, self.config.model.d
        check_size(picture, d, name)
        height, width = picture.shape
        tile, margin = self.tile, self.config.reach
        if data.normalisation == "local":
            margin += data.window // 2
        if data.normalisation == "picture":
            self._check_whole(picture, name, "normalises each picture by itself")
            tile = max(picture.shape)
        found = cuts(picture.shape, tile, margin, d)
        for done, (row, column) in enumerate(found, start=1):
            mask = self._call(picture, row.window(height), column.window(width))["mask"][0, ..., 0]
            if progress:
                progress(done, len(found), f"tiles of {name}")
            yield Piece(row.kept(height), column.kept(width), mask[row.inner(height), column.inner(width)])

    def grades(self, picture: Windows, name: str = "picture", progress: Progress | None = None) -> np.ndarray:
        """See `ByPieces.grades`; the model is called once.

        Raises:
            InputError: if the picture is smaller than the network needs, or large.
        """
        check_size(picture, self.config.model.d, name)
        self._check_whole(picture, name, "grades")
        found = self._call(picture, *(slice(0, side) for side in picture.shape))
        return found["probabilities"][0].astype(np.float64)

    @staticmethod
    def _check_whole(picture: Windows, name: str, what: str) -> None:
        if picture.large:
            raise InputError(
                f"{name}: an exported model that {what} takes pictures of at most {LARGE} px, since it is called once; "
                f"its run takes any. Received: {picture.shape[1]}x{picture.shape[0]}"
            )

    def _call(self, picture: Windows, rows: slice, columns: slice) -> dict[str, np.ndarray]:
        raw = picture.read(rows, columns).astype(f"uint{picture.bit_depth}")[None, ..., None]
        result = self.signatures[f"uint{picture.bit_depth}"](picture=tf.constant(raw))
        return {name: value.numpy() for name, value in result.items()}
