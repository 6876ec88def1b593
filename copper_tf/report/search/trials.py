"""What a search found, read for its page: trials in order, values on their axes, and numbers as text."""

from __future__ import annotations

import math
from typing import Any

from copper_tf.config import GROUPS
from tfds_copper.settings import setting_fields

__all__ = [
    "DONE",
    "FAILED",
    "INFEASIBLE",
    "RUNNING",
    "STATUS",
    "STOPPED",
    "cost",
    "cost_text",
    "gigabytes",
    "known",
    "objective_title",
    "ordered",
    "rated",
    "searched",
    "setting_title",
    "span",
    "value_text",
    "whole",
]

DONE, STOPPED, RUNNING, FAILED, INFEASIBLE = ("done", "stopped", "running", "failed", "infeasible")
# In the order of the table.
STATUS = {
    DONE: "trained in full",
    STOPPED: "stopped early",
    RUNNING: "unfinished",
    FAILED: "failed",
    INFEASIBLE: "infeasible",
}
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
    """A whole number with its thousands told apart."""
    return f"{number:,.0f}"


def gigabytes(count: float | None) -> str:
    """Bytes as GB with three digits at most, a dash where unknown."""
    number = known(count)
    if number is None:
        return "–"
    number /= 1e9
    return f"{number:.3f}" if number < 0.1 else f"{number:.2f}" if number < 10 else f"{number:.1f}"


def cost(found: dict[str, Any], trial: dict[str, Any]) -> float | None:
    """What a trial is held against: memory in GB, or the time of a picture in ms."""
    number = known(trial.get(found["against"]["key"]))
    if number is None:
        return None
    return number / 1e9 if found["against"]["unit"] == "GB" else number * 1e3


def cost_text(found: dict[str, Any], trial: dict[str, Any]) -> str:
    """The same with its unit, a dash where unknown."""
    number = cost(found, trial)
    if number is None:
        return "–"
    return f"{gigabytes(number * 1e9)} GB" if found["against"]["unit"] == "GB" else f"{number:.3g} ms"


def objective_title(found: dict[str, Any]) -> str:
    """The objective with the direction that is better, for an axis."""
    return f"{found['objective']['title']} ({'more' if found['objective']['better'] == 'max' else 'less'} is better)"


def rated(found: dict[str, Any], *status: str) -> list[dict[str, Any]]:
    """The trials of these states whose objective is known."""
    return [t for t in found["trials"] if t["status"] in status and known(t["objective"]) is not None]


def ordered(trials: list[dict[str, Any]], better: str) -> list[dict[str, Any]]:
    """Trials by state, those that came further first, then the better and of equals the cheaper.

    Of those trained in full only the value counts: with `patience` full may be fewer epochs.

    Args:
        trials: of a search.
        better: ``"max"`` or ``"min"``, of the objective.
    """
    sign = -1 if better == "max" else 1
    states = list(STATUS)

    def place(trial: dict[str, Any]) -> tuple[int, int, float, float]:
        value, state = known(trial["objective"]), trial["status"]
        came = 0 if state == DONE else -int(trial["epochs"] or 0)
        return states.index(state), came, math.inf if value is None else sign * value, trial["memory_bytes"] or 0.0

    return sorted(trials, key=place)


def searched(found: dict[str, Any]) -> dict[str, list[Any]]:
    """The settings that were searched with all values that they took; those of one value only where there is no other.

    Args:
        found: what the search found.

    Returns:
        Values by the setting's name, in the space's order, then any other that a trial had.
    """
    space = {}
    for name, values in found["space"].items():
        others = [t["settings"][name] for t in found["trials"] if name in t["settings"]]
        space[name] = list(dict.fromkeys([*values, *others]))
    return {name: values for name, values in space.items() if len(values) > 1} or space


def span(found: dict[str, Any]) -> tuple[float, float]:
    """The range of the objective's axis; far outliers on the worse side stay outside, so that the rest can be read.

    Args:
        found: what the search found, with at least one known objective.
    """
    values = sorted(v for t in found["trials"] if (v := known(t["objective"])) is not None)
    low, high = values[0], values[-1]
    if len(values) >= _FEWEST:
        first, third = values[len(values) // 4], values[-1 - len(values) // 4]
        reach = _FENCE * max(third - first, 1e-3)
        if found["objective"]["better"] == "max":
            low = max(low, first - reach)
        else:
            high = min(high, third + reach)
    return (low, high) if high > low else (low - 0.05, high + 0.05)
