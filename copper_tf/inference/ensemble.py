"""Several runs that differ in their seed alone, used as one model that also says how sure it is."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from copper_tf.inference.predictor import Predictor, RunPredictor
from copper_tf.inference.tiling import MapTile
from copper_tf.runs.run import Run, all_caveats
from tfds_copper.micrograph import Windows
from tfds_copper.progress import Progress

__all__ = ["Ensemble", "ensemble_run"]


def ensemble_run(path: Path, runs: Sequence[Run]) -> Run:
    """The runs of an ensemble as one run at `path`; where each of them learned g, its g is the mean of theirs."""
    g = tuple(float(v) for v in np.mean([run.hypothesis for run in runs], 0)) if runs[0].hypothesis else ()
    data = {**runs[0].data, "caveats": all_caveats(runs)}
    return dataclasses.replace(runs[0], path=path, hypothesis=g, data=data)


class Ensemble(Predictor):
    """The mean of the results of several runs, used like one run's `RunPredictor`.

    Args:
        runs: at least two trained runs that differ in their seed alone, see `runs.seed_runs`.

    Raises:
        RunError: if a run isn't trained or incomplete.
    """

    def __init__(self, runs: Sequence[Run]) -> None:
        self.run = ensemble_run(runs[0].path.parent, runs)
        self.describe(self.run)
        # All members were trained on the same pictures.
        self.reference_statistics = runs[0].reference_statistics
        self.members = [RunPredictor(run) for run in runs]

    @functools.cached_property
    def identity(self) -> str:
        """See `Predictor.identity`."""
        return hashlib.sha256(" ".join(member.identity for member in self.members).encode()).hexdigest()

    def map_tiles(self, picture: Windows, name: str = "picture", progress: Progress | None = None) -> Iterator[MapTile]:
        """The mean map with the standard deviation over the members at each pixel, see `Predictor.map_tiles`."""
        first, *others = self.members
        # The members differ in their weights alone, so their tiles are the same.
        for parts in zip(
            *(m.map_tiles(picture, name) for m in others), first.map_tiles(picture, name, progress), strict=True
        ):
            masks = np.array([part.potency for part in parts])
            yield MapTile(parts[0].rows, parts[0].columns, masks.mean(0), masks.std(0, ddof=1))

    def probabilities(self, picture: Windows, name: str = "picture", progress: Progress | None = None) -> np.ndarray:
        """The mean of the members' probabilities, see `Predictor.probabilities`."""
        return np.array([member.probabilities(picture, name, progress) for member in self.members]).mean(0)
