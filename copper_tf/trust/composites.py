"""Composites: texture of the first t laid into the last along the areas of a map, to see what borders add.

A network judges a place by its surroundings, so near the border of an area it is swayed by the other side. How much
that adds to the potency of a label is measured on pictures of known areas: wherever the map of a picture of that label
is high, a picture of the first t is taken, elsewhere one of the last. What the network's potency has over the mean of
their own maps is the doing of borders alone.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import ndimage

from copper_tf.data import examples
from copper_tf.locality import SPECK
from copper_tf.normalisation import grey
from copper_tf.prediction import Predictor
from copper_tf.runs import Run
from copper_tf.statistics import CUT
from copper_tf.trust.verdict import COMPOSITES
from tfds_copper.dataset import SemDataset

__all__ = ["composite", "composites"]

# Templates of a label, pairs of end pictures for each, and the side in px of the middle part that is used.
_TEMPLATES, _PAIRS, _SIDE = 10, 2, 512
# Standard deviation in px by which borders are blended: a hard cut is an edge that no surface has.
_BLEND = 1.5
# Pictures of each end label that are drawn from.
_ENDS = 24
_HELD_OUT = ("validation", "test")

Progress = Callable[[int, int, str], None]
Draw = Callable[[np.ndarray], np.ndarray]


def composite(template: np.ndarray, first: np.ndarray, last: np.ndarray) -> np.ndarray:
    """One array inside the areas of a map, the other outside, blended at the borders.

    Args:
        template: potency map ``(height, width)``, cut at one half.
        first: what goes where it is high, of the same shape.
        last: what goes elsewhere.
    """
    areas = ndimage.median_filter((template >= CUT).astype(np.uint8), SPECK, mode="mirror")
    share = ndimage.gaussian_filter(areas.astype(np.float32), _BLEND, mode="mirror")
    return (share * first + (1 - share) * last).astype(np.float32)


def _middle(picture: np.ndarray) -> np.ndarray:
    top, left = ((side - min(side, _SIDE)) // 2 for side in picture.shape)
    return picture[top : top + _SIDE, left : left + _SIDE]


def _pictures(run: Run, dataset: SemDataset) -> list[list[np.ndarray]]:
    """The middles of normalised held-out pictures, by label; those of the end labels in larger number."""
    last = len(dataset.times) - 1
    kept: list[list[np.ndarray]] = [[] for _ in range(last + 1)]
    for example in (e for split in _HELD_OUT for e in examples(dataset, split)):
        if len(kept[example.label]) < (_ENDS if example.label in (0, last) else _TEMPLATES):
            values = run.normalisation.apply(grey(example.pixels, example.bit_depth))
            kept[example.label].append(_middle(values))
    return kept


def _excess(
    templates: list[np.ndarray],
    firsts: list[np.ndarray],
    lasts: list[np.ndarray],
    draw: Draw,
    order: np.random.Generator,
) -> list[float]:
    """What each composite has over the mean of its parts' own maps."""
    found = []
    for template in (draw(picture) for picture in templates):
        for _ in range(_PAIRS):
            pair = firsts[order.integers(len(firsts))], lasts[order.integers(len(lasts))]
            height, width = (min(sides) for sides in zip(template.shape, *(p.shape for p in pair), strict=True))
            shape, first, last = (a[:height, :width] for a in (template, *pair))
            together = draw(composite(shape, first, last))
            expected = composite(shape, draw(first), draw(last))
            found.append(float(together.mean(dtype=np.float64) - expected.mean(dtype=np.float64)))
    return found


def composites(run: Run, dataset: SemDataset, progress: Progress | None = None) -> dict[str, Any]:
    """What borders add to the mean potency of every label between the ends; no true mask is needed.

    Args:
        run: a trained segmenter.
        dataset: what it was trained on.
        progress: called with (done, total, what).

    Returns:
        What was written to ``scores/composites.json``: ``excess`` of each label, 0 at the ends, NaN where a
        label or an end has no held-out picture.
    """
    predictor, kept = Predictor(run), _pictures(run, dataset)
    excess = [0.0, *[float("nan")] * (len(kept) - 2), 0.0]
    order = np.random.default_rng(run.config.training.seed)
    for label in range(1, len(kept) - 1):
        if kept[label] and kept[0] and kept[-1]:
            found = _excess(kept[label], kept[0], kept[-1], predictor.map_of, order)
            excess[label] = float(np.mean(found))
        if progress:
            progress(label, len(kept) - 2, "composites of the end labels")
    result = {"excess": excess}
    run.write_scores(COMPOSITES, result)
    return result
