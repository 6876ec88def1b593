"""What a segmenter's maps of held-out pictures say of the decay: the mean of each label, and the law they follow."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from copper_tf.analysis.evaluation_results import Evaluation, LabelMean
from copper_tf.analysis.hypotheses.curves import ageing_curve, curve_fits
from copper_tf.analysis.hypotheses.groups import group_of, picture_rows
from copper_tf.analysis.hypotheses.verdict import law_sentence
from copper_tf.runs.records import BoundaryBias
from copper_tf.runs.run import Run
from copper_tf.statistics.bootstrap import UNIT, mean_interval
from copper_tf.training.boundary_bias import measure_boundary_bias, one_phase_each
from tfds_copper.dataset import Dataset
from tfds_copper.progress import Progress
from tfds_copper.splits.assign import HELD_OUT

__all__ = ["measure_borders", "with_law"]


def _label_means(evaluation: Evaluation) -> tuple[LabelMean, ...]:
    """The mean potency of each label over its held-out sheets; of folds, each picture is tested once."""
    held = ("test",) if evaluation.folds else HELD_OUT
    rows, potency = picture_rows(evaluation), np.array(evaluation.pictures.potency)
    chosen, found = np.isin(rows["split"], held), []
    for k in np.unique(rows["label"][chosen]):
        of_label = chosen & (rows["label"] == k)
        groups = rows["group"][of_label]
        sheets = [potency[of_label][groups == g].mean() for g in np.unique(groups)]
        mean, interval = mean_interval(np.array(sheets), UNIT)
        found.append(LabelMean(int(k), mean, interval, len(np.unique(groups)), int(of_label.sum())))
    return tuple(found)


def measure_borders(
    run: Run, rows: Sequence[Mapping[str, Any]], members: Sequence[Run], dataset: Dataset | None,
    progress: Progress | None = None,
) -> None:  # fmt: skip
    """Keeps what borders of areas add to the label means, where that can be known: both ends show one phase each.

    Args:
        run: one run, or several as one; of a classifier nothing is kept.
        rows: its pictures, see `evaluation.picture_row`.
        members: the runs that it consists of, itself where it is one; theirs is measured unless it was before, its own
            is their mean; nothing is kept where there are none.
        dataset: of the members; None where theirs is measured already.
        progress: called with (done, total, what).
    """
    if run.config.kind != "segmenter" or not members:
        return
    held, last = [row for row in rows if row["split"] in HELD_OUT], len(run.labels.times) - 1
    ends = [[row["potency"] for row in held if row["label"] == k] for k in (0, last)]
    if not one_phase_each(*(float(np.mean(end)) if end else np.nan for end in ends)):
        return
    if dataset is not None:
        for member in members:
            # A member that was evaluated by itself has been measured; training it further takes that away.
            if member.path == run.path or not member.has(BoundaryBias):
                measure_boundary_bias(member, dataset, progress)
    if run.path not in {member.path for member in members} and all(member.has(BoundaryBias) for member in members):
        excess = np.mean([member.read(BoundaryBias).excess for member in members], 0)
        run.write(BoundaryBias(tuple(excess.tolist())))


def with_law(run: Run, evaluation: Evaluation) -> Evaluation:
    """The evaluation of a segmenter with the mean of each label, and the families of laws that these follow.

    Scale and shift are fitted with each family, so it needs neither g nor its ends to be right. What borders of areas
    add to the means is likely taken away, and counts in the intervals, where `measure_borders` found it.

    Args:
        run: what was evaluated.
        evaluation: its scores.
    """
    times, group = run.labels.times, group_of(run.path.name, [run], [evaluation])
    curve = ageing_curve(group, picture_rows(evaluation), len(times))
    fits = curve_fits(curve, times, run.config.training.time_scale)
    sentence = law_sentence(fits, "the held-out pictures", evaluation.labels)
    return dataclasses.replace(evaluation, label_means=_label_means(evaluation), law=fits, law_sentence=sentence)
