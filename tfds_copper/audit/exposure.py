"""Pictures that were recorded with another gain, or with fewer bits than their files have room for."""

from __future__ import annotations

import collections
import statistics
from collections.abc import Sequence

from tfds_copper.audit.survey import SurveyedPicture
from tfds_copper.micrograph.depth import likely_bits

__all__ = ["FACTOR", "low_depth", "odd_exposures"]

# Surfaces of one label differ by less in mean and in standard deviation at once; 14 bits in 16 by 4.
FACTOR = 3.0
_CONTAINER = 16


def _differs(value: float, usual: float) -> int:
    """-1 where a value is far below the usual one, 1 where it is far above, else 0."""
    return int(value > FACTOR * usual) - int(value * FACTOR < usual)


def odd_exposures(pictures: Sequence[SurveyedPicture]) -> list[SurveyedPicture]:
    """The pictures that have another exposure than others of their label.

    Gain scales mean and standard deviation alike; a surface that is darker mostly keeps its contrast.

    Args:
        pictures: readable and not blank.
    """
    labels: dict[int, list[SurveyedPicture]] = collections.defaultdict(list)
    for picture in pictures:
        labels[picture.picture.label].append(picture)
    odd = []
    for group in labels.values():
        # Where half of the pictures are dark, the higher one of the two in the middle is not.
        mean = statistics.median_high(s.mean for s in group)
        contrast = statistics.median_high(s.contrast for s in group)
        odd += [s for s in group if _differs(s.mean, mean) * _differs(s.contrast, contrast) > 0]
    return odd


def low_depth(pictures: Sequence[SurveyedPicture]) -> tuple[list[SurveyedPicture], int]:
    """The pictures of 16 bits, and the bits that hold all of their values; none and 0 where that takes all 16.

    Args:
        pictures: readable, read without any setting of the depth.
    """
    wide = [s for s in pictures if s.bit_depth == _CONTAINER]
    largest = max((s.brightest for s in wide), default=0)
    bits = likely_bits(largest)
    return (wide, bits) if largest and bits < _CONTAINER else ([], 0)
