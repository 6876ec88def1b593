"""Does a map have a frame? The mean map in the outer 32 px against the inside, on stationary simulated pictures.

    python -m benchmarks.frames --seeds 2

Mirrored borders must show no more than chance; zero padding, trained and tested the same way, is the control. Besides,
each picture is mapped twice, as it is and as the middle of a larger one; what that changes is the doing of the border.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

import numpy as np

from benchmarks import worlds
from benchmarks.experiments import config
from benchmarks.keeping import Results, kept
from copper_tf.cli.progress import progress_bar
from copper_tf.cli.tables import print_table
from copper_tf.simulation import SimulationSettings, simulate
from tfds_copper.micrograph import read

__all__ = ["PADDINGS", "main", "measured", "ring"]

PADDINGS = ("mirror", "zero")
# Side of a test picture, of the frame that is looked at, of its outermost part, and of real surface around it; px.
_SIDE, _FRAME, _OUTERMOST, _AROUND = 256, 32, 8, 32
# Chance is a difference of less than this many standard errors.
_CHANCE = 3.0


def ring(side: int, outer: int, inner: int = 0) -> np.ndarray:
    """The pixels of a square whose distance to the border is at least `inner` and less than `outer`; bool."""
    place = np.minimum(np.arange(side), np.arange(side)[::-1])
    distance = np.minimum(place[:, None], place)
    return (distance >= inner) & (distance < outer)


def _paired(differences: np.ndarray) -> tuple[float, float]:
    """Mean and standard error over pictures."""
    return float(differences.mean()), float(differences.std(ddof=1) / np.sqrt(len(differences)))


def measured(folder: Path, seed: int, padding: str) -> Results:
    """Differences between frame and inside, and between maps with and without real surface around, with errors."""
    from copper_tf.prediction import Predictor
    from copper_tf.training import train

    settings, built = config(seed, padding=padding, c=16), worlds.dataset(folder, seed)
    side = _SIDE + 2 * _AROUND
    fresh = SimulationSettings(
        labels=worlds.LABELS, pictures=12, sheets=6, height=side, width=side, law=worlds.TRUE_LAW, seed=seed + 1000
    )
    with progress_bar() as progress:
        run = train(settings, built, folder / "runs" / f"frames-{padding}", resume=True, progress=progress)
        pictures = simulate(folder / f"frames-{side}", fresh, progress=progress)
    predictor, middle = Predictor(run), slice(_AROUND, -_AROUND)
    frame, outermost, inside = ring(_SIDE, _FRAME), ring(_SIDE, _OUTERMOST), ring(_SIDE, _SIDE, _FRAME)
    found = []
    for file in sorted(pictures.glob("t*/*.png")):
        whole = read(file)
        cut = np.ascontiguousarray(whole.pixels[middle, middle])
        maps = [predictor.predict(pixels, whole.bit_depth, file.name).mask for pixels in (cut, whole.pixels)]
        alone, among = np.asarray(maps[0]), np.asarray(maps[1])[middle, middle]
        change = alone - among
        found.append((alone[frame].mean() - alone[inside].mean(), change[frame].mean(), change[outermost].mean()))
    results: Results = {"pictures": len(found)}
    for name, values in zip(("frame", "border", "outermost"), np.array(found, float).T, strict=True):
        results[name], results[f"{name}_se"] = _paired(values)
    return results


def main(arguments: list[str] | None = None) -> int:
    """Trains what is missing and prints the differences; 1 where mirrored borders show a frame, or the control none."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=2, help="how many worlds")
    parser.add_argument("--output", type=Path, default=Path("acceptance"), help="where worlds, runs and results are")
    asked = parser.parse_args(arguments)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    rows, good = [], True
    for padding in PADDINGS:
        for seed in range(asked.seeds):
            found = kept(asked.output, seed, f"frames {padding}", measured, padding=padding)
            chance = abs(found["frame"]) < _CHANCE * found["frame_se"]
            good &= chance == (padding == "mirror")
            names = ("frame", "border", "outermost")
            values = (f"{found[name]:+.4f} ± {found[f'{name}_se']:.4f}" for name in names)
            rows.append([padding, str(seed), *values, "chance" if chance else "a frame"])
    columns = [f"outer {_FRAME} px - inside", f"border's doing, outer {_FRAME} px", f"outer {_OUTERMOST} px"]
    print_table(["padding", "seed", *columns, ""], rows)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
