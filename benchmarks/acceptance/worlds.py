"""The synthetic worlds that experiments are run on: small, with whole sheets held out, the same for the same seed."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from copper_tf.cli.progress import progress_bar
from copper_tf.simulation import SimulationSettings, simulate
from tfds_copper.files import replacing

if TYPE_CHECKING:
    from tfds_copper.dataset import Dataset

__all__ = ["LABELS", "SPLIT", "TRUE_LAW", "dataset", "settings"]

LABELS, SPLIT, TRUE_LAW = 16, "24/8/10", "sqrt"
_SIDE = 128


def settings(seed: int, law: str = TRUE_LAW, world: str = "binary", side: int = _SIDE) -> SimulationSettings:
    """16 labels of 42 pictures, two of each sheet.

    Args:
        seed: of the world.
        law: the true f.
        world: ``"binary"`` or a control.
        side: of a picture in px.
    """
    return SimulationSettings(
        labels=LABELS, pictures=42, sheets=21, height=side, width=side, law=law, world=world, seed=seed
    )


def _shuffled(folder: Path, target: Path, seed: int) -> Path:
    """A copy of a folder whose pictures have each other's t."""
    if not target.is_dir():
        shutil.copytree(folder, target)
    with (folder / "labels.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    order = np.random.default_rng(seed).permutation(len(rows))
    with replacing(target / "labels.csv") as part, part.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["file", "t"])
        writer.writerows([row["file"], rows[k]["t"]] for row, k in zip(rows, order, strict=True))
    return target


def dataset(
    folder: Path, seed: int, law: str = TRUE_LAW, world: str = "binary", *, side: int = _SIDE, shuffled: bool = False
) -> Dataset:
    """A world, simulated and built; what is there already is used again.

    Args:
        folder: where worlds are kept.
        seed: of the world and its split.
        law: the true f.
        world: ``"binary"`` or a control.
        side: of a picture in px.
        shuffled: give the pictures each other's t, the control from which nothing can be learnt.
    """
    from tfds_copper.copper_sem import build
    from tfds_copper.dataset import is_dataset, open_dataset
    from tfds_copper.splits.assign import SplitSettings

    name = f"{world}-{law}-{side}"
    done = folder / f"{name}{'-shuffled' * shuffled}.tfds"
    if is_dataset(done):
        return open_dataset(done)
    with progress_bar() as progress:
        pictures = simulate(folder / name, settings(seed, law, world, side), progress=progress)
        if shuffled:
            pictures = _shuffled(pictures, folder / f"{name}-shuffled", seed)
        return open_dataset(build(pictures, done, SplitSettings(split=SPLIT, seed=seed), progress=progress))
