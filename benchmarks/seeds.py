"""What experiments over seeds share: their arguments, results that are kept as soon as they are there, and spreads."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from tfds_copper.files import read_json, write_json

__all__ = ["Results", "add_rows", "kept", "parser", "seeds_of", "spread"]

Results = dict[str, Any]


def parser(doc: str, seeds: int, output: str = "acceptance") -> argparse.ArgumentParser:
    """The arguments that every experiment over seeds takes.

    Args:
        doc: of the module; its first line says what it is about.
        seeds: how many by default.
        output: where worlds, runs and results are by default.
    """
    # TensorFlow reads it when it is first imported, which no experiment does before it is asked for.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    made = argparse.ArgumentParser(description=doc.splitlines()[0])
    made.add_argument("--seeds", type=int, default=seeds, help="how many seeds of world, weights and crops")
    made.add_argument("--jobs", type=int, default=1, help="processes side by side, each with its share of processors")
    made.add_argument("--just", type=int, help="only the seed of this number")
    made.add_argument("--output", type=Path, default=Path(output), help="where worlds, runs and results are kept")
    return made


def seeds_of(asked: argparse.Namespace) -> Sequence[int]:
    """The seeds asked for; with several jobs, those were then all done by processes of their own.

    Small networks leave two processors half idle, so two processes of one thread each get more done.

    Args:
        asked: the arguments of the module that runs.
    """
    if asked.just is not None:
        return [asked.just]
    seeds = range(asked.seeds)
    if asked.jobs > 1:
        with ThreadPoolExecutor(asked.jobs) as pool:
            list(pool.map(partial(_aside, threads=max(1, (os.cpu_count() or 1) // asked.jobs)), seeds))
    return seeds


def _aside(seed: int, threads: int) -> None:
    """This very command for one seed, in a process of its own, whose progress goes to the terminal."""
    main = sys.modules["__main__"]
    assert main.__spec__ is not None
    command = [sys.executable, "-m", main.__spec__.name, *sys.argv[1:], "--just", str(seed)]
    share = dict.fromkeys(("TF_NUM_INTRAOP_THREADS", "OMP_NUM_THREADS"), str(threads))
    # Its exit code says whether one seed alone is enough, which is not for it to say.
    subprocess.run(command, env={**os.environ, **share}, stdout=subprocess.DEVNULL, check=False)


def spread(values: Sequence[float]) -> str:
    """Mean and range over the seeds."""
    return f"{np.mean(values):.3f} ({min(values):.3f}-{max(values):.3f})"


def kept(output: Path, seed: int, name: str, experiment: Callable[..., Results], **arguments: Any) -> Results:
    """What an experiment gave, done first where that is missing.

    Args:
        output: where worlds, runs and results are.
        seed: of the world, the weights and the crops.
        name: of the file of the result.
        experiment: takes the seed's folder, the seed and `arguments`.
        **arguments: passed on.
    """
    file = output / f"seed{seed}" / f"{name.replace(' ', '_')}.json"
    if not file.is_file():
        write_json(file, experiment(output / f"seed{seed}", seed, **arguments))
    return {k: np.nan if v is None else v for k, v in json.loads(file.read_text()).items()}


def add_rows(file: Path, name: str, rows: Sequence[Results], key: Sequence[str]) -> None:
    """Adds rows to a file of results; those that are there stay, unless a new one is of the same experiment.

    Args:
        file: JSON, made where it is missing.
        name: under which it has the rows.
        rows: to add.
        key: the entries that say which experiment a row is of.
    """
    before = read_json(file)[name] if file.is_file() else []
    every = {tuple(row[k] for k in key): row for row in (*before, *rows)}
    write_json(file, {name: [every[k] for k in sorted(every)]})
