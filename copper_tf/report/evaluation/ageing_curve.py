"""The estimated ageing curve as a table, and what is said of a g that was learned."""

from __future__ import annotations

from typing import Any

from copper_tf.report.common.text import LAW_NOTES, shown

__all__ = ["law_table"]


def law_table(scores: dict[str, Any]) -> dict[str, Any]:
    """What the page shows of g and of the curve that the test pictures give; empty for a classifier.

    Args:
        scores: the evaluation.

    Returns:
        ``note`` (empty for a supposed g), ``columns`` (names of the g shown), and ``rows`` of (t, values of g, a(t),
        its interval), all as text.
    """
    if scores["kind"] != "segmenter":
        return {}
    law, labels, test = scores["hypothesis"], scores["labels"], scores["splits"]["test"]
    columns = {"g at the start": law["start"], "learned g": law["g"]} if "start" in law else {"g": law["g"]}
    curve = test["reanchored_curve"]
    sure = test.get("curve_intervals", [None] * len(curve))
    rows = []
    for k, t in enumerate(labels["times"]):
        values = [shown(g[k], None)[0] for g in columns.values()]
        rows.append((f"{t:g} {labels['unit']}".strip(), values, *shown(curve[k], sure[k])))
    note = LAW_NOTES.get(law.get("learn", ""), "").format(name=law["name"])
    return {"note": note, "columns": list(columns), "rows": rows}
