"""The law in one sentence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from copper_tf.config import RANK
from copper_tf.hypotheses.families import FAMILIES

__all__ = ["law_sentence", "time_text"]


def time_text(labels: Mapping[str, Any], reading: str) -> str:
    """What stands for u in a formula, e.g. ``"(t/15 h)"``.

    Args:
        labels: ``times`` and ``unit``.
        reading: one of `config.READINGS`.
    """
    times, unit = labels["times"], f" {labels['unit']}".rstrip()
    if reading == RANK:
        return f"(rank/{len(times) - 1})"
    first, span = times[0], times[-1] - times[0]
    return f"(t/{span:g}{unit})" if first == 0 else f"((t - {first:g})/{span:g}{unit})"


def _parameters(fit: Mapping[str, Any]) -> str:
    parts = []
    for parameter, (low, high) in zip(FAMILIES[fit["family"]].parameters, fit["intervals"], strict=True):
        parts.append(f"{parameter.name} {low:.2f} to {high:.2f}")
    return ", ".join(parts)


def law_sentence(law: Mapping[str, Any] | None, source: str, labels: Mapping[str, Any], alone: Sequence[str]) -> str:
    """What the named law is, how sure its numbers are, and what else fits as well.

    Args:
        law: from `curves.law`; None where there is none.
        source: the curve that it was read off.
        labels: ``times`` and ``unit``.
        alone: reasons why the data don't support a curve; then no law is named.
    """
    if alone or law is None:
        return ""
    best = law["fits"][0]
    family = FAMILIES[best["family"]]
    formula = family.text(tuple(best["values"]), time_text(labels, law["reading"]))
    sure = _parameters(best)
    text = f"f(t) = {formula}" + (f", {sure} (95 %)" if sure else "") + f", read off {source}"
    if law["alike"]:
        text += f"; these labels can't tell it from a law of the family {' or '.join(law['alike'])}"
    return text
