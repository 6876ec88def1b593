"""How long it takes until a result is good, from a folder of PNGs: ours, PyTorch and Keras' own layers in turns.

    python -m benchmarks.quality                                    # 16 x 50 pictures of 128 px
    python -m benchmarks.quality --scale paper --output quality     # 16 x 50 pictures of 960x1280 px
    python -m benchmarks.quality --kinds segmenter --rounds 3

A classifier is good when the QWK of the test pictures reaches .95, a segmenter when the ROC-AUC of its maps does. All
have the same network, crops of the same size, steps and step sizes, and are judged after each epoch, which isn't
counted. The clock starts with the process: ours checks the folder and writes TFRecords first, which nobody else does.
A folder of pictures that is there from an earlier call is taken. The exit code is 1 where ours takes more than half the
time of the fastest of the others.
"""

from __future__ import annotations

import argparse
import csv
import dataclasses
import io
import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

import copper_tf
from benchmarks import RESULTS
from benchmarks.paper.plan import CLASSIFIER
from benchmarks.quality.task import GOOD, LABELS, Task
from benchmarks.speed.racing import peers_python
from copper_tf.cli.progress import progress_bar
from copper_tf.cli.tables import print_table
from copper_tf.config import KINDS, PAPER, default_config
from tfds_copper.files import write_json, write_text

__all__ = ["SCALES", "main", "split_by_sheets", "task_of"]

_RESULTS = RESULTS / "quality.json"
_REQUIRED = 2.0
_OURS = "copper_tf"
_SHEETS, _TEST, _VALIDATION = 10, 1, 1
# Height, width, side of the crops, and the most epochs, along which the step size of `make paper` falls.
SCALES: dict[str, dict[str, Any]] = {
    "small": {"height": 128, "width": 128, "crop": {"classifier": 128, "segmenter": 88},
              "epochs": {"classifier": 40, "segmenter": 20}},
    "paper": {"height": 960, "width": 1280, "crop": {"classifier": 256, "segmenter": 256},
              "epochs": {"classifier": 20, "segmenter": 8}},
}  # fmt: skip


def split_by_sheets(folder: Path) -> None:
    """Writes the column ``split`` of a simulated folder, whole sheets by their number, so that all share it."""
    with (folder / "labels.csv").open(newline="", encoding="utf-8-sig") as table:
        rows = list(csv.DictReader(table))
    for row in rows:
        k = int(row["sheet"].rpartition("-s")[2])
        row["split"] = "test" if k < _TEST else "validation" if k < _TEST + _VALIDATION else "train"
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    write_text(folder / "labels.csv", text.getvalue())


def task_of(kind: str, scale: str, folder: Path, seed: int = 0) -> Task:
    """The race of one kind of model at one scale, with the network of ``--preset paper``."""
    chosen, config = SCALES[scale], default_config(kind, PAPER)
    model, data = config.model, config.data
    return Task(
        folder=str(folder), kind=kind, crop=chosen["crop"][kind], margin=data.margin if kind == "segmenter" else 0,
        batch=config.training.batch_size, d=model.d, c=model.c, n=model.n, N=model.N, gain=data.gain,
        offset=data.offset, learning_rate=CLASSIFIER["learning_rate"], epochs=chosen["epochs"][kind], seed=seed,
    )  # fmt: skip


def _commands() -> dict[str, tuple[list[str], list[str]]]:
    """What is put before and after the task, by contestant."""
    own, peer = [sys.executable, "-m"], [str(peers_python()), "-m", "benchmarks.quality.torch_peer"]
    torch = {f"torch bfloat16 {how}": (peer, ["bfloat16", how]) for how in ("eager", "compiled")}
    return {
        _OURS: ([*own, "benchmarks.quality.ours"], []),
        "keras": ([*own, "benchmarks.quality.keras_peer"], []),
        **torch,
    }


def _run(name: str, before: Sequence[str], task: Task, after: Sequence[str]) -> dict[str, float | None]:
    """Lets one contestant learn; seconds until its first step, and until it was good, None where it never was."""
    started = dataclasses.replace(task, started=time.time())
    done = subprocess.run([*before, started.to_json(), *after], capture_output=True, text=True)
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["nothing"])[-1]
        raise SystemExit(f"{name}: must go on to its end. Received: {last}")
    said = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    good = [one for one in said if one["score"] is not None and one["score"] >= GOOD]
    return {
        "ready": said[0]["seconds"],
        "seconds": good[0]["seconds"] if good else None,
        "epochs": said[-1]["epoch"],
        "score": said[-1]["score"],
    }


def _median(found: Sequence[Mapping[str, float | None]], key: str) -> float:
    """NaN where one has none."""
    values = [one[key] for one in found]
    return float("nan") if None in values else float(np.median([v for v in values if v is not None]))


def _race(task: Task, rounds: int) -> dict[str, dict[str, float]]:
    """The medians of every contestant over the rounds, each with a seed of its own."""
    found: dict[str, list[dict[str, float | None]]] = {name: [] for name in _commands()}
    for seed in range(rounds):
        for name, (before, after) in _commands().items():
            one = _run(name, before, dataclasses.replace(task, seed=seed), after)
            print(f"{task.kind}, seed {seed}, {name}: {one}", file=sys.stderr, flush=True)
            found[name].append(one)
    return {
        name: {key: _median(of, key) for key in ("ready", "seconds", "epochs", "score")} for name, of in found.items()
    }


def main(arguments: list[str] | None = None) -> int:
    """Simulates what is missing, lets all learn, prints the tables, writes ``benchmarks/results/quality.json``."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    flags = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    flags.add_argument("--scale", choices=tuple(SCALES), default="small", help="of the pictures")
    flags.add_argument("--kinds", nargs="*", choices=KINDS, default=list(KINDS), help="of models")
    flags.add_argument("--rounds", type=int, default=3, help="how often each learns, from other weights")
    flags.add_argument("--output", type=Path, default=Path("quality"), help="where the pictures are")
    asked = flags.parse_args(arguments)
    folder, chosen = asked.output / asked.scale, SCALES[asked.scale]
    if not (folder / "labels.csv").is_file():
        sides = {"height": chosen["height"], "width": chosen["width"]}
        with progress_bar() as progress:
            copper_tf.simulate(folder, labels=LABELS, pictures=50, sheets=_SHEETS, progress=progress, **sides)
    split_by_sheets(folder)
    kept = json.loads(_RESULTS.read_text()) if _RESULTS.is_file() else {}
    missed = []
    for kind in asked.kinds:
        times = _race(task_of(kind, asked.scale, folder), asked.rounds)
        ours, others = times[_OURS]["seconds"], [of["seconds"] for name, of in times.items() if name != _OURS]
        ratio = float(np.nanmin(others) / ours)
        rows = [[name, *(f"{of[key]:.0f}" for key in ("ready", "seconds", "epochs"))] for name, of in times.items()]
        print_table([f"{kind}, {asked.scale}", "s to the first step", f"s to {GOOD}", "epochs"], rows)
        if not ratio >= _REQUIRED:
            missed.append(
                f"{kind}, {asked.scale}: {ratio:.2f} times as fast as the best of the others, {_REQUIRED} needed"
            )
        about = {"processor": platform.processor() or platform.machine(), "cores": os.cpu_count()}
        kept[f"{kind}, {asked.scale}"] = {"machine": about, "rounds": asked.rounds, "times": times, "ratio": ratio}
        write_json(_RESULTS, kept)
    print("\n".join(missed) or "all that is required is reached")
    return bool(missed)


if __name__ == "__main__":
    sys.exit(main())
