"""Does building stay flat? Time per picture and peak memory of `copper build` for two sizes of a folder.

Run as ``python -m benchmarks.data.building``. Each build is a process of its own, and its peak memory is what
the operating system says of it.
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

from benchmarks import RESULTS
from copper_tf.cli.tables import print_table

__all__ = ["main"]

_LABELS = 16
_RESULTS = RESULTS / "building.json"
# Time and memory per picture may grow by this factor from the small folder to the large one.
_FLAT = 1.25
_SHUFFLE_MB = 1000  # TFDS sorts up to 1 GB of records in memory, then on disk


def _folder(root: Path, pictures: int, side: tuple[int, int], seed: int) -> None:
    from copper_tf.simulation import SimulationSettings, simulate

    each = pictures // _LABELS
    settings = SimulationSettings(
        labels=_LABELS, pictures=each, sheets=each // 10, height=side[0], width=side[1], seed=seed
    )
    simulate(root, settings)


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
    parser.add_argument("--side", type=int, nargs=2, default=(128, 160), help="height and width, px")
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
