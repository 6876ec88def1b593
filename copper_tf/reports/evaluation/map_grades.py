"""The map as a grader, for the page."""

from __future__ import annotations

from typing import Any

from copper_tf.analysis.evaluation_results import Evaluation
from copper_tf.reports.common.text import SCORE_NAMES, format_score, no_interval

__all__ = ["grading_table"]


def grading_table(evaluation: Evaluation) -> dict[str, Any] | None:
    """What the page shows of the grades decoded from maps; None for a classifier.

    Args:
        evaluation: of a run.

    Returns:
        ``scores``, ``rows`` of (score, value, interval) and ``reason``, why there are no intervals.
    """
    part = evaluation.map_grading
    if part is None:
        return None
    rows = [(SCORE_NAMES[n], *format_score(value, part.intervals[n])) for n, value in part.scores.items()]
    return {"scores": part, "rows": rows, "reason": no_interval(part)}
