"""The tables of the page on decisions, one function each: from the content of a results file to a head and rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

__all__ = ["DECISION_TABLES"]

Content = dict[str, Any]
Table = tuple[Sequence[str], list[list[Any]]]


def _per_cent(share: float) -> str:
    return f"{100 * share:.1f} %"


def _decisions_groups(content: Content) -> Table:
    rows = [
        [row["sheets"], row["ratio"], *(_per_cent(row[k]) for k in ("false_alarms", "found", "wrongly_equivalent"))]
        for row in content["groups"]
    ]
    head = ["sheets a group", "variance of sheets over pictures", "false alarms (3 to 7 %)"]
    return [*head, "stated difference found (75 to 85 %)", "wrongly equivalent (at most 5 %)"], rows


def _decisions_calibration(content: Content) -> Table:
    rows = [
        [row["sheets"], row["lots"], _per_cent(row["cohesive"]), _per_cent(row["covered"]), f"±{row['half']:.2g}"]
        for row in content["calibration"]
    ]
    return ["sheets", "lots", "cohesive failures", "covered (93 to 97 %)", "half an interval, N/mm"], rows


def _decisions_added(content: Content) -> Table:
    rows = [
        [row["follows"], row["sheets"], row["lots"], row["free"], _per_cent(row["not_claimed"])]
        for row in content["added"]
    ]
    return ["strength follows", "sheets", "lots", "degrees of freedom", "not said to add"], rows


def _decisions_gauge(content: Content) -> Table:
    names = list(content["gauge"][0]["covered"])
    rows = [
        [
            row["design"],
            *(_per_cent(row["covered"][n]) for n in names),
            f"{row['grr_true']:.1f}",
            f"{row['grr_mean']:.1f}",
        ]
        for row in content["gauge"]
    ]
    return ["sheets x operators x microscopes x pictures", *names, "%GRR", "%GRR found, mean"], rows


def _decisions_chart(content: Content) -> Table:
    rows = [
        [row["rule"], row["baseline"], row["shift"], f"{row['theory']:.1f}", f"{row['mean']:.1f} ± {row['error']:.1f}"]
        for row in content["chart"]
    ]
    return ["rule", "days of the baseline", "shift", "run length by theory", "found (standard error)"], rows


def _decisions_drift(content: Content) -> Table:
    rows = [
        [
            row["moved"],
            row["baseline"],
            _per_cent(row["found"]),
            f"{row['days']:.0f}",
            _per_cent(row["not_called_other"]),
        ]
        for row in content["drift"]
    ]
    return [
        "what moved",
        "days of the baseline",
        "found in 30 days",
        "days, median",
        "first alarm not of the other",
    ], rows


def _reimaging(content: Content) -> Table:
    rows = [
        [
            row["changed"],
            row["range"],
            row["moves by, steps"],
            _per_cent(row["move less than a quarter"]),
            row["largest"],
        ]
        for row in content["rows"]
    ]
    return [
        "changed",
        "beside training",
        "moves by, steps",
        "sheets that move less than a quarter",
        "largest move",
    ], rows


# As `benchmark_tables.TABLES`.
DECISION_TABLES: dict[str, tuple[str, Callable[[Content], Table]]] = {
    "reimaging": ("reimaging", _reimaging),
    "decisions-groups": ("decisions", _decisions_groups),
    "decisions-calibration": ("decisions", _decisions_calibration),
    "decisions-added": ("decisions", _decisions_added),
    "decisions-gauge": ("decisions", _decisions_gauge),
    "decisions-chart": ("decisions", _decisions_chart),
    "decisions-drift": ("decisions", _decisions_drift),
}
