"""Hypotheses ranked by the error of their models: what differs, how sure that is, and what can't be told apart."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from copper_tf.analysis.hypotheses.groups import Group
from copper_tf.statistics.scores import Rows, Scores, bootstrap, holm, intervals, two_sided

__all__ = ["ALIKE", "LEVEL", "floors", "null_distribution", "ranked"]

# Hypotheses whose attainable floors lie closer than this can't be told apart by the error, whatever the data.
ALIKE = 0.02
# Differences count from this p on, corrected for their number.
LEVEL = 0.05
TEST = "test"


def _each(group: Group, label: np.ndarray, potency: np.ndarray) -> list[float]:
    """MSE over the variance of g of every run, over pictures whose label has a g; NaN where g is constant."""
    each = []
    for g, m in zip(group.g, potency, strict=True):
        known = np.isfinite(g[label])
        wanted = g[label][known]
        spread = float(np.var(wanted)) if known.any() else 0.0
        each.append(float(np.mean((m[known] - wanted) ** 2)) / spread if spread > 1e-9 else np.nan)
    return each


def _nmse(group: Group, label: np.ndarray, potency: np.ndarray) -> float:
    """The mean of `_each` over the runs."""
    return float(np.mean(_each(group, label, potency)))


def floors(groups: Sequence[Group]) -> np.ndarray:
    """The lowest NMSE that each hypothesis can reach where another is true: 1 - r^2 over the labels, ``(n, n)``.

    A local network has E[m | t] = b + (a - b) f(t), which no training brings nearer to g than its correlation allows.
    """
    with np.errstate(invalid="ignore"):
        correlation = np.corrcoef([group.mean_g for group in groups])
    return np.asarray(1 - np.atleast_2d(correlation) ** 2)


def null_distribution(permuted: Sequence[Group], pictures: Rows) -> dict[str, Any]:
    """What hypotheses with permuted levels reach: any order that the pictures don't follow.

    Args:
        permuted: the groups, of one order each.
        pictures: from `gather`.
    """
    chosen = pictures["split"] == TEST
    label = pictures["label"][chosen]
    values = [_nmse(group, label, group.potency[:, chosen]) for group in permuted]
    return {"nmse": values, "median": float(np.median(values)) if values else None}


def _row(group: Group, scores: Scores, sure: dict[str, Any], each: list[float]) -> dict[str, Any]:
    return {
        "name": group.name,
        "runs": list(group.paths),
        "g": group.mean_g.tolist(),
        "falls": group.falls,
        "nmse": scores[group.name],
        "range": [min(each), max(each)],
        "interval": sure[group.name],
        "validation_nmse": float(np.mean(group.validation_nmse)),
        "binarity": float(np.mean(group.binarity)),
    }


def ranked(groups: Sequence[Group], pictures: Rows, seed: int = 0) -> list[dict[str, Any]]:
    """The hypotheses by NMSE on the test pictures, the best first, each with its difference to the best.

    NMSE is the mean over the seeds; intervals and p values come from one bootstrap over whole sheets for all
    hypotheses, so that differences are paired; p values are corrected for their number (Holm).

    Args:
        groups: of supposed hypotheses.
        pictures: from `gather`.
        seed: of the resampling.

    Returns:
        For each ``name``, ``runs``, ``g``, ``falls``, ``nmse``, its ``range`` over the seeds and ``interval``,
        ``validation_nmse``, ``binarity``, and ``behind``: the ``difference`` to the best with ``interval``, ``p`` and
        ``p_holm`` (None for the best itself and where there are too few sheets), and ``alike``: the names of those
        that it can't be told apart from, by the floor or by these data.
    """
    chosen = pictures["split"] == TEST
    columns = {"label": pictures["label"][chosen]}
    columns |= {f"{k} {r}": m[chosen] for k, g in enumerate(groups) for r, m in enumerate(g.potency)}

    def score(rows: Rows) -> Scores:
        parts = ((g, [rows[f"{k} {r}"] for r in range(len(g.potency))]) for k, g in enumerate(groups))
        return {g.name: _nmse(g, rows["label"], np.array(m)) for g, m in parts}

    scores = score(columns)
    resampled = bootstrap(columns, pictures["group"][chosen], score, seed=seed)
    sure = intervals(resampled, list(scores))
    order = sorted(groups, key=lambda g: np.inf if np.isnan(scores[g.name]) else scores[g.name])
    rows = []
    for group in order:
        single = _each(group, columns["label"], group.potency[:, chosen])
        rows.append(_row(group, scores, sure, single))
    _behind(rows, scores, resampled)
    _alike(rows, floors(order))
    return rows


def _behind(rows: list[dict[str, Any]], scores: Scores, resampled: dict[str, np.ndarray]) -> None:
    """Gives every row its difference to the first."""
    best = rows[0]["name"]
    for row in rows:
        found: dict[str, Any] = {"difference": scores[row["name"]] - scores[best], "interval": None, "p": None}
        if resampled and row["name"] != best:
            apart = resampled[row["name"]] - resampled[best]
            finite = apart[np.isfinite(apart)]
            found |= {"interval": intervals({"d": apart}, ["d"])["d"], "p": two_sided(finite) if finite.size else None}
        row["behind"] = found
    known = [row["behind"] for row in rows if row["behind"]["p"] is not None]
    for found, p in zip(known, holm([found["p"] for found in known]), strict=True):
        found["p_holm"] = p


def _alike(rows: list[dict[str, Any]], floor: np.ndarray) -> None:
    """Names for each row the others that neither the floor nor these data tell apart from it."""
    for k, row in enumerate(rows):
        near = {rows[j]["name"] for j in range(len(rows)) if j != k and floor[k, j] < ALIKE}
        unsure = k > 0 and row["behind"].get("p_holm", 1.0) > LEVEL
        row["alike"] = sorted(near | ({rows[0]["name"]} if unsure else set()))
