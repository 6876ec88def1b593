"""The surround test: how far beside a place other texture changes the map there, which is the network's real reach.

The receptive field is an upper bound, and networks use far less of it. So it is measured: a disc of a picture is kept
and all around it another picture is put, of another t, and as a control one of the same t, which brings the same seam
but no foreign context. What the middle of the disc changes by in the first less the second is influence of context; the
radius from which on there is none is the reach.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np

from copper_tf.models.network import Network
from tfds_copper.progress import Progress

__all__ = [
    "INFLUENCE",
    "SIDE",
    "MapFunction",
    "MappedPicture",
    "Surround",
    "central",
    "influences",
    "measure_surrounds",
    "measured_reach",
    "radii",
    "reach_of",
]

# The map of a normalised picture, both (height, width).
MapFunction = Callable[[np.ndarray], np.ndarray]

# The share of the difference between two surrounds that may reach the middle of a disc where the reach has ended.
INFLUENCE = 0.1
_RADII = (4, 8, 16, 24, 32, 48, 64, 96, 128, 192)
# Discs lie so many radii apart, and their middle is so many radii wide.
_APART, _MIDDLE = 4.0, 0.25
# The largest disc in sides of the picture.
_LARGEST = 0.4
# Surrounds whose potencies differ by less would give a ratio of noise.
_LEAST = 0.05
# Pictures whose discs are kept, and the side in px of the middle of each that is used.
_PICTURES, SIDE = 12, 256


@dataclasses.dataclass(frozen=True, eq=False)
class MappedPicture:
    """A picture as the network sees it.

    Attributes:
        values: normalised grey values ``(height, width)``.
        mask: its map.
        label: rank of t.
    """

    values: np.ndarray
    mask: np.ndarray
    label: int


@dataclasses.dataclass(frozen=True)
class Surround:
    """Discs of one radius in one picture, with both kinds of surround.

    Attributes:
        radius: of the discs, px.
        change: mean potency of their middles with the foreign surround less that with the own one.
        contrast: potency of the foreign picture less that of the own one.
    """

    radius: int
    change: float
    contrast: float


def radii(receptive_field: float, shape: tuple[int, ...]) -> tuple[int, ...]:
    """The radii to try: up to half the receptive field, and so that half of the picture is left around a disc.

    Args:
        receptive_field: px; infinite where a network sees the whole picture.
        shape: height and width of the pictures, px.
    """
    fitting = [radius for radius in _RADII if radius <= _LARGEST * min(shape)]
    ended = [radius for radius in fitting if 2 * radius >= receptive_field]
    return tuple(radius for radius in fitting if radius not in ended[1:])


def _discs(shape: tuple[int, int], radius: int) -> np.ndarray:
    """Distance of each pixel to the middle of the nearest disc, px; the discs lie on a grid that is centred."""
    step = max(1, round(_APART * radius))
    offsets = [np.abs((np.arange(side) - side // 2 + step // 2) % step - step // 2) for side in shape]
    # A disc that the border cuts has lost a part of its own surround.
    for offset, side in zip(offsets, shape, strict=True):
        middle = (np.arange(side) - side // 2 + step // 2) // step * step + side // 2
        offset[(middle < radius) | (middle >= side - radius)] = 10**6
    central = [np.abs(np.arange(side) - side // 2) for side in shape]
    distance: np.ndarray = np.hypot(offsets[0][:, None], offsets[1][None])
    return np.minimum(distance, np.hypot(central[0][:, None], central[1][None]))


def _surrounds(
    kept: MappedPicture, own: MappedPicture, foreign: MappedPicture, sizes: Sequence[int], map_of: MapFunction
) -> Iterator[Surround]:
    """Discs of a picture with other pictures around them, one radius after the other; in the middles of all three."""
    pictures = (kept, own, foreign)
    shape = tuple(min(*sides, SIDE) for sides in zip(*(p.values.shape for p in pictures), strict=True))
    height, width = shape
    inner, same, other = (central(p.values, shape) for p in pictures)
    contrast = float(foreign.mask.mean(dtype=np.float64) - own.mask.mean(dtype=np.float64))
    for radius in sizes:
        distance = _discs((height, width), radius)
        inside, middle = distance <= radius, distance <= max(1.0, _MIDDLE * radius)
        with_foreign, with_own = (map_of(np.where(inside, inner, around)) for around in (other, same))
        yield Surround(radius, float((with_foreign - with_own)[middle].mean(dtype=np.float64)), contrast)


def central(values: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """The middle of an array, of that shape where it is so large."""
    top, left = (max(0, (side - wanted) // 2) for side, wanted in zip(values.shape, shape, strict=True))
    return values[top : top + shape[0], left : left + shape[1]]


def _triples(pictures: Sequence[MappedPicture]) -> Iterator[tuple[MappedPicture, MappedPicture, MappedPicture]]:
    """Pictures, evenly spread over the labels, each with another one of its label and one of the label farthest off."""
    labels = np.array([p.label for p in pictures])
    order = np.argsort(labels, kind="stable")
    for k in order[np.unique(np.linspace(0, len(order) - 1, _PICTURES).round().astype(int))]:
        own = [i for i in np.flatnonzero(labels == labels[k]) if i != k]
        far = np.abs(labels - labels[k])
        if own and far.max() > 0:
            foreign = np.flatnonzero(far == far.max())
            yield pictures[k], pictures[own[k % len(own)]], pictures[foreign[k % len(foreign)]]


def measure_surrounds(
    pictures: Sequence[MappedPicture], receptive_field: float, map_of: MapFunction, progress: Progress | None = None
) -> list[Surround]:
    """Discs of up to `_PICTURES` pictures with foreign and own surrounds.

    Args:
        pictures: held out, of several labels.
        receptive_field: px; infinite where a network sees the whole picture.
        map_of: gives the map of a normalised picture.
        progress: called with (done, total, what).
    """
    triples, found = list(_triples(pictures)), list[Surround]()
    for done, triple in enumerate(triples, start=1):
        smallest = min(SIDE, *(side for p in triple for side in p.values.shape))
        found += _surrounds(*triple, radii(receptive_field, (smallest, smallest)), map_of)
        if progress:
            progress(done, len(triples), "putting other pictures around places")
    return found


def reach_of(
    pictures: Sequence[MappedPicture], network: Network, map_of: MapFunction, progress: Progress | None = None
) -> tuple[float, dict[int, float]]:
    """The width in px of what a network uses, and the influence at each radius that it was read off.

    Args:
        pictures: held out, of several labels.
        network: its description.
        map_of: gives the map of a normalised picture.
        progress: called with (done, total, what).

    Returns:
        At most the receptive field, which it also is where nothing can be measured; infinite where the network sees,
        or uses, the whole picture.
    """
    widest = float(network.receptive_field) if network.is_local else math.inf
    found = influences(measure_surrounds(pictures, widest, map_of, progress))
    reach = measured_reach(found)
    return (widest if math.isnan(reach) else min(reach, widest)), found


def influences(measured: Iterable[Surround]) -> dict[int, float]:
    """The share of the difference between surrounds that reaches the middle of a disc, by radius.

    Args:
        measured: of several pictures; those whose surrounds hardly differ don't count.

    Returns:
        Summed change over summed contrast, both along the contrast: 0 from where the network doesn't look any more, 1
        where the middle is judged by its surround alone.
    """
    sums: dict[int, list[float]] = {}
    for one in measured:
        if abs(one.contrast) >= _LEAST:
            sums.setdefault(one.radius, []).append(math.copysign(1.0, one.contrast) * one.change)
            sums.setdefault(-one.radius, []).append(abs(one.contrast))
    return {radius: sum(values) / sum(sums[-radius]) for radius, values in sorted(sums.items()) if radius > 0}


def measured_reach(by_radius: dict[int, float]) -> float:
    """The width in px of what the network uses: twice the radius from which on the influence is under `INFLUENCE`.

    Args:
        by_radius: from `influences`.

    Returns:
        Interpolated between the radii; infinite where even the largest disc feels its surround, NaN without any.
    """
    if not by_radius:
        return math.nan
    sizes = list(by_radius)
    felt = [k for k, radius in enumerate(sizes) if by_radius[radius] >= INFLUENCE]
    if not felt:
        return 2.0 * sizes[0]
    last = felt[-1]
    if last == len(sizes) - 1:
        return math.inf
    high, low = by_radius[sizes[last]], by_radius[sizes[last + 1]]
    share = (high - INFLUENCE) / (high - low)
    return 2.0 * (sizes[last] + share * (sizes[last + 1] - sizes[last]))
