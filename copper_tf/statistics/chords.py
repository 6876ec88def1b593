"""How wide the domains of a map are, and whether the network sees too much to be local; NumPy and SciPy only."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from copper_tf.statistics.scores import CUT

__all__ = ["FAR", "LIMIT", "SPECK", "Chord", "mean_chord", "warning"]

# Up to so many mean chords the measured reach is local: right maps have up to 1.97, and no wrong one under 2 passes the
# other tests of trust (benchmarks/results/unknown_law.json). With four chords the curves of different g differ by .4,
# and any map with the right mean is as good as any other.
LIMIT = 2.0
# From so many on it sees too much for sure: that is where the control stands.
FAR = 4.0
# Single wrong pixels are noise of the map and no domains; a median over so many px takes them away.
SPECK = 3


class Chord(NamedTuple):
    """Mean chord lengths in px, NaN where a map has one phase only.

    Attributes:
        foreground: of the phase at or above the cut.
        background: of the phase below it.
    """

    foreground: float
    background: float

    @property
    def mean(self) -> float:
        """Of both phases, one over the boundary crossings per px; the area of the phases hardly moves it."""
        return (self.foreground + self.background) / 2


def mean_chord(*maps: np.ndarray) -> Chord:
    """Mean chord length of both phases of maps cut at `CUT`, along rows and columns.

    Chords aren't measured one by one, which the picture's border would cut short, but by counting: the mean chord of a
    phase is L = V / N, V its share of the area and N its chords per px of test line, half the boundary crossings per
    px, P / 2 (Underwood 1970, Quantitative Stereology, chapter 4). Each pair of neighbours is a fair sample of P
    wherever it lies. In an even pattern of stripes half of the test lines run along them: L is twice their width.

    Args:
        *maps: potency maps or masks ``(height, width)``, pooled.
    """
    from scipy import ndimage  # slow to import, and no part of a prediction

    pixels = covered = pairs = crossings = 0
    for one in maps:
        mask = ndimage.median_filter((one >= CUT).astype(np.uint8), SPECK, mode="mirror")
        pixels += mask.size
        covered += int(mask.sum(dtype=np.int64))
        for axis in (0, 1):
            change = np.diff(mask, axis=axis) != 0
            pairs += change.size
            crossings += int(change.sum(dtype=np.int64))
    if not crossings:
        return Chord(math.nan, math.nan)
    longest = 2 * pairs / crossings
    share = covered / pixels
    return Chord(share * longest, (1 - share) * longest)


def warning(receptive_field: float, chord: float) -> str:
    """Why the areas in a map can't be believed where the network sees too much; empty where it doesn't.

    Args:
        receptive_field: what the network uses of it, px; infinite where that is the whole picture.
        chord: mean chord of its maps, px; NaN where unknown, which warns of nothing.
    """
    if not receptive_field > LIMIT * chord:
        return ""
    width = (
        f"{receptive_field:.0f} px, {receptive_field / chord:.1f} times the width of the areas that it draws"
        if math.isfinite(receptive_field)
        else "the whole picture, not only the areas that it draws"
    )
    return (
        f"the network looks at {width} ({chord:.0f} px on average; up to {LIMIT:g} times is local): it can tell the "
        "stress time from a whole neighbourhood and paint areas that merely have the right mean, so don't read them "
        "as areas of the surface; train with a smaller d, or see what copper trust says"
    )
