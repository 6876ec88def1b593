"""The estimated ageing curve as a table, and the note on a g that was learned."""

from __future__ import annotations

from typing import Any

from copper_tf.analysis.evaluation_results import Evaluation
from copper_tf.reports.common.text import format_score, learned_note

__all__ = ["ageing_curve_table"]


def ageing_curve_table(evaluation: Evaluation) -> dict[str, Any]:
    """What the page shows of g and of the curve that the test pictures give; empty for a classifier.

    Args:
        evaluation: of a run.

    Returns:
        ``note`` (empty for a supposed g), ``columns`` (names of the g shown), and ``rows`` of (t, values of g, a(t),
        its interval), all as text.
    """
    if evaluation.kind != "segmenter":
        return {}
    hypothesis, test = evaluation.hypothesis, evaluation.splits["test"]
    columns = {"g": hypothesis.g}
    if hypothesis.initial_g:
        columns = {"g at the start": hypothesis.initial_g, "learned g": hypothesis.g}
    rows = [
        (name, [format_score(g[k], None)[0] for g in columns.values()], *format_score(value, interval))
        for k, (name, value, interval) in enumerate(
            zip(evaluation.labels.names, test.reanchored_curve, test.curve_intervals, strict=True)
        )
    ]
    return {"note": learned_note(hypothesis), "columns": list(columns), "rows": rows}
