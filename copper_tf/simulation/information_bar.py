"""The information bar that microscopes burn into the bottom of a picture."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw, ImageFont

__all__ = ["information_bar", "scale_bar_length"]

_NICE = (1, 2, 5)


def scale_bar_length(width: int, pixel_size_nm: float) -> tuple[int, str]:
    """Length in px and caption of a scale bar of about a sixth of the width, e.g. ``(200, "20 um")``.

    Args:
        width: picture width in px.
        pixel_size_nm: pixel size in nm.
    """
    longest = width * pixel_size_nm / 5
    power = 10 ** int(np.floor(np.log10(longest)))
    length = max(step * power for step in _NICE if step * power <= longest)
    # "um", as many microscopes write it: Pillow's own font has no Greek letters.
    caption = f"{length / 1000:g} um" if length >= 1000 else f"{length:g} nm"
    return max(1, round(length / pixel_size_nm)), caption


def information_bar(rows: int, width: int, pixel_size_nm: float, distance_mm: float) -> np.ndarray:
    """The bar as grey values, shape (rows, width), uint8: white glyphs and a scale bar on black.

    Args:
        rows: height of the bar in px.
        width: width of the picture in px.
        pixel_size_nm: pixel size in nm.
        distance_mm: the working distance that is written on it, in mm.
    """
    image = Image.new("L", (width, rows), 0)
    draw = ImageDraw.Draw(image)
    draw.line([(0, 0), (width, 0)], fill=255)
    length, caption = scale_bar_length(width, pixel_size_nm)
    # A photograph 127 mm wide is what magnifications traditionally refer to.
    magnification = 127e6 / (width * pixel_size_nm)
    text = f"SE   15.0 kV   WD {distance_mm:.1f} mm   x{magnification:,.0f}"
    size = min(0.55 * rows, 36)
    font = ImageFont.load_default(size)
    room = width - length - 3 * size
    while size > 6 and draw.textlength(text + caption, font=font) > room:
        size -= 1
        font = ImageFont.load_default(size)
    draw.text((size, rows / 2), text, fill=255, font=font, anchor="lm")
    right = width - round(size)
    draw.text((right - length - size / 2, rows / 2), caption, fill=255, font=font, anchor="rm")
    draw.line([(right - length, rows // 2), (right - 1, rows // 2)], fill=255, width=max(2, rows // 12))
    for x in (right - length, right - 1):
        draw.line([(x, rows // 4), (x, 3 * rows // 4)], fill=255, width=2)
    return np.asarray(image)
