"""Several runs that differ in their seed alone, used as one model that also says how sure it is."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from copper_tf.inference.predictor import TILE, ByPieces, Piece, Predictor
from copper_tf.ood.reference import Familiar
from copper_tf.runs.labels import Labels
from copper_tf.runs.run import Run, all_caveats
from tfds_copper.micrograph import Windows
from tfds_copper.progress import Progress

__all__ = ["Ensemble", "together"]


def together(path: Path, runs: Sequence[Run]) -> Run:
    """The runs of an ensemble as one at `path`; a g that each has learnt for itself is their mean."""
    g = tuple(float(v) for v in np.mean([run.hypothesis for run in runs], 0)) if runs[0].hypothesis else ()
    data = {**runs[0].data, "caveats": all_caveats(runs)}
    return dataclasses.replace(runs[0], path=path, hypothesis=g, data=data)


class Ensemble(ByPieces):
    """The mean of the results of several runs, used like a run's `Predictor`.

    Args:
        runs: at least two trained runs that differ in their seed alone, see `runs.seed_runs`.
        tile: largest side in px of what goes through a network at once.

    Raises:
        RunError: if a run isn't trained or incomplete.
    """

    def __init__(self, runs: Sequence[Run], tile: int = TILE) -> None:
        self.run = together(runs[0].path.parent, runs)
        self.labels: Labels = self.run.labels
        self.kind = self.run.config.kind
        self.members = [Predictor(run, tile) for run in runs]

    @property
    def caveats(self) -> tuple[str, ...]:
        """What every result must say; what one member must, all must."""
        return tuple(self.run.data["caveats"])

    @property
    def law_note(self) -> str:
        """What every result must say of a g that was learned, empty where it wasn't."""
        return self.run.law_note

    @property
    def pixel_sizes_nm(self) -> dict[str, int]:
        """How many pictures of training, validation and test were of each pixel size; ``nan`` is unknown."""
        return self.members[0].pixel_sizes_nm

    @property
    def familiar(self) -> Familiar | None:
        """What pictures the first member knows: all were trained on the same."""
        return self.members[0].familiar

    def pieces(self, picture: Windows, name: str = "picture", progress: Progress | None = None) -> Iterator[Piece]:
        """The mean map with the standard deviation over the members at each pixel, see `ByPieces.pieces`."""
        first, *others = self.members
        # The members differ in their weights alone, so their tiles are the same.
        for parts in zip(
            *(m.pieces(picture, name) for m in others), first.pieces(picture, name, progress), strict=True
        ):
            masks = np.array([part.potency for part in parts])
            yield Piece(parts[0].rows, parts[0].columns, masks.mean(0), masks.std(0, ddof=1))

    def grades(self, picture: Windows, name: str = "picture", progress: Progress | None = None) -> np.ndarray:
        """The mean of the members' probabilities, see `ByPieces.grades`."""
        return np.array([member.grades(picture, name, progress) for member in self.members]).mean(0)
