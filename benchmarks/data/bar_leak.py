"""Does cutting the information bar off keep a model from reading the answer on it?

Pictures whose texture says nothing of t, under a bar that says it plainly. Kept, the bar lets a classifier grade; cut
off, nothing is left to grade by, and its scores must be those of chance. Run as ``python -m benchmarks.data.bar_leak``.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from copper_tf.cli.progress import progress_bar
from copper_tf.cli.tables import print_table

__all__ = ["main"]

_LABELS, _ROWS, _SIDE = 4, 40, 96
# Enough to read a scale bar within a minute; crops stay upright, since a bar does.
_LEARNER = {"c": 12, "d": 3, "epochs": 16, "learning_rate": 0.002, "symmetry": "none"}
# Chance is 0; with 40 test pictures its standard deviation is about .16.
_MOST_BY_CHANCE, _LEAST_BY_BAR = 0.4, 0.8


def _telling_bar(width: int, label: int) -> np.ndarray:
    """A bar whose magnification, voltage and scale bar follow the label."""
    image = Image.new("L", (width, _ROWS), 0)
    pen, font = ImageDraw.Draw(image), ImageFont.load_default(12)
    pen.text((6, 3), f"{5 * (label + 1)}.0kV x{label + 1},000", fill=255, font=font)
    # Thick and long: what is tested is the cut, not how small a print a net can read.
    pen.rectangle((width - 10 - 15 * (label + 1), 18, width - 10, 34), fill=255)
    pen.line([(0, 0), (width, 0)], fill=255)
    return np.asarray(image)


def _world(folder: Path, seed: int) -> None:
    from copper_tf.simulation import SimulationSettings, simulate

    settings = SimulationSettings(
        labels=_LABELS, pictures=40, sheets=8, height=_SIDE, width=_SIDE + _ROWS, world="null", seed=seed
    )  # fmt: skip
    simulate(folder, settings, workers=1)
    shutil.rmtree(folder / "truth")
    for file in sorted(folder.glob("t*/*.png")):
        pixels = np.asarray(Image.open(file))
        label = int(file.parent.name[1:])
        Image.fromarray(np.vstack([pixels, _telling_bar(pixels.shape[1], label)])).save(file)


def _kappa(folder: Path, bar: str, work: Path, seed: int) -> float:
    """Quadratic-weighted kappa on the test pictures of a classifier trained with the bar kept or cut off."""
    from copper_tf.analysis.evaluation import evaluate
    from copper_tf.config import PAPER, default_config
    from copper_tf.training.loop import train
    from tfds_copper.copper_sem import build
    from tfds_copper.dataset import open_dataset
    from tfds_copper.micrograph import ReadSettings
    from tfds_copper.splits.assign import SplitSettings

    with progress_bar() as progress:
        reading = ReadSettings(bar=bar)
        dataset = open_dataset(build(folder, work / f"data_{bar}", SplitSettings("4/2/2"), reading, progress))
        config = default_config(
            "classifier", PAPER, crop=_SIDE if bar == "auto" else _SIDE + _ROWS - 8, **_LEARNER, seed=seed
        )
        run = train(config, dataset, work / f"run_{bar}", progress=progress)
        return float(evaluate(run, dataset, progress).splits["test"].scores["qwk"])


def main() -> int:
    """Prints the scores with and without the bar; 1 where the bar leaks after the cut, or the control reads nothing."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=3)
    rows, good = [], True
    for seed in range(parser.parse_args().seeds):
        with tempfile.TemporaryDirectory() as place:
            _world(Path(place, "sem"), seed)
            kept, cut = (_kappa(Path(place, "sem"), bar, Path(place), seed) for bar in ("keep", "auto"))
        good &= kept >= _LEAST_BY_BAR and abs(cut) <= _MOST_BY_CHANCE
        rows.append([str(seed), f"{kept:.2f}", f"{cut:.2f}"])
    print_table(["seed", f"QWK, bar kept (>= {_LEAST_BY_BAR})", f"bar cut off (|QWK| <= {_MOST_BY_CHANCE})"], rows)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
