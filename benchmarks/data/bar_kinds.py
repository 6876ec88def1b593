"""Information bars of many kinds, drawn upon simulated micrographs, and pictures that only seem to have one."""

from __future__ import annotations

import dataclasses
import io
from collections.abc import Callable

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from copper_tf.simulation import SimulationSettings, simulate_picture
from tfds_copper.micrograph.record import BOTTOM, TOP, Bar

__all__ = ["BARS", "TRAPS", "Sample", "bar_sample", "trap_sample"]

BARS = (
    "vendor rows",
    "two lines of text",
    "scale bar only",
    "table with frame",
    "logo",
    "dense text",
    "thin",
    "thick",
)
_SIZES = ((64, 80), (128, 160), (192, 256), (256, 320), (240, 512), (480, 640))
_WORDS = (
    "EHT = 15.00 kV",
    "WD = 8.1 mm",
    "Signal A = SE2",
    "Mag = 10.00 K X",
    "SE",
    "x5,000",
    "15.0kV",
    "Date :3 Mar 2021",
)


@dataclasses.dataclass(frozen=True, eq=False)
class Sample:
    """One picture and what is to be found.

    Args:
        kind: of bar or trap, with how it was saved.
        pixels: `(height, width)`, uint8 or uint16.
        bar: the drawn bar; None where there is none.
        slack: rows that may be cut in excess, for lossy files.
    """

    kind: str
    pixels: np.ndarray
    bar: Bar | None
    slack: int = 0


def _micrograph(rng: np.random.Generator, height: int, width: int) -> np.ndarray:
    """A simulated micrograph, uint8; at times darker, brighter, flatter or darker at one end."""
    world = str(rng.choice(["binary", "gradual", "null", "confound"]))
    settings = SimulationSettings(
        labels=4,
        pictures=4,
        sheets=4,
        height=max(64, height),
        width=max(64, width),
        world=world,
        seed=int(rng.integers(2**31)),
    )
    pixels, _ = simulate_picture(settings, int(rng.integers(4)), int(rng.integers(4)))
    grey = pixels[:height, :width].astype(np.float32)
    change = rng.integers(6)
    if change == 0:  # underexposed
        grey *= rng.uniform(0.15, 0.5)
    elif change == 1:  # overexposed
        grey = 255 - (255 - grey) * rng.uniform(0.2, 0.6)
    elif change == 2:  # low contrast
        grey = grey.mean() + (grey - grey.mean()) * rng.uniform(0.2, 0.6)
    elif change == 3:  # dark towards one end
        grey *= np.linspace(*rng.permutation([rng.uniform(0.1, 0.4), 1.0]), len(grey), dtype=np.float32)[:, None]
    return np.clip(np.rint(grey), 0, 255).astype(np.uint8)


def _text(draw: ImageDraw.ImageDraw, place: tuple[float, float], text: str, size: float, ink: int) -> None:
    draw.text(place, text, fill=ink, font=ImageFont.load_default(max(6.0, size)), anchor="lm")


def _line_of_words(
    rng: np.random.Generator, draw: ImageDraw.ImageDraw, span: tuple[float, float], y: float, size: float, ink: int
) -> None:
    """Words from left to right while there is room."""
    x, end = span
    font = ImageFont.load_default(max(6.0, size))
    for word in rng.permutation(np.array(_WORDS)):
        if x + draw.textlength(str(word), font=font) > end:
            return
        _text(draw, (x, y), str(word), size, ink)
        x += draw.textlength(str(word), font=font) + rng.uniform(0.6, 3) * size


def _scale_bar(rng: np.random.Generator, draw: ImageDraw.ImageDraw, x: float, rows: int, width: int, ink: int) -> float:
    """A scale bar with its length above or beside it; where it ends."""
    length = int(width * rng.uniform(0.1, 0.25))
    thick = max(1, rows // int(rng.integers(12, 24)))
    y = int(rows * rng.uniform(0.6, 0.75))
    draw.rectangle([x, y, x + length, y + thick - 1], fill=ink)
    if rng.random() < 0.6:
        for end in (x, x + length):
            draw.rectangle([end, y - rows // 6, end, min(rows - 4, y + rows // 6)], fill=ink)
    caption = str(rng.choice(["10um", "200 nm", "2 um", "1um"]))
    size = min(0.4 * rows, 28)
    if rows >= 30:
        _text(draw, (x, 0.3 * rows), caption, size, ink)
        return x + length
    _text(draw, (x + length + 3, rows / 2), caption, max(8.0, 0.55 * rows), ink)
    return x + length + 4 * max(8.0, 0.55 * rows)


def _content(rng: np.random.Generator, kind: str, draw: ImageDraw.ImageDraw, rows: int, width: int, ink: int) -> None:
    """Text, scale bar and frame of one kind of bar."""
    edge = max(2, width // 40)
    if kind == "scale bar only":
        _scale_bar(rng, draw, rng.uniform(edge, 0.5 * width), rows, width, ink)
        return
    if kind == "dense text":
        _line_of_words(rng, draw, (edge, width - edge), 0.5 * rows, min(0.6 * rows, 40), ink)
        return
    start = edge + _scale_bar(rng, draw, edge, rows, width, ink) if width > 120 else edge
    if kind in ("two lines of text", "table with frame", "thick") and rows >= 28:
        for y in (0.28, 0.74):
            _line_of_words(rng, draw, (start, width - edge), y * rows, rng.uniform(0.22, 0.34) * rows, ink)
    else:
        _line_of_words(rng, draw, (start, width - edge), 0.5 * rows, rng.uniform(0.4, 0.6) * rows, ink)


def _logo(rng: np.random.Generator, canvas: np.ndarray) -> None:
    """A grey, photo-like patch into the right end, with a margin above and below."""
    rows, width = canvas.shape
    side = max(6, min(rows - 6, width // 6))
    top, left = (rows - side) // 2, width - side - max(4, width // 50)
    y, x = np.mgrid[0:side, 0:side] / side
    patch = 128 + 80 * np.sin(6 * x + 4 * y) + rng.normal(0, 12, (side, side))
    canvas[top : top + side, left : left + side] = np.clip(patch, 0, 255).astype(np.uint8)


def _strip(rng: np.random.Generator, kind: str, rows: int, width: int) -> np.ndarray:
    """A bar for the bottom, `(rows, width)`, uint8; its first row lies against the picture."""
    ground = int(rng.choice([0, 0, 0, 255, 255, 243, 30, 53, 128, 200]))
    ink = 255 if ground < 100 else 0 if ground > 150 else int(rng.choice([0, 255]))
    image = Image.new("L", (width, rows), ground)
    _content(rng, kind, ImageDraw.Draw(image), rows, width, ink)
    canvas = np.array(image)
    if kind == "logo":
        _logo(rng, canvas)
    if kind == "table with frame":
        canvas[[0, -1]] = canvas[:, [0, -1]] = ink
        if rows >= 28 and rng.random() < 0.5:
            canvas[rows // 2] = ink
        for x in rng.integers(width // 4, width, 3):
            canvas[:, x] = ink
    elif rng.random() < 0.5:
        canvas[: rng.integers(1, 4)] = 255 if ground < 255 and rng.random() < 0.6 else 0
    if rng.random() < 0.2:  # a border line at the picture's edge
        canvas[-int(rng.integers(1, 3)) :] = ink
    return canvas


def _jpeg(pixels: np.ndarray, quality: int) -> np.ndarray:
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "JPEG", quality=quality)
    return np.asarray(Image.open(stream))


def _saved(rng: np.random.Generator, pixels: np.ndarray) -> tuple[str, np.ndarray, int]:
    """The picture as some file would hold it: how, its pixels, and the rows of slack."""
    how = int(rng.choice(7, p=[0.4, 0.2, 0.1, 0.1, 0.08, 0.06, 0.06]))
    if how == 1:
        return "JPEG 75", _jpeg(pixels, 75), 1
    if how == 2:
        noise = rng.integers(-2, 3, pixels.shape)
        return "noise of 2", np.clip(pixels + noise, 0, 255).astype(np.uint8), 0
    if how == 3:
        return "JPEG 90", _jpeg(pixels, 90), 1
    if how == 4:
        return "8 in 16 bits", pixels.astype(np.uint16) * int(rng.choice([256, 257])), 0
    if how == 5:
        return "12 in 16 bits", pixels.astype(np.uint16) * np.uint16(16) + np.uint16(15 * rng.integers(2)), 0
    if how == 6:
        return "16 bits", np.rint(pixels * (65535 / 255)).astype(np.uint16), 0
    return "as drawn", pixels, 0


def bar_sample(seed: int, index: int) -> Sample:
    """A micrograph with a bar, of kind ``BARS[index % len(BARS)]``.

    Args:
        seed: of the experiment.
        index: number of the picture.
    """
    rng = np.random.default_rng((seed, 1, index))
    kind = BARS[index % len(BARS)]
    height, width = _SIZES[int(rng.integers(len(_SIZES)))]
    if kind in ("two lines of text", "table with frame", "logo"):
        height, width = _SIZES[int(rng.integers(2, len(_SIZES)))]
    lowest = 28 if kind in ("two lines of text", "table with frame") else 16
    rows = int(rng.integers(lowest, max(lowest + 1, round(0.16 * height))))
    rows = 16 if kind == "thin" else max(16, height // 5) if kind == "thick" else rows
    side = TOP if rng.random() < 0.2 else BOTTOM
    grey, strip = _micrograph(rng, height, width), _strip(rng, kind, rows, width)
    parts = [grey, strip] if side == BOTTOM else [np.flipud(strip), grey]
    how, pixels, slack = _saved(rng, np.vstack(parts))
    return Sample(f"{kind}, {how}", pixels, Bar(side, rows), slack)


def _wavy(rng: np.random.Generator, grey: np.ndarray, value: int, depth: float, roughness: float) -> np.ndarray:
    """A constant region at the bottom (or top) with a natural border."""
    height, width = grey.shape
    walk = np.cumsum(rng.normal(0, roughness, width)) + rng.uniform(-0.1, 0.1) * np.arange(width)
    border = height * (1 - depth) + walk - walk.mean()
    changed = np.where(np.arange(height)[:, None] >= border, value, grey).astype(np.uint8)
    return changed[::-1] if rng.random() < 0.4 else changed


def _pore(rng: np.random.Generator, grey: np.ndarray) -> np.ndarray:
    return _wavy(rng, grey, int(rng.choice([0, 255])), rng.uniform(0.08, 0.3), rng.uniform(0.3, 2))


def _resin(rng: np.random.Generator, grey: np.ndarray) -> np.ndarray:
    """A straight cut against vacuum or resin, constant, or with faint noise; nothing in it."""
    changed, rows = grey.copy(), max(10, int(len(grey) * rng.uniform(0.08, 0.3)))
    value, noise = int(rng.choice([0, 3, 20, 255])), int(rng.integers(0, 4))
    part = np.clip(value + rng.integers(-noise, noise + 1, (rows, grey.shape[1])), 0, 255)
    changed[-rows:] = part
    return changed[::-1] if rng.random() < 0.5 else changed


def _dust(rng: np.random.Generator, grey: np.ndarray) -> np.ndarray:
    """Vacuum under an edge that is straight but tilted, with bright particles in it."""
    height, width = grey.shape
    border = height * rng.uniform(0.75, 0.85) + np.arange(width) * rng.choice([-1, 1]) * rng.uniform(0.02, 0.1)
    vacuum = np.arange(height)[:, None] >= border
    changed = np.where(vacuum, 0, grey)
    y, x = np.mgrid[0:height, 0:width]
    for _ in range(int(rng.integers(2, 9))):
        r = rng.uniform(1, 6)
        spot = np.exp(-((y - rng.uniform(0.8, 1) * height) ** 2 + (x - rng.uniform(0, 1) * width) ** 2) / (2 * r * r))
        changed = np.maximum(changed, np.where(vacuum, 255 * spot, 0))
    return changed.astype(np.uint8)


def _defocussed(rng: np.random.Generator, grey: np.ndarray) -> np.ndarray:
    """A lower part without structure: almost one value, with a little noise."""
    rows = int(len(grey) * rng.uniform(0.1, 0.4))
    changed = grey.astype(float)
    fade = np.clip((np.arange(len(grey)) - len(grey) + rows) / 6, 0, 1)[:, None]
    flat = rng.uniform(20, 230) + rng.normal(0, rng.uniform(0.3, 3), grey.shape)
    return np.clip(np.rint(changed * (1 - fade) + flat * fade), 0, 255).astype(np.uint8)


def _band(rng: np.random.Generator, grey: np.ndarray) -> np.ndarray:
    """Scan lines saturated by charging, at the bottom or the top, with structure that still shows through."""
    rows, changed = max(10, len(grey) // int(rng.integers(5, 10))), grey.astype(float)
    changed[-rows:] += rng.uniform(100, 220)
    changed = changed[::-1] if rng.random() < 0.5 else changed
    return np.clip(changed, 0, 255).astype(np.uint8)


def _underexposed(rng: np.random.Generator, grey: np.ndarray) -> np.ndarray:
    """Nearly all pixels at the end of the scale; only the brightest spots remain, like crumbs of text."""
    cut = np.quantile(grey, rng.uniform(0.6, 0.97))
    dark = np.clip((grey.astype(float) - cut) * rng.uniform(2, 8), 0, 255).astype(np.uint8)
    return 255 - dark if rng.random() < 0.4 else dark


def _mask(rng: np.random.Generator, grey: np.ndarray) -> np.ndarray:
    from scipy import ndimage

    smooth = ndimage.gaussian_filter(grey.astype(float), rng.uniform(1, 8))
    return (smooth > np.quantile(smooth, rng.uniform(0.1, 0.95))).astype(np.uint8) * np.uint8(rng.choice([1, 255]))


def _constant(rng: np.random.Generator, grey: np.ndarray) -> np.ndarray:
    return np.full_like(grey, rng.choice([0, 1, 128, 255]))


def _gradient(rng: np.random.Generator, grey: np.ndarray) -> np.ndarray:
    ramp = np.linspace(*rng.uniform(0, 255, 2), len(grey))[:, None] + rng.normal(0, rng.choice([0, 1.5]), grey.shape)
    return np.clip(np.rint(ramp), 0, 255).astype(np.uint8)


def _line_noise(rng: np.random.Generator, grey: np.ndarray) -> np.ndarray:
    """Whole scan lines brighter or darker, some lost."""
    changed = grey + rng.normal(0, 8, (len(grey), 1))
    lost = rng.random(len(grey)) < 0.1
    changed[lost] = rng.choice([0, 255])
    return np.clip(changed, 0, 255).astype(np.uint8)


def _annotated(rng: np.random.Generator, grey: np.ndarray) -> np.ndarray:
    """Text and a scale bar upon the texture, at times in a box that is not as wide as the picture."""
    height, width = grey.shape
    image = Image.fromarray(grey)
    draw = ImageDraw.Draw(image)
    rows = max(16, height // 8)
    if rng.random() < 0.4:
        left = int(width * rng.uniform(0.1, 0.6))
        draw.rectangle([left, height - rows, width, height], fill=0)
    layer = Image.new("L", (width, rows), 0)
    _content(rng, "two lines of text", ImageDraw.Draw(layer), rows, width, 255)
    image.paste(255, (0, height - rows), layer)
    return np.array(image)


def _pore_with_text(rng: np.random.Generator, grey: np.ndarray) -> np.ndarray:
    changed = np.array(_wavy(rng, grey, 0, rng.uniform(0.15, 0.3), rng.uniform(0.3, 2)))
    changed = changed[::-1] if changed[0].any() < changed[-1].any() else changed
    image = Image.fromarray(np.ascontiguousarray(changed))
    _text(ImageDraw.Draw(image), (5, 0.93 * len(grey)), "10um  SE  15 kV", 0.06 * len(grey), 255)
    return np.array(image)


def _as_it_is(rng: np.random.Generator, grey: np.ndarray) -> np.ndarray:
    return grey


TRAPS: dict[str, Callable[[np.random.Generator, np.ndarray], np.ndarray]] = {
    "micrograph": _as_it_is,
    "black or white region": _pore,
    "straight cut, empty": _resin,
    "vacuum with dust": _dust,
    "flat lower part": _defocussed,
    "saturated band": _band,
    "clipped": _underexposed,
    "mask": _mask,
    "constant": _constant,
    "gradient": _gradient,
    "line noise": _line_noise,
    "annotation": _annotated,
    "annotated pore": _pore_with_text,
}


def trap_sample(seed: int, index: int) -> Sample:
    """A picture without a bar, every second one a plain micrograph, the others the traps in turn.

    Args:
        seed: of the experiment.
        index: number of the picture.
    """
    rng = np.random.default_rng((seed, 2, index))
    names = list(TRAPS)
    kind = names[0] if index % 4 == 0 else names[1 + (index - index // 4 - 1) % (len(names) - 1)]
    grey = _micrograph(rng, *_SIZES[int(rng.integers(len(_SIZES)))])
    how, pixels, _ = _saved(rng, np.ascontiguousarray(TRAPS[kind](rng, grey)))
    return Sample(f"{kind}, {how}", pixels, None)
