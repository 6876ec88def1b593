"""Scores of grades and potencies; NumPy and SciPy only.

Confusion matrix, kappa, IoU and ROC-AUC are our own and not scikit-learn's, because a bootstrap computes them
a thousand times. On 80 grades scikit-learn takes about a hundred times as long for the matrix and kappa, which differs
in the last bit in one of a hundred cases; on a map of 960x1280 px its IoU takes 90 times as long and its ROC-AUC 15.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

__all__ = [
    "CUT",
    "READABLE_SPAN",
    "anchored",
    "binarity",
    "confusion_matrix",
    "iou",
    "joint_binarity",
    "middle",
    "ordinal_scores",
    "pixel_scores",
    "posterior_median",
    "potency_scores",
    "reanchored",
    "step_scores",
]

# m_0 - m_T below which a stretched curve says nothing: divided by next to nothing, it is noise.
READABLE_SPAN = 0.2
# The potency from which on a pixel of a map counts as rough, where a map is cut into two phases.
CUT = 0.5

Rows = Mapping[str, np.ndarray]
Scores = dict[str, float]


def confusion_matrix(truth: np.ndarray, graded: np.ndarray, labels: int) -> np.ndarray:
    """Counts ``(labels, labels)``: rows are the true labels, columns the grades."""
    counts = np.zeros((labels, labels), np.int64)
    np.add.at(counts, (truth, graded), 1)
    return counts


def _kappa(counts: np.ndarray) -> float:
    """Quadratic-weighted kappa (Cohen 1968) of a confusion matrix; NaN where it is undefined."""
    steps = np.arange(len(counts))
    weights = (steps[:, None] - steps[None]) ** 2
    expected = np.outer(counts.sum(1), counts.sum(0)) / max(counts.sum(), 1)
    chance = float((weights * expected).sum())
    return 1 - float((weights * counts).sum()) / chance if chance > 0 else float("nan")


def _correlation(a: np.ndarray, b: np.ndarray, ranks: bool = False) -> float:
    """Pearson's correlation, or Spearman's; without the p value, which a bootstrap would compute a thousand times."""
    if len(a) < 3 or np.ptp(a) == 0 or np.ptp(b) == 0:
        return float("nan")
    if ranks:
        from scipy.stats import rankdata  # slow to import, and no part of a prediction

        a, b = rankdata(a), rankdata(b)
    return float(np.corrcoef(a, b)[0, 1])


def step_scores(rows: Rows, labels: int) -> Scores:
    """Scores of how many steps grades are off.

    Args:
        rows: ``label`` and ``grade``, both ranks, ``(pictures,)``.
        labels: number K of labels.

    Returns:
        ``accuracy``, ``within_one``, ``mae`` (steps) and ``qwk`` (quadratic-weighted kappa).
    """
    step = np.abs(rows["label"] - rows["grade"])
    return {
        "accuracy": float(np.mean(step == 0)),
        "within_one": float(np.mean(step <= 1)),
        "mae": float(np.mean(step)),
        "qwk": _kappa(confusion_matrix(rows["label"], rows["grade"], labels)),
    }


def ordinal_scores(rows: Rows, labels: int) -> Scores:
    """Scores of grades (SCIENCE: an ordinal label is not just right or wrong).

    Args:
        rows: ``label`` and ``grade``, both ranks, ``(pictures,)``.
        labels: number K of labels.

    Returns:
        Those of `step_scores`, and ``spearman``.
    """
    return {**step_scores(rows, labels), "spearman": _correlation(rows["label"], rows["grade"], ranks=True)}


def posterior_median(probabilities: np.ndarray) -> np.ndarray:
    """The rank at which half of the probability lies at or below, ``(pictures,)`` from ``(pictures, K)``."""
    total = np.cumsum(probabilities, -1)
    return np.argmax(total >= 0.5 * total[..., -1:] - 1e-9, -1)


def _scores_against(m: np.ndarray, g: np.ndarray) -> Scores:
    """Errors of potencies, and their correlation with g; NaN where no picture has one."""
    if not m.size:
        return dict.fromkeys(("mse", "nmse", "mae", "corr_g"), float("nan"))
    mse, variance = float(np.mean((m - g) ** 2)), float(np.var(g))
    return {
        "mse": mse,
        "nmse": mse / variance if variance > 1e-9 else float("nan"),
        "mae": float(np.mean(np.abs(m - g))),
        "corr_g": _correlation(m, g),
    }


def potency_scores(rows: Rows) -> Scores:
    """Scores of potencies against the hypothesis.

    Args:
        rows: ``potency``, ``g`` (NaN at labels that have none, which don't count in scores against it) and ``t``,
            ``(pictures,)``; optionally ``true_fraction`` (NaN where unknown), and ``iou``, ``auc`` and ``binarity`` of
            each map.

    Returns:
        ``mse`` (Eq. 4), ``nmse`` (over the variance of g on the same pictures), ``mae``, ``corr_g``, ``spearman_t``,
        and, where truth is known, ``corr_fraction``, ``mae_fraction``, mean ``iou`` and mean ``auc``; ``binarity`` of
        all maps together, see `joint_binarity`.
    """
    m = rows["potency"]
    scores = _scores_against(m[np.isfinite(rows["g"])], rows["g"][np.isfinite(rows["g"])])
    scores["spearman_t"] = _correlation(m, rows["t"], ranks=True)
    if "true_fraction" in rows:
        known = np.isfinite(rows["true_fraction"])
        truth = rows["true_fraction"][known]
        scores["corr_fraction"] = _correlation(m[known], truth)
        scores["mae_fraction"] = float(np.mean(np.abs(m[known] - truth))) if known.any() else float("nan")
    if "binarity" in rows:
        scores["binarity"] = joint_binarity(rows["binarity"], m)
    for name in ("iou", "auc"):
        if name in rows:
            finite = rows[name][np.isfinite(rows[name])]
            scores[name] = float(finite.mean()) if finite.size else float("nan")
    return scores


def binarity(potency: np.ndarray) -> float:
    """B = Var(s) / (m (1 - m)) of a map: 1 for a map of zeros and ones, 0 for a grey one; NaN at m = 0 or 1."""
    m = float(potency.mean(dtype=np.float64))
    return float(potency.var(dtype=np.float64)) / (m * (1 - m)) if 1e-4 < m < 1 - 1e-4 else float("nan")


def joint_binarity(binarity: np.ndarray, potency: np.ndarray) -> float:
    """B of several maps together, sum of Var(s) over sum of m (1 - m); NaN where no map has both phases.

    A map that is nearly all of one phase has nothing to be sharp about, and hardly counts.

    Args:
        binarity: B of each map, NaN where it has none.
        potency: mean m of each map.
    """
    known = np.isfinite(binarity)
    weights = potency[known] * (1 - potency[known])
    return float(np.average(binarity[known], weights=weights)) if weights.sum() > 0 else float("nan")


def middle(label: np.ndarray, g: Sequence[float] | np.ndarray) -> np.ndarray:
    """Which pictures are of the labels whose g is nearest 1/2, where a map has most to decide; bool like `label`.

    These are a third of the labels, more where several are equally near.

    Args:
        label: rank of t of each picture.
        g: of each label, ``(K,)``; NaN where it is not known, which is never chosen.
    """
    away = np.nan_to_num(np.abs(np.asarray(g, float) - 0.5), nan=np.inf)
    return (away <= np.sort(away)[max(1, len(away) // 3) - 1] + 1e-9)[np.asarray(label)]


def iou(first: np.ndarray, second: np.ndarray) -> float:
    """Intersection over union of two masks of booleans; 1 where both are empty."""
    union = int((first | second).sum())
    return float((first & second).sum()) / union if union else 1.0


def pixel_scores(potency: np.ndarray, truth: np.ndarray) -> Scores:
    """How well a map finds a true mask.

    Args:
        potency: map in [0, 1], ``(height, width)``.
        truth: mask in {0, 1} of the same shape.

    Returns:
        ``iou`` at threshold 0.5, ``auc`` (area under the ROC curve within this picture, NaN where the mask is all 0
        or all 1) and ``true_fraction``.
    """
    true = truth.astype(bool)
    # 4096 steps of potency: exact to 1e-4, and linear in the number of pixels.
    bins = np.clip((potency * 4096).astype(np.int64), 0, 4095).ravel()
    ones = np.bincount(bins[true.ravel()], minlength=4096).astype(np.float64)
    zeros = np.bincount(bins[~true.ravel()], minlength=4096).astype(np.float64)
    pairs = ones.sum() * zeros.sum()
    below = np.cumsum(zeros) - zeros / 2
    return {
        "iou": iou(potency >= CUT, true),
        "auc": float((ones * below).sum() / pairs) if pairs else float("nan"),
        "true_fraction": float(true.mean()),
    }


def anchored(means: np.ndarray) -> np.ndarray:
    """a(t) = (m_t - m_T) / (m_0 - m_T) from the mean potency m_t of each label, ``(K,)``; NaN at equal ends."""
    span = means[0] - means[-1]
    return (means - means[-1]) / span if np.isfinite(span) and abs(span) > 1e-6 else np.full(means.shape, np.nan)


def reanchored(potency: np.ndarray, label: np.ndarray, labels: int) -> tuple[list[float], list[float]]:
    """Mean potency of each label, and the ageing curve a(t) = (m_t - m_T) / (m_0 - m_T) that it implies.

    Args:
        potency: of each picture.
        label: rank of t of each picture.
        labels: number K of labels.

    Returns:
        Both of length K; NaN where a label has no picture or the ends don't differ.
    """
    means = np.array([potency[label == k].mean() if (label == k).any() else np.nan for k in range(labels)])
    return means.tolist(), anchored(means).tolist()
