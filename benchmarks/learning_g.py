"""Learning g on the simulated world: how far the learned curve lies from the true law, whichever it started from.

    python -m benchmarks.learning_g --seeds 1 --output learning_g

For each true law, `alternating` starts from two wrong hypotheses and `anchors` from none. Trainings are resumable; the
exit code is 1 where the curve is further than `LIMIT` from the truth.
"""

from __future__ import annotations

import argparse
import dataclasses
import os
import sys
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.acceptance import _settings
from copper_tf.cli.progress import progress_bar
from copper_tf.cli.tables import print_table
from copper_tf.config import ALTERNATING, ANCHORS, Config, default_config
from copper_tf.simulation import SimulationSettings, simulate
from tfds_copper.dataset import SemDataset, is_dataset, open_dataset
from tfds_copper.files import write_json

__all__ = ["CASES", "LIMIT", "config_for", "dataset_of_law", "learned", "main"]

LIMIT = 0.08
# (true law, start, way of learning): A7 and A8.
CASES = (
    ("sqrt", "linear", ALTERNATING),
    ("sqrt", "square", ALTERNATING),
    ("square", "linear", ALTERNATING),
    ("square", "sqrt", ALTERNATING),
    ("sqrt", "", ANCHORS),
    ("square", "", ANCHORS),
)


def settings_of_law(seed: int, law: str) -> SimulationSettings:
    """The world of the acceptance table with another true law."""
    return dataclasses.replace(_settings(seed), law=law)


def dataset_of_law(folder: Path, seed: int, law: str) -> SemDataset:
    """The built pictures of a law: 24/8/10 per label, whole sheets held out; made where they are absent."""
    from tfds_copper.copper_sem import build
    from tfds_copper.splits import SplitSettings

    target = folder / f"data_{law}"
    if is_dataset(target):
        return open_dataset(target)
    with progress_bar() as progress:
        world = simulate(folder / f"world_{law}", settings_of_law(seed, law), progress=progress, workers=1)
        return open_dataset(build(world, target, SplitSettings(split="24/8/10", seed=seed), progress=progress))


def config_for(seed: int, start: str, learn: str) -> Config:
    """How g is learned here; anchors sees an eighth of the pictures, so it takes more crops of each."""
    own: dict[str, Any] = {"crops": 4} if learn == ANCHORS else {"hypothesis": start}
    return default_config("segmenter", c=16, margin=12, epochs=12, learning_rate=0.003, learn=learn, seed=seed, **own)


def learned(folder: Path, seed: int, law: str, start: str, learn: str) -> dict[str, float]:
    """Trains one model and compares what it says of the law with the truth.

    Args:
        folder: of this seed; datasets and runs are kept in it.
        seed: of world and training.
        law: the true law f of the world.
        start: the hypothesis that learning starts from; anchors has none.
        learn: ``"alternating"`` or ``"anchors"``.

    Returns:
        ``sup_g``: sup abs(g - f) of the learned g (NaN for anchors); ``sup_curve``: that of the re-anchored curve of
        the test pictures; ``rms_curve``; ``nmse``, ``auc`` and ``spearman_t`` of the test pictures; ``seconds``.
    """
    from copper_tf.evaluation import evaluate
    from copper_tf.training import train

    dataset = dataset_of_law(folder, seed, law)
    with progress_bar() as progress:
        where = folder / "_".join(filter(None, (law, learn, start)))
        run = train(config_for(seed, start, learn), dataset, where, resume=True, progress=progress)
        test = evaluate(run, dataset, progress)["splits"]["test"]
    f = settings_of_law(seed, law).law_values()
    apart = np.abs(np.array(test["reanchored_curve"]) - f)
    return {
        "sup_g": float(np.abs(np.array(run.hypothesis) - f).max()),
        "sup_curve": float(apart.max()),
        "rms_curve": float(np.sqrt(np.mean(apart**2))),
        **{name: test["scores"][name] for name in ("nmse", "auc", "spearman_t")},
        "seconds": run.read_scores("training")["seconds"],
    }


def main(arguments: list[str] | None = None) -> int:
    """Trains what is missing, prints the table, returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=1, help="how many worlds")
    parser.add_argument("--output", type=Path, default=Path("learning_g"), help="where data and runs are kept")
    asked = parser.parse_args(arguments)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    rows, good = [], True
    for seed in range(asked.seeds):
        for case in CASES:
            result = learned(asked.output / f"seed{seed}", seed, *case)
            write_json(asked.output / f"seed{seed}" / f"{'_'.join(filter(None, case))}.json", result)
            judged = result["sup_curve" if case[-1] == ANCHORS else "sup_g"]
            good &= judged <= LIMIT
            rows.append([str(seed), *case, *(f"{value:.3f}" for value in result.values())])
    print_table(["seed", "law", "start", "learn", *result], rows)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
