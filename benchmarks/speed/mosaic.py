"""Does predicting stay flat? Peak memory and time per megapixel of `copper predict` for mosaics of several sides.

Run as ``python -m benchmarks.speed.mosaic``. A mosaic is a tiled TIFF of simulated surface, mirrored on and on. A
prediction is a process of its own, and its peak memory is what the operating system says of it.
"""

from __future__ import annotations

import argparse
import csv
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import tifffile

from benchmarks import RESULTS
from copper_tf.cli.tables import print_table
from tfds_copper.files import write_json
from tfds_copper.micrograph import LARGE, read

__all__ = ["main"]

_RESULTS = RESULTS / "mosaic.json"
_PATCH, _TILE, _PIXEL_NM = 1024, 512, 100.0
# Peak memory may grow by this factor from the smallest large mosaic to the largest.
_FLAT = 1.15
_TRAINED = ("--epochs=1", "--c=8", "--d=2", "--crop=64", "--margin=20", "--batch-size=4")


def _copper(*arguments: object) -> dict[str, float]:
    """Runs a verb; its time and peak memory."""
    started = time.perf_counter()
    process = subprocess.Popen([sys.executable, "-m", "copper_tf.cli.main", *map(str, arguments)])
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        code = os.waitstatus_to_exitcode(status)
        raise SystemExit(f"copper {arguments[0]}: must succeed. Received: exit code {code}")
    return {"seconds": time.perf_counter() - started, "peak_mb": usage.ru_maxrss / 1024}


def _run(place: Path) -> Path:
    """A small segmenter, trained for an epoch on small pictures: what it draws is of no matter here."""
    sizes = ("--height", 128, "--width", 128)
    _copper("simulate", place / "sem", "--labels", 3, "--pictures", 10, "--sheets", 5, *sizes)
    _copper("train", "segmenter", place / "sem", "-o", place / "run", "--split", "6/2/2", *_TRAINED)
    return place / "run"


def _patch(place: Path) -> np.ndarray:
    """One simulated picture, and its mirror images beside and below it: it goes on without a seam."""
    sizes = ("--height", _PATCH, "--width", _PATCH)
    _copper("simulate", place / "patch", "--labels", 3, "--pictures", 1, "--sheets", 1, "--lots", 1, *sizes)
    pixels = read(sorted((place / "patch").glob("t*1/*.png"))[0]).pixels
    return np.block([[pixels, pixels[:, ::-1]], [pixels[::-1], pixels[::-1, ::-1]]])


def _tiles(patch: np.ndarray, side: int) -> Iterator[np.ndarray]:
    count = -(-side // _TILE)
    for index in range(count * count):
        y, x = (_TILE * k % len(patch) for k in divmod(index, count))
        yield patch[y : y + _TILE, x : x + _TILE]


def _measured(place: Path, run: Path, patch: np.ndarray, side: int) -> dict[str, float]:
    mosaic = place / f"mosaic_{side}.tif"
    with tifffile.TiffWriter(mosaic) as file:
        file.write(
            _tiles(patch, side), shape=(side, side), dtype=patch.dtype, tile=(_TILE, _TILE), compression="zlib",
            photometric="minisblack",
        )  # fmt: skip
    output = place / f"out_{side}"
    found = _copper("predict", run, mosaic, "-o", output, "--pixel-size", _PIXEL_NM)
    with (output / "predictions.csv").open(encoding="utf-8-sig") as table:
        potency = float(next(csv.DictReader(table))["potency"])
    written = (output / "maps" / f"mosaic_{side}.tif").stat().st_size
    found |= {"s_per_megapixel": found["seconds"] * 1e6 / side**2, "potency": potency, "map_mb": written / 2**20}
    for file_ in (mosaic, output / "maps" / f"mosaic_{side}.tif"):
        file_.unlink()
    return found


def main() -> int:
    """Prints peak memory and time per megapixel; 1 where memory grows with the area."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sides", type=int, nargs="+", default=(2500, 5000, 10_000, 20_000), help="px")
    parser.add_argument("--place", type=Path, help="where pictures go; a temporary folder by default")
    asked = parser.parse_args()
    found = {}
    with tempfile.TemporaryDirectory(dir=asked.place) as name:
        place = Path(name)
        run, patch = _run(place), _patch(place)
        for side in asked.sides:
            found[side] = _measured(place, run, patch, side)
    columns = ("seconds", "s_per_megapixel", "peak_mb", "map_mb")
    rows = [
        [str(n), *(f"{f[key]:.3g}" if "per" in key else f"{f[key]:.0f}" for key in columns)] for n, f in found.items()
    ]
    print_table(["side, px", "s", "s per megapixel", "peak MB", "map MB"], rows)
    write_json(_RESULTS, {"network": " ".join(_TRAINED), "sides": found})
    large = [f["peak_mb"] for side, f in found.items() if side**2 > LARGE]
    growth = large[-1] / large[0] if large else 1.0
    print(f"peak memory x {growth:.2f} from the smallest mosaic read by windows to the largest")
    return 0 if growth <= _FLAT else 1


if __name__ == "__main__":
    sys.exit(main())
