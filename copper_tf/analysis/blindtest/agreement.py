"""How far raters agree with each other, beyond chance."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

from copper_tf.statistics.scores import Rows, Scores, bootstrap, groups_of, intervals, step_scores

__all__ = ["agreement", "alpha"]


def alpha(grades: np.ndarray) -> float:
    """Krippendorff's alpha with squared steps as distance; 1 is perfect, 0 is chance, NaN where all are equal.

    With every rater answering every picture it is 1 minus the mean variance of the answers to a picture over the
    variance of all answers (both with n - 1), see Krippendorff, Content Analysis (2004), chapter 11.

    Args:
        grades: ranks of t, ``(pictures, raters)``, at least two raters.
    """
    whole = float(np.var(grades, ddof=1))
    return 1 - float(np.var(grades, axis=1, ddof=1).mean()) / whole if whole > 0 else float("nan")


def agreement(pictures: Rows, names: list[str], grades: np.ndarray, labels: int, seed: int = 0) -> dict[str, Any]:
    """Quadratic-weighted kappa (Cohen 1968) of each pair of raters, and alpha of all of them.

    Args:
        pictures: ``file`` and ``sheet``, ``(pictures,)``.
        names: of the raters, at least two.
        grades: ranks of t, ``(pictures, raters)``.
        labels: number K of labels.
        seed: of the resampling, over whole sheets where they are known.

    Returns:
        ``pairs`` of ``first``, ``second``, ``kappa``, ``interval`` and ``same`` (share of equal answers), and
        ``alpha`` with ``alpha_interval``.
    """
    pairs = list(itertools.combinations(range(len(names)), 2))

    def score(rows: Rows) -> Scores:
        both = {(a, b): step_scores({"label": rows[str(a)], "grade": rows[str(b)]}, labels)["qwk"] for a, b in pairs}
        together = np.stack([rows[str(k)] for k in range(len(names))], 1)
        return {"alpha": alpha(together), **{f"{a} {b}": kappa for (a, b), kappa in both.items()}}

    rows = {str(k): grades[:, k] for k in range(len(names))}
    groups, _ = groups_of(pictures["sheet"].tolist(), pictures["file"].tolist())
    found = score(rows)
    sure = intervals(bootstrap(rows, groups, score, seed=seed), list(found))
    shown = [
        {
            "first": names[a],
            "second": names[b],
            "kappa": found[f"{a} {b}"],
            "interval": sure[f"{a} {b}"],
            "same": float(np.mean(grades[:, a] == grades[:, b])),
        }
        for a, b in pairs
    ]
    return {"pairs": shown, "alpha": found["alpha"], "alpha_interval": sure["alpha"]}
