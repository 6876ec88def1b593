"""What is unlike, in words that tell what to do about it."""

from __future__ import annotations

import numpy as np

__all__ = ["said"]

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
