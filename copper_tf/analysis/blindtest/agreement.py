"""How far raters agree with each other, beyond chance."""

from __future__ import annotations

import itertools

import numpy as np

from copper_tf.analysis.blindtest.results import PairAgreement, RoundAgreement
from copper_tf.statistics.bootstrap import bootstrap, groups_of, intervals
from copper_tf.statistics.scores import Rows, Scores, step_scores

__all__ = ["agreement", "alpha"]


def alpha(grades: np.ndarray) -> float:
    """Krippendorff's alpha with squared steps as distance; 1 is perfect, 0 is chance, NaN where all are equal.

    With every rater answering every picture it is 1 minus the mean variance of the answers to a picture over the
    variance of all answers (both with n - 1), see Krippendorff, Content Analysis (2004), chapter 11. The package
    krippendorff gives the same values to 1e-15, but it is under the GPL and this one under the Apache license.

    Args:
        grades: ranks of t, ``(pictures, raters)``, at least two raters.

    Example:
        >>> import numpy as np
        >>> alpha(np.array([[0, 0], [1, 2], [2, 2], [2, 3]]))
        0.78125
    """
    whole = float(np.var(grades, ddof=1))
    return 1 - float(np.var(grades, axis=1, ddof=1).mean()) / whole if whole > 0 else float("nan")


def agreement(
    round: str, pictures: Rows, names: list[str], grades: np.ndarray, labels: int, seed: int = 0
) -> RoundAgreement:
    """Quadratic-weighted kappa (Cohen 1968) of each pair of raters, and alpha of all of them.

    Args:
        round: its name.
        pictures: ``file`` and ``sheet``, ``(pictures,)``.
        names: of the raters, at least two.
        grades: ranks of t, ``(pictures, raters)``.
        labels: number K of labels.
        seed: of the bootstrap, over whole sheets where they are known.
    """
    pairs = list(itertools.combinations(range(len(names)), 2))

    def score(rows: Rows) -> Scores:
        kappas = {
            f"{a} {b}": step_scores({"label": rows[str(a)], "grade": rows[str(b)]}, labels)["qwk"] for a, b in pairs
        }
        return {"alpha": alpha(np.stack([rows[str(k)] for k in range(len(names))], 1)), **kappas}

    rows = {str(k): grades[:, k] for k in range(len(names))}
    groups, _ = groups_of(pictures["sheet"].tolist(), pictures["file"].tolist())
    scores = score(rows)
    certain = intervals(bootstrap(rows, groups, score, seed=seed), list(scores))
    by_pair = tuple(
        PairAgreement(
            names[a],
            names[b],
            scores[f"{a} {b}"],
            certain[f"{a} {b}"],
            float(np.mean(grades[:, a] == grades[:, b])),
        )
        for a, b in pairs
    )
    return RoundAgreement(round, by_pair, scores["alpha"], certain["alpha"])
