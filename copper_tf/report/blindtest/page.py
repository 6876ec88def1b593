"""The page of a blind test: what experts see in the pictures, beside what the model sees in them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from copper_tf.analysis.blindtest.folder import ROUNDS
from copper_tf.analysis.blindtest.scoring import ALL, results_folder
from copper_tf.analysis.comparison import LEVEL, POWER
from copper_tf.report.blindtest.figures import grader_figure, grader_title, side_by_side
from copper_tf.report.common.page import write_page
from copper_tf.report.common.text import GLOSSARY, SCORE_NAMES, no_interval, shown

if TYPE_CHECKING:
    from pathlib import Path

    from matplotlib.figure import Figure

    from copper_tf.analysis.blindtest.folder import BlindTest

__all__ = ["blindtest_figures", "blindtest_tables", "render_blindtest", "verdicts"]

_SCORES = ("accuracy", "within_one", "mae", "qwk")
_TESTED = ("accuracy", "mae", "qwk")
_WORDS = ("accuracy", "MAE", "QWK", "interval")
_MORE_WORDS = {
    "McNemar": "exact test of two graders on the same pictures: counts those that only one of them gets right, and "
    "asks how often a fair coin would fall as unevenly.",
    "Wilcoxon": "signed-rank test of by how many steps two graders err on each picture. Like McNemar's it takes "
    "pictures as independent, which those of one sheet aren't: it says too much where sheets hold many pictures.",
    "p": "probability of at least such a difference where there is none; those of one table are corrected for their "
    "number (Holm). Where raters are taken together it speaks of these raters on other sheets, not of other raters.",
    "detectable": f"the smallest true difference that a test at {LEVEL:.0%} finds with {POWER:.0%} probability on this "
    "many pictures and sheets: smaller ones can hide.",
    "kappa": "agreement of two raters beyond chance, errors weighted by the square of their steps (Cohen 1968).",
    "alpha": "the same for all raters together (Krippendorff, squared steps).",
}


def _signed(value: float | None) -> str:
    return "–" if value is None else f"{value:+.3f}".replace("-", "−")


def _p(found: dict[str, Any] | None) -> str:
    """A corrected p value, a dash where there is none."""
    if not found or found.get("p") is None:
        return "–"
    return "< 0.001" if found["p_holm"] < 0.001 else f"{found['p_holm']:.3f}"


def _score_rows(found: dict[str, Any], rounds: int) -> list[tuple[str, list[tuple[str, str]], list[str]]]:
    """(grader, (score, interval) of each score, time and changes)."""
    rows = []
    for grader in found["graders"]:
        cells = [shown(grader["scores"][n], grader["intervals"][n]) for n in _SCORES]
        human = grader["kind"] == "rater"
        pace = [f"{grader['median_seconds']:.1f}", str(grader["changed"])] if human else ["–", "–"]
        rows.append((grader_title(grader, rounds), cells, pace))
    return rows


def _difference_cells(row: dict[str, Any]) -> list[tuple[str, str, str]]:
    """(difference, interval, p) of each tested score."""
    parts = [row["scores"][n] for n in _TESTED]
    return [(_signed(s["difference"]), shown(None, s["interval"])[1], _p(s)) for s in parts]


def _test_cells(row: dict[str, Any]) -> list[str]:
    """Pictures that only one gets right, both exact tests, and what could have been found."""
    pair = row["mcnemar"]
    only = [str(pair["only_first"]), str(pair["only_second"])] if pair else ["–", "–"]
    least = [row["scores"][n]["detectable"] for n in ("accuracy", "mae")]
    return [*only, _p(pair), _p(row["wilcoxon"]), *("–" if v is None else f"{v:.2f}" for v in least)]


def _differences(rows: list[dict[str, Any]], rounds: int) -> list[tuple[str, list[Any], list[str]]]:
    names = [f"{r['name']}, {r['decoding']}" if rounds > 1 else r["name"] for r in rows]
    return [(name, _difference_cells(row), _test_cells(row)) for name, row in zip(names, rows, strict=True)]


def _found(row: dict[str, Any], than: str) -> str:
    """A difference in MAE and how sure it is, in words."""
    part = row["scores"]["mae"]
    tested = part if part["p"] is not None else row["wilcoxon"]
    size, least = abs(part["difference"]), part["detectable"]
    if size == 0:
        return f"as much as {than}"
    p = tested["p_holm"]
    told = "p < 0.001" if p < 0.001 else f"p = {p:.3f}"
    text = f"by {size:.2f} steps {'more' if part['difference'] > 0 else 'less'} than {than}"
    if p < LEVEL:
        return f"{text}, which is more than chance explains ({told})"
    hidden = f", but with so many pictures any true difference under {least:.2f} can hide" if least else ""
    return f"{text}, which chance can explain ({told}){hidden}"


def _chosen(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The row of all raters together where there is one, else those of single raters."""
    together = [row for row in rows if row["name"] == ALL]
    return together or rows


def _errs(row: dict[str, Any]) -> str:
    return "the raters err on average" if row["name"] == ALL else f"{row['name']} errs"


def verdicts(found: dict[str, Any]) -> list[str]:
    """What came out, one sentence for each question.

    Args:
        found: the results of `blindtest.score`.
    """
    texts = []
    for against in found["against"]:
        for row in _chosen([r for r in against["differences"] if r["decoding"] == ROUNDS[0]]):
            texts.append(f"On the same pictures {_errs(row)} {_found(row, against['model'])}.")
    if not found["against"]:
        for grader in found["graders"]:
            accuracy, mae = grader["scores"]["accuracy"], grader["scores"]["mae"]
            texts.append(f"{grader['name']}, {grader['by']}: {accuracy:.2f} right, {mae:.2f} steps off on average.")
    for row in _chosen(found["with_map"]):
        texts.append(f"With the potency map beside the picture {_errs(row)} {_found(row, 'without it')}.")
    return texts


def _agreement_rows(found: dict[str, Any]) -> list[tuple[str, list[tuple[str, str, str]], tuple[str, str]]]:
    """(round, (pair, kappa, interval) rows, alpha with its interval)."""
    rows = []
    for part in found["agreement"]:
        pairs = [(f"{p['first']} and {p['second']}", *shown(p["kappa"], p["interval"])) for p in part["pairs"]]
        rows.append((part["round"], pairs, shown(part["alpha"], part["alpha_interval"])))
    return rows


def _waiting(row: dict[str, Any]) -> str:
    if not row["started"]:
        return f"{row['name']}, {row['round']}: not begun"
    return f"{row['name']}, {row['round']}: {row['answered']} of {row['pictures']} answered, not submitted"


def _rounds(found: dict[str, Any]) -> int:
    return len(ROUNDS) if found["test"]["with_map"] else 1


def _titles(found: dict[str, Any]) -> list[str]:
    return [grader_title(g, _rounds(found)) for g in found["graders"]]


def blindtest_figures(found: dict[str, Any]) -> tuple[dict[str, Figure], dict[str, str]]:
    """(figures, texts for those who can't see them) of a blind test, by name.

    Args:
        found: the results of `blindtest.score`.
    """
    figures = {f"grader_{k:02d}": grader_figure(found, g) for k, g in enumerate(found["graders"])}
    what = "Regression plot and confusion matrix of what {} answered"
    alts = {key: what.format(title) for key, title in zip(figures, _titles(found), strict=True)}
    alts["side_by_side"] = "Accuracy, mean absolute error and quadratic-weighted kappa of every grader with intervals"
    return {"side_by_side": side_by_side(found), **figures}, alts


def blindtest_tables(found: dict[str, Any]) -> dict[str, Any]:
    """What ``blindtest/section.html.j2`` needs beside the results and their figures, see `blindtest_figures`."""
    rounds = _rounds(found)
    keys = [f"grader_{k:02d}" for k in range(len(found["graders"]))]
    return {
        "scores": (_SCORES, SCORE_NAMES, _score_rows(found, rounds)),
        "tested": [SCORE_NAMES[n] for n in _TESTED],
        "against": [(a["model"], _differences(a["differences"], rounds)) for a in found["against"]],
        "with_map": _differences(found["with_map"], 1),
        "agreement": _agreement_rows(found),
        "graders": list(zip(found["graders"], _titles(found), keys, strict=True)),
    }


def render_blindtest(test: BlindTest, found: dict[str, Any]) -> Path:
    """Writes ``results/blindtest.html`` and its figures as PNG beside it.

    Args:
        test: the test.
        found: its results, see `blindtest.score`.

    Returns:
        The path of the page.
    """
    first = found["graders"][0]
    words = {word: GLOSSARY[word] for word in _WORDS} | _MORE_WORDS
    figures, alts = blindtest_figures(found)
    return write_page(
        "blindtest/page.html.j2",
        results_folder(test) / "blindtest.html",
        figures=figures,
        alts=alts,
        name=test.path.resolve().name,
        found=found,
        part=first,
        labels=test.labels.names,
        verdicts=verdicts(found),
        **blindtest_tables(found),
        waiting=[_waiting(row) for row in found["unfinished"]],
        reason=no_interval(first),
        glossary=words,
    )
