"""Does a map have a frame? The mean map in the outer 32 px against the inside, on stationary simulated pictures.

    python -m benchmarks.maps.frames --seeds 2

Mirrored borders must show no more than chance; zero padding, trained and tested the same way, is the control. Three
figures, each sharper than the one before: the difference between frame and inside; that of the map's error, free of how
the true domains happen to lie; and what changes where the same pixels are the middle of a larger picture, which is the
doing of the border alone.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.acceptance import worlds
from benchmarks.acceptance.experiments import config
from benchmarks.seeds import Results, kept, parser, seeds_of
from copper_tf.cli.progress import progress_bar
from copper_tf.cli.tables import print_table
from copper_tf.simulation import SimulationSettings, simulate
from tfds_copper.micrograph import read, read_mask

__all__ = ["VARIANTS", "main", "measured", "ring"]

# The controls come last; where the margin counts, a net can learn to use zeros.
VARIANTS = {
    "reflect": {"padding": "reflect"},
    "reflect, no margin": {"padding": "reflect", "margin": 0},
    "zero": {"padding": "zero"},
    "zero, no margin": {"padding": "zero", "margin": 0},
}
# Side of a test picture, of the frame that is looked at, of its outermost part, and of real surface around it; px.
_SIDE, _FRAME, _OUTERMOST, _AROUND = 256, 32, 8, 32
_FIGURES = {
    "frame": f"outer {_FRAME} px - inside",
    "error": "the same of the error",
    "border": f"border's doing, outer {_FRAME} px",
    "outermost": f"outer {_OUTERMOST} px",
    "mae": f"abs error, outer {_OUTERMOST} px",
}
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


def _run(folder: Path, seed: int, variant: str) -> Any:
    from copper_tf.training.loop import train

    settings = config(seed, **{"c": 16, **VARIANTS[variant]})
    name = "frames-" + "-".join(f"{k}{v}" for k, v in VARIANTS[variant].items())
    with progress_bar() as progress:
        return train(settings, worlds.dataset(folder, seed), folder / "runs" / name, resume=True, progress=progress)


def _pictures(folder: Path, seed: int) -> Iterator[tuple[Path, Path]]:
    """Files of fresh pictures and of their true masks, larger than what is tested by real surface around it."""
    side = _SIDE + 2 * _AROUND
    fresh = SimulationSettings(
        labels=worlds.LABELS, pictures=12, sheets=6, height=side, width=side, law=worlds.TRUE_LAW, seed=seed + 1000
    )
    with progress_bar() as progress:
        root = simulate(folder / f"frames-{side}", fresh, progress=progress)
    return ((file, root / "truth" / file.relative_to(root)) for file in sorted(root.glob("t*/*.png")))


def measured(folder: Path, seed: int, variant: str) -> Results:
    """The three figures over fresh pictures, with standard errors."""
    from copper_tf.inference.predictor import RunPredictor

    predictor, middle = RunPredictor(_run(folder, seed, variant)), (slice(_AROUND, -_AROUND),) * 2
    frame, outermost, inside = ring(_SIDE, _FRAME), ring(_SIDE, _OUTERMOST), ring(_SIDE, _SIDE, _FRAME)
    found = []
    for file, true in _pictures(folder, seed):
        whole = read(file)
        cut = np.ascontiguousarray(whole.pixels[middle])
        maps = [predictor.predict(pixels, whole.bit_depth, file.name).map for pixels in (cut, whole.pixels)]
        alone, among = np.asarray(maps[0]), np.asarray(maps[1])[middle]
        error, change = alone - read_mask(true)[middle], alone - among
        differences = [values[frame].mean() - values[inside].mean() for values in (alone, error)]
        found.append((*differences, change[frame].mean(), change[outermost].mean(), np.abs(error[outermost]).mean()))
    results: Results = {"pictures": len(found)}
    for name, values in zip(_FIGURES, np.array(found, float).T, strict=True):
        results[name], results[f"{name}_se"] = _paired(values)
    return results


def main(arguments: list[str] | None = None) -> int:
    """Trains what is missing and prints the differences; 1 where mirrored borders show a frame."""
    asked = parser(__doc__, 2).parse_args(arguments)
    seeds = seeds_of(asked)
    rows, good = [], True
    for variant in VARIANTS:
        for seed in seeds:
            found = kept(asked.output, seed, f"frames {variant}", measured, variant=variant)
            chance = abs(found["frame"]) < _CHANCE * found["frame_se"]
            good &= chance or VARIANTS[variant]["padding"] == "zero"
            values = (f"{found[name]:+.4f} ± {found[f'{name}_se']:.4f}" for name in _FIGURES)
            rows.append([variant, str(seed), *values, "chance" if chance else "a frame"])
    print_table(["padding", "seed", *_FIGURES.values(), ""], rows)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
