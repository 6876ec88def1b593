"""How long `copper evaluate` takes beside what can't be saved: reading the pictures, and mapping them by an export.

    python -m benchmarks.speed.evaluation RUN     # a trained run, e.g. paper/segmenter after `make paper`

The export maps the test pictures one after the other, in the same process; that time is taken for all pictures. The
exit code is 1 where the evaluation takes over 2.5 times both together.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

import copper_tf
from benchmarks import RESULTS
from copper_tf.cli.progress import progress_bar
from copper_tf.cli.tables import print_table
from copper_tf.data.pictures import examples
from copper_tf.inference.exported.predictor import ExportedPredictor
from copper_tf.runs.datasets import dataset_of
from copper_tf.runs.run import open_run
from tfds_copper.files import write_json
from tfds_copper.splits.assign import SPLITS

__all__ = ["main"]

_RESULTS = RESULTS / "evaluation.json"
_ALLOWED = 2.5
_WARM = 2


def _read(path: Path) -> tuple[int, float]:
    """(pictures, seconds) of decoding all splits of a run's dataset."""
    dataset, started = dataset_of(open_run(path)), time.perf_counter()
    pictures = sum(1 for split in SPLITS for _ in examples(dataset, split))
    return pictures, time.perf_counter() - started


def _mapped(path: Path, name: str) -> float:
    """Seconds that an export takes for a test picture."""
    pictures = list(examples(dataset_of(open_run(path)), "test"))
    with tempfile.TemporaryDirectory() as folder:
        copper_tf.export(path, Path(folder) / "export", name)
        exported = ExportedPredictor.load(Path(folder) / "export", name)
        for example in pictures[:_WARM]:
            exported.predict(example.pixels, example.bit_depth)
        started = time.perf_counter()
        for example in pictures:
            exported.predict(example.pixels, example.bit_depth)
        return (time.perf_counter() - started) / len(pictures)


def main(arguments: list[str] | None = None) -> int:
    """Measures, prints the table, writes ``benchmarks/results/evaluation.json``."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    flags = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    flags.add_argument("run", type=Path, help="a trained run whose dataset is where it was")
    flags.add_argument("--format", default="savedmodel", help="of the export")
    asked = flags.parse_args(arguments)
    pictures, read = _read(asked.run)
    mapped = _mapped(asked.run, asked.format) * pictures
    started = time.perf_counter()
    with progress_bar() as progress:
        copper_tf.evaluate(asked.run, progress=progress)
    took = time.perf_counter() - started
    parts = {"read all pictures": read, f"map them by {asked.format}": mapped, "copper evaluate": took}
    rows = [[name, f"{seconds:.1f}", f"{seconds / pictures:.3f}"] for name, seconds in parts.items()]
    print_table(["", "seconds", "s a picture"], rows)
    ratio = took / (read + mapped)
    print(f"{ratio:.2f} times reading and mapping together; {_ALLOWED} are allowed")
    write_json(_RESULTS, {"pictures": pictures, "seconds": parts, "ratio": ratio})
    return int(ratio > _ALLOWED)


if __name__ == "__main__":
    sys.exit(main())
