"""What is unlike, in words that tell what to do about it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import numpy as np

__all__ = ["in_words", "said"]

_GREY = {"mean": ("darker", "brighter"), "contrast": ("less contrast", "more contrast")}


def _grey(off: np.ndarray) -> str:
    farthest = int(np.argmax(np.abs(off)))
    words = [*_GREY.values(), ("more dark spots", "more bright spots")][farthest]
    return words[int(off[farthest] > 0)]


def _saturation(values: np.ndarray, off: np.ndarray) -> str:
    side = int(np.argmax(off))
    return f"{100 * values[side] ** 2:.2g} % of pixels at {('white', 'black')[side]}"


def _sharpness(off: np.ndarray) -> str:
    return "more noise or finer detail" if off.sum() > 0 else "less fine detail, out of focus or smoothed"


def _scale(off: np.ndarray) -> str:
    # Power moves to the low frequencies where everything is larger.
    leaning = float(off @ np.linspace(1, -1, off.size))
    return "coarser, as at a higher magnification" if leaning > 0 else "finer, as at a lower magnification"


def said(group: str, values: np.ndarray, off: np.ndarray) -> str:
    """What is unlike about a picture.

    Args:
        group: of traits, a name in `traits.GROUPS`.
        values: of its traits.
        off: how far they are off, in standard deviations.
    """
    words = {
        "grey levels": lambda: _grey(off),
        "saturation": lambda: _saturation(values, off),
        "sharpness": lambda: _sharpness(off),
        "texture scale": lambda: _scale(off),
        "structure": lambda: "edges and spots as of another surface",
        "direction": lambda: "streaks or a preferred direction",
    }[group]()
    return f"{group}: {words}"


def _share(value: float) -> float:
    return min(max(value, 0.0), 1.0)


def _percent(root: float) -> float:
    # The trait is the root of the share; what is less than a hundredth of a per cent is none.
    return round(100 * _share(root) ** 2, 2)


def in_words(ranges: Mapping[str, tuple[float, float]]) -> list[tuple[str, str]]:
    """(name, value) of the traits that say something to a reader.

    Args:
        ranges: lowest and highest value of each trait, see `traits.GROUPS`.
    """

    def between(name: str, meaning: Callable[[float], float]) -> str:
        low, high = (f"{meaning(value):.2g}" for value in ranges[name])
        return low if low == high else f"{low} to {high}"

    return [
        ("mean grey value, of full scale", between("mean", _share)),
        ("contrast, standard deviation within 64 px, of full scale", between("contrast", math.exp)),
        ("noise, of that contrast", between("noise", math.exp)),
        ("pixels at white", between("white", _percent) + " %"),
        ("pixels at black", between("black", _percent) + " %"),
    ]
