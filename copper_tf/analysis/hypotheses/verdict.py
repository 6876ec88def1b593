"""The verdict on a ranking of hypotheses with its reasons, and the law in one sentence."""

from __future__ import annotations

import math
from collections.abc import Sequence

from copper_tf.analysis.baselines.results import ALARM_QWK
from copper_tf.analysis.hypotheses.curves import MAX_GAP
from copper_tf.analysis.hypotheses.results import CurveFits, FamilyFit, NullDistribution, RankedHypothesis, Verdict
from copper_tf.analysis.trust.verdict import NOT_SUPPORTED, SUPPORTED, UNDECIDED
from copper_tf.config import RANK
from copper_tf.decay.families import FAMILIES, number_text
from copper_tf.decay.fitting import MAX_BIRGE
from copper_tf.runs.labels import Labels
from tfds_copper.folder.times import time_text as exact_text

__all__ = [
    "ASSUMPTIONS",
    "BRIGHTNESS",
    "GAP",
    "NOTHING",
    "NOT_SUPPORTED",
    "SUPPORTED",
    "UNDECIDED",
    "judge",
    "law_sentence",
    "parameters_text",
    "time_text",
]

# Why a ranking is refused.
BRIGHTNESS, NOTHING, GAP = ("brightness", "nothing follows t", "no two phases")
# A ranking counts only if the best NMSE is at most this share of what permuted levels reach.
_SHARE = 0.5

_SHEETS_ALONE = (
    "; the interval counts how sheets differ, but not what borders of areas add to the means: that can be measured "
    "only where the first and the last t show one phase each"
)
_NO_LAW = (
    "no law is named: that needs five labels or more, at least two held-out sheets of each, and ends of the curve that "
    "are at least 0.2 apart"
)

ASSUMPTIONS = (
    "At the first t the surface is rough everywhere (f = 1) and at the last t nowhere (f = 0): f is known up to its "
    "scale and shift only, and a mean alone can't prove these ends.",
    "The surface has two phases, rough and smooth, and each patch is one of them: what changes with t is their share "
    "and not what they look like.",
    "The network is local: it judges each place by its surroundings and doesn't recognise t from the whole picture.",
)

_TEXTS = {
    BRIGHTNESS: "brightness alone grades these pictures (QWK {qwk:.2f} of a first-order histogram, over {limit:g}): "
    "what is ranked may be the microscope's settings and not the surface",
    NOTHING: "no hypothesis is followed clearly better than levels in any order (best NMSE {best:.2f}, {share:.2f} of "
    "the {median:.2f} that {orders} orders of permuted levels reach; at most {limit:g} counts): nothing in the "
    "pictures follows t in a way that a map of two phases shows",
    GAP: "the binary assumption is not supported by these data: the curve that the label means give depends on the "
    "hypothesis trained for (they lie {gap:.2f} apart, over {limit:g}), so the network paints what it was trained "
    "for: the surface changes as a whole, or the network sees too far",
}


def _refusals(best: float, null: NullDistribution, gap: float, qwk: float) -> list[tuple[str, str]]:
    refusals, median = [], null.median
    if qwk > ALARM_QWK:
        refusals.append((BRIGHTNESS, _TEXTS[BRIGHTNESS].format(qwk=qwk, limit=ALARM_QWK)))
    if median and best > _SHARE * median:
        numbers = {"share": best / median, "median": median, "limit": _SHARE, "orders": len(null.nmse)}
        refusals.append((NOTHING, _TEXTS[NOTHING].format(best=best, **numbers)))
    # Where nothing is followed, curves are noise and their gap has no meaning of its own.
    elif gap > MAX_GAP:
        refusals.append((GAP, _TEXTS[GAP].format(gap=gap, limit=MAX_GAP)))
    return refusals


def _missing(median: float | None, gap: float, rows: Sequence[RankedHypothesis]) -> list[str]:
    """What is missing for a verdict."""
    missing = []
    if len(rows) < 2:
        missing.append("fewer than two hypotheses were compared, so there is nothing to rank")
    elif median is None:
        missing.append("without hypotheses of permuted levels it isn't known what any order would reach")
    if not math.isfinite(gap):
        missing.append("fewer than two falling hypotheses gave a curve that can be read, so none could be checked")
    return missing


def _names(names: Sequence[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def _ranking(rows: Sequence[RankedHypothesis]) -> str:
    best = rows[0]
    text = f"{best.name} fits best (NMSE {best.nmse:.3f})"
    near = [row.name for row in rows[1:] if best.name in row.indistinguishable or row.name in best.indistinguishable]
    worse = [row for row in rows[1:] if row.name not in near]
    if near:
        text += f"; not distinguishable from it: {_names(near)}"
    if worse:
        text += "; clearly worse: " + _names([f"{row.name} ({row.nmse:.3f})" for row in worse])
    return text


def judge(rows: Sequence[RankedHypothesis], null: NullDistribution, gap: float, qwk: float | None) -> Verdict:
    """The verdict on a ranking of hypotheses.

    Args:
        rows: from `ranking.rank`, the best first.
        null: from `ranking.null_distribution`.
        gap: from `curves.gap`.
        qwk: of a first-order histogram as a grader of the same pictures; None where it wasn't run.
    """
    best = rows[0].nmse if rows else math.nan
    refused = _refusals(best, null if rows else NullDistribution((), None), gap, qwk if qwk is not None else -1.0)
    missing = _missing(null.median, gap, rows)
    verdict = NOT_SUPPORTED if refused else UNDECIDED if missing else SUPPORTED
    return Verdict(
        verdict=verdict,
        kinds=tuple(kind for kind, _ in refused),
        reasons=tuple(text for _, text in refused) or tuple(missing),
        ranking=_ranking(rows) if verdict == SUPPORTED else "",
    )


def time_text(labels: Labels, time_scale: str) -> str:
    """What stands for u in a formula, e.g. ``"(t/15 h)"``.

    Args:
        labels: stress times and their unit.
        time_scale: one of `config.TIME_SCALES`.
    """
    times, unit = labels.times, f" {labels.unit}".rstrip()
    if time_scale == RANK:
        return f"(k/{len(times) - 1})"
    first, span = times[0], times[-1] - times[0]
    # A difference of decimals ends in rounding dust.
    over = f"{exact_text(round(span, 12))}{unit}"
    return f"(t/{over})" if first == 0 else f"((t - {exact_text(first)})/{over})"


def parameters_text(fit: FamilyFit) -> list[str]:
    """The interval of every parameter, e.g. ``"exponent 0.47 to 0.58"``; one that ends at its limit says so."""
    parts = []
    for parameter, (low, high) in zip(FAMILIES[fit.family].parameters, fit.intervals, strict=True):
        at = " (at the limit of what is tried)" if low <= parameter.low or high >= parameter.high else ""
        parts.append(f"{parameter.name} {number_text(low)} to {number_text(high)}{at}")
    return parts


def law_sentence(fits: CurveFits | None, source: str, labels: Labels) -> str:
    """What the law is, how sure its numbers are, and what else fits as well; or why none is named.

    Args:
        fits: from `curves.curve_fits`; None where there are none.
        source: the curve that it is read off.
        labels: stress times and their unit.
    """
    if fits is None:
        return _NO_LAW
    best = fits.fits[0]
    if best.birge > MAX_BIRGE:
        return f"no law is named: the means lie {best.birge:.1f} times as far from the best family as their errors say"
    formula = FAMILIES[best.family].text(best.values, time_text(labels, fits.time_scale))
    sure = ", ".join(parameters_text(best))
    text = f"f(t) = {formula}" + (f", {sure} (95 %)" if sure else "")
    text += f", read off {source}" + (", k being the rank of t from 0" if fits.time_scale == RANK else "")
    if fits.indistinguishable:
        text += f"; these labels can't tell it from a law of the family {' or '.join(fits.indistinguishable)}"
    return text if fits.borders or not sure else text + _SHEETS_ALONE
