"""Hypotheses of how potency decays with stress time; `estimate` and `naming`, which need SciPy, by their own names."""

from copper_tf.hypotheses.permutations import other_orders, permuted
from copper_tf.hypotheses.registry import (
    HYPOTHESES,
    MIN_VARIANCE,
    check_informative,
    hypothesis_values,
    normalised_time,
)

__all__ = [
    "HYPOTHESES",
    "MIN_VARIANCE",
    "check_informative",
    "hypothesis_values",
    "normalised_time",
    "other_orders",
    "permuted",
]
