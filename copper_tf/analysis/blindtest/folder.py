"""The folder of a blind test: what its raters may see, and apart from that the key."""

from __future__ import annotations

import dataclasses
import itertools
import os
from pathlib import Path
from typing import ClassVar, TypeVar

import numpy as np
from PIL import Image

from copper_tf.analysis.blindtest.sampling import shuffled_order
from copper_tf.analysis.blindtest.settings import BlindSettings
from copper_tf.runs.labels import Labels
from tfds_copper.errors import InputError, RunError
from tfds_copper.results import Result

__all__ = [
    "DESIGN",
    "KEY",
    "ROUNDS",
    "BlindTest",
    "Design",
    "Key",
    "KeyPictures",
    "ModelGrades",
    "is_test",
    "open_test",
    "read_key",
]

# What the page needs, and what only scoring reads: names, labels and the grades of models.
DESIGN, KEY = "test.json", "key.json"
_RESULTS, _PAGE = "results", "blindtest.html"
ROUNDS = ("without map", "with map")


@dataclasses.dataclass(frozen=True)
class Design(Result):
    """What raters may know of a test.

    Attributes:
        ident: that the key repeats; secret, for the numbers and orders of the pictures come from it.
        created: date and time in UTC, ISO 8601.
        labels: to choose from.
        settings: of the test, as given.
        pictures: number of test pictures.
        practice: rank of t of each practice picture.
    """

    FORMAT: ClassVar[str] = "copper-blindtest 1"

    ident: str
    created: str
    labels: Labels
    settings: BlindSettings
    pictures: int
    practice: tuple[int, ...]


@dataclasses.dataclass(frozen=True)
class KeyPictures:
    """The test pictures, one entry each, in the order of their numbers.

    Attributes:
        file: name of the file in the dataset.
        sheet: "" where unknown.
        label: rank of t.
    """

    file: tuple[str, ...]
    sheet: tuple[str, ...]
    label: tuple[int, ...]


@dataclasses.dataclass(frozen=True)
class ModelGrades:
    """The grades of a model for the test pictures.

    Attributes:
        name: of the model.
        kind: ``"classifier"`` or ``"segmenter"``.
        decoding: how its output became grades.
        paths: of its runs.
        grades: rank of t for each picture.
    """

    name: str
    kind: str
    decoding: str
    paths: tuple[str, ...]
    grades: tuple[int, ...]


@dataclasses.dataclass(frozen=True)
class Key(Result):
    """What raters must not know: names and labels of the test pictures, and the grades of models.

    Attributes:
        ident: of the test.
        created: date and time in UTC, ISO 8601.
        version: of copper-tf.
        dataset: its path.
        fingerprint: of the dataset.
        caveats: of the dataset.
        pictures: the test pictures.
        practice: names of the practice pictures.
        models: grades of the models to compare with.
    """

    FORMAT: ClassVar[str] = "copper-blindtest-key 1"

    ident: str
    created: str
    version: str
    dataset: str
    fingerprint: str
    caveats: tuple[str, ...]
    pictures: KeyPictures
    practice: tuple[str, ...]
    models: tuple[ModelGrades, ...]


@dataclasses.dataclass(frozen=True)
class BlindTest:
    """A prepared blind test, without its key.

    Attributes:
        path: its folder.
        design: what raters may know of it.
    """

    path: Path
    design: Design

    @property
    def labels(self) -> Labels:
        """The labels to choose from."""
        return self.design.labels

    @property
    def settings(self) -> BlindSettings:
        """The settings of the test, as given."""
        return self.design.settings

    @property
    def practice(self) -> tuple[int, ...]:
        """Rank of t of each practice picture."""
        return self.design.practice

    @property
    def pictures(self) -> int:
        """Number of test pictures."""
        return self.design.pictures

    @property
    def rounds(self) -> tuple[str, ...]:
        """The names of the rounds, in order."""
        return ROUNDS if self.settings.with_map else ROUNDS[:1]

    @property
    def key_file(self) -> Path:
        """The file that raters must not see."""
        return self.path / KEY

    @property
    def results_folder(self) -> Path:
        """Where results are written."""
        return self.path / _RESULTS

    @property
    def page(self) -> Path:
        """The page of results."""
        return self.results_folder / _PAGE

    def order(self, rater: str, series: str) -> list[int]:
        """The numbers of the pictures in the order in which a rater sees them.

        Args:
            rater: name.
            series: ``"practice N"`` for the N-th repetition of the practice, or a name in `ROUNDS`.
        """
        count = len(self.practice) if series.startswith("practice") else self.pictures
        return shuffled_order(count, self.design.ident, f"{rater.casefold()}/{series}")

    def file(self, folder: str, number: int) -> Path:
        """The file of a picture.

        Args:
            folder: ``"practice"``, ``"pictures"`` or ``"maps"``.
            number: of the picture in the test.
        """
        return self.path / folder / f"{number:04d}.png"

    def png(self, folder: str, number: int) -> bytes:
        """A picture as the page sends it: a PNG that holds nothing but pixels."""
        return self.file(folder, number).read_bytes()

    def pixels(self, folder: str, number: int) -> np.ndarray:
        """A picture as raters see it: uint8 grey ``(height, width)``, of ``"maps"`` ``(height, width, 3)``."""
        with Image.open(self.file(folder, number)) as image:
            return np.asarray(image)


def is_test(path: str | os.PathLike[str]) -> bool:
    """Whether a folder holds a prepared test."""
    return (Path(path) / DESIGN).is_file()


def open_test(path: str | os.PathLike[str]) -> BlindTest:
    """Opens the folder of a test; the key stays unread.

    Args:
        path: the folder.

    Raises:
        InputError: if there is no test, or it is damaged or of another version.
    """
    folder = Path(path)
    if not is_test(folder):
        raise InputError(
            f"{folder}: must be the folder of a blind test, made by `copper blindtest`. Received: no {DESIGN}"
        )
    design = _read(Design, folder / DESIGN)
    known, times = range(len(design.labels.times)), design.labels.times
    sound = design.ident and design.pictures > 0 and design.practice and set(design.practice) <= set(known)
    if not sound or len(times) < 2 or any(not a < b for a, b in itertools.pairwise(times)):
        raise InputError(f"{folder / DESIGN}: must be as it was written. Received: labels or pictures that don't fit")
    return BlindTest(folder, design)


_Written = TypeVar("_Written", bound=Result)


def _read(kind: type[_Written], file: Path) -> _Written:
    """A file of the test, or one line that names it."""
    try:
        return kind.read(file)
    except RunError as error:
        raise InputError(str(error)) from None
    except (OSError, AttributeError, OverflowError, RecursionError) as error:
        raise InputError(f"{file}: must be as it was written. Received: {type(error).__name__}") from None


def read_key(test: BlindTest) -> Key:
    """Reads the key of a test: for scoring, never for the page.

    Raises:
        InputError: if it is missing, damaged, or belongs to another test.
    """
    key = _read(Key, test.key_file)
    if key.ident != test.design.ident:
        raise InputError(f"{test.key_file}: must be the key of this test. Received: that of another one")
    columns = [key.pictures.file, key.pictures.sheet, key.pictures.label, *(model.grades for model in key.models)]
    ranks = {rank for column in columns[2:] for rank in column}
    if any(len(column) != test.pictures for column in columns) or not ranks <= set(range(len(test.labels.times))):
        raise InputError(f"{test.key_file}: must be as it was written. Received: pictures or labels that don't fit")
    return key
