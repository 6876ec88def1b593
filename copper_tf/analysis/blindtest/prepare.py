"""Prepares a blind test from a dataset: samples its pictures, and writes them with nothing but their pixels."""

from __future__ import annotations

import dataclasses
import datetime
import os
import secrets
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from copper_tf import __version__
from copper_tf.analysis.blindtest.folder import (
    DESIGN,
    KEY,
    BlindTest,
    Design,
    Key,
    KeyPictures,
    ModelGrades,
    is_test,
    open_test,
)
from copper_tf.analysis.blindtest.sampling import balanced_sample, shuffled_order
from copper_tf.analysis.blindtest.settings import BlindSettings
from copper_tf.analysis.comparison import Grader
from copper_tf.runs.labels import Labels
from copper_tf.utils.drawing import grey_image, overlay
from tfds_copper.dataset import Dataset
from tfds_copper.errors import InputError, OutputError, RunError, SettingError
from tfds_copper.files import replacing
from tfds_copper.progress import Progress

if TYPE_CHECKING:
    from copper_tf.data.pictures import Example
    from copper_tf.inference.predictor import Predictor

__all__ = ["MAX_SIDE", "prepare"]

# Longest side in px of a picture on the page; larger ones are averaged down.
MAX_SIDE = 2600
# Practice pictures of each label, where no number is given.
_PRACTICE_PER_LABEL = 2


@dataclasses.dataclass(frozen=True)
class _Sampled:
    """A sampled picture: its index in the split, and what the key says of it."""

    index: int
    file: str
    sheet: str
    label: int


def _write_png(file: Path, pixels: np.ndarray) -> None:
    """A PNG of the pixels alone: no text, date, name or colour profile of the micrograph is in it."""
    image = Image.fromarray(np.ascontiguousarray(pixels))
    factor = -(-max(image.size) // MAX_SIDE)
    with replacing(file) as temporary:
        (image.reduce(factor) if factor > 1 else image).save(temporary, "PNG")


def _examples(dataset: Dataset, split: str, progress: Progress | None) -> Iterator[tuple[int, Example]]:
    # Imports TensorFlow, which the page of a prepared test doesn't need.
    from copper_tf.data.pictures import examples

    total = dataset.split_sizes[split]
    for k, example in enumerate(examples(dataset, split)):
        if progress:
            progress(k + 1, total, f"reading the {split} split")
        yield k, example


def _sample(
    dataset: Dataset, split: str, count: int, seed: int, secret: str, progress: Progress | None
) -> list[_Sampled]:
    """The pictures sampled from a split, in the order of their numbers, which only the secret gives away."""
    every = [_Sampled(k, e.file, e.sheet, e.label) for k, e in _examples(dataset, split, progress)]
    # By name, so that the order of the shards doesn't change what a seed samples.
    every.sort(key=lambda sampled: sampled.file)
    if count > len(every):
        raise SettingError(
            f"{dataset.path}: {'pictures' if split == 'test' else 'practice'} must be at most the {len(every)} of the "
            f"{split} split. Received: {count}"
        )
    label, sheet = np.array([s.label for s in every]), np.array([s.sheet for s in every])
    chosen = sorted(balanced_sample(label, sheet, count or len(every), seed))
    return [every[chosen[k]] for k in shuffled_order(len(chosen), secret, f"numbers of {split}")]


def _write_pictures(
    folder: Path, dataset: Dataset, split: str, sampled: Sequence[_Sampled], mapper: Predictor | None,
    progress: Progress | None,
) -> None:  # fmt: skip
    """Writes the sampled pictures of a split, and their maps where there is a mapper."""
    from copper_tf.data.pictures import examples

    numbers, done = {picture.index: number for number, picture in enumerate(sampled)}, 0
    for k, example in enumerate(examples(dataset, split)):
        if k not in numbers:
            continue
        name = f"{numbers[k]:04d}.png"
        _write_png(folder / name, grey_image(example.pixels))
        if mapper is not None:
            potency = mapper.predict(example.pixels, example.bit_depth, example.file).map
            assert potency is not None  # a segmenter
            _write_png(folder.with_name("maps") / name, overlay(example.pixels, potency))
        done += 1
        if progress:
            progress(done, len(sampled), f"writing {folder.name}")


def _model_grades(grader: Grader, files: Sequence[str]) -> ModelGrades:
    """The grades of a model for the test pictures, by their numbers."""
    position = {file: k for k, file in enumerate(grader.pictures["file"].tolist())}
    missing = [file for file in files if file not in position]
    if missing:
        raise RunError(
            f"{grader.paths[0]}: must be evaluated on the test split of this dataset. Received: no {missing[0]}"
        )
    grades = tuple(int(grader.grades[position[file], 0]) for file in files)
    paths = tuple(str(Path(path).resolve()) for path in grader.paths)
    return ModelGrades(grader.name, grader.kind, grader.decoding, paths, grades)


def _check(
    path: Path, dataset: Dataset, graders: Sequence[Grader], settings: BlindSettings, mapper: Predictor | None
) -> None:
    if is_test(path):
        raise OutputError(f"{path}: a new test needs a folder of its own. Received: one that holds a test")
    # What an interrupted call left is written again.
    if path.exists() and {entry.name for entry in path.iterdir()} - {"practice", "pictures", "maps", KEY}:
        raise OutputError(f"{path}: a test needs an empty or absent folder. Received: a folder with other files")
    for grader in graders:
        if grader.fingerprint != dataset.fingerprint:
            raise RunError(f"{grader.paths[0]}: must be of the dataset {dataset.path}. Received: another one")
    if settings.with_map and mapper is None:
        raise SettingError("with_map needs a run whose maps can be shown, a segmenter. Received: none")


def prepare(
    path: str | os.PathLike[str],
    dataset: Dataset,
    graders: Sequence[Grader] = (),
    settings: BlindSettings | None = None,
    mapper: Predictor | None = None,
    progress: Progress | None = None,
) -> BlindTest:
    """Samples the pictures of a blind test and writes its folder.

    Practice pictures come from the training split, test pictures from the test split, without information bars (the
    dataset holds none). Each is stretched between its own 0.5 and 99.5 percentiles, so that the brightness of one
    session at the microscope says nothing. Pictures are numbered in random order.

    Args:
        path: an empty or absent folder, or one in which an earlier call was interrupted.
        dataset: of the pictures.
        graders: evaluated runs of that dataset, see `comparison.read_grader`; their grades are kept for the comparison.
        settings: how many pictures, in which order, whether with maps.
        mapper: what draws the maps of the second round.
        progress: called with (done, total, task).

    Returns:
        The test.

    Raises:
        OutputError: if the folder holds something else.
        RunError: if a grader belongs to other data.
        SettingError: if there are fewer pictures than requested, or maps are requested and nothing draws them.
    """
    folder, asked = Path(path), settings or BlindSettings()
    _check(folder, dataset, graders, asked, mapper)
    count = asked.practice or min(_PRACTICE_PER_LABEL * len(dataset.times), dataset.split_sizes["train"])
    ident = secrets.token_hex(16)
    practice = _sample(dataset, "train", count, asked.seed, ident, progress)
    pictures = _sample(dataset, "test", asked.pictures, asked.seed, ident, progress)
    if not pictures or not practice:
        raise InputError(f"{dataset.path}: a test needs pictures to practise on and to grade. Received: none")
    models = tuple(_model_grades(grader, [p.file for p in pictures]) for grader in graders)
    folder.mkdir(parents=True, exist_ok=True)
    # The key and the raters' codes are for no other user of this machine.
    folder.chmod(0o700)
    _write_pictures(folder / "practice", dataset, "train", practice, None, progress)
    _write_pictures(folder / "pictures", dataset, "test", pictures, mapper if asked.with_map else None, progress)
    _write_json(folder, ident, dataset, asked, practice, pictures, models)
    return open_test(folder)


def _write_json(
    folder: Path, ident: str, dataset: Dataset, settings: BlindSettings, practice: Sequence[_Sampled],
    pictures: Sequence[_Sampled], models: tuple[ModelGrades, ...],
) -> None:  # fmt: skip
    """Writes the key, and last the design: with it the test is complete."""
    created = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    Key(
        ident=ident,
        created=created,
        version=__version__,
        dataset=str(dataset.path),
        fingerprint=dataset.fingerprint,
        caveats=tuple(dataset.caveats),
        pictures=KeyPictures(
            tuple(p.file for p in pictures), tuple(p.sheet for p in pictures), tuple(p.label for p in pictures)
        ),
        practice=tuple(p.file for p in practice),
        models=models,
    ).write(folder / KEY).chmod(0o600)
    labels = Labels(tuple(dataset.times), dataset.unit)
    Design(ident, created, labels, settings, len(pictures), tuple(p.label for p in practice)).write(folder / DESIGN)
