"""Two phases: the texture of every label must be a mixture of the same two textures.

Where a surface has two phases, and t changes how much there is of each, the histogram of any local feature is a mean of
two histograms, one for each phase, weighted by their areas: over the labels it moves along a straight line. Where the
surface changes by degrees, everywhere at once, it moves along a curve. No map or network is needed to tell these apart;
a network that is asked for sharp maps draws them of either.

The features are ratios of the energies of neighbouring bands of spatial frequency around a pixel, which neither
brightness nor contrast changes.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np

from copper_tf.data.normalisation import grey
from copper_tf.data.pictures import Example, examples
from copper_tf.inference.surround import central
from copper_tf.statistics.bootstrap import groups_of
from tfds_copper.dataset import Dataset
from tfds_copper.progress import Progress
from tfds_copper.splits.assign import HELD_OUT

__all__ = ["PICTURES", "band_ratios", "mixture_of", "texture_histograms", "unexplained_share"]

# Pictures of each label that are looked at, and the side in px of their middles.
PICTURES, _SIDE = 32, 256

# Scales in px of the Gaussians between which a band lies, and of the one that its energy is averaged by.
_SCALES, _AROUND = (0.7, 1.4, 2.8, 5.6), 2.0
# Every so many px is looked at: nearer ones say the same. Bins of a histogram hold as many of all pixels each.
_EVERY, _BINS = 4, 12
# Halves that the sheets of each label are split into, and how often labels are shuffled.
_HALVES, _SHUFFLED = 40, 19
# By how much more than by chance the histograms of labels must differ before it is asked along what.
_CLEARLY = 2.0
_FLOOR = 1e-6
_LEAST_LABELS = 3


def band_ratios(values: np.ndarray) -> np.ndarray:
    """Log ratios of the energies of neighbouring bands around some pixels, ``(pixels, ratios)``.

    Args:
        values: grey values in [0, 1], ``(height, width)``.
    """
    from scipy import ndimage

    smooth = [ndimage.gaussian_filter(values, scale, mode="mirror") for scale in _SCALES]
    bands = [values - smooth[0], *(a - b for a, b in zip(smooth[:-1], smooth[1:], strict=True))]
    energies = [np.log(ndimage.gaussian_filter(band**2, _AROUND, mode="mirror") + _FLOOR) for band in bands]
    looked_at = [energy[::_EVERY, ::_EVERY].ravel() for energy in energies]
    return np.stack([a - b for a, b in zip(looked_at[:-1], looked_at[1:], strict=True)], -1)


def texture_histograms(found: Sequence[np.ndarray]) -> np.ndarray:
    """How often each value of each ratio of neighbouring bands occurs in each picture.

    Args:
        found: `band_ratios` of each picture.

    Returns:
        Shares, ``(ratios, pictures, bins)``; the bins of a ratio hold as many pixels of all pictures each.
    """
    histograms = []
    for columns in zip(*(one.T for one in found), strict=True):
        edges = np.quantile(np.concatenate(columns), np.linspace(0, 1, _BINS + 1)[1:-1])
        counts = [np.bincount(np.searchsorted(edges, column), minlength=_BINS) / column.size for column in columns]
        histograms.append(np.array(counts))
    return np.array(histograms)


def _spread(means: np.ndarray, labels: np.ndarray, sheets: np.ndarray, draw: np.random.Generator) -> np.ndarray:
    """Eigenvalues, largest first, of how the means of labels scatter beside the scatter of sheets; ``(bins,)``.

    Args:
        means: histogram of each sheet at each of its labels, ``(n, bins)``.
        labels: ``(n,)``.
        sheets: ``(n,)``.
        draw: of the halves.
    """
    every, total = np.unique(sheets), np.zeros((_BINS, _BINS))
    for _ in range(_HALVES):
        first = np.isin(sheets, draw.permutation(every)[: len(every) // 2])
        both = [k for k in np.unique(labels) if len(np.unique(first[labels == k])) == 2]
        if len(both) >= _LEAST_LABELS:
            sides = [np.array([means[(labels == k) & side].mean(0) for k in both]) for side in (first, ~first)]
            left, right = (side - side.mean(0) for side in sides)
            # What sheets differ by is independent between the halves; what labels differ by is not.
            total += (left.T @ right + right.T @ left) / len(both)
    return np.linalg.eigvalsh(total)[::-1]


def unexplained_share(histograms: np.ndarray, labels: np.ndarray, sheets: Sequence[str], files: Sequence[str]) -> float:
    """How much of what t changes in the texture no mixture of two textures explains.

    Of the ratio that follows t most, it is what the labels scatter across the line that they scatter along most, over
    what they scatter along it. Means of different sheets are compared, so what sheets differ by is no part of either.

    Args:
        histograms: from `texture_histograms`.
        labels: of each picture.
        sheets: of each picture, where known.
        files: of each picture.

    Returns:
        0 for a mixture, .1 and more where the texture changes by degrees; NaN where fewer than three labels have two
        sheets, or texture doesn't follow t.
    """
    groups, _ = groups_of(sheets, files)
    keys = np.unique(np.stack([labels, groups]), axis=1).T
    each = [(labels == k) & (groups == g) for k, g in keys]
    draw, most, share = np.random.default_rng(0), 0.0, math.nan
    for ratio in histograms:
        means = np.array([ratio[chosen].mean(0) for chosen in each])
        found = _spread(means, keys[:, 0], keys[:, 1], draw)
        chance = [_spread(means, draw.permutation(keys[:, 0]), keys[:, 1], draw)[0] for _ in range(_SHUFFLED)]
        if found[0] > max(most, _CLEARLY * max(chance)):
            most, share = found[0], max(0.0, float(found[1] - np.mean(chance)) / found[0])
    return share


def _some_of_each_label(dataset: Dataset) -> Iterator[Example]:
    """Up to `PICTURES` pictures of each label, of all splits; the held-out ones first."""
    left = dict.fromkeys(range(len(dataset.times)), PICTURES)
    for example in (e for split in (*HELD_OUT, "train") for e in examples(dataset, split)):
        if left[example.label] > 0:
            left[example.label] -= 1
            yield example
        if not any(left.values()):
            return


def mixture_of(dataset: Dataset, progress: Progress | None = None) -> float:
    """`unexplained_share` of the pictures of a dataset.

    Args:
        dataset: a built dataset.
        progress: called with (done, total, what).
    """
    total = min(sum(dataset.split_sizes.values()), PICTURES * len(dataset.times))
    parts, labels, sheets, files = [], [], [], []
    for example in _some_of_each_label(dataset):
        middle = central(example.pixels, (_SIDE, _SIDE))
        parts.append(band_ratios(grey(middle, example.bit_depth).astype(np.float64)))
        labels.append(example.label)
        sheets.append(example.sheet)
        files.append(example.file)
        if progress:
            progress(len(parts), total, "looking at textures")
    return unexplained_share(texture_histograms(parts), np.array(labels), sheets, files)
