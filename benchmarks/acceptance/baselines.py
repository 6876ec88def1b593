"""Classical graders on the synthetic world, and the alarm that brightness must raise.

    python -m benchmarks.acceptance.baselines --seeds 3

Texture must tell the label (filter bank), brightness must not (first-order histogram), except in the world where
brightness follows t.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from benchmarks.acceptance import worlds
from benchmarks.seeds import Results, kept, parser, seeds_of
from copper_tf.cli.tables import print_table

__all__ = ["WORLDS", "main", "measured"]

# Each world and the name of its results.
WORLDS = {"binary": "baselines", "confound": "confound"}


def measured(folder: Path, seed: int, world: str = "binary") -> Results:
    """QWK of every grader on a world, and accuracy and MAE of the filter bank."""
    from copper_tf.analysis.baselines.baselines import score_graders
    from copper_tf.data.normalisation import Normalisation
    from copper_tf.data.pictures import load_pictures

    built = worlds.dataset(folder, seed, world=world)
    pictures = load_pictures(built, "train")
    found = score_graders(built, Normalisation("dataset", pictures.mean, pictures.sd, 3), seed)
    bank = found["filter_bank"].scores
    qwk = {f"{name}_qwk": part.scores["qwk"] for name, part in found.items()}
    return {**qwk, "filter_bank_accuracy": bank["accuracy"], "filter_bank_mae": bank["mae"]}


def main(arguments: list[str] | None = None) -> int:
    """Does what is missing and prints mean and range over the seeds."""
    asked = parser(__doc__, 3).parse_args(arguments)
    seeds = seeds_of(asked)
    rows = []
    for world, name in WORLDS.items():
        found = [kept(asked.output, seed, name, measured, world=world) for seed in seeds]
        for score in found[0]:
            values = [f[score] for f in found]
            rows.append([world, score, f"{np.mean(values):.3f}", f"{min(values):.3f} to {max(values):.3f}"])
    print_table(["world", "score", "mean", "range"], rows)
    return 0


if __name__ == "__main__":
    sys.exit(main())
