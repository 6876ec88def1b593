"""What a segmenter's maps of held-out pictures say of the decay: the mean of each label, and the law they follow."""

from __future__ import annotations

import dataclasses

import numpy as np

from copper_tf.analysis.evaluation_results import Evaluation, LabelMean
from copper_tf.analysis.hypotheses.curves import ageing_curve, curve_fits
from copper_tf.analysis.hypotheses.groups import group_of, picture_rows
from copper_tf.analysis.hypotheses.verdict import law_sentence
from copper_tf.runs.run import Run
from copper_tf.statistics.bootstrap import UNIT, mean_interval

__all__ = ["law_text", "with_law"]


def _label_means(evaluation: Evaluation) -> tuple[LabelMean, ...]:
    """The mean potency of each label over its held-out sheets; of folds, each picture is tested once."""
    held = ("test",) if evaluation.folds else ("validation", "test")
    rows, potency = picture_rows(evaluation), np.array(evaluation.pictures.potency)
    chosen, found = np.isin(rows["split"], held), []
    for k in np.unique(rows["label"][chosen]):
        of_label = chosen & (rows["label"] == k)
        groups = rows["group"][of_label]
        sheets = [potency[of_label][groups == g].mean() for g in np.unique(groups)]
        mean, interval = mean_interval(np.array(sheets), UNIT)
        found.append(LabelMean(int(k), mean, interval, len(np.unique(groups)), int(of_label.sum())))
    return tuple(found)


def with_law(run: Run, evaluation: Evaluation) -> Evaluation:
    """The evaluation of a segmenter with the mean of each label, and the families of laws that these follow.

    Scale and shift are fitted with each family, so it needs neither g nor its ends to be right.

    Args:
        run: what was evaluated.
        evaluation: its scores.
    """
    times, group = run.labels.times, group_of(run.path.name, [run], [evaluation])
    curve = ageing_curve(group, picture_rows(evaluation), len(times))
    fits = curve_fits(curve, times, run.config.training.time_scale)
    return dataclasses.replace(evaluation, label_means=_label_means(evaluation), law=fits)


def law_text(evaluation: Evaluation) -> str:
    """The law in one sentence, with 95 % intervals; or why none is named.

    Args:
        evaluation: of a segmenter.
    """
    return law_sentence(evaluation.law, "the held-out pictures", evaluation.labels)
