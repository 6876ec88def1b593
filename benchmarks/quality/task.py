"""What all contestants learn, from which crops, and how good they are: NumPy and Pillow alone, which every peer has."""

from __future__ import annotations

import csv
import dataclasses
import json
import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from PIL import Image

__all__ = [
    "GOOD", "LABELS", "Clock", "Crops", "Pictures", "Task", "auc", "files_of", "normalised", "qwk", "read", "score",
    "statistics",
]  # fmt: skip

LABELS = 16
# The QWK of a classifier, or the ROC-AUC of a segmenter's maps, that ends the race.
GOOD = 0.95
_FULL, _BINS = 255.0, 1024


@dataclasses.dataclass(frozen=True)
class Task:
    """One race.

    Attributes:
        folder: a SEM folder whose ``labels.csv`` has a column ``split``, with ``truth/``.
        kind: ``"classifier"`` or ``"segmenter"``.
        crop: side of what counts of a crop, px.
        margin: of a crop on each side that doesn't count, px.
        batch: crops in a step; an epoch has a crop of every picture.
        d: stages.
        c: channels.
        n: convolutions in a block.
        N: blocks in a stage.
        gain: contrast of a crop varies by up to this share.
        offset: brightness of a crop varies by up to so many standard deviations.
        learning_rate: of Adam, at first; it falls along a cosine.
        epochs: at most.
        seed: of weights and crops.
        started: when the contestant was started, in seconds since 1970.
    """

    folder: str
    kind: str
    crop: int
    margin: int
    batch: int
    d: int
    c: int
    n: int
    N: int
    gain: float
    offset: float
    learning_rate: float
    epochs: int
    seed: int = 0
    started: float = 0.0

    @property
    def side(self) -> int:
        """Of a crop with its margins, px."""
        return self.crop + 2 * self.margin

    @property
    def g(self) -> np.ndarray:
        """The supposed law of a segmenter: a line from 1 to 0, ``(LABELS,)``."""
        return np.linspace(1, 0, LABELS, dtype=np.float32)

    def to_json(self) -> str:
        """One line, for `from_json`."""
        return json.dumps(dataclasses.asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Task:
        """The inverse of `to_json`."""
        return cls(**json.loads(text))


@dataclasses.dataclass(frozen=True)
class Pictures:
    """The decoded pictures of a split.

    Attributes:
        arrays: grey values, uint8.
        labels: ranks of t, ``(pictures,)``.
        truth: true masks, 0 or 1; empty unless asked for.
    """

    arrays: list[np.ndarray]
    labels: np.ndarray
    truth: list[np.ndarray]


def _decode(file: Path) -> np.ndarray:
    with Image.open(file) as picture:
        return np.asarray(picture.convert("L"))


def files_of(task: Task, split: str) -> tuple[list[str], np.ndarray]:
    """(paths relative to the folder, labels) of a split."""
    with (Path(task.folder) / "labels.csv").open(newline="", encoding="utf-8-sig") as table:
        rows = list(csv.DictReader(table))
    times = sorted({float(row["t"]) for row in rows})
    chosen = [row for row in rows if row["split"] == split]
    return [row["file"] for row in chosen], np.array([times.index(float(row["t"])) for row in chosen], np.int64)


def read(task: Task, split: str, truth: bool = False) -> Pictures:
    """Decodes a split, several pictures at a time."""
    files, labels = files_of(task, split)
    folder = Path(task.folder)
    with ThreadPoolExecutor() as pool:
        arrays = list(pool.map(lambda file: _decode(folder / file), files))
        masks = list(pool.map(lambda file: _decode(folder / "truth" / file) > 0, files)) if truth else []
    return Pictures(arrays, labels, masks)


def normalised(pixels: np.ndarray, mean: float, sd: float) -> np.ndarray:
    """Grey values relative to the training set."""
    return (pixels.astype(np.float32) / np.float32(_FULL) - np.float32(mean)) / np.float32(sd)


def statistics(arrays: Iterable[np.ndarray]) -> tuple[float, float]:
    """Mean and standard deviation of the grey values of pictures, as shares of the full scale."""
    sums = np.array([(a.mean(dtype=np.float64), np.square(a, dtype=np.float64).mean()) for a in arrays])
    mean, square = sums.mean(0)
    return mean / _FULL, float(np.sqrt(square - mean**2)) / _FULL


class Crops:
    """Crops of a training set, drawn as copper_tf draws them: anywhere, turned, with gain and offset.

    Args:
        pictures: of the training split.
        task: the race.
    """

    def __init__(self, pictures: Pictures, task: Task) -> None:
        self.pictures, self.task = pictures, task
        self.mean, self.sd = statistics(pictures.arrays)
        self.steps = -(-len(pictures.arrays) // task.batch)

    def epoch(self, number: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Batches ``(batch, side, side, 1)`` float32 with their labels ``(batch,)``."""
        task, count = self.task, len(self.pictures.arrays)
        draw = np.random.default_rng([task.seed, number])
        order = np.resize(draw.permutation(count), self.steps * task.batch)
        for step in range(self.steps):
            rows = order[step * task.batch : (step + 1) * task.batch]
            crops = [self._crop(self.pictures.arrays[row], draw) for row in rows]
            yield np.stack(crops)[..., None], self.pictures.labels[rows]

    def _crop(self, array: np.ndarray, draw: np.random.Generator) -> np.ndarray:
        task = self.task
        y, x = (int(draw.integers(length - task.side + 1)) for length in array.shape)
        crop = normalised(array[y : y + task.side, x : x + task.side], self.mean, self.sd)
        turn = int(draw.integers(8))
        turned = np.rot90(crop[:, ::-1] if turn % 2 else crop, turn // 2)
        gain, offset = draw.uniform(1 - task.gain, 1 + task.gain), draw.uniform(-task.offset, task.offset)
        return np.float32(gain) * turned + np.float32(offset)


class Clock:
    """Seconds since a contestant was started, without those in which it was judged.

    Args:
        task: the race.
    """

    def __init__(self, task: Task) -> None:
        self.started, self.judged = task.started, 0.0

    @property
    def seconds(self) -> float:
        """That count."""
        return time.time() - self.started - self.judged

    @contextmanager
    def stopped(self) -> Iterator[None]:
        """What happens here doesn't count."""
        began = time.time()
        yield
        self.judged += time.time() - began

    def say(self, epoch: int, found: float | None = None) -> bool:
        """Prints a line for the referee; whether the race is over."""
        print(json.dumps({"epoch": epoch, "seconds": self.seconds, "score": found}), flush=True)
        return found is not None and found >= GOOD


def qwk(labels: np.ndarray, grades: np.ndarray) -> float:
    """Quadratic-weighted kappa."""
    wrong = np.subtract.outer(np.asarray(labels), np.asarray(grades)).astype(float) ** 2
    return float(1 - np.diag(wrong).mean() / wrong.mean())


def auc(maps: Sequence[np.ndarray], truth: Sequence[np.ndarray]) -> float:
    """Area under the ROC curve over the pixels of all maps, whose values are in [0, 1], in so many bins."""
    edges = np.linspace(0, 1, _BINS + 1)
    inside, outside = np.zeros((2, _BINS))
    for potency, mask in zip(maps, truth, strict=True):
        inside += np.histogram(potency[mask], edges)[0]
        outside += np.histogram(potency[~mask], edges)[0]
    below = np.cumsum(outside) - outside
    return float((inside * (below + outside / 2)).sum() / (inside.sum() * outside.sum()))


def score(task: Task, test: Pictures, answers: Sequence[np.ndarray]) -> float:
    """How good the answers to the test pictures are.

    Args:
        task: the race.
        test: the pictures, with their truth for a segmenter.
        answers: maps ``(height, width)`` of a segmenter, probabilities or logits ``(LABELS,)`` of a classifier.
    """
    if task.kind == "segmenter":
        return auc(answers, test.truth)
    return qwk(test.labels, np.argmax(np.array(answers), 1))
