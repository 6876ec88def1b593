"""Does explaining cost accuracy? Every head of the classifier, and the map decoded to a grade, on the same pictures.

    python -m benchmarks.acceptance.grading --seeds 2 --output acceptance

On the binary world, whole sheets held out. Each seed is a world, and its runs are compared on its own test pictures.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.acceptance import worlds
from benchmarks.acceptance.experiments import CALM, config, name_of, run_of
from benchmarks.seeds import Results, kept, parser, seeds_of, spread
from copper_tf.analysis.evaluation_results import Evaluation
from copper_tf.cli.tables import print_table
from copper_tf.config import HEADS, PAPER, Config, default_config
from copper_tf.runs.records import TrainingRecord

__all__ = ["MAP", "classifier", "compared", "graded", "main"]

MAP = "map"
# 16 channels take no longer than 8 on a processor with wide vectors.
_WIDTH = {"c": 16}
_SHOWN = ("accuracy", "within_one", "mae", "qwk")


def classifier(seed: int, head: str) -> Config:
    """A classifier that sees whole pictures, and trains for as many minutes as the map it is compared with.

    Args:
        seed: of weights and crops.
        head: how it grades.
    """
    usual = {"d": 4, "crop": 128, "epochs": 48, "schedule": "cosine", "learning_rate": 0.003, "policy": "float32"}
    return default_config("classifier", PAPER, **_WIDTH, **usual, head=head, seed=seed)


def graded(folder: Path, seed: int, grader: str) -> Results:
    """Test scores of a head by argmax and by median, or of the map, and the seconds of its training.

    Args:
        folder: of the seed.
        seed: of the world, the weights and the crops.
        grader: a head, or `MAP`.
    """
    run = _run(folder, seed, grader)
    evaluation = run.read(Evaluation)
    test = evaluation.map_grading if grader == MAP else evaluation.splits["test"]
    if test is None:
        raise ValueError(f"{run.path}: a segmenter's evaluation grades its maps")
    return {**test.scores, "seconds": run.read(TrainingRecord).seconds}


def _run(folder: Path, seed: int, grader: str) -> Any:
    built = worlds.dataset(folder, seed)
    if grader == MAP:
        return run_of(folder, name_of(seed, "binary", worlds.TRUE_LAW, **CALM), config(seed, **CALM), built)
    return run_of(folder, f"head-{grader}", classifier(seed, grader), built)


def compared(folder: Path, seed: int) -> Results:
    """Every head minus the map on the test pictures of one world, by the median, as `copper compare` gives it."""
    from copper_tf.analysis.comparison import compare, read_graders

    return compare(read_graders([_run(folder, seed, grader).path for grader in (MAP, *HEADS)]), seed).to_dict()


def _apart(row: dict[str, Any], name: str) -> str:
    found = row["scores"][name]
    low, high = found["interval"]
    return (
        f"{found['difference']:+.3f} [{low:+.3f}, {high:+.3f}] p {found['p_holm']:.3f}, least {found['detectable']:.2f}"
    )


def main(arguments: list[str] | None = None) -> int:
    """Trains what is missing, prints scores over the seeds and differences of each."""
    asked = parser(__doc__, 2).parse_args(arguments)
    seeds = seeds_of(asked)
    rows = []
    for grader in (*HEADS, MAP):
        found = [kept(asked.output, seed, f"grading {grader}", graded, grader=grader) for seed in seeds]
        for decoding, prefix in (("argmax", ""), ("median", "median_")) if grader != MAP else (("map", ""),):
            cells = (spread([f[f"{prefix}{name}"] for f in found]) for name in _SHOWN)
            rows.append([grader, decoding, *cells, f"{np.mean([f['seconds'] for f in found]):.0f}"])
    print_table(["grader", "by", *_SHOWN, "seconds"], rows)
    rows = []
    for seed in seeds:
        found = kept(asked.output, seed, "grading compared", compared)
        rows += [
            [f"{row['name']}, seed {seed}", *(_apart(row, n) for n in ("accuracy", "mae"))]
            for row in found["differences"]
        ]
    print_table(["by median, minus the map", "accuracy", "MAE, steps"], rows)
    return 0


if __name__ == "__main__":
    sys.exit(main())
