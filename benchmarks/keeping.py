"""What experiments over seeds share: their arguments, results that are kept as soon as they are there, and spreads."""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tfds_copper.files import write_json

__all__ = ["Results", "kept", "parser", "spread"]

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
    made.add_argument("--output", type=Path, default=Path(output), help="where worlds, runs and results are kept")
    return made


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
