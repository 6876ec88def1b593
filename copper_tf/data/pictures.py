"""From TFRecords to decoded pictures, each decoded once."""

from __future__ import annotations

import contextlib
import contextvars
import dataclasses
import tempfile
from collections.abc import Iterator, Sequence

import numpy as np

from copper_tf.data.normalisation import grey
from copper_tf.utils.compat import available_memory_bytes
from tfds_copper.dataset import Dataset
from tfds_copper.errors import InputError
from tfds_copper.progress import Progress

__all__ = ["Example", "Pictures", "examples", "kept_pictures", "load_pictures", "some_of_each_label"]


@dataclasses.dataclass(frozen=True)
class Example:
    """One micrograph of a built dataset.

    Attributes:
        file: its path in the SEM folder.
        pixels: raw values ``(height, width)``, uint8 or uint16.
        bit_depth: 8 to 16; full scale is ``2**bit_depth - 1``.
        label: rank of t.
        t: stress time.
        sheet: name of the physical sample, "" where unknown.
        pixel_size_nm: NaN where unknown.
        truth: the true mask ``(height, width)`` in {0, 1}, or None.
        columns: further columns of labels.csv.
    """

    file: str
    pixels: np.ndarray
    bit_depth: int
    label: int
    t: float
    sheet: str
    pixel_size_nm: float
    truth: np.ndarray | None
    columns: dict[str, str]


def examples(dataset: Dataset, split: str) -> Iterator[Example]:
    """The micrographs of a split, decoded one after the other, always in the same order."""
    for record in dataset.rows(split):
        depth = int(record["bit_depth"])
        pixels = record["picture"][..., 0]
        yield Example(
            file=record["file"],
            pixels=pixels.astype(np.uint8) if depth == 8 else pixels,
            bit_depth=depth,
            label=int(record["label"]),
            t=float(record["t"]),
            sheet=record["sheet"],
            pixel_size_nm=float(record["pixel_size_nm"]),
            truth=record["truth"][..., 0] if record["has_truth"] else None,
            columns=record["columns"],
        )


@dataclasses.dataclass(frozen=True)
class Pictures:
    """The decoded pictures of a split, in memory or, where they don't fit, in a temporary file.

    Attributes:
        arrays: raw values of each picture ``(height, width)``.
        full_scale: the largest raw value each could have.
        labels: rank of t of each, ``(pictures,)`` int32.
        files: path of each in the SEM folder.
        mean: mean grey value over all pixels, in [0, 1].
        sd: standard deviation of the grey values over all pixels.
        sheets: name of the sheet of each, "" where unknown; none where no one asks.
    """

    arrays: tuple[np.ndarray, ...]
    full_scale: np.ndarray
    labels: np.ndarray
    files: tuple[str, ...]
    mean: float
    sd: float
    sheets: tuple[str, ...] = ()

    @property
    def bit_depths(self) -> np.ndarray:
        """8 to 16 for each picture, ``(pictures,)``."""
        return np.log2(self.full_scale + 1).astype(int)

    @property
    def smallest_side(self) -> int:
        """The smallest height or width in px."""
        return min(min(a.shape) for a in self.arrays)

    def of_labels(self, wanted: Sequence[int]) -> Pictures:
        """Only the pictures of some labels; mean and sd stay those of all pictures."""
        return self.at(np.flatnonzero(np.isin(self.labels, wanted)))

    def at(self, kept: np.ndarray) -> Pictures:
        """Only the pictures of some indices; mean and sd stay those of all pictures."""
        return dataclasses.replace(
            self,
            arrays=tuple(self.arrays[k] for k in kept),
            full_scale=self.full_scale[kept],
            labels=self.labels[kept],
            files=tuple(self.files[k] for k in kept),
            sheets=tuple(self.sheets[k] for k in kept if self.sheets),
        )


def some_of_each_label(splits: Sequence[Pictures], most: int) -> Pictures:
    """Up to so many pictures of each label out of several splits together, evenly spread; mean and sd of the first.

    Args:
        splits: decoded.
        most: pictures of a label.
    """
    joined = dataclasses.replace(
        splits[0],
        arrays=sum((split.arrays for split in splits), ()),
        full_scale=np.concatenate([split.full_scale for split in splits]),
        labels=np.concatenate([split.labels for split in splits]),
        files=sum((split.files for split in splits), ()),
        sheets=sum((split.sheets for split in splits), ()),
    )
    of_labels = (np.flatnonzero(joined.labels == label) for label in np.unique(joined.labels))
    return joined.at(
        np.concatenate([one[np.unique(np.linspace(0, one.size - 1, most).round().astype(int))] for one in of_labels])
    )


def _keep(array: np.ndarray, room: int) -> np.ndarray:
    """The array itself, or a copy of it on disk once memory is short; the file vanishes with the process."""
    if room > 0:
        return array
    with tempfile.NamedTemporaryFile(prefix="copper-pictures-") as file:
        copy = np.memmap(file, dtype=array.dtype, mode="w+", shape=array.shape)
        copy[:] = array
        return copy


# By (path, fingerprint, split); None where nothing is kept.
_Kept = dict[tuple[str, str, str], Pictures]
_KEPT: contextvars.ContextVar[_Kept | None] = contextvars.ContextVar("kept", default=None)


@contextlib.contextmanager
def kept_pictures() -> Iterator[None]:
    """While it lasts, `load_pictures` keeps the splits of one dataset: many trainings on it decode them once."""
    token = _KEPT.set({})
    try:
        yield
    finally:
        _KEPT.reset(token)


def load_pictures(dataset: Dataset, split: str, progress: Progress | None = None) -> Pictures:
    """Decodes a split once; those of an earlier call are given again inside of `kept_pictures`.

    Args:
        dataset: a built dataset.
        split: ``"train"``, ``"validation"`` or ``"test"``.
        progress: called with (done, total, what).

    Raises:
        InputError: if the split is empty.
    """
    kept = _KEPT.get()
    if kept is None:
        return _decoded(dataset, split, progress)
    key = (str(dataset.path), dataset.fingerprint, split)
    if any(other[:2] != key[:2] for other in kept):
        kept.clear()
    if key not in kept:
        kept[key] = _decoded(dataset, split, progress)
    return kept[key]


def _decoded(dataset: Dataset, split: str, progress: Progress | None) -> Pictures:
    """See `load_pictures`."""
    total = dataset.split_sizes[split]
    room = available_memory_bytes() // 2
    arrays: list[np.ndarray] = []
    rows: list[tuple[int, int, str, str]] = []
    sums = np.zeros(3)
    for done, example in enumerate(examples(dataset, split), start=1):
        values = grey(example.pixels, example.bit_depth).astype(np.float64)
        sums += values.size, values.sum(), np.square(values).sum()
        room -= example.pixels.nbytes
        arrays.append(_keep(example.pixels, room))
        rows.append((example.label, 2**example.bit_depth - 1, example.file, example.sheet))
        if progress:
            progress(done, total, f"reading {split} pictures")
    if not rows:
        raise InputError(f"{dataset.path}: split {split!r} must hold at least one picture. Received: none")
    labels, full, files, sheets = zip(*rows, strict=True)
    mean = sums[1] / sums[0]
    sd = max(float(np.sqrt(max(sums[2] / sums[0] - mean**2, 0))), 1e-6)
    return Pictures(tuple(arrays), np.array(full), np.array(labels, np.int32), files, float(mean), sd, sheets)
