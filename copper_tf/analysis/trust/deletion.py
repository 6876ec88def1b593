"""Deletion: texture of the last t pasted where the map is highest must cost the mass that the map had there."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable

import numpy as np
from scipy import ndimage

from copper_tf.analysis.trust.chimera import MapFunction, Sample

__all__ = ["SHARES", "Deletion", "delete", "deletion_scores", "region"]

# Shares q of the picture that are pasted over.
SHARES = (0.1, 0.3)
# A mean mass under this is next to nothing: a ratio to it would be noise.
_SOME_MASS = 0.01


@dataclasses.dataclass(frozen=True, eq=False)
class Deletion:
    """A picture with something pasted into it.

    Attributes:
        before: the picture and its map.
        values: the picture with the other texture in it.
        mask: the map of that.
        pasted: where that is, bool ``(height, width)``.
        expected: by how much m falls if the map is faithful: the mass that the map had there less the mass that the
            pasted texture has in its own picture.
        share: of the picture that was to be pasted over.
        top: pasted where the map was highest, else where it was lowest.
    """

    before: Sample
    values: np.ndarray
    mask: np.ndarray
    pasted: np.ndarray
    expected: float
    share: float
    top: bool

    @property
    def drop(self) -> float:
        """By how much m fell."""
        return float(self.before.mask.mean(dtype=np.float64) - self.mask.mean(dtype=np.float64))


def region(mask: np.ndarray, share: float, width: float, top: bool = True) -> np.ndarray:
    """The share of a picture where its map is highest (or lowest), in pieces about as wide as the map's areas, bool.

    Pixel by pixel it would be crumbs, and a crumb of texture shows no texture.

    Args:
        mask: potency map ``(height, width)``.
        share: of the pixels.
        width: of the map's areas, px.
        top: where the map is highest.
    """
    smooth = ndimage.gaussian_filter(mask.astype(np.float64), width / 4, mode="mirror")
    order = np.argsort(-smooth if top else smooth, axis=None, kind="stable")
    chosen = np.zeros(mask.size, bool)
    chosen[order[: round(share * mask.size)]] = True
    return chosen.reshape(mask.shape)


def delete(
    picture: Sample, donor: Sample, share: float, width: float, map_of: MapFunction, *, top: bool = True
) -> Deletion:
    """Pastes texture of another picture over the highest (or lowest) part of a map.

    Args:
        picture: what is pasted into.
        donor: a picture of the last t; both are cut to the size they share.
        share: of the pixels.
        width: of the map's areas, px.
        map_of: gives the map of a normalised picture.
        top: paste where the map is highest.
    """
    height, length = (min(pair) for pair in zip(picture.values.shape, donor.values.shape, strict=True))
    picture, donor = (sample.cut((height, length), map_of) for sample in (picture, donor))
    pasted = region(picture.mask, share, width, top)
    values = np.where(pasted, donor.values, picture.values)
    expected = float(((picture.mask - donor.mask) * pasted).mean(dtype=np.float64))
    return Deletion(picture, values, map_of(values), pasted, expected, share, top)


def deletion_scores(deletions: Iterable[Deletion]) -> dict[str, float]:
    """How much of what was taken away is missing in m afterwards.

    Args:
        deletions: read once.

    Returns:
        ``deletion_ratio``: drop of m over mass removed, both summed over pictures and shares, 1 in a faithful map.
        ``deletion_error``: abs(1 - that). ``deletion_control``: mean abs change of m beyond what is due where the
        lowest part was pasted over. NaN where there is none, or nothing to remove.
    """
    rows = [(d.top, d.drop, d.expected) for d in deletions]
    high, low = ([(drop, due) for high, drop, due in rows if high is top] for top in (True, False))
    dropped, removed = np.sum(high, 0).tolist() if high else (0.0, 0.0)
    ratio = dropped / removed if removed > _SOME_MASS * len(high) else math.nan
    control = float(np.mean([abs(drop - due) for drop, due in low])) if low else math.nan
    return {"deletion_ratio": ratio, "deletion_error": abs(1 - ratio), "deletion_control": control}
