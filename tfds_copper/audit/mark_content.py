"""Does what is written on pictures follow the stress time? Without reading it: by where its ink is."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import ndimage

from tfds_copper.audit.association import Association

__all__ = ["content_association"]

# Pixels that are ink in nearly all pictures say nothing, nor do those that hardly ever are.
_ALWAYS, _SELDOM, _SIGMAS = 0.98, 0.5, 3.0
# Blocks of marks that are judged: px wide, about a glyph, with so many pixels that change.
_WIDE, _LEAST = 16, 6
_PERMUTATIONS = 999


def _blocks(changing: np.ndarray) -> np.ndarray:
    """The block of each changing pixel, ``(pixels,)``; both inks of a place are of one block.

    Args:
        changing: ``(2, rows, width)``, bool.
    """
    columns = np.nonzero(changing)[2] // _WIDE
    return np.unique(columns, return_inverse=True)[1]


def _by_unit(labels: Sequence[int], units: Sequence[str], ink: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The label, and the mean ink, of every unit and label."""
    keys = sorted(set(zip(units, labels, strict=True)))
    index = {key: k for k, key in enumerate(keys)}
    member = np.array([index[key] for key in zip(units, labels, strict=True)])
    sums = np.zeros((len(keys), ink.shape[1]), np.float32)
    np.add.at(sums, member, ink)
    return np.array([label for _, label in keys]), sums / np.bincount(member)[:, None]


def content_association(
    labels: Sequence[int], units: Sequence[str], inks: np.ndarray, usual: np.ndarray
) -> Association | None:
    """How closely what the marks say follows t: the correlation ratio of the block of ink that follows it most.

    The correlation ratio is the square root of the share of the variance over units that is between labels. Its p is
    the share of permutations of the units' labels in which any block reaches as much. What of the ink is the surface's
    own is taken off by how much of it the rest of the picture has.

    Args:
        labels: rank of t, one per picture.
        units: the independent unit of each picture.
        inks: white and black ink of the rows of the marks, ``(pictures, 2, rows, width)``, bool.
        usual: the share of each on all other rows, ``(pictures, 2)``.

    Returns:
        None where nothing changes, or there are fewer than 4 units or 2 labels.
    """
    share, chance = inks.mean(axis=0, dtype=np.float32), usual.mean(axis=0)[:, None, None]
    noise = _SIGMAS * np.sqrt(chance * (1 - chance) / len(inks))
    # Beside a stroke that never changes a pixel is half ink, half surface, and may be either.
    beside = ndimage.binary_dilation(share >= _ALWAYS, np.ones((1, 3, 3)))
    changing = ~beside & (share - chance >= np.maximum(_SELDOM / len(set(labels)), noise))
    if not changing.any():
        return None
    own = np.clip(usual, 0, 0.9)[:, :, None, None]
    of_marks = ((inks - own) / (1 - own)).astype(np.float32)[:, changing]
    ranks, ink = _by_unit(labels, units, of_marks)
    if len(ranks) < 4 or len(set(ranks.tolist())) < 2:
        return None
    blocks = _blocks(changing)
    judged = np.bincount(blocks) >= _LEAST
    ink -= ink.mean(axis=0)
    total = np.bincount(blocks, (ink**2).sum(axis=0))
    judged &= total > 1e-6
    if not judged.any():
        return None
    _, dense = np.unique(ranks, return_inverse=True)

    def largest(order: np.ndarray) -> float:
        """The largest share of any block that is between labels."""
        member = (dense[order] == np.arange(dense.max() + 1)[:, None]).astype(np.float32)
        between = ((member @ ink) ** 2 / member.sum(axis=1, keepdims=True)).sum(axis=0)
        return float((np.bincount(blocks, between)[judged] / total[judged]).max())

    found = largest(np.arange(len(dense)))
    rng = np.random.default_rng(0)
    chances = [largest(rng.permutation(len(dense))) for _ in range(_PERMUTATIONS)]
    p = (1 + sum(c >= found - 1e-9 for c in chances)) / (1 + _PERMUTATIONS)
    return Association("correlation ratio", min(1.0, float(np.sqrt(found))), p, len(ranks))
