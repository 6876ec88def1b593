"""Ink: pixels at an end of a picture's grey values, as text and scales are drawn, and where of them strokes are."""

from __future__ import annotations

import numpy as np

__all__ = ["INKS", "ink", "stroke_cells", "unpacked"]

# White and black.
INKS = 2
# Shares of a picture's range: ink is so near an end of it, JPEG included, and a stroke steps so far within 2 px.
_NEAR, _STEP = 0.12, 0.35
# Pictures of a smaller range have no ink that could be told from their surface; 8 bits.
_LEAST_RANGE = 32
# Cells of a row: so many, but none narrower than a glyph in px.
_CELLS, _NARROWEST = 80, 6


def _levels(pixels: np.ndarray) -> np.ndarray:
    """The grey values in 8 bits of the range that is used, int16."""
    shift = max(0, int(pixels.max(initial=0)).bit_length() - 8)
    return (pixels >> shift).astype(np.int16)


def _ends(levels: np.ndarray) -> tuple[np.ndarray, np.ndarray, int]:
    """Where white and where black ink may be, and the range."""
    low, high = int(levels.min()), int(levels.max())
    near = _NEAR * (high - low)
    return levels >= high - near, levels <= low + near, high - low


def stroke_cells(pixels: np.ndarray) -> np.ndarray | None:
    """The cells of a picture, one row high and about a glyph wide, in which a stroke begins or ends.

    Args:
        pixels: grey values ``(height, width)``, uint8 or uint16.

    Returns:
        Packed bits ``(height, bytes)``, see `unpacked`; None where the picture has no range of grey values.
    """
    width = max(_NARROWEST, pixels.shape[1] // _CELLS)
    count = pixels.shape[1] // width
    levels = _levels(pixels)
    white, black, span = _ends(levels)
    if span < _LEAST_RANGE or not count:
        return None
    extreme = white | black
    step = np.abs(levels[:, 2:] - levels[:, :-2]) >= _STEP * span
    strokes = np.zeros_like(extreme)
    strokes[:, :-2] = extreme[:, :-2] & step
    strokes[:, 2:] |= extreme[:, 2:] & step
    return np.packbits(strokes[:, : count * width].reshape(len(pixels), count, width).any(axis=2), axis=1)


def unpacked(cells: np.ndarray) -> np.ndarray:
    """What `stroke_cells` packed, ``(height, cells)``, 0 or 1; the last few columns may be padding."""
    return np.unpackbits(cells, axis=1)


def ink(pixels: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The ink at some rows, and how much of each there is by chance: the share of it on all other rows.

    Args:
        pixels: grey values ``(height, width)``, uint8 or uint16.
        rows: whether each row is wanted, ``(height,)``.

    Returns:
        White and black ink ``(2, rows, width)``, bool, and the share of each on the other rows, ``(2,)``.
    """
    white, black, _ = _ends(_levels(pixels))
    both = np.stack([white, black])
    return both[:, rows], both[:, ~rows].mean(axis=(1, 2)) if not rows.all() else np.zeros(INKS)
