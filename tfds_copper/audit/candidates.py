"""Pairs of pictures that may show the same place, by their fingerprints alone."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np

from tfds_copper.audit.fingerprints import Fingerprint
from tfds_copper.audit.matching import match_descriptors, whiten

__all__ = ["Candidate", "Kind", "candidates"]

Kind = str

# Bits in which the hashes of two copies may differ; of 64 bits, unlike pictures share that many once in 10^8 pairs.
_BITS = 10
_HASH_ROWS, _HASH_MATCHES = 256, 24
# Displacements agree within half of it, thumbnail px.
_BIN = 6.0
# Pictures of one vote are worth checking only while they are few.
_SINGLE_VOTES_PER_PICTURE, _MOST_SINGLE_VOTES, _PER_PICTURE, _ALWAYS = 2, 2000, 8, 1000


@dataclasses.dataclass(frozen=True, order=True)
class Candidate:
    """Two pictures that may show the same place.

    Attributes:
        first: number of a picture.
        second: number of a later picture.
        kind: ``copy``, ``resaved`` or ``overlap``.
        shift: (down, right) of the second picture's corner from the first one's, px; (0, 0) unless an overlap.
        votes: keypoints that agree on the shift; 0 unless an overlap.
    """

    first: int
    second: int
    kind: Kind
    shift: tuple[float, float] = (0.0, 0.0)
    votes: int = 0


def _copies(fingerprints: Sequence[Fingerprint]) -> tuple[list[Candidate], list[int]]:
    """Every later exact copy with its first; and the pictures that are no copy, in an order free of their numbers."""
    firsts: dict[bytes, int] = {}
    found = []
    for k, this in enumerate(fingerprints):
        first = firsts.setdefault(this.digest, k)
        if first != k:
            found.append(Candidate(first, k, "copy"))
    # By content, so that neither the matching nor its limits can depend on the order of the input.
    return found, [firsts[digest] for digest in sorted(firsts) if not fingerprints[firsts[digest]].flat]


def _resaved(fingerprints: Sequence[Fingerprint], kept: Sequence[int]) -> list[Candidate]:
    hashes = np.array([fingerprints[k].perceptual_hash for k in kept], np.uint64)
    found = []
    # All pairs, but at a nanosecond each: 8,000 pictures take a tenth of a second.
    for start in range(0, len(kept), _HASH_ROWS):
        differing = np.bitwise_count(hashes[start : start + _HASH_ROWS, None] ^ hashes[None, start:])
        differing[np.tri(*differing.shape, dtype=np.uint8) > 0] = 255
        rows, columns = np.nonzero(differing <= _BITS)
        order = np.lexsort((columns, differing[rows, columns], rows))
        rank = np.arange(rows.size) - np.searchsorted(rows[order], rows[order])
        for n in order[rank < _HASH_MATCHES]:
            one, other = sorted((kept[start + rows[n]], kept[start + columns[n]]))
            found.append(Candidate(one, other, "resaved"))
    return found


@dataclasses.dataclass(frozen=True)
class _Votes:
    """One match of two keypoints a row: indices of the pictures among the kept ones, and the shift in thumbnail px."""

    first: np.ndarray
    second: np.ndarray
    shift: np.ndarray
    cosine: np.ndarray


def _matches(fingerprints: Sequence[Fingerprint], kept: Sequence[int], factor: int) -> _Votes:
    """The matches at one scale, of pictures of which at least one has it or a coarser one as its finest."""
    keypoints = [(place, m) for place, k in enumerate(kept) for m in fingerprints[k].keypoints if m.factor == factor]
    if not keypoints:
        return _Votes(np.zeros(0, int), np.zeros(0, int), np.zeros((0, 2)), np.zeros(0))
    owners = np.repeat([place for place, _ in keypoints], [len(m.descriptors) for _, m in keypoints])
    positions = np.concatenate([m.positions for _, m in keypoints]).astype(np.float64)
    one, other, cosine = match_descriptors(whiten(np.concatenate([m.descriptors for _, m in keypoints])), owners)
    finest = np.array([fingerprints[k].factor for k in kept])
    first, second = owners[one], owners[other]
    common = np.maximum(finest[first], finest[second])
    shift = (positions[one] - positions[other]) * factor / common[:, None]
    return _Votes(first, second, shift, cosine)


def _tally(votes: _Votes, count: int) -> tuple[np.ndarray, ...]:
    """Of every pair of pictures the most votes for one shift: keys of the pairs, votes, mean shifts and cosines."""
    pairs = votes.first.astype(np.int64) * count + votes.second
    tallied = []
    # Four grids, half a bin apart: whatever lies within half a bin shares one of theirs.
    for down, right in ((0, 0), (0, 0.5), (0.5, 0), (0.5, 0.5)):
        bins = np.floor(votes.shift / _BIN + (down, right)).astype(np.int64)
        order = np.lexsort((bins[:, 1], bins[:, 0], pairs))
        rows = np.column_stack([pairs[order], bins[order]])
        starts = np.flatnonzero(np.any(np.diff(rows, axis=0, prepend=rows[:1] - 1), axis=1))
        number = np.diff(starts, append=len(rows))
        values = np.column_stack([votes.shift, votes.cosine])[order]
        tallied.append((rows[starts, 0], number, np.add.reduceat(values, starts, axis=0) / number[:, None]))
    key, number, mean = (np.concatenate(column) for column in zip(*tallied, strict=True))
    order = np.lexsort((mean[:, 1], mean[:, 0], -mean[:, 2], -number, key))
    best = order[np.flatnonzero(np.diff(key[order], prepend=-1))]
    return key[best], number[best], mean[best, :2], mean[best, 2]


def _overlaps(fingerprints: Sequence[Fingerprint], kept: Sequence[int]) -> list[Candidate]:
    factors = sorted({m.factor for k in kept for m in fingerprints[k].keypoints})
    parts = [_matches(fingerprints, kept, factor) for factor in factors]
    if not sum(len(part.first) for part in parts):
        return []
    merged = (
        np.concatenate([getattr(part, name) for part in parts]) for name in ("first", "second", "shift", "cosine")
    )
    keys, votes, shifts, cosines = _tally(_Votes(*merged), len(kept))
    order = np.lexsort((keys, -cosines, -votes))
    # The most and the surest votes first, and no more than can be looked at.
    several = order[votes[order] > 1][: _ALWAYS + _PER_PICTURE * len(kept)]
    single = order[votes[order] == 1][: min(_MOST_SINGLE_VOTES, _SINGLE_VOTES_PER_PICTURE * len(kept))]
    found = []
    for n in np.concatenate([several, single]):
        one, other = kept[keys[n] // len(kept)], kept[keys[n] % len(kept)]
        factor = max(fingerprints[one].factor, fingerprints[other].factor)
        down, right = (float(v) * factor * (1 if one < other else -1) for v in shifts[n])
        found.append(Candidate(min(one, other), max(one, other), "overlap", (down, right), int(votes[n])))
    return found


def candidates(fingerprints: Sequence[Fingerprint]) -> list[Candidate]:
    """The pairs of pictures that may show the same place.

    Args:
        fingerprints: of all pictures, by number.

    Returns:
        Sorted; of exact copies every later one with the first, which alone is compared with the others.
    """
    found, kept = _copies(fingerprints)
    return sorted(found + _resaved(fingerprints, kept) + _overlaps(fingerprints, kept))
