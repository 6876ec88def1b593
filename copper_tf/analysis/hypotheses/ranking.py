"""Hypotheses ranked by the error of their models: what differs, how sure that is, and what is indistinguishable."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np

from copper_tf.analysis.hypotheses.groups import Group
from copper_tf.analysis.hypotheses.results import Difference, NullDistribution, RankedHypothesis
from copper_tf.statistics.bootstrap import bootstrap, holm, intervals, two_sided
from copper_tf.statistics.scores import Rows, Scores

__all__ = ["INDISTINGUISHABLE", "LEVEL", "floors", "null_distribution", "rank"]

# The error can't distinguish hypotheses with a floor under this, whatever the data.
INDISTINGUISHABLE = 0.02
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


def null_distribution(permuted: Sequence[Group], pictures: Rows) -> NullDistribution:
    """The errors of hypotheses with permuted levels: of orders that the pictures don't follow.

    Args:
        permuted: the groups, of one order each.
        pictures: from `read_groups`.
    """
    chosen = pictures["split"] == TEST
    label = pictures["label"][chosen]
    values = tuple(_nmse(group, label, group.potency[:, chosen]) for group in permuted)
    return NullDistribution(values, float(np.median(values)) if values else None)


def rank(groups: Sequence[Group], pictures: Rows, seed: int = 0) -> tuple[RankedHypothesis, ...]:
    """The hypotheses by NMSE on the test pictures, the best first, each with its difference to the best.

    NMSE is the mean over the seeds; intervals and p values come from one bootstrap over whole sheets for all
    hypotheses, so that differences are paired; p values are corrected for their number (Holm).

    Args:
        groups: of supposed hypotheses.
        pictures: from `read_groups`.
        seed: of the resampling.
    """
    chosen = pictures["split"] == TEST
    columns = {"label": pictures["label"][chosen]}
    columns |= {f"{k} {r}": m[chosen] for k, g in enumerate(groups) for r, m in enumerate(g.potency)}

    def score(rows: Rows) -> Scores:
        parts = ((g, [rows[f"{k} {r}"] for r in range(len(g.potency))]) for k, g in enumerate(groups))
        return {g.name: _nmse(g, rows["label"], np.array(m)) for g, m in parts}

    scores = score(columns)
    resampled = bootstrap(columns, pictures["group"][chosen], score, seed=seed)
    bounds = intervals(resampled, list(scores))
    order = sorted(groups, key=lambda g: np.inf if np.isnan(scores[g.name]) else scores[g.name])
    behind = _behind([group.name for group in order], scores, resampled)
    rows = []
    for group in order:
        single = _each(group, columns["label"], group.potency[:, chosen])
        rows.append(
            RankedHypothesis(
                name=group.name,
                runs=group.paths,
                g=tuple(group.mean_g.tolist()),
                falls=group.falls,
                nmse=scores[group.name],
                range=(min(single), max(single)),
                interval=_pair(bounds[group.name]),
                validation_nmse=float(np.mean(group.validation_nmse)),
                binarity=float(np.mean(group.binarity)),
                behind=behind[group.name],
            )
        )
    return _with_indistinguishable(rows, floors(order))


def _pair(bounds: Sequence[float] | None) -> tuple[float, float] | None:
    return (bounds[0], bounds[1]) if bounds else None


def _behind(names: Sequence[str], scores: Scores, resampled: Mapping[str, np.ndarray]) -> dict[str, Difference]:
    """The difference of each hypothesis to the first."""
    found = {name: Difference(scores[name] - scores[names[0]]) for name in names}
    for name in names[1:] if resampled else ():
        apart = resampled[name] - resampled[names[0]]
        finite = apart[np.isfinite(apart)]
        p = two_sided(finite) if finite.size else None
        found[name] = dataclasses.replace(found[name], interval=_pair(intervals({"d": apart}, ["d"])["d"]), p=p)
    tested = {name: row.p for name, row in found.items() if row.p is not None}
    corrected = zip(tested, holm(list(tested.values())), strict=True)
    return found | {name: dataclasses.replace(found[name], p_holm=p) for name, p in corrected}


def _with_indistinguishable(rows: Sequence[RankedHypothesis], floor: np.ndarray) -> tuple[RankedHypothesis, ...]:
    """Names for each row the others that neither the floor nor these data distinguish from it."""
    found = []
    for k, row in enumerate(rows):
        near = {rows[j].name for j in range(len(rows)) if j != k and floor[k, j] < INDISTINGUISHABLE}
        p = 1.0 if row.behind.p_holm is None else row.behind.p_holm
        unsure = {rows[0].name} if k > 0 and p > LEVEL else set()
        found.append(dataclasses.replace(row, indistinguishable=tuple(sorted(near | unsure))))
    return tuple(found)
