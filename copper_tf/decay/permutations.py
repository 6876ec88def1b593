"""Hypotheses with permuted levels: what any law, however wrong, reaches by chance."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence

import numpy as np

from copper_tf.config import NUMBER
from copper_tf.decay.hypotheses import hypothesis_values
from tfds_copper.errors import SettingError

__all__ = ["other_orders", "permuted"]


def other_orders(name: str, times: Sequence[float], time_scale: str = NUMBER) -> int:
    """How many other orders the levels of a hypothesis have.

    Args:
        name: a hypothesis as `hypothesis_values` takes it.
        times: the stress times t of the labels, ascending.
        time_scale: how the hypothesis reads t, one of `config.TIME_SCALES`.
    """
    values = hypothesis_values(name, times, time_scale)
    orders = math.factorial(values.size)
    for equal in np.unique(values, return_counts=True)[1]:
        orders //= math.factorial(int(equal))
    return orders - 1


def permuted(name: str, times: Sequence[float], count: int, seed: int = 0, time_scale: str = NUMBER) -> list[str]:
    """Tables that give the levels of a hypothesis to the labels in another order, each order once.

    Their NMSE is the null distribution against which a ranking of hypotheses counts as evidence. It holds every order
    but the hypothesis' own, so at few labels also those that fall nearly as it does.

    Args:
        name: a hypothesis as `hypothesis_values` takes it.
        times: the stress times t of the labels, ascending.
        count: how many.
        seed: of the orders.
        time_scale: how the hypothesis reads t, one of `config.TIME_SCALES`.

    Returns:
        `count` tables as JSON text, which `hypothesis_values` and the setting ``hypothesis`` take.

    Raises:
        SettingError: if the hypothesis is unknown, or its levels have fewer other orders.
    """
    values, most = hypothesis_values(name, times, time_scale), other_orders(name, times, time_scale)
    if not 0 <= count <= most:
        raise SettingError(
            f"count of permuted hypotheses must be from 0 to {most}, the other orders of the levels of {name!r}. "
            f"Received: {count}"
        )
    rng = np.random.default_rng(seed)
    seen: set[tuple[float, ...]] = {tuple(values)}
    tables: list[str] = []
    while len(tables) < count:
        levels = tuple(rng.permutation(values))
        if levels not in seen:
            seen.add(levels)
            pairs = zip(map(float, times), map(float, levels), strict=True)
            tables.append(json.dumps({repr(t): g for t, g in pairs}))
    return tables
