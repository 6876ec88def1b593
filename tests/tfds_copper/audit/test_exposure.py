"""Depths and exposures that are mixed in a folder, or that nothing declares."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from copper_tf.simulation import SimulationSettings, simulate_picture
from tfds_copper.audit.findings import Finding, findings
from tfds_copper.audit.survey import survey_folder
from tfds_copper.errors import InputError
from tfds_copper.folder.scan import scan
from tfds_copper.micrograph import ReadSettings, read
from tfds_copper.splits.assign import SplitSettings

SETTINGS = SimulationSettings(labels=3, pictures=8, sheets=4, height=64, width=80, seed=5)
RULES = ("depth", "mixed-depths", "exposure")


def deep(pixels: np.ndarray, bits: int, declared: bool = False) -> tuple[np.ndarray, int]:
    return pixels.astype(np.uint16) << (bits - 8), 2**bits - 1 if declared else 0


def world(root: Path, kinds: list[tuple[int, bool]]) -> Path:
    """A SEM folder whose pictures, in turn, have so many bits, declared or not; 8 bits are PNG."""
    for t in range(3):
        (root / f"t{t:02}").mkdir(parents=True)
        for k in range(8):
            pixels = simulate_picture(SETTINGS, t, k)[0]
            bits, declared = kinds[k % len(kinds)]
            stem = root / f"t{t:02}" / f"{k}"
            if bits == 8:
                Image.fromarray(pixels).save(stem.with_suffix(".png"))
                continue
            values, top = deep(pixels, bits, declared)
            tags = [(281, 3, 1, top, True)] if declared else []
            tifffile.imwrite(stem.with_suffix(".tif"), values + (values > 0), extratags=tags, metadata=None)
    return root


def found(root: Path, settings: ReadSettings | None = None) -> dict[str, Finding]:
    survey = survey_folder(scan(root), settings)
    assert not any(s.error for s in survey.pictures)
    return {f.rule: f for f in findings(survey, SplitSettings("4/2/2")) if f.rule in RULES}


@pytest.mark.parametrize("bits", [10, 12, 14])
def test_depths_that_nothing_declares(tmp_path: Path, bits: int) -> None:
    root = world(tmp_path / "a", [(bits, False)])
    (rule,) = (one := found(root))
    assert rule == "depth" and one[rule].level == "warning" and len(one[rule].files) == 24
    assert f"no grey value above {2**bits - 1}" in one[rule].text and f"--bit-depth {bits}" in one[rule].text
    assert found(root, ReadSettings(bit_depth=bits)) == {}
    # The user may know that it is a dark picture of 16 bits.
    assert found(root, ReadSettings(bit_depth=16)) == {}


@pytest.mark.parametrize("bits", [8, 10, 12, 16])
def test_clean_folders_are_left_in_peace(tmp_path: Path, bits: int) -> None:
    assert found(world(tmp_path / "a", [(bits, bits < 16)])) == {}


def test_half_8_bit_half_12_in_16(tmp_path: Path) -> None:
    root = world(tmp_path / "a", [(8, False), (12, False)])
    mixed = found(root)
    assert set(mixed) == set(RULES) and len(mixed["depth"].files) == len(mixed["exposure"].files) == 12
    assert mixed["mixed-depths"].text.startswith("mixed bit depths: 8 bits (12), 16 bits (12); ")
    # Once the depth is said, the exposures are the same.
    said = found(root, ReadSettings(bit_depth=12))
    assert set(said) == {"mixed-depths"} and "8 bits (12), 12 bits (12)" in said["mixed-depths"].text


@pytest.mark.parametrize("rare", [(12, False), (14, False)])
def test_a_few_among_full_16_bits(tmp_path: Path, rare: tuple[int, bool]) -> None:
    root = world(tmp_path / "a", [(16, False)] * 7 + [rare])
    (rule,) = (one := found(root))
    assert rule == "exposure" and one[rule].files == tuple(f"t{t:02}/7.tif" for t in range(3))


def test_labels_may_differ_in_brightness(tmp_path: Path) -> None:
    root = world(tmp_path / "a", [(8, False)])
    for path in (root / "t02").iterdir():
        Image.fromarray((read(path).pixels * 0.25).astype(np.uint8)).save(path)
    assert found(root) == {}
    # One picture of another gain in a label is seen.
    path = root / "t00" / "3.png"
    Image.fromarray((read(path).pixels * 0.25).astype(np.uint8)).save(path)
    assert found(root)["exposure"].files == ("t00/3.png",)


def test_a_depth_that_a_picture_exceeds_is_an_error(tmp_path: Path) -> None:
    root = world(tmp_path / "a", [(16, False)])
    with pytest.raises(InputError, match="bit_depth must hold all grey values"):
        read(root / "t00" / "0.tif", ReadSettings(bit_depth=12))
