"""Parametric families of laws: how f may fall from 1 to 0, with what is not known of it as free parameters."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

__all__ = [
    "FAMILIES",
    "Family",
    "Parameter",
    "exponential",
    "logarithmic",
    "logistic",
    "number_text",
    "power",
]

# Below this rate a rescaled exponential is a straight line to the last digit, and its quotient 0 / 0.
_STRAIGHT = 1e-6


def power(u: np.ndarray, exponent: float) -> np.ndarray:
    """1 - u^p."""
    return 1 - u**exponent


def exponential(u: np.ndarray, rate: float) -> np.ndarray:
    """(e^(-r u) - e^(-r)) / (1 - e^(-r)); the straight line at r = 0, and ever later falls below it."""
    if abs(rate) < _STRAIGHT:
        return 1 - u
    return 1 - np.expm1(-rate * u) / np.expm1(-rate)


def logarithmic(u: np.ndarray, reach: float) -> np.ndarray:
    """1 - ln(1 + q u) / ln(1 + q)."""
    return 1 - np.log1p(reach * u) / np.log1p(reach)


def logistic(u: np.ndarray, slope: float, centre: float) -> np.ndarray:
    """sigma(s (h - u)), put on 1 at u = 0 and 0 at u = 1."""

    def sigma(x: np.ndarray | float) -> np.ndarray:
        return 1 / (1 + np.exp(-slope * (centre - x)))

    first, last = sigma(0.0), sigma(1.0)
    return (sigma(u) - last) / (first - last)


@dataclass(frozen=True)
class Parameter:
    """One number that a family leaves open.

    Attributes:
        name: to be shown.
        initial_values: that a fit starts from.
        low: smallest value that is tried.
        high: largest value that is tried.
    """

    name: str
    initial_values: tuple[float, ...]
    low: float
    high: float


@dataclass(frozen=True)
class Family:
    """A family of laws.

    Attributes:
        name: to be shown.
        formula: f(u) with the parameters in braces, u being written as ``{u}``.
        function: (u, parameters) -> f(u), from 1 at u = 0 to 0 at u = 1.
        parameters: what is left open.
    """

    name: str
    formula: str
    function: Callable[..., np.ndarray]
    parameters: tuple[Parameter, ...]

    def text(self, values: tuple[float, ...], u: str) -> str:
        """The formula with its numbers, e.g. ``"1 - (t/T)^0.52"``; negative ones in brackets."""
        named = {p.name: number_text(v) for p, v in zip(self.parameters, values, strict=True)}
        return self.formula.format(u=u, **{k: f"({v})" if v[0] == "-" else v for k, v in named.items()})


def number_text(value: float) -> str:
    """A parameter with about three digits."""
    return f"{value:.2f}" if 0.1 <= abs(value) < 100 else f"{value:.3g}"


FAMILIES = {
    family.name: family
    for family in (
        Family("linear", "1 - {u}", lambda u: 1 - u, ()),
        Family("power", "1 - {u}^{exponent}", power, (Parameter("exponent", (0.3, 1.0, 2.5), 0.02, 20.0),)),
        Family(
            "exponential", "(exp(-{rate} {u}) - exp(-{rate})) / (1 - exp(-{rate}))", exponential,
            (Parameter("rate", (-3.0, 0.5, 4.0), -30.0, 30.0),),
        ),
        Family(
            "logarithmic", "1 - ln(1 + {reach} {u}) / ln(1 + {reach})", logarithmic,
            (Parameter("reach", (0.5, 15.0, 300.0), 1e-3, 1e6),),
        ),
        Family(
            "logistic", "sigmoid({slope} ({centre} - {u})), put on 1 to 0", logistic,
            (Parameter("slope", (3.0, 10.0), 0.05, 60.0), Parameter("centre", (0.3, 0.5, 0.7), -0.5, 1.5)),
        ),
    )
}  # fmt: skip
