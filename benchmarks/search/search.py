"""Does a quarter of the grid's training find what the whole grid finds? And does a limit of memory hold?

    python -m benchmarks.search.search --seeds 3 --output acceptance/search

A world small enough that a grid of 24 classifiers can be trained in full: that is the truth. Hyperband and the Gaussian
process then get a quarter of its training steps, with several seeds of their choices; a point has the same weights in
all searches, so what they choose is looked up in the grid. A limit of memory that half of the grid exceeds comes last,
and the winner is trained again, evaluated and exported by the ordinary commands. The exit code is 1 where neither
oracle comes within one binomial standard error of the grid's best with every seed, or a trial is over the limit.
"""

from __future__ import annotations

import argparse
import json
import shlex
import statistics
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from copper_tf.cli.main import main as copper
from copper_tf.cli.tables import print_table
from tfds_copper.dataset import is_dataset
from tuning.summary import RESULT

__all__ = ["SPACE", "main", "searched", "world"]

SPACE = ("n=1,2", "N=1,2", "c=4,8", "d=1,2,3")
SETTINGS = (
    "--preset",
    "paper",
    "--crop",
    "64",
    "--crops",
    "4",
    "--epochs",
    "27",
    "--learning-rate",
    "0.003",
    "--schedule",
    "cosine",
    "--policy",
    "float32",
)
ADAPTIVE = ("hyperband", "bayesian")


def called(*words: str) -> None:
    """A command of the package, which must succeed."""
    if copper(list(words)):
        raise SystemExit(f"copper {shlex.join(words)} must succeed")


def world(output: Path) -> Path:
    """The built dataset of the small world: 8 labels, 24/16/8 pictures of 64x80 px of each."""
    data = output / "data"
    if not is_dataset(data):
        size = ("--labels", "8", "--pictures", "48", "--sheets", "12", "--height", "64", "--width", "80")
        called("simulate", str(output / "world"), *size)
        called("build", str(output / "world"), "-o", str(data), "--split", "24/16/8")
    return data


def searched(output: Path, name: str, *words: str, space: Sequence[str] = SPACE) -> dict[str, Any]:
    """What a search found; what is done already is not done again."""
    folder = output / name
    if not (folder / RESULT).is_file():
        called(
            "search", "classifier", str(world(output)), "-o", str(folder), *SETTINGS, "--resume", *words, "--space",
            *space,
        )  # fmt: skip
    return dict(json.loads((folder / RESULT).read_text()))


def _limited(output: Path, grid: dict[str, Any]) -> tuple[bool, str]:
    """(whether a search within a limit that half of the grid exceeds kept it, in words)."""
    limit = statistics.median(row["memory_bytes"] for row in grid["trials"])
    found = searched(output, "limited", "--oracle", "random", "--memory-limit", f"{limit:.0f}", "--budget", "0.2")
    over = [row for row in found["trials"] if row["memory_bytes"] > limit]
    good = all(row["status"] == "infeasible" and not row["epochs"] for row in over) and found["best"] is not None
    return good, (
        f"limit {limit / 1e6:.0f} MB: {len(over)} of {len(found['trials'])} points infeasible, "
        f"{sum(row['epochs'] > 0 for row in over)} of them tried; best {found['best']}"
    )


def _again(output: Path, found: dict[str, Any]) -> str:
    """The winner trained in full by the command that the search printed, then evaluated and exported."""
    run = output / "winner"
    if not (run / "scores" / "evaluation.json").is_file():
        words = shlex.split(found["command"].removeprefix("copper ").replace("-o BEST", f"-o {run}"))
        called(*words, "--resume")
        called("evaluate", str(run))
        called("export", str(run), "-o", str(output / "model"))
    test = json.loads((run / "scores" / "evaluation.json").read_text())["splits"]["test"]["scores"]
    return f"winner trained again by the command: test accuracy {test['accuracy']:.3f}, QWK {test['qwk']:.3f}; exported"


def main(arguments: list[str] | None = None) -> int:
    """Trains what is missing, prints the table, returns the exit code."""
    flags = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    flags.add_argument("--seeds", type=int, default=3, help="searches of each oracle")
    flags.add_argument("--output", type=Path, default=Path("acceptance/search"), help="where runs are kept")
    asked = flags.parse_args(arguments)
    grid = searched(asked.output, "grid", "--oracle", "grid")
    truth = {row["name"]: row["objective"] for row in grid["trials"]}
    best, error = truth[grid["best"]], grid["standard_error"]
    rows, good = [["grid", "0", "100 %", grid["best"], f"{best:.3f}", ""]], dict.fromkeys(ADAPTIVE, True)
    last = grid
    for oracle in ADAPTIVE:
        for seed in range(1, asked.seeds + 1):
            last = searched(asked.output, f"{oracle}-{seed}", "--oracle", oracle, "--oracle-seed", str(seed))
            value = truth[last["best"]]
            near = value >= best - error and last["cost"]["share"] <= 0.25
            good[oracle] &= near
            share = f"{100 * last['cost']['share']:.0f} %"
            rows.append([oracle, str(seed), share, last["best"], f"{value:.3f}", "" if near else "SHORT"])
    print_table(["oracle", "seed", "of the steps", "found", "accuracy in the grid", ""], rows)
    print(f"one standard error of the grid's best: {error:.3f}; its worst: {min(truth.values()):.3f}")
    kept, limited = _limited(asked.output, grid)
    print(limited)
    print(_again(asked.output, last))
    return 0 if any(good.values()) and kept else 1


if __name__ == "__main__":
    sys.exit(main())
