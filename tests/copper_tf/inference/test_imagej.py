"""What `copper predict` writes, opened by ImageJ itself: Debian's package `imagej`; skipped where it is absent."""

from __future__ import annotations

import math
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import tifffile
from PIL import Image

from copper_tf.cli.main import main
from copper_tf.inference import map_files as maps
from copper_tf.inference.map_files import map_file, write_map
from copper_tf.runs.run import seed_runs
from tfds_copper.micrograph import windows

# Each starts programs of its own.
pytestmark = pytest.mark.slow

_JAR = Path("/usr/share/java/ij.jar")
_SECONDS = 120
# The macro language's own `open` wants a menu bar, which there is none of without a screen; a sequence of one file is
# opened by the same classes.
_MACRO = """
setBatchMode(true);
files = split(getArgument(), "\\n");
for (i = 0; i < files.length; i++) {
    File.openSequence(File.getParent(files[i]), " filter=(^" + File.getName(files[i]) + "$)");
    getPixelSize(unit, across, down);
    getStatistics(area, mean, min, max);
    print("said " + getWidth() + " " + getHeight() + " " + bitDepth() + " " + unit + " " + d2s(across, 9) + " "
        + d2s(down, 9) + " " + d2s(mean, 9) + " " + d2s(min, 9) + " " + d2s(max, 9));
    close();
}
"""
_NM = {"µm": 1000.0, "nm": 1.0, "pixels": math.nan}
SIZE_NM = 12.5


class Said(NamedTuple):
    """What ImageJ says of a file; the pixel size is NaN where it counts pixels."""

    width: int
    height: int
    bits: int
    across_nm: float
    down_nm: float
    mean: float
    lowest: float
    highest: float


@pytest.fixture
def ask(tmp_path: Path) -> Any:
    """Has ImageJ open files; what it says of each, as far as it gets."""
    java = shutil.which("java")
    if java is None or not _JAR.is_file():
        pytest.skip("ImageJ isn't installed (Debian: apt-get install imagej)")
    macro = tmp_path / "ask.ijm"
    macro.write_text(_MACRO)

    def asked(*files: Path) -> list[Said]:
        options = ["-Djava.awt.headless=true", f"-Duser.home={tmp_path}", "-Dfile.encoding=UTF-8"]
        command = [java, *options, "-jar", str(_JAR), "-batch", str(macro), "\n".join(map(str, files))]
        done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", timeout=_SECONDS)
        print(done.stdout)
        found = []
        for line in re.findall(r"^said (.+)$", done.stdout, re.MULTILINE):
            width, height, bits, unit, *values = line.split(" ")
            across, down, *figures = map(float, values)
            found.append(Said(int(width), int(height), int(bits), across * _NM[unit], down * _NM[unit], *figures))
        return found

    return asked


def agrees(said: Said, values: np.ndarray, size_nm: float) -> None:
    """Asserts that ImageJ sees these values, to float32, at this pixel size."""
    assert (said.height, said.width) == values.shape and said.bits == 32
    assert (said.across_nm, said.down_nm) == pytest.approx((size_nm, size_nm), rel=1e-6, nan_ok=True)
    figures = [values.mean(dtype=np.float64), values.min(), values.max()]
    np.testing.assert_allclose(said[-3:], figures, rtol=0, atol=1e-6)


@pytest.fixture(scope="module")
def picture(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A micrograph of awkward size."""
    path = tmp_path_factory.mktemp("picture") / "a.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (83, 61), dtype=np.uint8)).save(path)
    return path


@pytest.mark.parametrize("large", [False, True])
def test_imagej_opens_what_predict_writes(
    large: bool, picture: Path, runs: dict[str, Any], ask: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ensemble = tmp_path / "ensemble"
    for seed in (0, 1):
        shutil.copytree(runs["segmenter"].path, ensemble / f"seed_{seed}")
    assert len(seed_runs(ensemble)) == 2
    if large:
        monkeypatch.setattr(maps, "LARGE", 0)
        monkeypatch.setattr(windows, "LARGE", 0)
    arguments = [str(ensemble), str(picture), "-o", str(tmp_path / "out"), "--pixel-size", str(SIZE_NM)]
    assert main(["predict", *arguments]) == 0
    floats = [tmp_path / "out" / folder / "a.tif" for folder in ("maps", "scatter")]
    overlay = tmp_path / "out" / "overlays" / "a.png"
    *said, coloured = ask(*floats, overlay)
    for one, file in zip(said, floats, strict=True):
        agrees(one, tifffile.imread(file), SIZE_NM)
    assert 0 < said[0].lowest < said[0].highest < 1
    colours = np.asarray(Image.open(overlay).convert("RGB"))
    assert (coloured.height, coloured.width, coloured.bits) == (*colours.shape[:2], 24)
    # ImageJ takes the grey value of a colour as the mean of its three parts, rounded.
    assert coloured.mean == pytest.approx(colours.mean(), abs=0.5)


def test_without_a_pixel_size_pixels_are_counted(ask: Any, tmp_path: Path) -> None:
    values = np.random.default_rng(0).random((40, 50), np.float32)
    write_map(tmp_path / "a.tif", values)
    agrees(ask(tmp_path / "a.tif")[0], values, math.nan)


@pytest.mark.parametrize("damage", ["short", "other scale", "bytes", "no header"])
def test_the_check_sees_damage(damage: str, ask: Any, tmp_path: Path) -> None:
    """The control: what agrees only in part doesn't agree."""
    values = np.random.default_rng(0).random((60, 50), np.float32)
    write_map(tmp_path / "whole.tif", values, SIZE_NM)
    data = bytearray((tmp_path / "whole.tif").read_bytes())
    if damage == "short":
        del data[len(data) // 2 :]
    if damage == "bytes":
        data[-400:] = bytes(400)
    if damage == "no header":
        data[:4] = bytes(4)
    (tmp_path / "bad.tif").write_bytes(data)
    said = ask(tmp_path / "whole.tif", tmp_path / "bad.tif")
    agrees(said[0], values, SIZE_NM)
    if damage == "no header":
        assert len(said) == 1
        return
    with pytest.raises(AssertionError):
        agrees(said[1], values, SIZE_NM if damage != "other scale" else 10.0)


def test_maps_over_4_gb_are_beyond_plain_imagej(ask: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the docs say of them; Fiji opens such by Bio-Formats."""
    values = np.random.default_rng(0).random((60, 50), np.float32)
    monkeypatch.setattr(maps, "LARGE", 0)
    monkeypatch.setattr(maps, "_CLASSIC", 0)
    with map_file(tmp_path / "a.tif", (60, 50), SIZE_NM) as write:
        write(slice(0, 60), slice(0, 50), values)
    assert ask(tmp_path / "a.tif") == []
    np.testing.assert_array_equal(tifffile.imread(tmp_path / "a.tif"), values)
