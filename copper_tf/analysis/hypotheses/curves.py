"""The ageing curve that the runs of one group give, with a band; the gap between curves; the families fitted to it."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np

from copper_tf.analysis.hypotheses.groups import Group
from copper_tf.analysis.hypotheses.results import AgeingCurve, CurveFits, FamilyFit
from copper_tf.decay.estimation import MOST, curve_gap, without_borders
from copper_tf.decay.families import FAMILIES
from copper_tf.decay.fitting import INDISTINGUISHABLE_QAICC, Fit, fit, fit_families
from copper_tf.decay.hypotheses import normalised_time
from copper_tf.statistics.bootstrap import LEVEL, RESAMPLES
from copper_tf.statistics.scores import READABLE_SPAN, Rows, anchored
from tfds_copper.splits.assign import HELD_OUT

__all__ = ["MAX_GAP", "ageing_curve", "curve_fits", "gap"]

# Re-anchored curves of a local network on a binary surface lie within this, whatever g each was trained for.
MAX_GAP = 0.15
# No mean potency is known better than this.
_LEAST = 1e-4


@dataclasses.dataclass(frozen=True)
class _Means:
    """Mean potency of each sheet, of every run, by label."""

    by_label: list[np.ndarray]

    def of(self, run: int | slice, sheets: Sequence[np.ndarray] | None = None) -> np.ndarray:
        """Mean potency of each label over its sheets, or over a resample of them; NaN where it has none."""
        parts = self.by_label if sheets is None else [m[:, s] for m, s in zip(self.by_label, sheets, strict=True)]
        return np.array([np.mean(part[run]) if part.size else np.nan for part in parts])


def _means(group: Group, pictures: Rows, labels: int) -> _Means:
    held = np.isin(pictures["split"], HELD_OUT)
    by_label = []
    for k in range(labels):
        chosen = held & (pictures["label"] == k)
        sheets = np.unique(pictures["group"][chosen])
        columns = [group.potency[:, chosen & (pictures["group"] == s)].mean(1) for s in sheets]
        by_label.append(np.array(columns).T if columns else np.empty((len(group.potency), 0)))
    return _Means(by_label)


def _resampled(means: _Means, runs: int, excess: np.ndarray, seed: int) -> np.ndarray:
    """Estimates from resampled sheets (within their label, whose t they share) and seeds, ``(resamples, K)``."""
    rng = np.random.default_rng(seed)
    curves = []
    for _ in range(RESAMPLES):
        sheets = [np.asarray(rng.integers(m.shape[1], size=m.shape[1])) for m in means.by_label]
        levels = np.mean([means.of(r, sheets) for r in rng.integers(runs, size=runs)], 0)
        curves.append(anchored(without_borders(levels, excess)))
    return np.array(curves)


def ageing_curve(group: Group, pictures: Rows, labels: int, seed: int = 0) -> AgeingCurve:
    """The ageing curve that the mean over a group's seeds gives, with a 95 % band over seeds and sheets.

    Args:
        group: of one hypothesis or way of learning g.
        pictures: from `read_groups`.
        labels: number K of labels.
        seed: of the resampling.
    """
    means = _means(group, pictures, labels)
    levels, excess = means.of(slice(None)), group.excess.mean(0)
    measured, errors, band = bool(np.isfinite(excess).all()), None, None
    if min(m.shape[1] for m in means.by_label) >= 2:
        with np.errstate(invalid="ignore"):
            tails = np.quantile(
                _resampled(means, len(group.potency), excess, seed), ((1 - LEVEL) / 2, (1 + LEVEL) / 2), 0
            )
        band = tuple((low, high) for low, high in tails.T.tolist())
        errors = tuple(float(m.mean(0).std(ddof=1) / np.sqrt(m.shape[1])) for m in means.by_label)
    return AgeingCurve(
        name=group.name,
        learn=group.learn,
        falls=group.falls,
        g=tuple(group.mean_g.tolist()),
        means=tuple(levels.tolist()),
        each=tuple(tuple(means.of(r).tolist()) for r in range(len(group.potency))),
        span=float(levels[0] - levels[-1]),
        curve=tuple(anchored(levels).tolist()),
        estimate=tuple(anchored(without_borders(levels, excess)).tolist()),
        excess=tuple(excess.tolist()) if measured else None,
        without_borders=tuple(anchored(without_borders(levels, excess, MOST)).tolist()) if measured else None,
        errors=errors,
        band=band,
    )


def gap(curves: Sequence[AgeingCurve]) -> float:
    """How far the estimates of falling g that can be read lie apart; NaN where there are fewer than two.

    Estimates and not curves as they are: the longer a network is trained for a wrong g, the more it lets the borders of
    areas do what the areas don't, and stretched curves drift apart on the soundest surface.
    """
    readable = [curve.estimate for curve in curves if curve.falls and curve.span >= READABLE_SPAN]
    return curve_gap(readable) if len(readable) > 1 else float("nan")


def curve_fits(curve: AgeingCurve, times: Sequence[float], time_scale: str) -> CurveFits | None:
    """The families fitted to one curve; None where it can't be read or there are too few labels or sheets.

    Args:
        curve: from `ageing_curve`.
        times: the stress time t of each label.
        time_scale: how a family reads them, one of `config.TIME_SCALES`.
    """
    if curve.errors is None or not curve.span >= READABLE_SPAN:
        return None
    errors = np.array(curve.errors)
    # A label whose few sheets happen to agree is not known without error.
    errors = np.maximum(errors, max(float(np.median(errors)) / 2, _LEAST))
    u, means = normalised_time(times, time_scale), np.array(curve.means)
    excess = np.zeros_like(means) if curve.excess is None else np.array(curve.excess)
    fits = fit_families(u, without_borders(means, excess), errors)
    if not fits:
        return None
    most = without_borders(means, excess, MOST)
    sides = [{f.family: f for f, _ in fit_families(u, side, errors)} for side in (means, most)]
    rows = []
    for middle, behind in fits:
        others = (side[middle.family].intervals for side in sides)
        wide = [_hull(each) for each in zip(middle.intervals, *others, strict=True)]
        bounds = tuple(_over_seeds(middle, wide, curve.each, (u, excess, errors)))
        rows.append(FamilyFit(**{**dataclasses.asdict(middle), "intervals": bounds}, behind=behind))
    near = tuple(row.family for row in rows[1:] if row.behind < INDISTINGUISHABLE_QAICC)
    return CurveFits(time_scale, tuple(rows), near, curve.excess is not None)


def _over_seeds(
    middle: Fit, intervals: list[tuple[float, float]], each: Sequence[Sequence[float]], data: tuple[np.ndarray, ...]
) -> list[tuple[float, float]]:
    """Intervals widened by how far the fit to one seed lies from that to another."""
    u, excess, errors = data
    if len(each) < 2:
        return intervals
    from scipy import stats  # slow to import, and no part of reading a study

    family = FAMILIES[middle.family]
    fits = [fit(family, u, without_borders(np.array(means), excess), errors) for means in each]
    values = np.array([f.values for f in fits if f])
    reach = stats.t.ppf((1 + LEVEL) / 2, len(values) - 1) * values.std(0, ddof=1) / np.sqrt(len(values))
    wider = []
    for (low, high), value, more, p in zip(intervals, middle.values, reach, family.parameters, strict=True):
        below, above = np.hypot(value - low, more), np.hypot(high - value, more)
        wider.append((max(p.low, float(value - below)), min(p.high, float(value + above))))
    return wider


def _hull(intervals: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """The interval that covers all."""
    return min(low for low, _ in intervals), max(high for _, high in intervals)
