"""In what a picture differs, in words that say what to do about it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import numpy as np

__all__ = ["difference_text", "range_texts"]

_GREY = {"mean": ("darker", "brighter"), "contrast": ("less contrast", "more contrast")}


def _grey(off: np.ndarray) -> str:
    farthest = int(np.argmax(np.abs(off)))
    texts = [*_GREY.values(), ("more dark spots", "more bright spots")][farthest]
    return texts[int(off[farthest] > 0)]


def _saturation(values: np.ndarray, off: np.ndarray) -> str:
    side = int(np.argmax(off))
    return f"{100 * values[side] ** 2:.2g} % of pixels at {('white', 'black')[side]}"


def _sharpness(off: np.ndarray) -> str:
    return "more noise or finer detail" if off.sum() > 0 else "less fine detail, out of focus or smoothed"


def _scale(off: np.ndarray) -> str:
    # Power moves to the low frequencies where everything is larger.
    leaning = float(off @ np.linspace(1, -1, off.size))
    return "coarser, as at a higher magnification" if leaning > 0 else "finer, as at a lower magnification"


def difference_text(group: str, values: np.ndarray, off: np.ndarray) -> str:
    """In what a picture differs from those of training.

    Args:
        group: of image features, a name in `features.GROUPS`.
        values: of these features.
        off: how far they are off, in standard deviations.
    """
    text = {
        "grey levels": lambda: _grey(off),
        "saturation": lambda: _saturation(values, off),
        "sharpness": lambda: _sharpness(off),
        "texture scale": lambda: _scale(off),
        "structure": lambda: "edges and spots as of another surface",
        "direction": lambda: "streaks or a preferred direction",
    }[group]()
    return f"{group}: {text}"


def _share(value: float) -> float:
    return min(max(value, 0.0), 1.0)


def _percent(root: float) -> float:
    # The feature is the root of the share; less than a hundredth of a per cent is none.
    return round(100 * _share(root) ** 2, 2)


def range_texts(ranges: Mapping[str, tuple[float, float]]) -> list[tuple[str, str]]:
    """(name, range) of the image features that mean something to a reader.

    Args:
        ranges: lowest and highest value of each feature, see `features.GROUPS`.
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
