"""Learning g as area: a first network marks the phases pixel by pixel, and g is the area that it marks at each t.

Asked for means that no map of the two phases has, a network finds other textures that have them; and a law is supposed
to run from 1 to 0, which few surfaces do. Trained pixel by pixel (`losses.PixelLoss`), a local network gives each place
the mean g of the pictures in which such a place occurs. That has one value in either phase, whatever g is supposed, as
long as it falls. So the first maps are grey but mark the right places, and cut in two they tell start, shape and end.
"""

from __future__ import annotations

import dataclasses
import math
import shutil
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from copper_tf.config import FIXED, PIXELS
from copper_tf.data.pictures import Pictures, some_of_each_label
from copper_tf.decay.hypotheses import MIN_VARIANCE
from copper_tf.inference.predictor import RunPredictor
from copper_tf.runs.records import AreaShares
from copper_tf.runs.run import FIRST_MAPS, Run, create_run, is_run
from copper_tf.statistics.bootstrap import UNIT, groups_of, mean_interval
from tfds_copper.errors import InputError
from tfds_copper.progress import Progress

__all__ = ["first_run", "measure_areas", "otsu", "shares_of"]

# The first network sees little, so that it can't recognise t from the whole picture, and learns for so many steps.
_D, _STEPS = 2, 600
# Pictures of each label whose area is measured, and the steps of potency in which it is.
_PICTURES, _BINS = 64, 400

Train = Callable[[Run, "Progress | None"], Any]


def first_run(run: Run, steps: int) -> Run:
    """The run of the first network of a run, created where it is missing.

    Args:
        run: the run whose g is to be learned.
        steps: of its epochs.
    """
    settings = {
        "d": min(run.config.model.d, _D), "loss": PIXELS, "learn": FIXED, "edge_weight": 0.0, "restarts": 0,
        "tta": "none", "keep": "last", "epochs": math.ceil(_STEPS / steps), "learning_rate": 0.003,
        "schedule": "cosine", "patience": 0,
    }  # fmt: skip
    first = dataclasses.replace(
        run, path=run.path / FIRST_MAPS, config=run.config.replace(**settings), hypothesis=run.initial_hypothesis,
        initial_hypothesis=(),
    )  # fmt: skip
    if not is_run(first.path):
        shutil.rmtree(first.path, ignore_errors=True)
        create_run(first)
    return first


def otsu(counts: np.ndarray) -> tuple[int, float]:
    """Where a histogram is cut in two (Otsu 1979), and how far apart both parts are.

    Args:
        counts: of the values in bins of equal width, ``(bins,)``.

    Returns:
        The number of bins below the cut; and the share of the variance that lies between the parts: 1 where there are
        two values only, 0.64 where the values are spread normally.
    """
    from skimage.filters import threshold_otsu  # slow to import

    centres = np.arange(counts.size, dtype=np.float64)
    below = int(threshold_otsu(hist=(counts, centres))) + 1
    low, total = float(counts[:below].sum()), float(counts.sum())
    mean = float((counts * centres).sum()) / total
    variance = float((counts * (centres - mean) ** 2).sum()) / total
    if not 0 < low < total or variance == 0:
        return below, 0.0
    low_mean = float((counts[:below] * centres[:below]).sum()) / low
    share = low / total
    return below, share / (1 - share) * (low_mean - mean) ** 2 / variance


def shares_of(histograms: np.ndarray, labels: np.ndarray, groups: np.ndarray, count: int) -> AreaShares:
    """The area share of each label, from the histograms of the potency of maps.

    Args:
        histograms: of each picture, ``(pictures, bins)``, over potencies from 0 to 1.
        labels: of each picture.
        groups: the number of the sheet of each.
        count: number K of labels.
    """
    from scipy.optimize import isotonic_regression  # slow to import

    rates = histograms / histograms.sum(1, keepdims=True)
    below, separability = otsu(rates.sum(0))
    marked = rates[:, below:].sum(1)
    shares, intervals = [], []
    for label in range(count):
        of_label = labels == label
        sheets = [marked[of_label & (groups == group)].mean() for group in np.unique(groups[of_label])]
        mean, interval = mean_interval(np.array(sheets), UNIT)
        shares.append(mean)
        intervals.append(interval)
    weights = np.bincount(labels, minlength=count).astype(np.float64)
    falling = isotonic_regression(np.array(shares), weights=weights, increasing=False).x
    return AreaShares(
        threshold=below / histograms.shape[1],
        separability=separability,
        shares=tuple(shares),
        intervals=tuple(intervals),
        g=tuple(float(g) for g in np.clip(falling, 0, 1)),
        pictures=len(labels),
    )


def _histograms(
    first: Run, splits: Sequence[Pictures], progress: Progress | None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Histograms of the maps of some pictures of each label, their labels and the numbers of their sheets."""
    chosen = some_of_each_label(splits, _PICTURES)
    predictor, rows = RunPredictor(first), []
    pictures = zip(chosen.arrays, chosen.bit_depths.tolist(), chosen.files, strict=True)
    for done, picture in enumerate(pictures, start=1):
        potency = np.asarray(predictor.predict(*picture).map)
        rows.append(np.histogram(potency, _BINS, (0, 1))[0])
        if progress:
            progress(done, len(chosen.files), "measuring areas")
    groups = groups_of(chosen.sheets, chosen.files)[0]
    return np.array(rows, np.float64), chosen.labels, groups


def measure_areas(
    run: Run, splits: Sequence[Pictures], steps: int, train: Train, progress: Progress | None = None
) -> Run:
    """Trains the first network, measures the area shares, and makes them the g of the run.

    Killed at any moment, it goes on from the last finished epoch of the first network.

    Args:
        run: a run without a finished epoch.
        splits: the decoded pictures of training and validation, of every label.
        steps: of an epoch.
        train: trains a run to its end.
        progress: called with (done, total, what).

    Returns:
        The run with its new g.

    Raises:
        InputError: if the areas hardly differ from t to t.
    """

    def report(done: int, total: int, what: str) -> None:
        if progress:
            progress(done, total, f"first maps, {what}")

    first = first_run(run, steps)
    train(first, report)
    found = shares_of(*_histograms(first, splits, report), len(run.labels.times))
    if np.var(found.g) < MIN_VARIANCE:
        raise InputError(
            f"{run.path}: first maps mark an area of {found.g[0]:.2f} at the first t and of {found.g[-1]:.2f} at the "
            "last; to learn g, areas must differ from t to t. Received: pictures whose texture hardly depends on t"
        )
    learned = dataclasses.replace(run, hypothesis=found.g)
    learned.write_hypothesis()
    # Written last: where it is there, g is the run's.
    learned.write(found)
    shutil.rmtree(first.path, ignore_errors=True)
    return learned
