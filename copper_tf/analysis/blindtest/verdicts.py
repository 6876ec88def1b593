"""The results of a blind test in sentences, one for each question."""

from __future__ import annotations

from collections.abc import Sequence

from copper_tf.analysis.blindtest.folder import ROUNDS
from copper_tf.analysis.blindtest.results import GraderResult, ModelDifferences, PairedDifference
from copper_tf.analysis.comparison_results import LEVEL

__all__ = ["ALL_RATERS", "verdicts"]

# The name of the raters where they are taken together.
ALL_RATERS = "all raters"


def _mae_difference(row: PairedDifference, other: str) -> str:
    """A difference in MAE and how certain it is, in words."""
    part = row.scores["mae"]
    tested = part if part.p_holm is not None else row.wilcoxon
    size, p = abs(part.difference), tested.p_holm
    if size == 0 or p is None:
        return f"as much as {other}"
    shown = "p < 0.001" if p < 0.001 else f"p = {p:.3f}"
    text = f"by {size:.2f} steps {'more' if part.difference > 0 else 'less'} than {other}"
    if p < LEVEL:
        return f"{text}, which is more than chance explains ({shown})"
    hidden = ""
    if part.detectable:
        hidden = f"; with so few pictures a true difference under {part.detectable:.2f} would not show"
    return f"{text}, which chance can explain ({shown}){hidden}"


def _together_or_each(rows: Sequence[PairedDifference]) -> Sequence[PairedDifference]:
    """The row of all raters together where there is one, else those of single raters."""
    return [row for row in rows if row.name == ALL_RATERS] or rows


def _errs(row: PairedDifference) -> str:
    return "the raters err on average" if row.name == ALL_RATERS else f"{row.name} errs"


def verdicts(
    graders: Sequence[GraderResult], differences: Sequence[ModelDifferences], map_effect: Sequence[PairedDifference]
) -> tuple[str, ...]:
    """The results in sentences.

    Args:
        graders: raters and models.
        differences: raters minus each model.
        map_effect: answers with the map minus those without it.
    """
    texts = []
    for model in differences:
        for row in _together_or_each([r for r in model.differences if r.decoding == ROUNDS[0]]):
            texts.append(f"On the same pictures {_errs(row)} {_mae_difference(row, model.model)}.")
    if not differences:
        for grader in graders:
            accuracy, mae = grader.scores["accuracy"], grader.scores["mae"]
            texts.append(f"{grader.name}, {grader.method}: {accuracy:.2f} right, {mae:.2f} steps off on average.")
    for row in _together_or_each(map_effect):
        texts.append(f"With the potency map beside the picture {_errs(row)} {_mae_difference(row, 'without it')}.")
    return tuple(texts)
