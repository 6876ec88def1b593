"""A contact sheet: micrographs of some labels side by side, the true mask below each."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from copper_tf.simulation.folder import picture_path, read_settings
from copper_tf.simulation.information_bar import scale_bar_length
from copper_tf.simulation.picture import plan_picture, simulate_picture
from copper_tf.simulation.settings import SimulationSettings
from tfds_copper.errors import InputError

__all__ = ["render_contact_sheet"]

_GAP, _TOP, _CAPTION, _FOOT = 8, 44, 26, 34
_INK, _PAPER = 32, 255


def _load(path: Path) -> np.ndarray:
    try:
        with Image.open(path) as image:
            pixels = np.asarray(image)
    except OSError:
        raise InputError(f"{path}: must be a picture of the simulation. Received: none that can be read") from None
    return pixels


def _pair(folder: Path | None, settings: SimulationSettings, label: int) -> tuple[np.ndarray, np.ndarray | None]:
    """The first picture of a label as 8-bit greys, and its mask, from the folder or drawn anew."""
    if folder is None:
        pixels, mask = simulate_picture(settings, label, 0)
    else:
        name = picture_path(settings, label, 0)
        pixels = _load(folder / name)
        mask = None if settings.world == "gradual" else _load(folder / "truth" / name) > 0
    # Pillow reads 16-bit greys as 32-bit integers in some versions: the settings know the depth.
    return (pixels if settings.bit_depth == 8 else pixels // 257).astype(np.uint8), mask


def _text(draw: ImageDraw.ImageDraw, at: tuple[float, float], text: str, size: int, anchor: str = "lm") -> None:
    draw.text(at, text, fill=_INK, font=ImageFont.load_default(size), anchor=anchor)


def _headline(settings: SimulationSettings, tile: int) -> str:
    line = f"{settings.world} world, f = {settings.law}, seed {settings.seed}"
    return f"Simulated micrographs: {line}; {tile} px crops at 100%"


def render_contact_sheet(
    source: str | os.PathLike[str] | SimulationSettings, *, columns: int = 8, tile: int = 200
) -> Image.Image:
    """Micrographs over their masks, one column per label, with t, the drawn area and a scale bar.

    Args:
        source: a folder that `simulate` wrote, or settings whose pictures are drawn anew.
        columns: at most so many labels, spread evenly, the first and the last among them.
        tile: side of each crop in px, shown at 100%.

    Returns:
        A grey picture, mode "L".

    Raises:
        InputError: if a picture of the folder can't be read.
        OutputError: if the folder was not simulated.
    """
    settings = source if isinstance(source, SimulationSettings) else read_settings(source)
    folder = None if isinstance(source, SimulationSettings) else Path(source)
    tile = min(tile, settings.height - settings.bar, settings.width)
    count = max(2, min(columns, settings.labels))
    labels = np.unique(np.linspace(0, settings.labels - 1, count).round().astype(int)).tolist()
    rows = 1 if settings.world == "gradual" else 2
    size = (_GAP + count * (tile + _GAP), _TOP + _CAPTION + rows * (tile + _GAP) + _FOOT)
    sheet = Image.new("L", size, _PAPER)
    draw = ImageDraw.Draw(sheet)
    _text(draw, (_GAP, _TOP / 2), _headline(settings, tile), 18)
    noun = "amplitude" if settings.world == "gradual" else "area"
    for column, label in enumerate(labels):
        x, y = _GAP + column * (tile + _GAP), _TOP + _CAPTION
        pixels, mask = _pair(folder, settings, label)
        sheet.paste(Image.fromarray(pixels[:tile, :tile]), (x, y))
        if mask is not None:
            y += tile + _GAP
            sheet.paste(Image.fromarray(mask[:tile, :tile].astype(np.uint8) * np.uint8(255)), (x, y))
            draw.rectangle([x, y, x + tile - 1, y + tile - 1], outline=160)
        caption = f"t = {settings.times()[label]}   {noun} {plan_picture(settings, label, 0).share:.3f}"
        _text(draw, (x, _TOP + _CAPTION / 2), caption, 15)
    _foot(draw, settings, size, tile)
    return sheet


def _foot(draw: ImageDraw.ImageDraw, settings: SimulationSettings, size: tuple[int, int], tile: int) -> None:
    """Scale bar and key below the tiles."""
    length, caption = scale_bar_length(2 * tile, settings.pixel_size_nm)
    middle = size[1] - _FOOT / 2
    draw.rectangle([_GAP, middle - 3, _GAP + length - 1, middle + 2], fill=_INK)
    _text(draw, (_GAP + length + _GAP, middle), caption, 15)
    if settings.world != "gradual":
        _text(draw, (size[0] - _GAP, middle), "mask: white = rough, black = smooth", 15, "rm")
