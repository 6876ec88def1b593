"""The map as a grader, for the page."""

from __future__ import annotations

from typing import Any

from copper_tf.report.common.text import SCORE_NAMES, no_interval, shown

__all__ = ["grading_table"]


def grading_table(scores: dict[str, Any]) -> dict[str, Any] | None:
    """What the page shows of the grades decoded from maps; None for a classifier.

    Args:
        scores: the evaluation.

    Returns:
        ``part`` (pictures, groups and what was resampled), ``rows`` of (score, value, interval) and ``reason``, why
        there are no intervals.
    """
    part = scores.get("map_grading")
    if not part:
        return None
    rows = [(SCORE_NAMES[n], *shown(value, part["intervals"][n])) for n, value in part["scores"].items()]
    return {"part": part, "rows": rows, "reason": no_interval(part)}
