"""The law that a segmenter's maps of held-out pictures follow: its family, its numbers, and what else fits as well."""

from __future__ import annotations

import dataclasses

from copper_tf.analysis.evaluation_results import Evaluation
from copper_tf.analysis.hypotheses.curves import ageing_curve, curve_fits
from copper_tf.analysis.hypotheses.groups import group_of, picture_rows
from copper_tf.analysis.hypotheses.verdict import law_sentence
from copper_tf.runs.run import Run

__all__ = ["law_text", "with_law"]


def with_law(run: Run, evaluation: Evaluation) -> Evaluation:
    """The evaluation of a segmenter with the families of laws that its label means follow.

    Scale and shift are fitted with each family, so it needs neither g nor its ends to be right.

    Args:
        run: what was evaluated.
        evaluation: its scores.
    """
    times, group = run.labels.times, group_of(run.path.name, [run], [evaluation])
    curve = ageing_curve(group, picture_rows(evaluation), len(times))
    return dataclasses.replace(evaluation, law=curve_fits(curve, times, run.config.training.time_scale))


def law_text(evaluation: Evaluation) -> str:
    """The law in one sentence, with 95 % intervals; or why none is named.

    Args:
        evaluation: of a segmenter.
    """
    return law_sentence(evaluation.law, "the held-out pictures", evaluation.labels)
