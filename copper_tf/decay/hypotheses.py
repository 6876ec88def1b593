"""The hypotheses g: how potency is supposed to fall with the stress time t.

Each is a function of the normalised time u = (t - t_min) / (t_max - t_min), 1 at u = 0 and 0 at u = 1 (the paper's
section 3.6, with its misprinted minus signs put right); `alternating` goes by rank instead, and `constant` is the
control that a sound analysis must refuse.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from copper_tf.config import NUMBER, RANK
from copper_tf.decay.families import exponential, logarithmic, logistic, power
from tfds_copper.errors import SettingError
from tfds_copper.files import parsed_json
from tfds_copper.plugins import Registry

__all__ = [
    "HYPOTHESES",
    "MIN_VARIANCE",
    "HypothesisFunction",
    "check_informative",
    "check_name",
    "hypothesis_values",
    "normalised_time",
    "register_hypothesis",
]

HypothesisFunction = Callable[[np.ndarray], np.ndarray]

# Below this variance over the labels a hypothesis says nothing that an error could contradict.
MIN_VARIANCE = 0.005

_EXPONENTIAL_RATE = 4.0
_LOGARITHMIC_REACH = 15.0
_LOGISTIC_SLOPE = 10.0


def _alternating(u: np.ndarray) -> np.ndarray:
    return 1.0 - (np.argsort(np.argsort(u)) % 2)


HYPOTHESES: Registry[HypothesisFunction] = Registry("hypothesis", {
    "linear": lambda u: 1 - u,
    "sqrt": lambda u: power(u, 1 / 2),
    "square": lambda u: power(u, 2),
    "cubert": lambda u: power(u, 1 / 3),
    "exponential": lambda u: exponential(u, _EXPONENTIAL_RATE),
    "logarithmic": lambda u: logarithmic(u, _LOGARITHMIC_REACH),
    "logistic": lambda u: logistic(u, _LOGISTIC_SLOPE, 0.5),
    "sine": lambda u: (1 + np.cos(4 * np.pi * u)) / 2,
    "alternating": _alternating,
    "constant": lambda u: np.full_like(u, 0.5),
})  # fmt: skip


def normalised_time(times: Sequence[float], time_scale: str = NUMBER) -> np.ndarray:
    """u = (t - t_min) / (t_max - t_min) of each label, shape (K,).

    Args:
        times: the stress times t of the labels, ascending.
        time_scale: one of `config.TIME_SCALES`; by rank, the labels are equally far apart.

    Raises:
        SettingError: if there are fewer than two different times.
    """
    t = np.asarray(times, np.float64)
    if t.size < 2 or t.max() <= t.min():
        raise SettingError(f"a hypothesis needs at least two different times t. Received: {list(map(float, t))}")
    if time_scale == RANK:
        t = np.arange(t.size, dtype=np.float64)
    return (t - t.min()) / (t.max() - t.min())


def _from_table(table: Mapping[str, float], times: Sequence[float]) -> np.ndarray:
    try:
        by_time = {float(t): float(g) for t, g in table.items()}
    except (TypeError, ValueError):
        raise SettingError(f"hypothesis: a table is {{t: g(t)}} in numbers. Received: {table!r}") from None
    missing = [float(t) for t in times if float(t) not in by_time]
    if missing:
        raise SettingError(
            f"hypothesis: the table must give g for every t of the data. Received: none for t = {missing}"
        )
    values = np.array([by_time[float(t)] for t in times])
    if not np.all((values >= 0) & (values <= 1)):
        raise SettingError(f"hypothesis: every g(t) must lie in [0, 1]. Received: {values.tolist()}")
    return values


def register_hypothesis(name: str) -> Callable[[HypothesisFunction], HypothesisFunction]:
    """Registers a hypothesis: a function of the normalised time u ``(K,)`` in [0, 1] that returns g in [0, 1].

    Example:

    >>> from copper_tf.decay import hypothesis_values, register_hypothesis
    >>> @register_hypothesis("quartic")
    ... def quartic(u):
    ...     return 1 - u**4
    >>> hypothesis_values("quartic", [0, 5, 10]).tolist()
    [1.0, 0.9375, 0.0]
    """

    def register(function: HypothesisFunction) -> HypothesisFunction:
        HYPOTHESES[name] = function
        return function

    return register


def hypothesis_values(name: str, times: Sequence[float], time_scale: str = NUMBER) -> np.ndarray:
    """g at each time, shape (K,), float64 in [0, 1].

    Args:
        name: a name in `HYPOTHESES`; or a table keyed by t, as JSON text ``{"0": 1, "15": 0.4}`` or as the path of a
            JSON file that holds one.
        times: the stress times t of the labels, ascending, in any one unit.
        time_scale: one of `config.TIME_SCALES`, for a named law; a table always goes by t.

    Raises:
        SettingError: if the name is unknown, the table incomplete, or a value outside [0, 1].
    """
    if name in HYPOTHESES:
        return np.clip(HYPOTHESES[name](normalised_time(times, time_scale)), 0.0, 1.0)
    return _from_table(_table(name), times)


def check_name(name: str) -> None:
    """Whether a hypothesis is registered, or a table; not whether the table is complete, which needs the times.

    Args:
        name: see `hypothesis_values`.

    Raises:
        SettingError: if it is neither.
    """
    if name not in HYPOTHESES:
        _table(name)


def _table(name: str) -> dict[str, Any]:
    """The table that JSON text, or a file of it, holds."""
    path = Path(name)
    text = (
        name if name.lstrip().startswith("{") else path.read_text() if path.suffix == ".json" and path.is_file() else ""
    )
    if not text:
        allowed = ", ".join(HYPOTHESES)
        raise SettingError(f"hypothesis must be one of {allowed}, or a table keyed by t (JSON). Received: {name!r}")
    try:
        table = parsed_json(text)
    except ValueError as error:
        raise SettingError(f"hypothesis: the table is not JSON ({error}). Received: {text[:60]!r}") from None
    if not isinstance(table, dict):
        raise SettingError(f"hypothesis: a table is {{t: g(t)}}. Received: {text[:60]!r}")
    return table


def check_informative(name: str, values: np.ndarray) -> None:
    """Refuses a hypothesis that hardly varies over the labels: any grey mask would satisfy it.

    Raises:
        SettingError: if the variance of g over the labels is under `MIN_VARIANCE`.
    """
    variance = float(np.var(values))
    if variance < MIN_VARIANCE:
        raise SettingError(
            f"hypothesis {name!r} hardly varies over the labels, so no mask could contradict it; "
            f"its variance must be at least {MIN_VARIANCE}. Received: {variance:.2g}"
        )
