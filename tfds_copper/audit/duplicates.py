"""Which pictures of a set show the same place of the same sample, so that they never lie in two splits."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Sequence

import numpy as np
from scipy.cluster.hierarchy import DisjointSet

from tfds_copper.audit.candidates import Candidate, candidates
from tfds_copper.audit.fingerprints import Fingerprint
from tfds_copper.audit.verification import DuplicatePair, PreparedImage, verify
from tfds_copper.threads import map_ahead

__all__ = ["find_duplicates"]

# Pictures held at once, prepared: of 240x320 px they take 2 MB each, of 128x128 px 0.5 MB.
_HELD, _HELD_PIXELS = 512, 8e6
# The same for thumbnails alone, of 4 bytes a px, which spares reading the picture once more.
_SHRUNK, _SHRUNK_PIXELS = 4096, 64e6
# Votes from which on a candidate is likely enough to load its pictures one after the other.
_LIKELY = 5


def find_duplicates(
    fingerprints: Sequence[Fingerprint],
    load: Callable[[int], np.ndarray],
    progress: Callable[[int, int], None] | None = None,
) -> list[DuplicatePair]:
    """The pairs of pictures that show the same place, each checked on its pixels.

    Args:
        fingerprints: of all pictures, by number.
        load: gives the grey values of a picture by its number, shape (height, width), uint8 or uint16; pictures
            without candidates are never loaded, others perhaps more than once.
        progress: called with the pairs checked and those to check.

    Returns:
        Sorted; at most one per pair. Of several exact copies each later one is paired with the first, which alone is
        compared with the others.

    Raises:
        InputError: if a loaded picture is not of shape (height, width), or empty.
    """

    largest = max((p.shape[0] * p.shape[1] / p.factor**2 for p in fingerprints), default=1)

    def room(most: int, pixels: float) -> int:
        return int(min(most, max(8, pixels / largest)))

    @functools.lru_cache(maxsize=room(_SHRUNK, _SHRUNK_PIXELS))
    def shrunk(number: int) -> PreparedImage:
        return PreparedImage(load(number))

    @functools.lru_cache(maxsize=room(_HELD, _HELD_PIXELS))
    def prepared(number: int) -> PreparedImage:
        return shrunk(number).as_read()

    found, ordered = [], _ordered(candidates(fingerprints), len(fingerprints))
    pairs = [tuple(of) for _, of in itertools.groupby(ordered, lambda one: (one.first, one.second))]
    for done, duplicate in enumerate(map_ahead(lambda pair: _verified(pair, prepared), pairs), start=1):
        if duplicate:
            found.append(duplicate)
        if progress:
            progress(done, len(pairs))
    return sorted(found)


def _verified(pair: Sequence[Candidate], prepared: Callable[[int], PreparedImage]) -> DuplicatePair | None:
    """What the pixels confirm first of the ways in which a pair may show the same place."""
    for candidate in pair:
        if candidate.kind == "copy":
            return DuplicatePair(candidate.first, candidate.second, "copy", 1.0, 1.0)
        if duplicate := verify(prepared(candidate.first), prepared(candidate.second), candidate):
            return duplicate
    return None


def _ordered(pairs: Sequence[Candidate], count: int) -> list[Candidate]:
    """So that few pictures are loaded twice: by likely group, then by picture; of one pair the copy comes first."""
    sets = DisjointSet(range(count))
    for candidate in pairs:
        if candidate.kind != "overlap" or candidate.votes >= _LIKELY:
            sets.merge(candidate.first, candidate.second)
    first = {k: min(subset) for subset in sets.subsets() for k in subset}
    place = np.empty(count, int)
    place[sorted(range(count), key=lambda k: (first[k], k))] = np.arange(count)
    kinds = ("copy", "resaved", "overlap")
    return sorted(pairs, key=lambda c: (*sorted(place[[c.first, c.second]]), kinds.index(c.kind)))
