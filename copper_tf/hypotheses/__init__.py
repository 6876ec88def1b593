"""Hypotheses of how potency decays with stress time; `estimate`, which needs SciPy, is imported by its own name."""

from copper_tf.hypotheses.permutations import permuted
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
    "permuted",
]
