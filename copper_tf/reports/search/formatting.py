"""Numbers and names of a search as its page shows them, and the ranges of its axes."""

from __future__ import annotations

import math
from typing import Any

from copper_tf.analysis.search_results import SearchResult, Trial
from copper_tf.config import GROUPS
from tfds_copper.settings import setting_fields

__all__ = [
    "cost",
    "cost_text",
    "gigabytes",
    "known",
    "monitor_title",
    "objective_title",
    "rated",
    "searched",
    "setting_title",
    "span",
    "value_text",
    "whole",
]


_TITLES = {
    "n": "convolutions in a block, n",
    "N": "blocks in a stage, N",
    "c": "channels, c",
    "d": "stages, d",
    "batch_size": "batch size (crops)",
    "hypothesis": "hypothesis g",
}
_LONGEST = 14
# Values further outside the middle half than so many times its width would squash all others.
_FENCE = 3.0
_FEWEST = 8


def known(value: Any) -> float | None:
    """A number, or None where it is missing or no finite one."""
    return float(value) if isinstance(value, int | float) and math.isfinite(value) else None


def value_text(value: Any) -> str:
    """A setting's value, short enough for an axis."""
    text = f"{value:g}" if isinstance(value, int | float) and not isinstance(value, bool) else str(value)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def setting_title(name: str) -> str:
    """What an axis calls a setting, with its unit."""
    units = {f.name: f.metadata["unit"] for group in GROUPS.values() for f in setting_fields(group)}
    unit = units.get(name, "")
    return _TITLES.get(name, name.replace("_", " ") + (f" ({unit})" if unit else ""))


def whole(number: float) -> str:
    """A whole number with thousands separators."""
    return f"{number:,.0f}"


def gigabytes(count: float | None) -> str:
    """Bytes as GB with three digits at most, a dash where unknown."""
    number = known(count)
    if number is None:
        return "–"
    number /= 1e9
    return f"{number:.3f}" if number < 0.1 else f"{number:.2f}" if number < 10 else f"{number:.1f}"


def cost(result: SearchResult, trial: Trial) -> float | None:
    """What a trial is held against: memory in GB, or the time of a picture in ms."""
    number = known(getattr(trial, result.against.field))
    if number is None:
        return None
    return number / 1e9 if result.against.unit == "GB" else number * 1e3


def cost_text(result: SearchResult, trial: Trial) -> str:
    """The same with its unit, a dash where unknown."""
    number = cost(result, trial)
    if number is None:
        return "–"
    return f"{gigabytes(number * 1e9)} GB" if result.against.unit == "GB" else f"{number:.3g} ms"


def monitor_title(result: SearchResult) -> str:
    """The score of the learning curves, for an axis."""
    return result.monitor.replace("val_", "validation ").replace("nmse", "NMSE")


def objective_title(result: SearchResult) -> str:
    """The objective with the direction that is better, for an axis."""
    return f"{result.objective.title} ({'more' if result.objective.better == 'max' else 'less'} is better)"


def rated(result: SearchResult, *status: str) -> list[Trial]:
    """The trials of these states whose objective is known."""
    return [t for t in result.trials if t.status in status and known(t.objective) is not None]


def searched(result: SearchResult) -> dict[str, list[Any]]:
    """The settings that were searched with all values that they took; those of one value only where there is no other.

    Args:
        result: of the search.

    Returns:
        Values by the setting's name, in the space's order, then any other that a trial had.
    """
    space = {}
    for name, values in result.space.items():
        others = [t.settings[name] for t in result.trials if name in t.settings]
        space[name] = list(dict.fromkeys([*values, *others]))
    return {name: values for name, values in space.items() if len(values) > 1} or space


def span(result: SearchResult) -> tuple[float, float]:
    """The range of the objective's axis; far outliers on the worse side stay outside, so that the rest can be read.

    Args:
        result: of the search, with at least one known objective.
    """
    values = sorted(v for t in result.trials if (v := known(t.objective)) is not None)
    low, high = values[0], values[-1]
    if len(values) >= _FEWEST:
        first, third = values[len(values) // 4], values[-1 - len(values) // 4]
        reach = _FENCE * max(third - first, 1e-3)
        if result.objective.better == "max":
            low = max(low, first - reach)
        else:
            high = min(high, third + reach)
    return (low, high) if high > low else (low - 0.05, high + 0.05)
