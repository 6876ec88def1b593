"""The folder of a blind test: what raters see of it, and apart from that the key."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from copper_tf.analysis.blindtest.sampling import shuffled
from copper_tf.runs.labels import Labels
from tfds_copper.errors import InputError

__all__ = ["FORMAT", "KEY", "ROUNDS", "TEST", "BlindTest", "is_test", "open_test", "read_key"]

FORMAT = "copper-blindtest 1"
# What the page needs, and what only scoring reads: names, labels and the grades of models.
TEST, KEY = "test.json", "key.json"
ROUNDS = ("without map", "with map")


@dataclasses.dataclass(frozen=True)
class BlindTest:
    """A prepared test, as far as its raters may know it.

    Attributes:
        path: its folder.
        ident: what ties it to its key.
        labels: the labels to choose from.
        seed: of choice and order.
        practice: rank of t of each practice picture.
        pictures: number of test pictures.
        with_map: whether there is a second round.
        settings: what it was made from, as given.
    """

    path: Path
    ident: str
    labels: Labels
    seed: int
    practice: tuple[int, ...]
    pictures: int
    with_map: bool
    settings: dict[str, Any]

    @property
    def rounds(self) -> tuple[str, ...]:
        """The rounds, in the order in which they are taken."""
        return ROUNDS if self.with_map else ROUNDS[:1]

    def order(self, rater: str, what: str) -> list[int]:
        """Numbers of the pictures as this rater sees them.

        Args:
            rater: name.
            what: ``"practice"`` (with a number behind it where it is repeated) or a name in `ROUNDS`.
        """
        count = len(self.practice) if what.startswith("practice") else self.pictures
        return shuffled(count, self.seed, f"{rater.casefold()}/{what}")

    def file(self, what: str, number: int) -> Path:
        """The file of a picture.

        Args:
            what: ``"practice"``, ``"pictures"`` or ``"maps"``.
            number: of the picture in the test.
        """
        return self.path / what / f"{number:04d}.png"

    def shown(self, what: str, number: int) -> bytes:
        """A picture as its page gets it: a PNG of nothing but pixels."""
        return self.file(what, number).read_bytes()

    def pixels(self, what: str, number: int) -> np.ndarray:
        """A picture as it is shown: uint8 grey ``(height, width)``, of ``"maps"`` ``(height, width, 3)``."""
        with Image.open(self.file(what, number)) as image:
            return np.asarray(image)


def is_test(path: Path) -> bool:
    """Whether a folder holds a prepared test."""
    return (path / TEST).is_file()


def _json(file: Path) -> dict[str, Any]:
    try:
        return dict(json.loads(file.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise InputError(f"{file}: must be a file that `copper blindtest` wrote. Received: {error}") from None


def open_test(path: Path) -> BlindTest:
    """Opens the folder of a test; the key stays unread.

    Raises:
        InputError: if there is none, or it is damaged or of another version.
    """
    if not is_test(path):
        raise InputError(f"{path}: must be the folder of a blind test, made by `copper blindtest`. Received: no {TEST}")
    told = _json(path / TEST)
    if told.get("format") != FORMAT:
        raise InputError(f"{path}: this version of copper-tf reads {FORMAT!r}. Received: {told.get('format')!r}")
    try:
        labels = Labels(tuple(float(t) for t in told["labels"]["times"]), str(told["labels"]["unit"]))
        practice = tuple(int(k) for k in told["practice"])
        count, settings = int(told["pictures"]), dict(told["settings"])
        return BlindTest(
            path,
            str(told["ident"]),
            labels,
            int(settings["seed"]),
            practice,
            count,
            bool(settings["with_map"]),
            settings,
        )
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"{path / TEST}: must be whole. Received: {error!r}") from None


def read_key(test: BlindTest) -> dict[str, Any]:
    """What the pictures are: for scoring, never for the page.

    Returns:
        ``pictures`` (``file``, ``sheet``, ``label`` of each number), ``graders`` (models with their grades),
        ``dataset``, ``fingerprint``, ``caveats`` and ``created``.

    Raises:
        InputError: if it is missing or belongs to another test.
    """
    key = _json(test.path / KEY)
    if key.get("ident") != test.ident:
        raise InputError(f"{test.path / KEY}: must be the key of this test. Received: that of another one")
    return key
