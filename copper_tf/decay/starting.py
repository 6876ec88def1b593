"""The g that a training starts with, and whether it could be one."""

from __future__ import annotations

from collections.abc import Sequence

from copper_tf.config import ANCHORS, AREAS, ITERATIVE, Config
from copper_tf.decay.estimation import READABLE_SPAN, readable
from copper_tf.decay.hypotheses import check_informative, hypothesis_values
from tfds_copper.errors import SettingError

__all__ = ["first_hypothesis"]


def first_hypothesis(config: Config, times: Sequence[float]) -> tuple[float, ...]:
    """The g that training starts with: NaN at labels that are left out, () for a classifier.

    Args:
        config: all settings of the run.
        times: the stress time t of each label, ascending.

    Raises:
        SettingError: if the hypothesis is unknown, incomplete, hardly varies, or can't be improved step by step.
    """
    if config.kind == "classifier":
        return ()
    name, learn = config.training.hypothesis, config.training.learn
    values = hypothesis_values(name, times, config.training.time_scale)
    if learn == ANCHORS:
        return 1.0, *[float("nan")] * (len(times) - 2), 0.0
    check_informative(name, values)
    if learn in (ITERATIVE, AREAS) and not readable(values):
        raise SettingError(
            f"hypothesis {name!r} must fall by at least {READABLE_SPAN} from the first t to the last where learn is "
            f"{learn}. Received: {values[0]:g} to {values[-1]:g}"
        )
    return tuple(float(v) for v in values)
