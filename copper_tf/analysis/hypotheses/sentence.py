"""The law in one sentence."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from copper_tf.config import RANK
from copper_tf.decay.families import FAMILIES, number_text
from copper_tf.decay.fitting import FITS

__all__ = ["law_sentence", "parameters_text", "time_text"]

_NONE = (
    "no law is named: that needs five labels or more, at least two held-out sheets of each, and ends of the curve that "
    "are at least 0.2 apart"
)


def time_text(labels: Mapping[str, Any], reading: str) -> str:
    """What stands for u in a formula, e.g. ``"(t/15 h)"``.

    Args:
        labels: ``times`` and ``unit``.
        reading: one of `config.READINGS`.
    """
    times, unit = labels["times"], f" {labels['unit']}".rstrip()
    if reading == RANK:
        return f"(k/{len(times) - 1})"
    first, span = times[0], times[-1] - times[0]
    return f"(t/{span:g}{unit})" if first == 0 else f"((t - {first:g})/{span:g}{unit})"


def parameters_text(fit: Mapping[str, Any]) -> list[str]:
    """The interval of every parameter, e.g. ``"exponent 0.47 to 0.58"``; one that ends at its limit says so.

    Args:
        fit: a row of `curves.law`.
    """
    parts = []
    for parameter, (low, high) in zip(FAMILIES[fit["family"]].parameters, fit["intervals"], strict=True):
        at = " (at the limit of what is tried)" if low <= parameter.low or high >= parameter.high else ""
        parts.append(f"{parameter.name} {number_text(low)} to {number_text(high)}{at}")
    return parts


def law_sentence(law: Mapping[str, Any] | None, source: str, labels: Mapping[str, Any]) -> str:
    """What the named law is, how sure its numbers are, and what else fits as well; or why none is named.

    Args:
        law: from `curves.law`; None where there is none.
        source: the curve that it was read off.
        labels: ``times`` and ``unit``.
    """
    if law is None:
        return _NONE
    best = law["fits"][0]
    if best["birge"] > FITS:
        return (
            f"no law is named: the means lie {best['birge']:.1f} times as far from the best family as their errors say"
        )
    formula = FAMILIES[best["family"]].text(tuple(best["values"]), time_text(labels, law["reading"]))
    sure = ", ".join(parameters_text(best))
    text = f"f(t) = {formula}" + (f", {sure} (95 %)" if sure else "")
    text += f", read off {source}" + (", k being the rank of t from 0" if law["reading"] == RANK else "")
    if law["alike"]:
        text += f"; these labels can't tell it from a law of the family {' or '.join(law['alike'])}"
    return text
