"""The paper's figures at its own scale, from simulated micrographs: one page, with what agrees and what doesn't.

    python -m benchmarks.paper --hours 2
    python -m benchmarks.paper --labels 4 --pictures 10 --height 128 --width 160 --hours 0.1    # a quick look

Simulates the paper's 16 x 50 pictures, searches the classifier within 12 GB, trains the winner, trains the segmenter
for four hypotheses and once learning g, lets scripted raters take the blind test, and writes ``paper.html``. Killed at
any moment, the same call goes on.
"""

from __future__ import annotations

import argparse
import dataclasses
import os
import sys
from pathlib import Path

from benchmarks.paper.page import write
from benchmarks.paper.road import Scale, Stages, epochs, results
from copper_tf.analysis.evaluation_results import Evaluation
from copper_tf.cli.progress import progress_bar
from tfds_copper.files import write_json

__all__ = ["main"]

PAGE, RESULTS = "paper.html", "paper.json"


def _scores(found: Evaluation, names: tuple[str, ...]) -> dict[str, float]:
    scores = found.splits["test"].scores
    return {name: scores[name] for name in names if name in scores}


def main(arguments: list[str] | None = None) -> int:
    """Does what is missing, writes the page, prints the statements, returns the exit code."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    flags = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    flags.add_argument("--output", type=Path, default=Path("paper"), help="where everything goes")
    flags.add_argument("--hours", type=float, default=2.0, help="that the models may take, about")
    for field in dataclasses.fields(Scale):
        flags.add_argument(f"--{field.name}", type=int, default=field.default, help="of the simulated pictures")
    asked = flags.parse_args(arguments)
    scale = Scale(**{field.name: getattr(asked, field.name) for field in dataclasses.fields(Scale)})
    with progress_bar() as progress:
        stages = Stages(asked.output, progress)
        found, runs, dataset = results(stages, scale, asked.hours)
        said = write(asked.output / PAGE, found, runs, dataset, stages.seconds)
    content = {
        "scale": dataclasses.asdict(scale),
        "seconds": stages.seconds,
        "epochs": epochs(dataset, runs),
        "statements": [dataclasses.asdict(one) for one in said],
        "classifier": _scores(found.classifier, ("accuracy", "mae", "qwk")),
        "segmenter": _scores(found.segmenter, ("auc", "iou", "corr_fraction", "nmse")),
    }
    write_json(asked.output / RESULTS, content)
    for one in said:
        agrees = "" if one.agrees is None else " Agrees." if one.agrees else " Doesn't agree."
        print(f"Figure {one.figure}: {one.paper}\n    {one.ours}{agrees}")
    print(asked.output / PAGE)
    return 0


if __name__ == "__main__":
    sys.exit(main())
