"""Finding the information bar by looking."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from benchmarks.data.bar_kinds import BARS, TRAPS, bar_sample, trap_sample
from benchmarks.data.bars import experiment, verdict
from copper_tf.simulation import SimulationSettings, simulate_picture
from tfds_copper.micrograph import ReadSettings, read
from tfds_copper.micrograph.bar import find_bar
from tfds_copper.micrograph.record import BOTTOM, TOP, Bar
from tfds_copper.micrograph.settings import KEEP


def _micrograph(height: int = 240, width: int = 320, bar: int = 0, bit_depth: int = 8) -> np.ndarray:
    settings = SimulationSettings(
        labels=2, pictures=1, sheets=1, lots=1, height=height, width=width, bar=bar, bit_depth=bit_depth, seed=5
    )
    return simulate_picture(settings, 0, 0)[0]


def _file(path: Path) -> np.ndarray:
    return read(path, ReadSettings(bar=KEEP)).pixels


def _strip(rows: int, width: int, ground: int, ink: int) -> np.ndarray:
    image = Image.new("L", (width, rows), ground)
    font = ImageFont.load_default(0.5 * rows)
    ImageDraw.Draw(image).text((0.05 * width, rows / 2), "15 kV  10um", fill=ink, font=font, anchor="lm")
    return np.asarray(image)


def test_a_seeded_part_of_the_experiment() -> None:
    counts, failures = experiment(seed=0, pictures=3 * len(TRAPS))
    assert not failures
    assert sum(counts.values()) == 6 * len(TRAPS)


def test_the_experiment_tells_failures_apart() -> None:
    bar, trap = bar_sample(0, 0), trap_sample(0, 0)
    assert bar.bar is not None and trap.bar is None
    assert verdict(bar, bar.bar) == "found" and verdict(trap, None) == "left alone"
    assert verdict(bar, None) == "missed" and verdict(trap, bar.bar) == "false crop"
    assert verdict(bar, Bar(bar.bar.side, bar.bar.rows - 1)) == "wrong rows"
    assert bar_sample(0, len(BARS)).kind.startswith(BARS[0])


@pytest.mark.parametrize("bar", [16, 40, 64])
@pytest.mark.parametrize("bit_depth", [8, 16])
def test_the_simulations_own_bar(bar: int, bit_depth: int) -> None:
    assert find_bar(_micrograph(256, 320, bar, bit_depth)) == Bar(BOTTOM, bar)


def test_no_bar_upon_a_plain_micrograph() -> None:
    for size in ((64, 80), (240, 320)):
        assert find_bar(_micrograph(*size)) is None


@pytest.mark.parametrize(("ground", "ink"), [(0, 255), (255, 0), (128, 255), (53, 255), (200, 0)])
@pytest.mark.parametrize("side", [BOTTOM, TOP])
def test_every_ground_at_either_side(ground: int, ink: int, side: str) -> None:
    grey, strip = _micrograph(), _strip(30, 320, ground, ink)
    pixels = np.vstack([grey, strip] if side == BOTTOM else [strip, grey])
    found = find_bar(pixels)
    assert found == Bar(side, 30)
    assert found is not None
    np.testing.assert_array_equal(found.crop(pixels), grey)


def test_lines_belong_to_the_bar() -> None:
    strip = _strip(30, 320, 0, 255).copy()
    strip[:2] = strip[-2:] = 255
    assert find_bar(np.vstack([_micrograph(), strip])) == Bar(BOTTOM, 30)


def test_a_stray_row_of_the_picture_below_the_bar() -> None:
    grey = _micrograph()
    assert find_bar(np.vstack([grey[:-1], _strip(30, 320, 255, 0), grey[-1:]])) == Bar(BOTTOM, 31)


def test_a_dark_picture_beside_a_black_bar() -> None:
    dark = (_micrograph() * 0.1).astype(np.uint8)
    assert find_bar(np.vstack([dark, _strip(24, 320, 0, 255)])) == Bar(BOTTOM, 24)


@pytest.mark.parametrize("factor", [1, 16, 256, 257])
def test_few_bits_in_16(factor: int) -> None:
    pixels = np.vstack([_micrograph(), _strip(24, 320, 0, 255)]).astype(np.uint16) * np.uint16(factor)
    assert find_bar(pixels) == Bar(BOTTOM, 24)


def test_a_tiny_and_a_wide_picture() -> None:
    assert find_bar(np.vstack([_micrograph(64, 80), _strip(16, 80, 0, 255)])[16:]) == Bar(BOTTOM, 16)
    grey = np.tile(_micrograph(960, 1280), (2, 2))
    assert find_bar(np.vstack([grey[:-120], _strip(120, 2560, 0, 255)])) == Bar(BOTTOM, 120)


@pytest.mark.parametrize("kind", sorted(TRAPS))
def test_traps_are_left_alone(kind: str) -> None:
    for seed in range(6):
        grey = _micrograph() if seed % 2 else (_micrograph(128, 160) * 0.4).astype(np.uint8)
        assert find_bar(np.ascontiguousarray(TRAPS[kind](np.random.default_rng(seed), grey))) is None


@pytest.mark.parametrize("ground", [0, 128, 255])
def test_a_strip_without_glyphs_is_no_bar(ground: int) -> None:
    assert find_bar(np.vstack([_micrograph(), np.full((30, 320), ground, np.uint8)])) is None


@pytest.mark.parametrize("shape", [(1, 1), (5, 300), (300, 3), (40, 40), (33, 64)])
@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
def test_any_size_can_be_asked(shape: tuple[int, int], kind: type) -> None:
    noise = np.random.default_rng(0).integers(0, 256, shape)
    for values in (noise, np.zeros(shape), np.full(shape, 255), np.where(noise > 250, 255, 0)):
        assert find_bar(values.astype(kind)) is None


@pytest.mark.parametrize(
    ("name", "rows"),
    [
        ("test_tiff_Zeiss_SEM_1k.tif", 77),
        ("test_tiff_Zeiss_SEM_512pix.tif", 34),
        ("zeiss_aquami_sample.tif", 77),
        ("tescan_1.tif", 179),
    ],
)
def test_bars_of_real_instruments(shared: Path, name: str, rows: int) -> None:
    assert find_bar(_file(shared / "vendor_sem" / name)) == Bar(BOTTOM, rows)


def test_real_pictures_without_bar(shared: Path) -> None:
    found = {}
    for folder, step in (("superalloy/images", 1), ("ebc_oxide/images", 1), ("superalloy_tiles/t03", 2)):
        paths = sorted((shared / folder).glob("*.png"))
        assert paths
        found.update({path.name: find_bar(_file(path)) for path in paths[::step]})
    assert not {name: bar for name, bar in found.items() if bar}


def test_nothing_is_decided_where_the_picture_is_blanked(shared: Path) -> None:
    # The owner of these files zeroed the image; only the metadata can tell where it ends.
    for bits in (8, 16):
        assert find_bar(_file(shared / "vendor_sem" / f"FEI-Helios-Ebeam-{bits}bits.tif")) is None


@pytest.mark.parametrize("share", [0.5, 0.6, 0.7, 0.8])
@pytest.mark.parametrize("where", ["left", "middle", "both sides"])
@pytest.mark.parametrize(("ground", "ink"), [(0, 255), (255, 0)])
def test_a_picture_of_the_bars_own_value_beside_it(ground: int, ink: int, where: str, share: float) -> None:
    grey, wide = _micrograph(240, 320).copy(), int(320 * share)
    ends = {"left": [(0, wide)], "middle": [(160 - wide // 2, 160 + wide // 2)], "both sides": [
        (0, wide // 2), (320 - wide // 2, 320)]}[where]  # fmt: skip
    for first, last in ends:
        grey[100:, first:last] = ground
    strip = _strip(30, 320, ground, ink)
    assert find_bar(np.vstack([grey, strip])) == Bar(BOTTOM, 30)
    assert find_bar(np.vstack([strip, grey[::-1]])) == Bar(TOP, 30)
    # Without anything written there is no telling.
    assert find_bar(np.vstack([grey, np.full_like(strip, ground)])) is None


def test_text_below_objects_on_a_black_ground_is_no_bar() -> None:
    y, x = np.mgrid[0:240, 0:320]
    for seed in range(8):
        draw = np.random.default_rng(seed)
        pixels = np.zeros((240, 320), np.uint8)
        for _ in range(30):
            radius = draw.uniform(3, 25)
            row, column = draw.uniform(0, 205 - radius), draw.uniform(0, 320)
            pixels[np.hypot(y - row, x - column) < radius] = draw.integers(60, 255)
        pixels[210:] |= _strip(30, 320, 0, 255)
        assert find_bar(pixels) is None
