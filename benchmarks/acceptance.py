"""The acceptance table: what must hold on the synthetic world, measured against required, resumable run by run.

    python -m benchmarks.acceptance --seeds 5 --output acceptance

Every experiment of every seed is kept as JSON as soon as it is done; a second call does only what is missing.
The exit code is 1 where a requirement falls short.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy import stats

from copper_tf.cli.progress import progress_bar
from copper_tf.cli.tables import print_table
from copper_tf.config import default_config
from copper_tf.simulation import SimulationSettings, fine_coarse, simulate
from tfds_copper.files import write_json

__all__ = ["REQUIREMENTS", "Requirement", "main", "verdicts"]

Results = dict[str, float]


@dataclass(frozen=True)
class Requirement:
    """One row of the table.

    Attributes:
        number: of the experiment, e.g. ``"A3"``.
        what: what is measured.
        experiment: the function that measures it.
        key: its name in the experiment's results.
        low: smallest allowed value.
        high: largest allowed value.
    """

    number: str
    what: str
    experiment: str
    key: str
    low: float = -np.inf
    high: float = np.inf

    def holds(self, value: float) -> bool:
        """Whether a measured value is allowed; an undefined one never is."""
        return self.low <= value <= self.high

    @property
    def allowed(self) -> str:
        """The requirement as text."""
        return f">= {self.low:g}" if np.isfinite(self.low) else f"<= {self.high:g}"


REQUIREMENTS = (
    Requirement("A1", "area against f(t), px", "world", "area_error_px", high=0.5),
    Requirement("A2", "abs Spearman of t with mean", "world", "mean_spearman", high=0.2),
    Requirement("A2", "abs Spearman of t with fine/coarse", "world", "texture_spearman", low=0.8),
    Requirement("A3", "ROC-AUC of the map, g = f", "true", "auc", low=0.92),
    Requirement("A4", "correlation of potency with f", "true", "corr_g", low=0.98),
    Requirement("A4", "abs Spearman of potency with t", "true", "spearman_t", low=0.97),
    Requirement("A6", "NMSE of the alternating hypothesis", "alternating", "nmse", low=0.9),
)


def _settings(seed: int) -> SimulationSettings:
    """128 px, 24/8/10 pictures per label, two of each sheet."""
    return SimulationSettings(labels=16, pictures=42, sheets=21, height=128, width=128, law="sqrt", seed=seed)


def _dataset(folder: Path, seed: int) -> Any:
    from tfds_copper.copper_sem import build
    from tfds_copper.dataset import open_dataset
    from tfds_copper.splits import SplitSettings

    with progress_bar() as progress:
        world = simulate(folder / "world", _settings(seed), progress=progress, workers=1)
        return open_dataset(build(world, folder / "data", SplitSettings(split="24/8/10", seed=seed), progress=progress))


def _world(folder: Path, seed: int) -> Results:
    """A1 and A2 on the pictures as they were written."""
    from copper_tf.data import examples

    dataset, f = _dataset(folder, seed), _settings(seed).law_values()
    rows = [
        (e.t, e.pixels.mean(), fine_coarse(e.pixels), abs(int(np.sum(e.truth)) - f[e.label] * e.pixels.size))
        for split in dataset.split_sizes
        for e in examples(dataset, split)
    ]
    t, mean, texture, area = np.array(rows).T
    return {
        "area_error_px": float(area.max()),
        "mean_spearman": abs(float(stats.spearmanr(t, mean).statistic)),
        "texture_spearman": abs(float(stats.spearmanr(t, texture).statistic)),
    }


def _trained(folder: Path, seed: int, hypothesis: str) -> Results:
    """Test scores of a segmenter."""
    from copper_tf.evaluation import evaluate
    from copper_tf.training import train

    config = default_config(
        "segmenter", c=8, margin=12, epochs=10, learning_rate=0.003, hypothesis=hypothesis, seed=seed
    )
    dataset = _dataset(folder, seed)
    with progress_bar() as progress:
        run = train(config, dataset, folder / hypothesis, resume=True, progress=progress)
        scores = evaluate(run, dataset, progress)["splits"]["test"]["scores"]
    return {**scores, "spearman_t": abs(scores["spearman_t"])}


EXPERIMENTS: dict[str, Callable[[Path, int], Results]] = {
    "world": _world,
    "true": lambda folder, seed: _trained(folder, seed, "sqrt"),
    "alternating": lambda folder, seed: _trained(folder, seed, "alternating"),
}


def _result(output: Path, seed: int, experiment: str) -> Results:
    file = output / f"seed{seed}" / f"{experiment}.json"
    if not file.is_file():
        write_json(file, EXPERIMENTS[experiment](output / f"seed{seed}", seed))
    return {k: np.nan if v is None else v for k, v in json.loads(file.read_text()).items()}


def verdicts(results: dict[str, list[Results]]) -> tuple[list[list[str]], bool]:
    """The rows of the table, and whether every requirement holds for every seed.

    Args:
        results: for each experiment, its results seed by seed.
    """
    rows, good = [], True
    for need in REQUIREMENTS:
        values = [r[need.key] for r in results[need.experiment]]
        kept = sum(map(need.holds, values))
        good &= kept == len(values)
        measured = f"{np.min(values):.3f} to {np.max(values):.3f}"
        rows.append([f"{need.number}  {need.what}", need.allowed, measured, f"{kept} of {len(values)}"])
    return rows, good


def main(arguments: list[str] | None = None) -> int:
    """Runs what is missing, prints the table, returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=5, help="how many worlds")
    parser.add_argument("--output", type=Path, default=Path("acceptance"), help="where results are kept")
    asked = parser.parse_args(arguments)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    results = {e: [_result(asked.output, s, e) for s in range(asked.seeds)] for e in EXPERIMENTS}
    rows, good = verdicts(results)
    print_table(["experiment", "required", "measured", "seeds"], rows)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
