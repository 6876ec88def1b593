"""The results of the runs of several hypotheses and seeds on the same pictures, as arrays."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from copper_tf.analysis.evaluation_results import Evaluation
from copper_tf.runs.records import BoundaryBias
from copper_tf.runs.run import Run, open_run
from copper_tf.statistics.bootstrap import groups_of
from copper_tf.statistics.scores import Rows
from tfds_copper.errors import RunError

__all__ = ["Group", "group_of", "picture_rows", "read_groups"]

_COLUMNS = ("file", "sheet", "label", "split")


@dataclasses.dataclass(frozen=True)
class Group:
    """The evaluated runs of one hypothesis, or of one way of learning g, which differ in their seed alone.

    Attributes:
        name: of the hypothesis or way of learning.
        learn: where g comes from, a name in `config.LEARN`.
        paths: the runs.
        g: of every run and label, ``(runs, K)``; NaN at labels that were left out.
        potency: of every run and picture, ``(runs, pictures)``.
        validation_nmse: of every run, ``(runs,)``.
        binarity: of the maps of the test pictures, of every run, ``(runs,)``.
        chords: mean chord of the maps in px, of every run, ``(runs,)``; NaN where unknown.
        reaches: how wide in px the network looks, of every run, ``(runs,)``.
        excess: what borders of areas add to the mean potency of every label, by composites, ``(runs, K)``; NaN where
            it was not measured.
        ends_are_learned: see `HypothesisRecord.ends_are_learned`.
    """

    name: str
    learn: str
    paths: tuple[str, ...]
    g: np.ndarray
    potency: np.ndarray
    validation_nmse: np.ndarray
    binarity: np.ndarray
    chords: np.ndarray
    reaches: np.ndarray
    excess: np.ndarray
    ends_are_learned: bool = False

    @property
    def mean_g(self) -> np.ndarray:
        """g of each label, the mean over the runs, ``(K,)``."""
        return np.asarray(self.g.mean(0))

    @property
    def falls(self) -> bool:
        """Whether g goes down from one label to the next, as an ageing curve must; anchors say nothing against it."""
        known = self.mean_g[np.isfinite(self.mean_g)]
        return bool(np.all(np.diff(known) <= 0) and known[0] > known[-1])


def _number(value: Any) -> float:
    return float("nan") if value is None else float(value)


def group_of(name: str, runs: Sequence[Run], evaluations: Sequence[Evaluation]) -> Group:
    """The evaluated runs of one hypothesis or way of learning g as one group.

    Args:
        name: of the group.
        runs: segmenters of one dataset that differ in their seed alone.
        evaluations: of each, on the same pictures.
    """
    potency, found = [], []
    for run, evaluation in zip(runs, evaluations, strict=True):
        potency.append(np.array(evaluation.pictures.potency))
        validation, test = (evaluation.splits[name].scores for name in ("validation", "test"))
        found.append((validation["nmse"], test["binarity"], run.mean_chord, run.reach))
    excess = [run.read(BoundaryBias).excess if run.has(BoundaryBias) else () for run in runs]
    nmse, binarity, chords, reaches = np.array([[_number(v) for v in row] for row in found]).T
    return Group(
        name=name,
        learn=runs[0].config.training.learn,
        paths=tuple(str(run.path) for run in runs),
        g=np.array([run.hypothesis for run in runs], float),
        potency=np.array(potency),
        validation_nmse=nmse,
        binarity=binarity,
        chords=chords,
        reaches=reaches,
        ends_are_learned=runs[0].hypothesis_record.ends_are_learned,
        excess=np.array([[_number(v) for v in row or [None] * len(runs[0].labels.times)] for row in excess]),
    )


def picture_rows(evaluation: Evaluation) -> Rows:
    """``file``, ``sheet``, ``label``, ``split`` and ``group`` (number of the sheet, or its own) of every picture."""
    held = evaluation.pictures
    rows = {name: np.array(getattr(held, name)) for name in _COLUMNS}
    return {**rows, "group": groups_of(held.sheet, held.file)[0]}


def read_groups(paths: Mapping[str, Sequence[Path]]) -> tuple[list[Group], Rows, Run]:
    """Reads evaluated segmenters of one dataset.

    Args:
        paths: the runs of each group, by its name.

    Returns:
        The groups; the `picture_rows` of their pictures; and one of the runs.

    Raises:
        RunError: if a run is none, not evaluated, or of other data than the first.
    """
    runs = {name: [open_run(path) for path in folders] for name, folders in paths.items()}
    found = {name: [run.read(Evaluation) for run in group] for name, group in runs.items()}
    (first, *_), (shown, *_) = next(iter(runs.values())), next(iter(found.values()))
    for name, group in runs.items():
        for run, evaluation in zip(group, found[name], strict=True):
            if run.data["fingerprint"] != first.data["fingerprint"]:
                raise RunError(f"{run.path}: must be of the dataset of {first.path}. Received: another one")
            if evaluation.pictures.file != shown.pictures.file:
                raise RunError(f"{run.path}: must be evaluated on the pictures of the other runs. Received: others")
    return [group_of(name, group, found[name]) for name, group in runs.items()], picture_rows(shown), first
