"""`export_run`: every format is written, opened in its own runtime and compared with the run before it counts."""

from __future__ import annotations

import contextlib
import dataclasses
import importlib.util
import io
import math
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import tensorflow as tf
from PIL import Image

from copper_tf.data.normalisation import grey
from copper_tf.data.pictures import examples
from copper_tf.exporters.bioimage import PACKAGE, check_package, write_package
from copper_tf.exporters.deployed_model import DeployedModel
from copper_tf.exporters.requirements import REQUIREMENTS, requirements_text
from copper_tf.exporters.writers import OPSET, PACKAGES, WRITERS
from copper_tf.inference.exported.metadata import (
    MASK,
    PROBABILITIES,
    SUMMARY,
    ExportedFormat,
    ExportResult,
    ModelMetadata,
)
from copper_tf.inference.exported.predictor import is_export
from copper_tf.inference.exported.runtimes import BIOIMAGEIO, FORMATS, RUNTIMES, Call, opened
from copper_tf.inference.predictor import Prediction, RunPredictor
from copper_tf.models.picture_sizes import smallest_picture
from copper_tf.runs.datasets import dataset_of
from copper_tf.runs.run import Run
from copper_tf.utils.licenses import check_license
from copper_tf.utils.tensorflow import literal_path
from tfds_copper.errors import CopperError, InputError, OutputError, RunError
from tfds_copper.files import DISK_FULL, is_disk_full, replacing_folder, write_text
from tfds_copper.progress import Progress

__all__ = ["Deviation", "allowed", "export_run"]

_INT8 = "openvino-int8"
# Ranges are taken from at least so many pictures of each label, and so many px where they are small; so many pictures
# in all are compared. Ranges of fewer px miss rare values: potency is off by a quarter more.
_CALIBRATE, _CALIBRATE_PX, _COMPARE = 3, 200_000, 8

# A disk with fewer bytes is full.
_ROOM = 2**16


@dataclasses.dataclass(frozen=True, eq=False)
class _Picture:
    """What exports are compared by, and what ranges are taken from.

    Attributes:
        pixels: raw values ``(height, width)``, uint8 or uint16.
        bit_depth: 8 to 16; full scale is ``2**bit_depth - 1``.
    """

    pixels: np.ndarray
    bit_depth: int

    @property
    def as_input(self) -> np.ndarray:
        """What every format takes, ``(1, height, width, 1)`` in [0, 1]."""
        return grey(self.pixels, self.bit_depth)[None, ..., None]

    @property
    def fills_dtype(self) -> bool:
        """Whether full scale is that of the dtype, as signatures of a dtype have it."""
        return self.bit_depth == self.pixels.dtype.itemsize * 8


@dataclasses.dataclass(frozen=True)
class Deviation:
    """How far a reloaded model is from its run, the worst of all pictures compared.

    Attributes:
        largest: at any pixel of a map, or of any probability.
        mean: averaged over a picture's map, or its probabilities.
        potency: of a picture's mean; 0 for a classifier.
    """

    largest: float = 0.0
    mean: float = 0.0
    potency: float = 0.0

    def worst(self, other: Deviation) -> Deviation:
        """The larger of each."""
        pairs = zip(dataclasses.astuple(self), dataclasses.astuple(other), strict=True)
        return Deviation(*(max(pair) for pair in pairs))

    @classmethod
    def between(cls, mine: np.ndarray, theirs: np.ndarray) -> Deviation:
        """The deviation between two maps, or two rows of probabilities; infinite for another shape or NaN."""
        if mine.shape != theirs.shape or not np.isfinite(theirs).all():
            return cls(*[math.inf] * 3)
        off = np.abs(mine - theirs)
        potency = abs(float(mine.mean(dtype=np.float64) - theirs.mean(dtype=np.float64))) if mine.ndim == 2 else 0.0
        return cls(float(off.max()), float(off.mean()), potency)

    def within(self, limit: Deviation) -> bool:
        """Whether none of the three is larger than allowed."""
        return self.worst(limit) == limit

    def __str__(self) -> str:
        return f"{self.largest:.2g} at most, {self.mean:.2g} on average, potency {self.potency:.2g}"


# How far a reloaded format may be from its run on each picture. Single pixels of a float32 format are off where local
# normalisation divides by the contrast of an all but flat place; 8-bit convolutions are held to their averages.
_FLOAT32, _EIGHT_BITS = Deviation(1e-4, 1e-5, 1e-5), Deviation(1.0, 0.01, 0.005)


def allowed(name: str) -> Deviation:
    """How far a format may be off.

    Args:
        name: of the format.
    """
    return _EIGHT_BITS if name == _INT8 else _FLOAT32


def _synthetic(run: Run) -> list[_Picture]:
    """Noise of awkward sizes, and of the bit depths that the dtypes have."""
    rng = np.random.default_rng(0)
    side = smallest_picture(run.config.model.d)
    pictures = []
    for kind, height, width in ((np.uint8, side + 67, side + 130), (np.uint16, side + 96, side + 51)):
        smooth = rng.normal(run.normalisation.mean, run.normalisation.sd, (height // 4 + 1, width // 4 + 1))
        fine = rng.normal(0, run.normalisation.sd, (height, width))
        values = np.kron(smooth, np.ones((4, 4)))[:height, :width] + fine
        pixels = (np.clip(values, 0, 1) * np.iinfo(kind).max).astype(kind)
        pictures.append(_Picture(pixels, np.iinfo(kind).bits))
    return pictures


def _some_of_each(run: Run, split: str, of_each: int, area: int = 0) -> list[_Picture]:
    """Pictures of each label of a split of the run's dataset; none where the dataset is gone.

    Args:
        run: whose dataset is meant.
        split: of it.
        of_each: how many of each label.
        area: go on with a label until its pictures have so many px.
    """
    try:
        dataset = dataset_of(run)
    except CopperError:
        return []
    counts, areas = np.zeros((2, len(run.labels.times)), int)
    pictures = []
    for example in examples(dataset, split):
        short = (counts < of_each) | (areas < area)
        if not short.any():
            break
        if short[example.label]:
            counts[example.label] += 1
            areas[example.label] += example.pixels.size
            pictures.append(_Picture(example.pixels, example.bit_depth))
    return pictures


class _Comparison:
    """The run's results for some pictures, which exports are compared with.

    Args:
        predictor: of the run.
        pictures: that are predicted.
    """

    def __init__(self, predictor: RunPredictor, pictures: list[_Picture]) -> None:
        self.pictures = pictures
        self._expected = [_expected(predictor.predict(p.pixels, p.bit_depth)) for p in pictures]

    def of(self, call: Call) -> Deviation:
        """How far a reloaded model is off."""
        worst = Deviation()
        for picture, mine in zip(self.pictures, self._expected, strict=True):
            worst = worst.worst(Deviation.between(mine, _result(call(picture.as_input))))
        return worst

    def of_signatures(self, folder: Path) -> Deviation:
        """How far off a SavedModel's own ways to take a picture are, which have the full scale of the dtype."""
        with literal_path(folder) as place:
            loaded = tf.saved_model.load(place)
        worst = Deviation()
        for picture, mine in zip(self.pictures, self._expected, strict=True):
            if not picture.fills_dtype:
                continue
            pixels = picture.pixels
            stream = io.BytesIO()
            Image.fromarray(pixels).save(stream, "PNG")
            raw = loaded.signatures[pixels.dtype.name](picture=tf.constant(pixels[None, ..., None]))
            for outputs in (raw, loaded.signatures["png"](png=tf.constant(stream.getvalue()))):
                theirs = _result({name: value.numpy() for name, value in outputs.items()})
                worst = worst.worst(Deviation.between(mine, theirs))
        return worst


def _expected(prediction: Prediction) -> np.ndarray:
    values = prediction.probabilities if prediction.map is None else prediction.map
    assert values is not None
    return values


def _result(outputs: dict[str, np.ndarray]) -> np.ndarray:
    return outputs[MASK][0, ..., 0] if MASK in outputs else outputs[PROBABILITIES][0]


def _check(folder: Path, formats: Sequence[str], force: bool) -> None:
    """Refuses what can't be done before anything is written."""
    unknown = [name for name in formats if name not in FORMATS]
    if unknown or not formats:
        raise InputError(f"to must name some of {', '.join(FORMATS)}. Received: {', '.join(unknown) or 'nothing'}")
    for name in formats:
        needed = {BIOIMAGEIO: (*PACKAGES["onnx"], "onnxruntime", PACKAGE)}.get(name, PACKAGES.get(name, ()))
        opens = (RUNTIMES[name].package,) if name in RUNTIMES else ()
        missing = [p for p in (*needed, *opens) if not _installed(p)]
        if missing:
            raise InputError(f"{name}: needs {', '.join(missing)}; install copper-tf[export]. Received: not installed")
    taken = folder.exists() and (not folder.is_dir() or any(folder.iterdir()))
    if taken and not (force and (folder / SUMMARY).is_file()):
        advice = "; --force replaces it" if is_export(folder) else ""
        raise OutputError(f"{folder}: an export needs an absent or empty folder{advice}. Received: one in use")


def _installed(package: str) -> bool:
    parent = package.split(".")[0]
    return importlib.util.find_spec(parent) is not None and importlib.util.find_spec(package) is not None


@contextlib.contextmanager
def _full_disk_named(folder: Path) -> Iterator[None]:
    """Says that the disk is full where a writer failed of it; OpenVINO's doesn't know, others notice on reading."""
    try:
        yield
    except Exception as error:
        if is_disk_full(error) or shutil.disk_usage(folder.parent).free < _ROOM:
            raise OutputError(f"{folder}: an export needs a place with room. Received: {DISK_FULL}") from error
        raise


class _Exporting:
    """One export, in a temporary folder that takes its final name at the end."""

    def __init__(self, run: Run, folder: Path, place: Path, license: str) -> None:
        self.run, self.folder, self.place, self.license = run, folder, place, license
        self.predictor = RunPredictor(run)
        self.module, self.metadata = DeployedModel(run, self.predictor.model), ModelMetadata.of(run)
        real = _some_of_each(run, "validation", max(1, _COMPARE // len(run.labels.times)))[:_COMPARE]
        self.real, self.synthetic = (_Comparison(self.predictor, pictures) for pictures in (real, _synthetic(run)))

    def written(self, name: str) -> ExportedFormat:
        """Writes one format, opens it and compares; as the summary keeps it.

        Raises:
            OutputError: if it is further from the run than allowed.
        """
        if name == BIOIMAGEIO:
            return self._packaged()
        path = self.place / RUNTIMES[name].file
        path.parent.mkdir(parents=True, exist_ok=True)
        calibration = [p.as_input for p in self._calibration()] if name == _INT8 else []
        WRITERS[name](self.module, self.metadata.to_json(), path, calibration)
        return self._compared(name, RUNTIMES[name].file, opened(path, name)[1])

    def _compared(self, name: str, file: str, call: Call) -> ExportedFormat:
        """A format as the summary keeps it, if it is near enough to the run."""
        # Ranges of 8 bits hold for pictures of the training kind, which synthetic ones are not.
        comparisons = [self.real] if name == _INT8 else [self.real, self.synthetic]
        pictures = sum(len(comparison.pictures) for comparison in comparisons)
        deviation = Deviation()
        for comparison in comparisons:
            deviation = deviation.worst(comparison.of(call))
            if name == "savedmodel":
                deviation = deviation.worst(comparison.of_signatures(self.place / file))
        if not (pictures and deviation.within(allowed(name))):
            raise OutputError(
                f"{self.folder}: not written, since {name}, reloaded, must equal the run within {allowed(name)}. "
                f"Received: {deviation}"
            )
        return ExportedFormat(file, deviation.largest, deviation.mean, deviation.potency, pictures)

    def _calibration(self) -> list[_Picture]:
        pictures = _some_of_each(self.run, "train", _CALIBRATE, _CALIBRATE_PX)
        if not pictures:
            what = f"{_INT8} takes its ranges from training pictures. Received: none at {self.run.data['path']}"
            raise RunError(f"{self.run.path}: {what}")
        return pictures

    def _packaged(self) -> ExportedFormat:
        file = f"{BIOIMAGEIO}/model.zip"
        path, onnx = self.place / file, self.place / RUNTIMES["onnx"].file
        path.parent.mkdir(parents=True, exist_ok=True)
        own = not onnx.is_file()
        if own:
            onnx = path.with_suffix(".onnx")
            WRITERS["onnx"](self.module, self.metadata.to_json(), onnx, ())
        call = opened(onnx, "onnx")[1]
        picture = next(p for p in self.synthetic.pictures if p.bit_depth == 8)
        raw = picture.pixels[None, ..., None].astype(np.float32)
        write_package(path, onnx.read_bytes(), OPSET, self.metadata, raw, call(picture.as_input), self.license)
        if own:
            onnx.unlink()
        check_package(path)
        return self._compared(BIOIMAGEIO, file, call)


def _exported(exporting: _Exporting, formats: Sequence[str], progress: Progress | None) -> ExportResult:
    """Each format, written and verified, in the folder that is renamed at the end."""
    written = {}
    for done, name in enumerate(formats, start=1):
        with _full_disk_named(exporting.folder):
            written[name] = exporting.written(name)
        if progress:
            progress(done, len(formats), "exporting")
    return ExportResult(exporting.metadata.run_sha256, written)


def export_run(
    run: Run,
    folder: Path,
    formats: Sequence[str] = ("savedmodel",),
    *,
    license: str = "",
    force: bool = False,
    progress: Progress | None = None,
) -> ExportResult:
    """Writes a run for other programs, in float32 whatever it was trained in, and verifies its results.

    Each format takes pictures of any size and carries its metadata. ``savedmodel`` has the signatures ``uint8`` (also
    ``serving_default``), ``uint16``, ``png`` and ``grey``; the others have ``grey`` alone: grey values over full
    scale, ``(batch, height, width, 1)`` float32. Outputs are ``mask`` and ``potency``, or ``probabilities``,
    ``grade``, ``median_grade`` and ``t``.

    Args:
        run: a trained run.
        folder: where to write; absent or empty.
        formats: names in `FORMATS`.
        license: of the weights, as SPDX names it, for the package of bioimage.io; "" states none.
        force: replace what is there, if it is an export of ours.
        progress: called with (done, total, what) after each format.

    Returns:
        For each format how far it is from the run, see `Deviation`, on some pictures of the run's validation split,
        where its dataset is still there, and on two synthetic ones.

    Raises:
        InputError: if a format is unknown, or a package that it needs isn't installed.
        SettingError: if the licence is none of SPDX's.
        OutputError: if the folder is in use, or a reloaded model differs by more than allowed.
        RunError: if the run isn't trained or incomplete.
    """
    formats = list(dict.fromkeys(formats))
    _check(folder, formats, force)
    check_license(license)
    with replacing_folder(folder) as place:
        result = _exported(_Exporting(run, folder, place, license), formats, progress)
        result.write(place / SUMMARY)
        write_text(place / REQUIREMENTS, requirements_text(result.formats))
    return result
