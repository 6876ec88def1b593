"""The runs of a report: opened, of one dataset, and evaluated where they were not."""

from __future__ import annotations

import dataclasses
import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from copper_tf.analysis.results import Evaluation
from copper_tf.runs.run import BEST, Run, fold_runs, open_run, seed_runs
from tfds_copper.errors import RunError
from tfds_copper.progress import Progress

if TYPE_CHECKING:
    from tfds_copper.dataset import Dataset

__all__ = ["FOLDS", "ONE", "SEEDS", "Member", "members"]


# What a folder given as RUN holds.
ONE, FOLDS, SEEDS = "one run", "folds", "seeds"


@dataclasses.dataclass(frozen=True)
class Member:
    """One RUN of a report.

    Attributes:
        path: its folder.
        name: what it is called in the report.
        way: `ONE`, `FOLDS` (a cross-validation) or `SEEDS` (an ensemble).
        parts: the runs that hold weights, at least one.
    """

    path: Path
    name: str
    way: str
    parts: tuple[Run, ...]

    @property
    def kind(self) -> str:
        """``"classifier"`` or ``"segmenter"``."""
        return self.parts[0].config.kind

    @property
    def fingerprint(self) -> str:
        """Of its data; of all folds where they are several."""
        return " ".join(sorted({str(run.data["fingerprint"]) for run in self.parts}))

    @property
    def tested(self) -> Run:
        """The run whose trust tests and baselines stand for it: itself, or the first of its folds or seeds."""
        return self.parts[0]

    def command_of(self, verb: str) -> str:
        """The command that tests it, e.g. ``copper trust RUN``, with folders called by their names.

        Args:
            verb: ``"trust"``, which takes an ensemble whole, or ``"baselines"``.
        """
        whole = self.way == ONE or (self.way == SEEDS and verb == "trust")
        name = self.path.resolve().name
        return f"copper {verb} {shlex.quote(name if whole else f'{name}/{self.tested.path.name}')}"

    @property
    def evaluated(self) -> bool:
        """Whether its scores are there."""
        return (self.parts[0] if self.way == ONE else dataclasses.replace(self.parts[0], path=self.path)).has(
            Evaluation
        )

    @property
    def run(self) -> Run:
        """The member as one run at its path; TensorFlow is needed for folds and seeds."""
        if self.way == FOLDS:
            from copper_tf.analysis.evaluation import pool_folds

            return pool_folds(self.path, self.parts)
        if self.way == SEEDS:
            from copper_tf.inference.ensemble import ensemble_run

            return ensemble_run(self.path, self.parts)
        return self.parts[0]

    def evaluate(self, progress: Progress | None = None) -> None:
        """Scores it, see `evaluation.evaluate`; folds and seeds together.

        Args:
            progress: called with (done, total, what).
        """
        from copper_tf.analysis.evaluation import evaluate, evaluate_folds, evaluate_seeds
        from copper_tf.runs.datasets import dataset_of

        if self.way == FOLDS:
            evaluate_folds(self.path, self.parts, progress)
        elif self.way == SEEDS:
            evaluate_seeds(self.path, self.parts, progress)
        else:
            evaluate(self.parts[0], dataset_of(self.parts[0]), progress)

    def datasets(self) -> list[Dataset]:
        """The datasets that it was trained on: one, or one for each fold.

        Raises:
            RunError: if one is gone or has changed since.
        """
        from copper_tf.runs.datasets import dataset_of

        return [dataset_of(run) for run in (self.parts if self.way == FOLDS else self.parts[:1])]

    def judges(self) -> Iterator[tuple[Any, Dataset]]:
        """Predictors, each with the dataset whose test pictures it has not seen; loaded one after the other."""
        from copper_tf.inference.ensemble import Ensemble
        from copper_tf.inference.predictor import RunPredictor

        if self.way == SEEDS:
            yield Ensemble(self.parts), self.datasets()[0]
            return
        for run, dataset in zip(self.parts, self.datasets(), strict=True):
            yield RunPredictor(run), dataset


def _opened(path: Path) -> tuple[str, list[Run]]:
    folds = fold_runs(path)
    if folds:
        return FOLDS, folds
    seeds = seed_runs(path)
    return (SEEDS, seeds) if seeds else (ONE, [open_run(path)])


def members(paths: Sequence[Path]) -> list[Member]:
    """Opens the runs of a report; reads no weights and no pictures.

    Args:
        paths: run folders, or folders of folds or of seeds; at least one.

    Raises:
        RunError: if one is no run, not trained, named twice, or of another dataset than the first.
    """
    found: list[Member] = []
    short = len({path.resolve().name for path in paths}) == len(paths)
    for path in paths:
        way, parts = _opened(path)
        for run in parts:
            if not (run.checkpoints / BEST).is_file():
                raise RunError(f"{run.path}: must be trained, see `copper train`. Received: no checkpoints/{BEST}")
        member = Member(path, path.resolve().name if short else str(path), way, tuple(parts))
        if any(member.path.resolve() == other.path.resolve() for other in found):
            raise RunError(f"{path}: each run must be named once. Received: the same one twice")
        if found and member.fingerprint != found[0].fingerprint:
            raise RunError(
                f"{path}: the runs of one report must be of one dataset, that of {found[0].path}. Received: another "
                "dataset"
            )
        found.append(member)
    return found
