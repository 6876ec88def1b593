"""Colours, scale bars and overlays."""

from __future__ import annotations

import math

import numpy as np
import pytest

from copper_tf.utils import drawing
from copper_tf.utils.drawing import (
    PALETTES,
    colour_bar,
    colours,
    grey_image,
    overlay,
    potency_picture,
    scale_bar_length,
)


def test_an_overlay_is_grey_and_colour_mixed_in_their_shares() -> None:
    draw = np.random.default_rng(0)
    pixels, potency = draw.integers(0, 65535, (300, 41), dtype=np.uint16), draw.random((300, 41), np.float32)
    grey = grey_image(pixels)[..., None].astype(np.float32)
    for palette, strength in (("paper", 0.45), ("safe", 0.3)):
        expected = (grey * (1 - strength) + colours(potency, palette) * strength).round()
        np.testing.assert_array_equal(overlay(pixels, potency, palette, strength), expected)


def test_blue_is_good_and_red_is_bad() -> None:
    low, high = colours(np.array([0.0, 1.0])).astype(int)
    assert low[0] > 150 > low[2] and high[2] > 150 > high[0]


def test_the_safe_palette_rises_in_brightness() -> None:
    brightness = colours(np.linspace(0, 1, 50), "safe") @ np.array([0.2126, 0.7152, 0.0722])
    assert np.all(np.diff(brightness) > 0)


@pytest.mark.parametrize(
    ("width", "nm", "pixels", "caption"),
    [(1280, 100, 200, "20 µm"), (512, 20, 100, "2 µm"), (640, 1.0, 100, "100 nm"), (128, math.nan, 20, "20 px")],
)
def test_scale_bars_are_round_and_right(width: int, nm: float, pixels: int, caption: str) -> None:
    assert scale_bar_length(width, nm) == (pixels, caption)


def test_grey_display_keeps_order_and_uses_the_range() -> None:
    ramp = np.linspace(1000, 3000, 10_000).reshape(100, 100).astype(np.uint16)
    shown = grey_image(ramp)
    assert shown.min() == 0 and shown.max() == 255 and np.all(np.diff(shown.ravel().astype(int)) >= 0)
    assert np.ptp(grey_image(np.full((8, 8), 7, np.uint8))) == 0


def test_overlay_mixes_picture_and_map() -> None:
    pixels = np.random.default_rng(0).integers(0, 255, (40, 50)).astype(np.uint8)
    clear = overlay(pixels, np.full((40, 50), 0.5), strength=0.0)
    assert np.ptp(clear, axis=-1).max() == 0
    full = overlay(pixels, np.ones((40, 50)), strength=1.0)
    assert np.all(full == colours(np.array(1.0)))


@pytest.mark.parametrize("palette", PALETTES)
@pytest.mark.parametrize("shape", [(64, 64), (960, 1280), (40, 300)])
def test_the_picture_handed_on_has_scale_and_colour_bar(shape: tuple[int, int], palette: str) -> None:
    draw = np.random.default_rng(0)
    pixels = draw.integers(0, 255, shape).astype(np.uint8)
    whole = potency_picture(pixels, draw.random(shape, np.float32), 100.0, palette)
    assert whole.width > shape[1] and whole.height >= shape[0]
    assert colour_bar(300, palette, 14).size[1] == 300


def test_without_matplotlib_there_is_another_font_and_no_letter_that_it_lacks(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a PC that only predicts."""
    pixels, potency = np.zeros((300, 400), np.uint8), np.zeros((300, 400), np.float32)
    usual = np.asarray(potency_picture(pixels, potency, 25.0))
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    drawing._font.cache_clear()
    try:
        other = np.asarray(potency_picture(pixels, potency, 25.0))
    finally:
        drawing._font.cache_clear()
    assert drawing._in_font("2 µm") == "2 um"
    assert other.shape[0] == usual.shape[0] and not np.array_equal(other[-60:, :200], usual[-60:, :200])
