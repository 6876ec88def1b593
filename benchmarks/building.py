"""Does building stay flat? Time per picture and peak memory of `copper build` for two sizes of a folder.

Run as ``python -m benchmarks.building``. The pictures are cuts of simulated ones at places that never overlap, with
their own noise, so that making thousands of them takes less time than building them. Each build is a process of its
own, and its peak memory is what the operating system says of it.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image

from copper_tf.cli.tables import print_table

__all__ = ["main"]

_LABELS, _HEIGHT, _WIDTH = 16, 960, 1280
_RESULTS = Path(__file__).with_name("results") / "building.json"
# Time and memory per picture may grow by this factor from the small folder to the large one.
_FLAT = 1.25
_SHUFFLE_MB = 1000  # TFDS sorts up to 1 GB of records in memory, then on disk


def _source(seed: int) -> np.ndarray:
    """A picture of the synthetic world, twice as large as asked for, to cut from."""
    from copper_tf.simulation import SimulationSettings, picture

    settings = SimulationSettings(labels=2, pictures=1, sheets=1, lots=1, height=_HEIGHT, width=_WIDTH, seed=seed)
    return picture(settings, seed % 2, 0)[0]


def _folder(root: Path, pictures: int, side: tuple[int, int], seed: int) -> None:
    """Pictures that differ in every respect that the audit looks at: turned, mirrored, rolled and noisy cuts."""
    draw = np.random.default_rng(seed)
    sources = [_source(k) for k in range(16)]
    lines = ["file,t,sheet,pixel_size_nm"]
    for n in range(pictures):
        label, sheet = n % _LABELS, n // _LABELS // 10
        # Every picture is a mosaic of its own: no two show one place.
        tiles = [np.roll(sources[draw.integers(16)], draw.integers(960, size=2), (0, 1)) for _ in range(4)]
        rows, columns = side[0] // 2, side[1] // 2
        halves = [np.hstack([t[:rows, :columns] for t in pair]) for pair in (tiles[:2], tiles[2:])]
        pixels = np.clip(np.vstack(halves) + draw.integers(-6, 7, side, dtype=np.int16), 0, 255).astype(np.uint8)
        file = root / f"t{label:02d}" / f"s{sheet:03d}_{n:05d}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(file, compress_level=1)
        lines.append(f"{file.relative_to(root).as_posix()},{label},{label}-{sheet},100")
    (root / "labels.csv").write_text("\n".join(lines) + "\n")


def _built(folder: Path, output: Path) -> dict[str, float]:
    started = time.perf_counter()
    command = [sys.executable, "-m", "copper_tf.cli.main", "build", str(folder), "-o", str(output), "--force"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"{folder}: the build must succeed. Received: exit code {os.waitstatus_to_exitcode(status)}")
    return {"seconds": time.perf_counter() - started, "peak_mb": usage.ru_maxrss / 1024}


def main() -> int:
    """Prints time per picture and peak memory of both builds; 1 where either grows with the number of pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pictures", type=int, nargs=2, default=(2000, 8000))
    parser.add_argument("--side", type=int, nargs=2, default=(_HEIGHT // 2, _WIDTH // 2), help="height and width, px")
    parser.add_argument("--place", type=Path, help="where pictures and datasets go; a temporary folder by default")
    asked = parser.parse_args()
    found = {}
    for pictures in asked.pictures:
        with tempfile.TemporaryDirectory(dir=asked.place) as place:
            _folder(Path(place, "sem"), pictures, tuple(asked.side), seed=pictures)
            found[pictures] = _built(Path(place, "sem"), Path(place, "data"))
            size = sum(f.stat().st_size for f in Path(place, "data").rglob("*.tfrecord*")) / 2**20
        found[pictures] |= {"ms_per_picture": 1000 * found[pictures]["seconds"] / pictures, "records_mb": size}
    rows = [
        [str(n), f"{f['seconds']:.0f}", f"{f['ms_per_picture']:.0f}", f"{f['peak_mb']:.0f}", f"{f['records_mb']:.0f}"]
        for n, f in found.items()
    ]
    print_table(["pictures", "s", "ms per picture", "peak MB", "records MB"], rows)
    small, large = (found[n] for n in asked.pictures)
    _RESULTS.write_text(
        json.dumps({"side": list(asked.side), **{str(n): f for n, f in found.items()}}, indent=2) + "\n"
    )
    buffered = min(_SHUFFLE_MB, large["records_mb"]) - min(_SHUFFLE_MB, small["records_mb"])
    slower = large["ms_per_picture"] / small["ms_per_picture"]
    more = large["peak_mb"] - small["peak_mb"] - buffered
    print(f"time per picture x {slower:.2f}, memory beyond TFDS's shuffle buffer {more:+.0f} MB")
    return 0 if slower <= _FLAT and more <= 0.25 * small["peak_mb"] else 1


if __name__ == "__main__":
    sys.exit(main())
