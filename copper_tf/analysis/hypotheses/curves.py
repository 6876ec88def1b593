"""The ageing curve as the runs of one group give it, with a band; how far the groups' curves lie apart; its law."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy import stats

from copper_tf.analysis.hypotheses.groups import Group
from copper_tf.decay.estimation import MOST, curve_gap, without_borders
from copper_tf.decay.families import FAMILIES
from copper_tf.decay.fitting import ALIKE, Fit, fit, fitted
from copper_tf.decay.hypotheses import normalised_time
from copper_tf.statistics.scores import READABLE_SPAN, Rows, anchored

__all__ = ["LIMIT", "curve", "gap", "law"]

# Re-anchored curves of a local network on a binary surface lie within this, whatever g each was trained for.
LIMIT = 0.15
_RESAMPLES = 1000
# No mean potency is known better than this.
_LEAST = 1e-4
_LEVEL = 0.95
# Curves are read off pictures that no weight was learnt from.
_HELD_OUT = ("validation", "test")


@dataclasses.dataclass(frozen=True)
class _Means:
    """Mean potency of each sheet, of every run, by label."""

    by_label: list[np.ndarray]

    def of(self, run: int | slice, sheets: Sequence[np.ndarray] | None = None) -> np.ndarray:
        """Mean potency of each label over its sheets, or over a resample of them; NaN where it has none."""
        parts = self.by_label if sheets is None else [m[:, s] for m, s in zip(self.by_label, sheets, strict=True)]
        return np.array([np.mean(part[run]) if part.size else np.nan for part in parts])


def _means(group: Group, pictures: Rows, labels: int) -> _Means:
    held = np.isin(pictures["split"], _HELD_OUT)
    by_label = []
    for k in range(labels):
        chosen = held & (pictures["label"] == k)
        sheets = np.unique(pictures["group"][chosen])
        columns = [group.potency[:, chosen & (pictures["group"] == s)].mean(1) for s in sheets]
        by_label.append(np.array(columns).T if columns else np.empty((len(group.potency), 0)))
    return _Means(by_label)


def _resampled(means: _Means, runs: int, excess: np.ndarray, seed: int) -> np.ndarray:
    """Estimates from resampled sheets (within their label, whose t they share) and seeds, ``(resamples, K)``."""
    draw = np.random.default_rng(seed)
    curves = []
    for _ in range(_RESAMPLES):
        sheets = [np.asarray(draw.integers(m.shape[1], size=m.shape[1])) for m in means.by_label]
        levels = np.mean([means.of(r, sheets) for r in draw.integers(runs, size=runs)], 0)
        curves.append(anchored(without_borders(levels, excess)))
    return np.array(curves)


def curve(group: Group, pictures: Rows, labels: int, seed: int = 0) -> dict[str, Any]:
    """The ageing curve as the mean over a group's seeds gives it, with a 95 % band over seeds and sheets.

    Args:
        group: of one hypothesis or way of learning g.
        pictures: from `gather`.
        labels: number K of labels.
        seed: of the resampling.

    Returns:
        ``name``, ``learn``, ``falls``, ``g``, ``means`` (mean potency of each label), ``each`` (that of every run),
        ``span`` (of the ends), ``errors`` (standard error of each mean over its sheets; None where a label has fewer
        than 2), ``excess`` (what borders add to each mean, by composites; None where it was not measured), ``curve``
        (the means re-anchored), ``estimate`` (the same without what borders likely add), ``without`` (without the most
        that they may add) and ``band`` (of the estimate; None as ``errors``).
    """
    means = _means(group, pictures, labels)
    levels, counts = means.of(slice(None)), [m.shape[1] for m in means.by_label]
    excess = group.excess.mean(0)
    found: dict[str, Any] = {
        "name": group.name,
        "learn": group.learn,
        "falls": group.falls,
        "g": group.mean_g.tolist(),
        "means": levels.tolist(),
        "each": [means.of(r).tolist() for r in range(len(group.potency))],
        "span": float(levels[0] - levels[-1]),
        "curve": anchored(levels).tolist(),
        "band": None,
        "errors": None,
        "excess": None,
        "without": None,
        "estimate": anchored(without_borders(levels, excess)).tolist(),
    }
    if np.isfinite(excess).all():
        found |= {"excess": excess.tolist(), "without": anchored(without_borders(levels, excess, MOST)).tolist()}
    if min(counts) >= 2:
        with np.errstate(invalid="ignore"):
            tails = np.quantile(
                _resampled(means, len(group.potency), excess, seed), ((1 - _LEVEL) / 2, (1 + _LEVEL) / 2), 0
            )
        found["band"] = tails.T.tolist()
        found["errors"] = [float(m.mean(0).std(ddof=1) / np.sqrt(m.shape[1])) for m in means.by_label]
    return found


def gap(curves: Sequence[dict[str, Any]]) -> float:
    """How far the estimates of falling g that can be read lie apart; NaN where there are fewer than two.

    Estimates and not curves as they are: the longer a network is trained for a wrong g, the more it lets the borders of
    areas do what the areas don't, and re-anchored curves drift apart on the soundest surface.
    """
    readable = [c["estimate"] for c in curves if c["falls"] and c["span"] >= READABLE_SPAN]
    return curve_gap(readable) if len(readable) > 1 else float("nan")


def law(found: dict[str, Any], times: Sequence[float], reading: str) -> dict[str, Any] | None:
    """The families fitted to one curve, the best first.

    Args:
        found: from `curve`.
        times: the stress time t of each label.
        reading: how a law reads them, one of `config.READINGS`.

    Returns:
        ``reading``, ``fits`` (each as a dict, with ``behind``, its QAICc above the best) and ``alike`` (families that
        can't be told apart from the best); None where the curve can't be read or there are too few labels or sheets.
    """
    if found["errors"] is None or not found["span"] >= READABLE_SPAN:
        return None
    errors = np.array(found["errors"])
    # A label whose few sheets happen to agree is not known without error.
    errors = np.maximum(errors, max(float(np.median(errors)) / 2, _LEAST))
    u, means = normalised_time(times, reading), np.array(found["means"])
    excess = np.zeros_like(means) if found["excess"] is None else np.array(found["excess"])
    fits = fitted(u, without_borders(means, excess), errors)
    if not fits:
        return None
    most = without_borders(means, excess, MOST)
    sides = [{f.family: f for f, _ in fitted(u, side, errors)} for side in (means, most)]
    rows = []
    for middle, behind in fits:
        others = (side[middle.family].intervals for side in sides)
        wide = [_hull(each) for each in zip(middle.intervals, *others, strict=True)]
        row = dataclasses.asdict(middle) | {"behind": behind}
        rows.append(row | {"intervals": _over_seeds(middle, wide, found["each"], (u, excess, errors))})
    return {"reading": reading, "fits": rows, "alike": [r["family"] for r in rows[1:] if r["behind"] < ALIKE]}


def _over_seeds(
    middle: Fit, intervals: list[tuple[float, float]], each: Sequence[Sequence[float]], data: tuple[np.ndarray, ...]
) -> list[tuple[float, float]]:
    """Intervals widened by how far the law of one seed lies from that of another."""
    u, excess, errors = data
    if len(each) < 2:
        return intervals
    family = FAMILIES[middle.family]
    fits = [fit(family, u, without_borders(np.array(means), excess), errors) for means in each]
    values = np.array([f.values for f in fits if f])
    reach = stats.t.ppf((1 + _LEVEL) / 2, len(values) - 1) * values.std(0, ddof=1) / np.sqrt(len(values))
    wider = []
    for (low, high), value, more, p in zip(intervals, middle.values, reach, family.parameters, strict=True):
        below, above = np.hypot(value - low, more), np.hypot(high - value, more)
        wider.append((max(p.low, float(value - below)), min(p.high, float(value + above))))
    return wider


def _hull(intervals: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """The interval that covers all."""
    return min(low for low, _ in intervals), max(high for _, high in intervals)
