"""Hypotheses of how potency decays with stress time."""

from copper_tf.hypotheses.registry import (
    HYPOTHESES,
    MIN_VARIANCE,
    check_informative,
    hypothesis_values,
    normalised_time,
)

__all__ = ["HYPOTHESES", "MIN_VARIANCE", "check_informative", "hypothesis_values", "normalised_time"]
