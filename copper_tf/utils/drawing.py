"""Overlays, colours, scale bars and colour bars; Pillow only, without TensorFlow."""

from __future__ import annotations

import functools
import importlib.util
import math
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont

__all__ = [
    "PALETTES",
    "SPLIT_COLOURS",
    "STRENGTH",
    "colour_bar",
    "colours",
    "grey_image",
    "grey_range",
    "overlay",
    "potency_picture",
    "scale_bar_length",
    "stretched",
]

# Potency 0, .25, .5, .75, 1. "paper" is red to blue as in Figure 9; "safe" (cividis) suits any colour vision.
PALETTES: dict[str, tuple[tuple[int, int, int], ...]] = {
    "paper": ((178, 24, 43), (239, 138, 98), (247, 247, 247), (103, 169, 207), (33, 102, 172)),
    "safe": ((0, 34, 78), (66, 78, 108), (124, 123, 120), (187, 174, 102), (254, 232, 56)),
}

# The paper's colours of the splits in Figures 8 and 10 (blue, yellow, green), from the colour-blind-safe Okabe-Ito set.
SPLIT_COLOURS = {"train": "#0072B2", "validation": "#E69F00", "test": "#009E73"}

# Share of the map's colour in an overlay.
STRENGTH = 0.45

_NICE = (1, 2, 5)
_BAR_SHARE = 0.22
_ROWS = 256
# Number of colours of a palette.
_STEPS = 256


def colours(potency: np.ndarray, palette: str = "paper") -> np.ndarray:
    """The colour of each potency, uint8 ``(..., 3)``.

    Args:
        potency: values in [0, 1], any shape.
        palette: a name in `PALETTES`.
    """
    return _ramp(palette)[_steps(potency)]


@functools.cache
def _ramp(palette: str) -> np.ndarray:
    """The colours of a palette from 0 to 1, ``(steps, 3)``."""
    anchors = np.array(PALETTES[palette], np.float32)
    places = np.linspace(0, 1, len(anchors))
    ramp = np.stack([np.interp(np.linspace(0, 1, _STEPS), places, anchors[:, k]) for k in range(3)], -1)
    return ramp.round().astype(np.uint8)


def _steps(potency: np.ndarray) -> np.ndarray:
    """Potencies as steps of a palette."""
    return np.clip(np.rint(potency * (_STEPS - 1)), 0, _STEPS - 1).astype(np.uint8)


@functools.lru_cache(maxsize=8)
def _mixtures(palette: str, strength: float) -> np.ndarray:
    """Every grey value mixed with every colour of a palette, ``(grey values * steps, 3)``."""
    base = np.arange(256, dtype=np.float32)[:, None, None] * (1 - strength)
    return (base + _ramp(palette) * strength).round().astype(np.uint8).reshape(-1, 3)


def grey_range(pixels: np.ndarray) -> tuple[float, float]:
    """The 0.5 and 99.5 percentiles of a picture ``(height, width)``, between which it is shown."""
    sample = pixels[:: max(1, pixels.shape[0] // 512), :: max(1, pixels.shape[1] // 512)].astype(np.float32)
    low, high = np.percentile(sample, (0.5, 99.5))
    return float(low), float(high)


def stretched(pixels: np.ndarray, low: float, high: float) -> np.ndarray:
    """Grey values as 8 bits for display, `low` black and `high` white."""
    values = pixels.astype(np.float32)
    return np.clip((values - low) * (255 / max(high - low, 1e-6)), 0, 255).astype(np.uint8)


def grey_image(pixels: np.ndarray) -> np.ndarray:
    """A micrograph as 8-bit grey for display, stretched between its 0.5 and 99.5 percentiles; ``(height, width)``."""
    return stretched(pixels, *grey_range(pixels))


def overlay(pixels: np.ndarray, potency: np.ndarray, palette: str = "paper", strength: float = STRENGTH) -> np.ndarray:
    """The potency map laid over the micrograph, uint8 ``(height, width, 3)``.

    Args:
        pixels: raw grey values ``(height, width)``.
        potency: map in [0, 1] of the same shape.
        palette: a name in `PALETTES`.
        strength: share of the map's colour, 0 to 1.
    """
    limits, mixed = grey_range(pixels), np.empty((*pixels.shape, 3), np.uint8)
    table = _mixtures(palette, strength)
    # Some rows at a time: as floats a large picture takes many times its own memory.
    for start in range(0, len(pixels), _ROWS):
        rows = slice(start, start + _ROWS)
        base = stretched(pixels[rows], *limits).astype(np.uint16)
        np.take(table, base * _STEPS + _steps(potency[rows]), 0, mixed[rows], "clip")
    return mixed


def scale_bar_length(width: int, pixel_size_nm: float, shown: float = 1.0) -> tuple[int, str]:
    """(length in px, caption) of a scale bar: 1, 2 or 5 times a power of ten, at most 22 % of the width.

    Args:
        width: width in px of what is shown.
        pixel_size_nm: of the micrograph; NaN where unknown, then the bar counts its pixels.
        shown: px on show for one of the micrograph's, over 1 where it is enlarged.
    """
    known = math.isfinite(pixel_size_nm) and pixel_size_nm > 0
    unit = (pixel_size_nm if known else 1.0) / shown
    limit = max(width * _BAR_SHARE * unit, unit)
    power = 10.0 ** math.floor(math.log10(limit))
    length = max(n * power for n in _NICE if n * power <= limit)
    pixels = max(1, round(length / unit))
    if not known:
        return pixels, f"{length:g} px"
    return pixels, f"{length / 1000:g} µm" if length >= 1000 else f"{length:g} nm"


@functools.lru_cache(maxsize=8)
def _font(size: int) -> Any:
    # Pillow's own font has no µ; matplotlib's is found without importing matplotlib.
    matplotlib = importlib.util.find_spec("matplotlib")
    if matplotlib is None or not matplotlib.submodule_search_locations:  # a PC that only predicts
        return ImageFont.load_default(size)
    place = Path(matplotlib.submodule_search_locations[0])
    return ImageFont.truetype(place / "mpl-data" / "fonts" / "ttf" / "DejaVuSans.ttf", size)


def _in_font(text: str) -> str:
    """A caption in the letters that the font has."""
    return text if importlib.util.find_spec("matplotlib") else text.replace("µ", "u")


def colour_bar(height: int, palette: str, text: int) -> Image.Image:
    """An upright colour bar from 1 (top) to 0, captioned ``potency``.

    Args:
        height: px.
        palette: a name in `PALETTES`.
        text: font size in px.
    """
    thick = max(8, text)
    font = _font(text)
    widest = math.ceil(max(font.getbbox(s)[2] for s in ("potency", "0.5")))
    bar = Image.new("RGB", (thick * 2 + max(widest, thick * 2 + math.ceil(font.getbbox("0.5")[2])), height), "white")
    top, bottom = round(2.2 * text), height - round(0.8 * text)
    ramp = np.repeat(np.linspace(1, 0, bottom - top)[:, None], thick, 1)
    bar.paste(Image.fromarray(colours(ramp, palette)), (thick, top))
    pen = ImageDraw.Draw(bar)
    pen.text((thick, round(0.2 * text)), "potency", fill="black", font=font)
    pen.rectangle((thick, top, 2 * thick - 1, bottom - 1), outline="black")
    for value in (0, 0.25, 0.5, 0.75, 1):
        y = round(bottom - 1 - value * (bottom - 1 - top))
        pen.line((2 * thick, y, 2 * thick + 4, y), fill="black")
        if value in (0, 0.5, 1):
            pen.text((2 * thick + 7, y), f"{value:g}", fill="black", font=font, anchor="lm")
    return bar


def _scale_bar(image: Image.Image, pixel_size_nm: float, shown: float, text: int) -> None:
    """Draws a scale bar on a dark background in the lower left corner; its caption mentions a reduction."""
    length, caption = scale_bar_length(image.width, pixel_size_nm, shown)
    if shown < 1:
        caption += f", shown at 1:{1 / shown:g}"
    caption = _in_font(caption)
    pen, font = ImageDraw.Draw(image), _font(text)
    pad, thick = max(4, text // 2), max(3, text // 5)
    caption_width = font.getbbox(caption)[2]
    width, height = max(length, caption_width) + 2 * pad, text + thick + round(2.4 * pad)
    left, top = pad, image.height - height - pad
    pen.rectangle((left, top, left + width, top + height), fill=(0, 0, 0))
    middle = left + width / 2
    pen.text((middle, top + pad // 2), caption, fill="white", font=font, anchor="ma")
    y = top + height - pad - thick
    pen.rectangle((middle - length / 2, y, middle + length / 2, y + thick), fill="white")


def potency_picture(
    pixels: np.ndarray,
    potency: np.ndarray,
    pixel_size_nm: float = math.nan,
    palette: str = "paper",
    reduced: int = 1,
    strength: float = STRENGTH,
) -> Image.Image:
    """The overlay a scientist hands on: map over micrograph with scale bar, and a colour bar beside it.

    Small pictures are enlarged in whole steps so that the captions stay readable.

    Args:
        pixels: raw grey values ``(height, width)``.
        potency: map in [0, 1] of the same shape.
        pixel_size_nm: of the micrograph; NaN where unknown.
        palette: a name in `PALETTES`.
        reduced: how many of the micrograph's pixels, along a side, one of `pixels` and `potency` is the mean of.
        strength: share of the map's colour, 0 to 1.
    """
    blend = Image.fromarray(overlay(pixels, potency, palette, strength))
    enlarge = max(1, round(512 / max(blend.size)))
    blend = blend.resize((blend.width * enlarge, blend.height * enlarge), Image.Resampling.NEAREST)
    text = max(12, min(blend.size) // 32)
    _scale_bar(blend, pixel_size_nm, enlarge / reduced, text)
    bar = colour_bar(blend.height, palette, text)
    whole = Image.new("RGB", (blend.width + bar.width, blend.height), "white")
    whole.paste(blend, (0, 0))
    whole.paste(bar, (blend.width, 0))
    return whole
