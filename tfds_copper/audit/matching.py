"""Keypoints that look alike: approximate matching of unit vectors, in little more than linear time."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

__all__ = ["match_descriptors", "whiten"]

# Vectors per bucket on average, and the most in one: thousands of similar pictures may not make all pairs.
_BUCKET, _FULLEST, _MOST_BUCKETS = 400, 6000, 4096
# Buckets in which each vector is looked for; its match may lie across a border.
_PROBES = 3
# Matches kept per vector: a place is seen by a few pictures, a scratch on the detector by all.
_MATCHES = 16
# The smallest cosine: rises with the number of vectors, so that chance matches per vector stay few.
_COSINE, _COSINE_AT, _PER_DECADE, _HIGHEST = 0.77, 2e4, 0.06, 0.9
# Numbers in one block of cosines.
_BLOCK = 2**22


def whiten(descriptors: np.ndarray) -> np.ndarray:
    """Makes every direction equally frequent, so that a high cosine is rare among unlike keypoints.

    Args:
        descriptors: unit vectors, shape (keypoints, dimension).

    Returns:
        Unit vectors of the same shape, float32.
    """
    wide = descriptors.astype(np.float64)
    dimension = wide.shape[1]
    # Few keypoints tell little of their spread; until there are some hundred, a typical one is mixed in.
    typical = 0.8 ** np.arange(dimension)
    weight = 2 * dimension
    spread = (wide.T @ wide + weight * np.diag(typical / typical.sum())) / (len(wide) + weight)
    values, vectors = np.linalg.eigh(spread)
    # The rarest directions are mostly the noise of the recording.
    wide = wide @ (vectors / np.sqrt(np.maximum(values, 0) + 0.002))
    return (wide / np.maximum(np.linalg.norm(wide, axis=1, keepdims=True), 1e-9)).astype(np.float32)


def _nearest(descriptors: np.ndarray, centres: np.ndarray) -> np.ndarray:
    """The nearest centres of each vector, best first, shape (vectors, probes)."""
    probes = min(_PROBES, len(centres))
    nearest = np.zeros((len(descriptors), probes), np.int32)
    step = max(1, _BLOCK // len(centres))
    for start in range(0, len(descriptors), step):
        cosines = descriptors[start : start + step] @ centres.T
        rows = np.arange(len(cosines))
        for probe in range(probes):
            best = cosines.argmax(axis=1)
            nearest[start : start + step, probe] = best
            cosines[rows, best] = -2
    return nearest


def _best_matches(cosines: np.ndarray, least: float) -> tuple[np.ndarray, np.ndarray]:
    """Rows and columns of the cosines that are high enough, the best few of every row."""
    rows, columns = np.nonzero(cosines >= least)
    if not rows.size or np.bincount(rows).max() <= _MATCHES:
        return rows, columns
    order = np.lexsort((columns, -cosines[rows, columns], rows))
    rank = np.arange(rows.size) - np.searchsorted(rows[order], rows[order])
    kept = order[rank < _MATCHES]
    return rows[kept], columns[kept]


def _buckets(descriptors: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Pairs of (who is looked for, among whom), both as numbers of vectors."""
    count = min(_MOST_BUCKETS, max(1, len(descriptors) // _BUCKET))
    centres = descriptors[np.linspace(0, len(descriptors) - 1, count).astype(int)]
    nearest = _nearest(descriptors, centres)
    homes, queries = np.argsort(nearest[:, 0], kind="stable"), np.argsort(nearest.ravel(), kind="stable")
    home_ends = np.searchsorted(nearest[homes, 0], np.arange(count + 1))
    query_ends = np.searchsorted(nearest.ravel()[queries], np.arange(count + 1))
    for k in range(count):
        candidates = homes[home_ends[k] : home_ends[k + 1]]
        if candidates.size > _FULLEST:
            candidates = candidates[np.linspace(0, candidates.size - 1, _FULLEST).astype(int)]
        if candidates.size:
            yield queries[query_ends[k] : query_ends[k + 1]] // nearest.shape[1], candidates


def match_descriptors(descriptors: np.ndarray, owners: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The pairs of vectors that look alike and belong to different pictures.

    Args:
        descriptors: unit vectors, shape (vectors, dimension), float32, whitened.
        owners: picture of each vector, shape (vectors,), int.

    Returns:
        First and second vector, int64, and their cosine, float32; each pair once, the smaller number first.
    """
    least = _COSINE + _PER_DECADE * math.log10(max(1, len(descriptors)) / _COSINE_AT)
    least = min(_HIGHEST, max(_COSINE, least))
    keys, found = [np.zeros(0, np.int64)], [np.zeros(0, np.float32)]
    for queries, candidates in _buckets(descriptors) if len(descriptors) else ():
        step = max(1, _BLOCK // candidates.size)
        for start in range(0, queries.size, step):
            chunk = queries[start : start + step]
            cosines = descriptors[chunk] @ descriptors[candidates].T
            cosines[owners[chunk][:, None] == owners[candidates]] = -2
            rows, columns = _best_matches(cosines, least)
            one, other = chunk[rows].astype(np.int64), candidates[columns].astype(np.int64)
            keys.append(np.minimum(one, other) * len(descriptors) + np.maximum(one, other))
            found.append(cosines[rows, columns])
    pairs, first = np.unique(np.concatenate(keys), return_index=True)
    return pairs // max(1, len(descriptors)), pairs % max(1, len(descriptors)), np.concatenate(found)[first]
