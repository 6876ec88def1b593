"""Does weighting labels help a classifier of labels that have far fewer pictures than others?

Simulated surfaces whose grades can be learnt, of which two labels lose most of their training and validation pictures;
test pictures are as many of each. A classifier is trained with and without ``class_weight=balanced``. Run as
``python -m benchmarks.data.imbalance``.
"""

from __future__ import annotations

import csv
import sys
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import RESULTS
from benchmarks.seeds import Results, kept, parser, seeds_of, spread
from copper_tf.cli.progress import progress_bar
from copper_tf.cli.tables import print_table
from tfds_copper.files import write_json

__all__ = ["main"]

_LABELS, _SHEETS, _EACH, _SIDE = 4, 8, 6, 96
# Sheets of each label in training and in validation; the others are for the test.
_TRAIN, _VALIDATION = 4, 2
# Labels that lose pictures, and how many of each sheet are left: 4 for training against 24.
_RARE, _LEFT = (1, 2), 1
_LEARNER = {"c": 12, "d": 3, "crop": 64, "epochs": 90, "learning_rate": 0.002, "schedule": "cosine", "batch_size": 16}
_ARMS = ("none", "balanced")
# The weighted classifier must find so many more of the rare labels' test pictures, on the mean of the seeds.
_GAIN = 0.05


def _world(folder: Path, seed: int) -> Path:
    """A SEM folder with its splits in labels.csv; what is left out is not listed."""
    from copper_tf.simulation import SimulationSettings, simulate

    simulate(
        folder,
        SimulationSettings(
            labels=_LABELS, pictures=_SHEETS * _EACH, sheets=_SHEETS, height=_SIDE, width=_SIDE, seed=seed
        ),
        workers=1,
    )
    with (folder / "labels.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    sheets = {t: sorted({r["sheet"] for r in rows if r["t"] == t}) for t in sorted({r["t"] for r in rows}, key=float)}
    listed: list[dict[str, Any]] = []
    for label, (t, names) in enumerate(sheets.items()):
        for number, sheet in enumerate(names):
            split = "train" if number < _TRAIN else "validation" if number < _TRAIN + _VALIDATION else "test"
            of_sheet = [r for r in rows if r["sheet"] == sheet and r["t"] == t]
            few = label in _RARE and split != "test"
            listed += [
                {"file": r["file"], "t": t, "sheet": sheet, "split": split} for r in of_sheet[: _LEFT if few else None]
            ]
    with (folder / "labels.csv").open("w", newline="") as stream:
        writer = csv.DictWriter(stream, list(listed[0]))
        writer.writeheader()
        writer.writerows(listed)
    return folder


def _trained(work: Path, seed: int, arm: str) -> Results:
    """Recall of the rare and the other labels, their mean, and QWK on the test pictures."""
    from copper_tf.analysis.evaluation import evaluate
    from copper_tf.config import PAPER, default_config
    from copper_tf.training.loop import train
    from tfds_copper.copper_sem import build
    from tfds_copper.dataset import open_dataset

    folder = _world(work / f"sem_{arm}", seed)
    with progress_bar() as progress:
        dataset = open_dataset(build(folder, work / f"data_{arm}", progress=progress))
        config = default_config("classifier", PAPER, **_LEARNER, class_weight=arm, seed=seed)
        run = train(config, dataset, work / f"run_{arm}", force=True, progress=progress)
        found = evaluate(run, dataset, progress)
    test = found.splits["test"]
    recall = test.recall
    return {
        "rare": float(np.mean([recall[k] for k in _RARE])),
        "others": float(np.mean([r for k, r in enumerate(recall) if k not in _RARE])),
        "balanced": float(np.mean(recall)),
        "qwk": float(test.scores["qwk"]),
    }


def main() -> int:
    """Prints and writes the scores of each arm; 1 where weighting doesn't find more of the rare labels."""
    asked = parser(__doc__ or "", 5, "acceptance/imbalance").parse_args()
    scores = {arm: [kept(asked.output, seed, arm, _trained, arm=arm) for seed in seeds_of(asked)] for arm in _ARMS}
    if asked.just is None:
        write_json(RESULTS / "imbalance.json", {"learner": _LEARNER, "rare": list(_RARE), "scores": scores})
    names = ("rare", "others", "balanced", "qwk")
    rows = [[arm, *(spread([s[name] for s in of_arm]) for name in names)] for arm, of_arm in scores.items()]
    print_table(["class_weight", "recall, rare labels", "other labels", "all labels", "QWK"], rows)
    gain = np.mean([s["rare"] for s in scores["balanced"]]) - np.mean([s["rare"] for s in scores["none"]])
    print(f"gain in recall of rare labels: {gain:.3f} (>= {_GAIN})")
    return 0 if gain >= _GAIN else 1


if __name__ == "__main__":
    sys.exit(main())
