"""Results that are kept as soon as they are there, so that a second call does only what is missing."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from tfds_copper.files import write_json

__all__ = ["Results", "kept"]

Results = dict[str, Any]


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
