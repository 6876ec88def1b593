"""Real pictures whose true law is known: the curve learned without a hypothesis, and the true law against wrong ones.

    python -m benchmarks.maps.superalloy_curve FOLDER --output acceptance/superalloy_curve

FOLDER is a SEM folder with `truth/`. `copper hypotheses` compares the true area share of every label, put on 1 to 0,
with four wrong laws, and learns the curve from the ends alone and step by step; every curve is held against the truth.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.maps.superalloy import RECIPES, USUAL, true_table
from copper_tf.analysis.hypotheses.results import STUDY
from copper_tf.cli.main import main as copper
from copper_tf.cli.tables import number, print_table
from copper_tf.statistics.scores import anchored
from tfds_copper.dataset import is_dataset
from tfds_copper.files import write_json

__all__ = ["main"]

_WRONG = ("linear", "sqrt", "square", "exponential")
_SPLIT = ("--split", "50/25/25", "--min-sheets", "3")
# The mean of a map needs neither all views nor as long a training as the map.
_CHANGED = {"tta": "none", "epochs": 12}


def _studied(folder: Path, output: Path, recipe: str, seeds: int) -> dict[str, Any]:
    """What the command says; what is done already is not done again."""
    truth = true_table(folder)
    table = output / "true.json"
    levels = anchored(np.array(list(truth.values())))
    write_json(table, {f"{t:g}": float(g) for t, g in zip(truth, levels, strict=True)})
    data = output / "data"
    if not is_dataset(data):
        copper(["build", str(folder), "-o", str(data), *_SPLIT])
    settings = {**USUAL, **RECIPES[recipe], **_CHANGED}
    flags = [word for name, value in settings.items() for word in (f"--{name.replace('_', '-')}", str(value))]
    compared = ["--compare", str(table), *_WRONG, "--learn", "anchors", "iterative", "--seeds", str(seeds)]
    command = [
        "hypotheses",
        str(data),
        "-o",
        str(output / "runs"),
        *compared,
        "--permutations",
        "3",
        *flags,
        "--resume",
    ]
    if copper(command) > 1:
        raise SystemExit("copper hypotheses must end with a result")
    return dict(json.loads((output / "runs" / STUDY).read_text()))


def main(arguments: list[str] | None = None) -> int:
    """Trains what is missing and prints every curve's distance to the truth."""
    flags = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    flags.add_argument("folder", type=Path)
    flags.add_argument("--recipe", choices=list(RECIPES), default="local", help="of benchmarks.maps.superalloy")
    flags.add_argument("--seeds", type=int, default=1, help="how many seeds of weights and crops")
    flags.add_argument("--output", type=Path, default=Path("acceptance/superalloy_curve"), help="where runs are kept")
    asked = flags.parse_args(arguments)
    found = _studied(asked.folder, asked.output, asked.recipe, asked.seeds)
    truth = anchored(np.array(list(true_table(asked.folder).values())))
    errors = {row["name"]: row["nmse"] for row in found["hypotheses"]}
    rows = []
    for curve in (c for c in found["curves"] if c["falls"]):
        both = (curve[name] for name in ("curve", "without_borders"))
        apart = [None if c is None else float(np.abs(np.array(c, float) - truth).max()) for c in both]
        g = np.array(curve["g"], float)
        supposed = None if np.isnan(g).any() else float(np.abs(g - truth).max())
        rows.append([curve["name"], *map(number, (errors.get(curve["name"]), supposed, *apart))])
    print_table(["g", "test NMSE", "sup of g", "sup of the curve", "without what borders add"], rows)
    print(f"gap {number(found['gap'])}; {found['verdict']}: {'; '.join([*found['reasons'], found['ranking']])}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
