"""The page of a blind test: what experts see in the pictures, beside what the model sees in them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from copper_tf.analysis.blindtest.folder import BlindTest
from copper_tf.analysis.blindtest.results import (
    RATER,
    BlindTestResult,
    PairedDifference,
    UnfinishedRound,
)
from copper_tf.analysis.comparison_results import LEVEL, POWER, McNemar, ScoreDifference, Wilcoxon
from copper_tf.reports.blindtest.figures import grader_figure, grader_title, side_by_side_figure
from copper_tf.reports.common.page import write_page
from copper_tf.reports.common.text import GLOSSARY, SCORE_NAMES, format_score, no_interval, p_value

if TYPE_CHECKING:
    from pathlib import Path

    from matplotlib.figure import Figure

__all__ = ["blindtest_figures", "blindtest_tables", "render_blindtest"]

_SCORES = ("accuracy", "within_one", "mae", "qwk")
_TESTED = ("accuracy", "mae", "qwk")
_GLOSSARY = {name: GLOSSARY[name] for name in ("accuracy", "MAE", "QWK", "interval")} | {
    "McNemar": "exact test of two graders on the same pictures: it counts the pictures that only one of them gets "
    "right, and asks how often a fair coin would split them as unevenly.",
    "Wilcoxon": "signed-rank test of how many steps two graders are off on each picture. Like McNemar's test it treats "
    "pictures as independent, which those of one sheet are not: it is too confident where sheets have many pictures.",
    "p": "probability of at least such a difference if there is none; the p values of a table are corrected for their "
    "number (Holm). For raters taken together, p is about these raters on other sheets, not about other raters.",
    "detectable": f"the smallest true difference that a test at {LEVEL:.0%} finds with {POWER:.0%} probability on this "
    "many pictures and sheets: smaller ones may go unnoticed.",
    "kappa": "agreement of two raters beyond chance, errors weighted by the square of their steps (Cohen 1968).",
    "alpha": "the same for all raters together (Krippendorff, squared steps).",
}


def _signed(value: float | None) -> str:
    return "–" if value is None else f"{value:+.3f}".replace("-", "−")


def _p_text(test: McNemar | Wilcoxon | ScoreDifference | None) -> str:
    """A corrected p value; a dash where there is none."""
    return p_value(None if test is None else test.p_holm)


def _score_rows(result: BlindTestResult) -> list[tuple[str, list[tuple[str, str]], list[str]]]:
    """(grader, (score, interval) of each score, time and changes)."""
    rows = []
    for grader in result.graders:
        cells = [format_score(grader.scores[n], grader.intervals[n]) for n in _SCORES]
        pace = [f"{grader.median_seconds:.1f}", str(grader.changed)] if grader.kind == RATER else ["–", "–"]
        rows.append((grader_title(grader, result.rounds), cells, pace))
    return rows


def _score_cells(row: PairedDifference) -> list[tuple[str, str, str]]:
    """(difference, interval, p) of each tested score."""
    parts = [row.scores[n] for n in _TESTED]
    return [(_signed(part.difference), format_score(None, part.interval)[1], _p_text(part)) for part in parts]


def _test_cells(row: PairedDifference) -> list[str]:
    """The pictures that only one gets right, both exact tests, and the smallest detectable differences."""
    pair = row.mcnemar
    only = [str(pair.only_first), str(pair.only_second)] if pair else ["–", "–"]
    detectable = [row.scores[n].detectable for n in ("accuracy", "mae")]
    return [*only, _p_text(pair), _p_text(row.wilcoxon), *("–" if v is None else f"{v:.2f}" for v in detectable)]


def _difference_rows(rows: Sequence[PairedDifference], rounds: int) -> list[tuple[str, list[Any], list[str]]]:
    names = [f"{row.name}, {row.decoding}" if rounds > 1 else row.name for row in rows]
    return [(name, _score_cells(row), _test_cells(row)) for name, row in zip(names, rows, strict=True)]


def _agreement_rows(result: BlindTestResult) -> list[tuple[str, list[tuple[str, str, str]], tuple[str, str]]]:
    """(round, (pair, kappa, interval) rows, alpha with its interval)."""
    rows = []
    for part in result.agreement:
        pairs = [(f"{pair.first} and {pair.second}", *format_score(pair.kappa, pair.interval)) for pair in part.pairs]
        rows.append((part.round, pairs, format_score(part.alpha, part.alpha_interval)))
    return rows


def _unfinished_text(row: UnfinishedRound) -> str:
    if not row.started:
        return f"{row.name}, {row.round}: not started"
    return f"{row.name}, {row.round}: {row.answered} of {row.pictures} answered, not submitted"


def blindtest_figures(result: BlindTestResult) -> tuple[dict[str, Figure], dict[str, str]]:
    """The figures of a blind test and their alternative texts, by name.

    Args:
        result: of `blindtest.scoring.score`.
    """
    figures, texts = {"side_by_side": side_by_side_figure(result)}, {}
    texts["side_by_side"] = "Accuracy, mean absolute error and quadratic-weighted kappa of every grader with intervals"
    for k, grader in enumerate(result.graders):
        title = grader_title(grader, result.rounds)
        figures[f"grader_{k:02d}"] = grader_figure(result, grader)
        texts[f"grader_{k:02d}"] = f"Regression plot and confusion matrix of the answers of {title}"
    return figures, texts


def blindtest_tables(result: BlindTestResult) -> dict[str, Any]:
    """What ``blindtest/section.html.j2`` needs beside the result and its figures, see `blindtest_figures`."""
    rounds = result.rounds
    return {
        "scores": (_SCORES, SCORE_NAMES, _score_rows(result)),
        "tested": [SCORE_NAMES[n] for n in _TESTED],
        "differences": [(part.model, _difference_rows(part.differences, rounds)) for part in result.differences],
        "map_effect": _difference_rows(result.map_effect, 1),
        "agreement": _agreement_rows(result),
        "graders": [(g, grader_title(g, rounds), f"grader_{k:02d}") for k, g in enumerate(result.graders)],
    }


def render_blindtest(test: BlindTest, result: BlindTestResult) -> Path:
    """Writes ``results/blindtest.html`` and its figures as PNG beside it.

    Args:
        test: the test.
        result: its result, see `blindtest.scoring.score`.

    Returns:
        The path of the page.
    """
    first = result.graders[0]
    figures, alts = blindtest_figures(result)
    return write_page(
        "blindtest/page.html.j2",
        test.page,
        figures=figures,
        alts=alts,
        name=test.path.resolve().name,
        result=result,
        first=first,
        **blindtest_tables(result),
        unfinished=[*(_unfinished_text(row) for row in result.unfinished), *result.damaged],
        reason=no_interval(first),
        glossary=_GLOSSARY,
    )
