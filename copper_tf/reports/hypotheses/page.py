"""The page of `copper hypotheses`: figures, table and verdict together, with every assumption stated."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from copper_tf.analysis.hypotheses.ranking import INDISTINGUISHABLE
from copper_tf.analysis.hypotheses.verdict import parameters_text
from copper_tf.decay.families import number_text
from copper_tf.decay.fitting import INDISTINGUISHABLE_QAICC
from copper_tf.reports.common.page import write_page
from copper_tf.reports.common.text import format_score, potency_note
from copper_tf.reports.hypotheses.figures import curves_figure, errors_figure, potencies_figure
from copper_tf.statistics.bootstrap import MIN_GROUPS
from copper_tf.statistics.scores import READABLE_SPAN

if TYPE_CHECKING:
    from pathlib import Path

    from matplotlib.figure import Figure

    from copper_tf.analysis.hypotheses.results import HypothesisStudy

__all__ = [
    "HYPOTHESES_ALTS",
    "hypotheses_captions",
    "hypotheses_figures",
    "hypotheses_tables",
    "render_hypotheses",
]

# Families shown of each curve, the best first.
_FAMILIES = 3
HYPOTHESES_ALTS = {
    "curves": "Line plot of estimated ageing curves over stress time, one for each hypothesis, with bands",
    "errors": "Dot plot of the NMSE of every hypothesis with intervals, and of permuted levels",
    "potencies": "Panels of potency over stress time, one for each hypothesis, with the hypothesis as a line",
}


def hypotheses_captions(study: HypothesisStudy) -> dict[str, str]:
    """The captions of the figures of a study, by name: they explain what is drawn, and nothing else."""
    curve = next((c for c in study.curves if c.name == study.source), None)
    banded = any(c.band and c.falls and c.span >= READABLE_SPAN for c in study.curves)
    bands = ", with 95 % bands over sheets and seeds" if banded else ""
    bars = "its 95 % interval over sheets (bar), " if _has_intervals(study) else ""
    curves = (
        "The ageing curve as every falling g gives it: label means of validation and test pictures, less what borders "
        "of areas likely add (measured on composites: texture of the first t laid into the last along the areas of the "
        f"maps), put on 1 to 0{bands}. On a surface of two phases "
        "a local network gives one curve whatever g it was trained for: how far these lie apart is what the method "
        "itself doesn't know."
    )
    if study.named_fit and curve and curve.without_borders:
        curves += " Hatched: from the curve as it is to that without the most that borders may add."
    if study.named_fit:
        curves += " The broken line is the law that was named."
    errors = f"The error of every hypothesis: the mean over the seeds (dot), {bars}the best and the worst seed (ticks)."
    if study.permuted.median is not None:
        errors += (
            " Diamonds are hypotheses whose levels were put in another order, by chance; the long tick is their "
            "median. A ranking counts only where the best reaches at most half of it."
        )
    return {
        "curves": curves,
        "errors": errors,
        "potencies": "Potency of every picture, the mean over the seeds, against each hypothesis (paper, Figures 10 "
        "and 11), the best first. Where the means leave g, in training pictures too, the surface contradicts it.",
    }


def _has_intervals(study: HypothesisStudy) -> bool:
    return any(row.interval for row in study.hypotheses)


def _ranking(study: HypothesisStudy) -> list[tuple[str, list[tuple[str, str]], str, str]]:
    """(name, cells with intervals, corrected p, what it isn't distinguishable from) of every hypothesis."""
    rows = []
    for row in study.hypotheses:
        behind = ("best", "") if row is study.hypotheses[0] else _cell(row.behind.difference, row.behind.interval)
        p = "–" if row.behind.p_holm is None else f"{row.behind.p_holm:.3f}"
        rows.append((row.name, [_cell(row.nmse, row.interval), behind], p, ", ".join(row.indistinguishable) or "–"))
    return rows


def _cell(value: float, interval: tuple[float, float] | None) -> tuple[str, str]:
    return format_score(value if math.isfinite(value) else None, list(interval) if interval else None)


def _floors(study: HypothesisStudy) -> tuple[list[str], list[tuple[str, list[str]]]]:
    """(names, rows of the lowest NMSE that the row's hypothesis reaches where the column's is true)."""
    names = [row.name for row in study.hypotheses]
    cells = [[f"{v:.3f}" if math.isfinite(v) else "–" for v in row] for row in study.floors]
    return names, list(zip(names, cells, strict=True))


def _fits(study: HypothesisStudy) -> list[tuple[str, str, str, str, str]]:
    """(curve, family, intervals of parameters with the best value, QAICc above the best, scatter) of the best few."""
    rows = []
    for name, curve in study.fits.items():
        for fit in curve.fits[:_FAMILIES] if curve else ():
            parameters = zip(fit.values, parameters_text(fit), strict=True)
            numbers = ", ".join(f"{text} ({number_text(value)})" for value, text in parameters)
            rows.append((name, fit.family, numbers or "–", f"{fit.behind:.1f}", f"{fit.birge:.1f}"))
    return rows


def hypotheses_figures(study: HypothesisStudy) -> dict[str, Figure]:
    """The figures of a study, by name, as far as there are results."""
    drawn = {"curves": curves_figure(study)}
    if study.hypotheses:
        drawn["errors"] = errors_figure(study)
    return drawn | {"potencies": potencies_figure(study)}


def hypotheses_tables(study: HypothesisStudy) -> dict[str, Any]:
    """The variables of ``hypotheses/section.html.j2`` beside the figures and the study itself."""
    return {
        "ranking": _ranking(study),
        "ranked_by": "with 95 % intervals over sheets, differences paired, p corrected for their number (Holm)"
        if _has_intervals(study)
        else f"without intervals, which need at least {MIN_GROUPS} test sheets",
        "floors": _floors(study),
        "floor_limit": INDISTINGUISHABLE,
        "qaicc_limit": INDISTINGUISHABLE_QAICC,
        "fits": _fits(study),
    }


def render_hypotheses(folder: Path, study: HypothesisStudy) -> Path:
    """Writes ``report/hypotheses.html`` and its figures as PNG beside it.

    Args:
        folder: of the runs.
        study: of the runs.

    Returns:
        The path of the page.
    """
    return write_page(
        "hypotheses/page.html.j2",
        folder / "report" / "hypotheses.html",
        figures=hypotheses_figures(study),
        alts=HYPOTHESES_ALTS,
        captions=hypotheses_captions(study),
        name=folder.resolve().name,
        study=study,
        opened=False,
        **hypotheses_tables(study),
        note=potency_note(study.labels),
    )
