"""The page of `copper hypotheses`: figures, table and verdict together, with every assumption stated."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from copper_tf.analysis.hypotheses.ranking import ALIKE
from copper_tf.analysis.hypotheses.sentence import parameters_text
from copper_tf.decay.families import number_text
from copper_tf.decay.fitting import ALIKE as UNTOLD
from copper_tf.report.common.page import write_page
from copper_tf.report.common.text import POTENCY_NOTE, shown
from copper_tf.report.hypotheses.figures import curves_figure, errors_figure, potencies_figure

if TYPE_CHECKING:
    from pathlib import Path

    from matplotlib.figure import Figure

__all__ = ["AGEING_ALTS", "AGEING_CAPTIONS", "ageing_figures", "ageing_tables", "render_ageing"]

AGEING_CAPTIONS = {
    "curves": "The ageing curve as every falling g gives it: label means of validation and test pictures, less what "
    "borders of areas likely add (measured on composites: texture of the first t laid into the last along the areas of "
    "the maps), put on 1 to 0, with 95 % bands over sheets and seeds. On a surface of two phases a local network "
    "gives one curve whatever g it was trained for: how far these lie apart is what the method itself doesn't know. "
    "Hatched: from the curve as it is to that without the most that borders may add. The broken line is the law that "
    "was named.",
    "errors": "The error of every hypothesis: the mean over the seeds (dot), its 95 % interval over sheets (bar), the "
    "best and the worst seed (ticks). Diamonds are hypotheses whose levels were put in another order, by chance; the "
    "long tick is their median. A ranking counts only where the best reaches at most half of it.",
    "potencies": "Potency of every picture, the mean over the seeds, against each hypothesis (paper, Figures 10 and "
    "11), the best first. Where the means leave g, in training pictures too, the surface contradicts it.",
}
# Families shown of each curve, the best first.
_FAMILIES = 3
AGEING_ALTS = {
    "curves": "Line plot of estimated ageing curves over stress time, one for each hypothesis, with bands",
    "errors": "Dot plot of the NMSE of every hypothesis with intervals, and of permuted levels",
    "potencies": "Panels of potency over stress time, one for each hypothesis, with the hypothesis as a line",
}


def _ranking(study: Mapping[str, Any]) -> list[tuple[str, list[tuple[str, str]], str, str]]:
    """(name, cells with intervals, corrected p, what it isn't told apart from) of every hypothesis."""
    rows = []
    for row in study["hypotheses"]:
        behind = row["behind"]
        best = row is study["hypotheses"][0]
        cells = [
            shown(row["nmse"], row["interval"]),
            ("best", "") if best else shown(behind["difference"], behind["interval"]),
        ]
        p = behind.get("p_holm")
        rows.append((row["name"], cells, "–" if p is None else f"{p:.3f}", ", ".join(row["alike"]) or "–"))
    return rows


def _floors(study: Mapping[str, Any]) -> tuple[list[str], list[tuple[str, list[str]]]]:
    """(names, rows of the lowest NMSE that the row's hypothesis reaches where the column's is true)."""
    names = [row["name"] for row in study["hypotheses"]]
    cells = [["–" if v is None else f"{v:.3f}" for v in row] for row in study["floors"]]
    return names, list(zip(names, cells, strict=True))


def _laws(study: Mapping[str, Any]) -> list[tuple[str, str, str, str, str]]:
    """(curve, family, intervals of parameters with the best value, QAICc above the best, scatter) of the best few."""
    rows = []
    for name, law in study["laws"].items():
        for fit in law["fits"][:_FAMILIES] if law else ():
            found = zip(fit["values"], parameters_text(fit), strict=True)
            numbers = ", ".join(f"{text} ({number_text(value)})" for value, text in found)
            rows.append((name, fit["family"], numbers or "–", f"{fit['behind']:.1f}", f"{fit['birge']:.1f}"))
    return rows


def ageing_figures(study: dict[str, Any]) -> dict[str, Figure]:
    """The figures of a study, by name, as far as there are results.

    Args:
        study: what `ageing.study.study` gave, as it was written to JSON.
    """
    drawn = {"curves": curves_figure(study)}
    if study["hypotheses"]:
        drawn["errors"] = errors_figure(study)
    return drawn | {"potencies": potencies_figure(study)}


def ageing_tables(study: dict[str, Any]) -> dict[str, Any]:
    """What ``hypotheses/section.html.j2`` needs beside the figures and the study itself, see `ageing_figures`."""
    return {
        "ranking": _ranking(study),
        "floors": _floors(study),
        "alike": ALIKE,
        "untold": UNTOLD,
        "laws": _laws(study),
    }


def render_ageing(folder: Path, study: dict[str, Any]) -> Path:
    """Writes ``report/ageing.html`` and its figures as PNG beside it.

    Args:
        folder: of the sweep.
        study: what `ageing.study.study` gave, as it was written to JSON, with ``failed``: reasons by run.

    Returns:
        The path of the page.
    """
    labels = study["labels"]
    names = [f"{t:g} {labels['unit']}".strip() for t in (labels["times"][0], labels["times"][-1])]
    return write_page(
        "hypotheses/page.html.j2",
        folder / "report" / "ageing.html",
        figures=ageing_figures(study),
        alts=AGEING_ALTS,
        captions=AGEING_CAPTIONS,
        name=folder.resolve().name,
        study=study,
        opened=False,
        **ageing_tables(study),
        note=POTENCY_NOTE.format(first=names[0], last=names[1]),
    )
