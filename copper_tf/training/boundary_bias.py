"""Boundary bias: what the borders of areas add to a potency, measured on composites of the first and the last t.

A network judges a place by its surroundings, so near the border of an area the other side influences it. How much that
adds to the potency of a label is measured on pictures of known areas: where the map of a picture of that label is high,
a picture of the first t is inserted, elsewhere one of the last. The difference between the network's potency and the
mean of their own maps comes from the borders alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import numpy as np
from scipy import ndimage

from copper_tf.data.normalisation import Normalisation, grey
from copper_tf.data.pictures import examples
from copper_tf.inference.predictor import RunPredictor
from copper_tf.inference.surround import central
from copper_tf.runs.records import BoundaryBias
from copper_tf.runs.run import Run
from copper_tf.statistics.chords import SPECK
from copper_tf.statistics.scores import CUT
from tfds_copper.dataset import Dataset
from tfds_copper.progress import Progress
from tfds_copper.splits.assign import HELD_OUT

__all__ = ["composite", "excess", "maps_needed", "measure_boundary_bias", "middles", "one_phase_each"]

# Templates of a label, pairs of end pictures for each, and the side in px of the middle part that is used.
_TEMPLATES, _PAIRS, _SIDE = 10, 2, 512
# Standard deviation in px by which borders are blended: a hard cut is an edge that no surface has.
_BLEND = 1.5
# Pictures of each end label that are drawn from.
_ENDS = 24
# An end whose maps are off 0 or 1 by no more than this on average is one phase.
_PURE = 0.05

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


def one_phase_each(first: float, last: float) -> bool:
    """Whether surfaces show one phase each at both ends, as composites of the two need them.

    Args:
        first: mean potency at the first t; NaN where unknown.
        last: the same at the last t.
    """
    return first >= 1 - _PURE and last <= _PURE


def _middle(picture: np.ndarray) -> np.ndarray:
    return central(picture, (_SIDE, _SIDE))


def middles(
    pictures: Iterable[tuple[np.ndarray, int, int]], normalisation: Normalisation, labels: int
) -> list[list[np.ndarray]]:
    """The middles of normalised pictures, by label: a few of each, more of the end labels.

    Args:
        pictures: raw values, bit depth and label.
        normalisation: of the run.
        labels: number K of labels.
    """
    kept: list[list[np.ndarray]] = [[] for _ in range(labels)]
    for pixels, bit_depth, label in pictures:
        if len(kept[label]) < (_ENDS if label in (0, labels - 1) else _TEMPLATES):
            kept[label].append(_middle(normalisation.apply(grey(pixels, bit_depth))))
    return kept


def _over(template: np.ndarray, first: tuple[np.ndarray, ...], last: tuple[np.ndarray, ...], draw: Draw) -> float:
    """What a composite has over the mean of its parts' own maps; a part is a picture with its map."""
    height, width = (min(sides) for sides in zip(template.shape, first[0].shape, last[0].shape, strict=True))
    shape, a, map_a, b, map_b = (x[:height, :width] for x in (template, *first, *last))
    together = draw(composite(shape, a, b))
    return float(together.mean(dtype=np.float64) - composite(shape, map_a, map_b).mean(dtype=np.float64))


def excess(kept: Sequence[Sequence[np.ndarray]], draw: Draw, seed: int, pairs: int = _PAIRS) -> np.ndarray:
    """What borders add to the mean potency of every label, ``(K,)``: 0 at the ends, NaN where it can't be measured.

    Args:
        kept: from `middles`.
        draw: the network.
        seed: of which pictures are laid together.
        pairs: of end pictures for each picture of a label.
    """
    found, order = np.full(len(kept), np.nan), np.random.default_rng(seed)
    found[[0, -1]] = 0.0
    if not (kept[0] and kept[-1]):
        return found
    firsts, lasts = ([(picture, draw(picture)) for picture in end] for end in (kept[0], kept[-1]))
    for label in range(1, len(kept) - 1):
        over = []
        for template in (draw(picture) for picture in kept[label]):
            for _ in range(pairs):
                first, last = firsts[order.integers(len(firsts))], lasts[order.integers(len(lasts))]
                over.append(_over(template, first, last, draw))
        found[label] = np.mean(over) if over else np.nan
    return found


def maps_needed(held_out: int, labels: int, pixels: float) -> float:
    """How long `measure_boundary_bias` takes, as a number of whole pictures that are mapped in that time.

    Args:
        held_out: pictures of validation and test.
        labels: number K of labels.
        pixels: of a picture.
    """
    each = held_out / labels
    maps = 2 * min(_ENDS, each) + (labels - 2) * min(_TEMPLATES, each) * (1 + _PAIRS)
    return maps * min(1.0, _SIDE**2 / pixels)


def measure_boundary_bias(run: Run, dataset: Dataset, progress: Progress | None = None) -> BoundaryBias:
    """Measures and keeps what borders add to the mean potency of every label between the ends; no true mask is needed.

    Args:
        run: a trained segmenter.
        dataset: what it was trained on.
        progress: called with (done, total, what).

    Returns:
        What was written; NaN where a label or an end has no held-out picture.
    """
    predictor = RunPredictor(run)
    held = ((e.pixels, e.bit_depth, e.label) for split in HELD_OUT for e in examples(dataset, split))
    kept = middles(held, run.normalisation, len(dataset.times))
    total, done = _PAIRS * sum(map(len, kept)), 0

    def draw(values: np.ndarray) -> np.ndarray:
        nonlocal done
        done += 1
        if progress:
            progress(min(done, total), total, "composites of the end labels")
        return predictor.map_of(values)

    result = BoundaryBias(tuple(excess(kept, draw, run.config.training.seed).tolist()))
    run.write(result)
    return result
