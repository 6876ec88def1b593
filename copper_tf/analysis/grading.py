"""The map as a grader: its mean, decoded through what the labels of the validation pictures have on average."""

from __future__ import annotations

import numpy as np
from scipy.optimize import isotonic_regression

from copper_tf.analysis.evaluation_results import GradeScores
from copper_tf.statistics.bootstrap import bootstrap, groups_of, intervals
from copper_tf.statistics.scores import Rows, Scores, confusion_matrix, ordinal_scores, reanchored

__all__ = ["class_levels", "count_tuples", "decode", "grade_scores", "map_grades"]


def class_levels(potency: np.ndarray, label: np.ndarray, labels: int) -> np.ndarray:
    """The potency that stands for each label: its mean, made to fall with t by isotonic regression.

    Means that don't fall are pooled with their neighbours, weighted by their pictures.

    Args:
        potency: of the validation pictures, ``(pictures,)``.
        label: their rank of t.
        labels: number K of labels.

    Returns:
        ``(K,)``, NaN for a label without a picture.
    """
    levels = np.array(reanchored(potency, label, labels)[0], float)
    known = np.isfinite(levels)
    pictures = np.bincount(label, minlength=labels)[known]
    levels[known] = isotonic_regression(levels[known], weights=pictures, increasing=False).x
    return levels


def decode(potency: np.ndarray, levels: np.ndarray) -> np.ndarray:
    """The label whose level is nearest; labels that share a level are graded by the middle one of them.

    Putting potency and levels on 1 to 0 by the ends, as the stretched curve does, changes nothing: it moves and
    stretches both alike.

    Args:
        potency: ``(pictures,)``.
        levels: of `class_levels`; labels that have none are never given.

    Returns:
        Ranks of t, ``(pictures,)``.
    """
    known = np.flatnonzero(np.isfinite(levels))
    heights, block = np.unique(levels[known], return_inverse=True)
    middle = np.array([known[block == b][(np.sum(block == b) - 1) // 2] for b in range(len(heights))])
    return middle[np.argmin(np.abs(np.asarray(potency)[:, None] - heights), axis=1)]


def map_grades(pictures: Rows, labels: int) -> np.ndarray:
    """The grade of every picture, decoded by the validation pictures alone.

    Args:
        pictures: ``split``, ``label`` and ``potency``, ``(pictures,)``, all by one run: potencies of two don't compare.
        labels: number K of labels.

    Returns:
        Ranks of t, ``(pictures,)``.
    """
    potency, held = np.asarray(pictures["potency"], float), np.asarray(pictures["split"]) == "validation"
    return decode(potency, class_levels(potency[held], np.asarray(pictures["label"])[held], labels))


def grade_scores(pictures: Rows, labels: int, seed: int = 0) -> GradeScores:
    """Ordinal scores of grades, with intervals over sheets where these are known.

    Args:
        pictures: ``file``, ``sheet``, ``label`` and ``grade``, ``(pictures,)``.
        labels: number K of labels.
        seed: of the resampling.
    """
    rows = {name: np.asarray(pictures[name]) for name in ("label", "grade")}
    groups, unit = groups_of(list(pictures["sheet"]), list(pictures["file"]))

    def score(resampled: Rows) -> Scores:
        return ordinal_scores(resampled, labels)

    scores = score(rows)
    return GradeScores(
        pictures=len(groups),
        groups=len(np.unique(groups)),
        resampled=unit,
        scores=scores,
        intervals=intervals(bootstrap(rows, groups, score, seed=seed), list(scores)),
        confusion=count_tuples(confusion_matrix(rows["label"], rows["grade"], labels)),
    )


def count_tuples(counts: np.ndarray) -> tuple[tuple[int, ...], ...]:
    """A confusion matrix as results hold it."""
    return tuple(tuple(row) for row in counts.tolist())
