"""A test is drawn from a dataset once, and written as pictures that carry nothing but their pixels."""

from __future__ import annotations

import datetime
import secrets
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from copper_tf import __version__
from copper_tf.analysis.blindtest.folder import FORMAT, KEY, TEST, BlindTest, is_test, open_test
from copper_tf.analysis.blindtest.sampling import drawn
from copper_tf.analysis.blindtest.settings import BlindSettings
from copper_tf.analysis.comparison import Grader
from copper_tf.utils.drawing import grey_image, overlay
from tfds_copper.dataset import Dataset
from tfds_copper.errors import InputError, OutputError, RunError, SettingError
from tfds_copper.files import replacing, write_json
from tfds_copper.progress import Progress

if TYPE_CHECKING:
    from copper_tf.data.pictures import Example

__all__ = ["SIDE", "prepare"]

# Longest side in px of a picture on the page; larger ones are averaged down.
SIDE = 2600
# Practice pictures of each label, where no number is given.
_EACH = 2


def _write(file: Path, pixels: np.ndarray) -> None:
    """A PNG of the pixels alone, made anew: no text, date, name or colour profile of the micrograph is in it."""
    image = Image.fromarray(np.ascontiguousarray(pixels))
    factor = -(-max(image.size) // SIDE)
    with replacing(file) as temporary:
        (image.reduce(factor) if factor > 1 else image).save(temporary, "PNG")


def _looked(dataset: Dataset, split: str, progress: Progress | None) -> Iterator[tuple[int, Example]]:
    # With it comes TensorFlow, which the page of a test that is drawn doesn't need.
    from copper_tf.data.pictures import examples

    total = dataset.split_sizes[split]
    for k, example in enumerate(examples(dataset, split)):
        if progress:
            progress(k + 1, total, f"looking through the {split} split")
        yield k, example


def _chosen(
    dataset: Dataset, split: str, count: int, seed: int, progress: Progress | None
) -> list[tuple[int, str, str, int]]:
    """(place in the split, file, sheet, label) of the pictures drawn, in the order of their numbers."""
    found = [(k, e.file, e.sheet, e.label) for k, e in _looked(dataset, split, progress)]
    # By name: the order of the shards has no say in what a seed draws.
    found.sort(key=lambda row: row[1])
    if count > len(found):
        raise SettingError(
            f"{dataset.path}: {'pictures' if split == 'test' else 'practice'} must be at most the {len(found)} of the "
            f"{split} split. Received: {count}"
        )
    label, sheet = np.array([row[3] for row in found]), np.array([row[2] for row in found])
    return [found[k] for k in drawn(label, sheet, count or len(found), seed)]


def _written(
    path: Path, what: str, dataset: Dataset, split: str, chosen: list[Any], mapped: Any, progress: Progress | None
) -> None:
    """Writes the pictures of a split that were drawn, and their maps where there is something that maps."""
    from copper_tf.data.pictures import examples

    numbers, done = {row[0]: number for number, row in enumerate(chosen)}, 0
    for k, example in enumerate(examples(dataset, split)):
        if k not in numbers:
            continue
        name = f"{numbers[k]:04d}.png"
        _write(path / what / name, grey_image(example.pixels))
        if mapped is not None:
            mask = mapped.predict(example.pixels, example.bit_depth, example.file).map
            _write(path / "maps" / name, overlay(example.pixels, mask))
        done += 1
        if progress:
            progress(done, len(chosen), f"writing {what}")


def _grader(grader: Grader, files: Sequence[str]) -> dict[str, Any]:
    """A model's grades of the test pictures, by their numbers."""
    place = {file: k for k, file in enumerate(grader.pictures["file"].tolist())}
    missing = [file for file in files if file not in place]
    if missing:
        raise RunError(
            f"{grader.paths[0]}: must be evaluated on the test split of this dataset. Received: no {missing[0]}"
        )
    grades = [int(grader.grades[place[file], 0]) for file in files]
    kept: dict[str, Any] = {n: getattr(grader, n) for n in ("name", "kind", "decoding")}
    return kept | {"paths": [str(Path(p).resolve()) for p in grader.paths], "grades": grades}


def _check(path: Path, dataset: Dataset, graders: Sequence[Grader], settings: BlindSettings, mapped: Any) -> None:
    if is_test(path):
        raise OutputError(f"{path}: a new test needs a folder of its own. Received: one that holds a test")
    # What preparing leaves when it is cut short is written anew.
    if path.exists() and {entry.name for entry in path.iterdir()} - {"practice", "pictures", "maps", KEY}:
        raise OutputError(f"{path}: a test needs an empty or absent folder. Received: a folder with other files")
    for grader in graders:
        if grader.fingerprint != dataset.fingerprint:
            raise RunError(f"{grader.paths[0]}: must be of the dataset {dataset.path}. Received: another one")
    if settings.with_map and mapped is None:
        raise SettingError("with_map needs a run whose maps can be shown, a segmenter. Received: none")


def prepare(
    path: Path,
    dataset: Dataset,
    graders: Sequence[Grader] = (),
    settings: BlindSettings | None = None,
    mapped: Any = None,
    progress: Progress | None = None,
) -> BlindTest:
    """Draws a blind test and writes its folder.

    Practice pictures come from the training split, test pictures from the test split, without information bars (the
    dataset holds none). Each is stretched between its own 0.5 and 99.5 percentiles, so that the brightness that one
    session of the microscope happened to have says nothing. Numbers are given in random order.

    Args:
        path: an empty or absent folder, or one in which preparing was cut short.
        dataset: where the pictures are from.
        graders: evaluated runs of that dataset, see `comparison.read`; their grades are kept for the comparison.
        settings: how many pictures, in which order, whether with maps.
        mapped: what draws the maps of the second round, anything whose `predict` is that of `RunPredictor`.
        progress: called with (done, total, what).

    Raises:
        OutputError: if the folder holds something else.
        RunError: if a grader is of other data.
        SettingError: if there are fewer pictures than asked for, or maps are asked for and nothing draws them.
    """
    asked = settings or BlindSettings()
    _check(path, dataset, graders, asked, mapped)
    wanted = asked.practice or min(_EACH * len(dataset.times), dataset.split_sizes["train"])
    practice = _chosen(dataset, "train", wanted, asked.seed, progress)
    chosen = _chosen(dataset, "test", asked.pictures, asked.seed, progress)
    if not chosen or not practice:
        raise InputError(f"{dataset.path}: a test needs pictures to practise on and to grade. Received: none")
    files = [row[1] for row in chosen]
    models = [_grader(grader, files) for grader in graders]
    _written(path, "practice", dataset, "train", practice, None, progress)
    _written(path, "pictures", dataset, "test", chosen, mapped if asked.with_map else None, progress)
    _seal(path, dataset, asked, (practice, chosen), models)
    return open_test(path)


def _seal(path: Path, dataset: Dataset, asked: BlindSettings, rows: tuple[Any, Any], models: list[Any]) -> None:
    """Writes the key, and last what the page may know: with it a test is whole."""
    practice, chosen = rows
    now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    made = {"ident": secrets.token_hex(16), "created": now}
    labels = {"times": list(dataset.times), "unit": dataset.unit}
    columns = {name: [row[k] for row in chosen] for k, name in enumerate(("file", "sheet", "label"), start=1)}
    key: dict[str, Any] = {**made, "copper_tf": __version__, "dataset": str(dataset.path)}
    key |= {"fingerprint": dataset.fingerprint, "caveats": list(dataset.caveats), "labels": labels}
    key |= {"pictures": columns, "practice": [row[1] for row in practice], "graders": models}
    write_json(path / KEY, key)
    told: dict[str, Any] = {"format": FORMAT, **made, "labels": labels, "settings": asked.to_dict()}
    told |= {"pictures": len(chosen), "practice": [row[3] for row in practice]}
    write_json(path / TEST, told)
