"""Which pictures may show the same place, told from their prints alone."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np

from tfds_copper.audit.fingerprints import Print
from tfds_copper.audit.matching import even_out, join

__all__ = ["Candidate", "Kind", "candidates"]

Kind = str

# Bits in which the hashes of two copies may differ; of 64 bits, unlike pictures share that many once in 10^8 pairs.
_BITS = 10
_HASH_ROWS, _HASH_LIKES = 256, 24
# Displacements agree within half of it, thumbnail px.
_BIN = 6.0
# Pictures of one vote are worth a look only while they are few.
_LONELY_PER_PICTURE, _LONELY_MOST, _PER_PICTURE, _ALWAYS = 2, 2000, 8, 1000


@dataclasses.dataclass(frozen=True, order=True)
class Candidate:
    """Two pictures that may show the same place.

    Attributes:
        first: number of a picture.
        second: number of a later picture.
        kind: ``copy``, ``resaved`` or ``overlap``.
        shift: (down, right) of the second picture's corner from the first one's, px; (0, 0) unless an overlap.
        votes: marks that agree on the shift; 0 unless an overlap.
    """

    first: int
    second: int
    kind: Kind
    shift: tuple[float, float] = (0.0, 0.0)
    votes: int = 0


def _copies(prints: Sequence[Print]) -> tuple[list[Candidate], list[int]]:
    """Every later exact copy with its first; and the pictures that are no copy, in an order free of their numbers."""
    firsts: dict[bytes, int] = {}
    found = []
    for k, this in enumerate(prints):
        first = firsts.setdefault(this.digest, k)
        if first != k:
            found.append(Candidate(first, k, "copy"))
    # By content, so that neither the join nor its caps can depend on the order of the input.
    return found, [firsts[digest] for digest in sorted(firsts) if not prints[firsts[digest]].flat]


def _resaved(prints: Sequence[Print], kept: Sequence[int]) -> list[Candidate]:
    looks = np.array([prints[k].look for k in kept], np.uint64)
    found = []
    # All pairs, but at a nanosecond each: 8,000 pictures take a tenth of a second.
    for start in range(0, len(kept), _HASH_ROWS):
        differing = np.bitwise_count(looks[start : start + _HASH_ROWS, None] ^ looks[None, start:])
        differing[np.tri(*differing.shape, dtype=np.uint8) > 0] = 255
        rows, columns = np.nonzero(differing <= _BITS)
        order = np.lexsort((columns, differing[rows, columns], rows))
        rank = np.arange(rows.size) - np.searchsorted(rows[order], rows[order])
        for n in order[rank < _HASH_LIKES]:
            one, other = sorted((kept[start + rows[n]], kept[start + columns[n]]))
            found.append(Candidate(one, other, "resaved"))
    return found


@dataclasses.dataclass(frozen=True)
class _Votes:
    """One match of two marks a row: places of the pictures among the kept ones, and the shift, finest thumbnail px."""

    first: np.ndarray
    second: np.ndarray
    shift: np.ndarray
    cosine: np.ndarray


def _matches(prints: Sequence[Print], kept: Sequence[int], factor: int) -> _Votes:
    """The matches at one scale, of pictures of which at least one has it or a coarser one as its finest."""
    marks = [(place, m) for place, k in enumerate(kept) for m in prints[k].marks if m.factor == factor]
    if not marks:
        return _Votes(np.zeros(0, int), np.zeros(0, int), np.zeros((0, 2)), np.zeros(0))
    owners = np.repeat([place for place, _ in marks], [len(m.look) for _, m in marks])
    where = np.concatenate([m.where for _, m in marks]).astype(np.float64)
    one, other, cosine = join(even_out(np.concatenate([m.look for _, m in marks])), owners)
    finest = np.array([prints[k].factor for k in kept])
    first, second = owners[one], owners[other]
    common = np.maximum(finest[first], finest[second])
    shift = (where[one] - where[other]) * factor / common[:, None]
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


def _overlaps(prints: Sequence[Print], kept: Sequence[int]) -> list[Candidate]:
    factors = sorted({m.factor for k in kept for m in prints[k].marks})
    parts = [_matches(prints, kept, factor) for factor in factors]
    if not sum(len(part.first) for part in parts):
        return []
    joined = (
        np.concatenate([getattr(part, name) for part in parts]) for name in ("first", "second", "shift", "cosine")
    )
    keys, votes, shifts, cosines = _tally(_Votes(*joined), len(kept))
    order = np.lexsort((keys, -cosines, -votes))
    # The most and the surest votes first, and no more than can be looked at.
    several = order[votes[order] > 1][: _ALWAYS + _PER_PICTURE * len(kept)]
    lonely = order[votes[order] == 1][: min(_LONELY_MOST, _LONELY_PER_PICTURE * len(kept))]
    found = []
    for n in np.concatenate([several, lonely]):
        one, other = kept[keys[n] // len(kept)], kept[keys[n] % len(kept)]
        factor = max(prints[one].factor, prints[other].factor)
        down, right = (float(v) * factor * (1 if one < other else -1) for v in shifts[n])
        found.append(Candidate(min(one, other), max(one, other), "overlap", (down, right), int(votes[n])))
    return found


def candidates(prints: Sequence[Print]) -> list[Candidate]:
    """The pairs of pictures that may show the same place.

    Args:
        prints: of all pictures, by number.

    Returns:
        Sorted; of exact copies every later one with the first, which alone is compared with the others.
    """
    found, kept = _copies(prints)
    return sorted(found + _resaved(prints, kept) + _overlaps(prints, kept))
