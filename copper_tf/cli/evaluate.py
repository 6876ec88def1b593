"""``copper evaluate``: scores, figures, and one page."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from copper_tf.cli.options import data_option
from copper_tf.cli.output import give, say, warn
from copper_tf.cli.progress import progress_bar
from copper_tf.cli.tables import number, print_table
from copper_tf.cli.verbs import Verb

if TYPE_CHECKING:
    from copper_tf.api.analysis import Evaluation

__all__ = ["command", "print_evaluation"]


def print_evaluation(evaluation: Evaluation) -> None:
    """The scores of every split with their intervals, one score a row."""
    splits = evaluation.splits
    names = list(splits["test"].scores)
    rows = [[n, *(number(s.scores[n], s.intervals[n]) for s in splits.values())] for n in names]
    print_table(["score", *splits], rows)
    if grading := evaluation.map_grading:
        rows = [[name, number(value, grading.intervals[name])] for name, value in grading.scores.items()]
        print_table(["map decoded to a grade", "test"], rows)


@click.command("evaluate", cls=Verb)
@click.argument("run", type=click.Path(path_type=Path))
@data_option
@click.option("--open", "open_page", is_flag=True, help="Open the page in a browser.")
def command(run: Path, data: Path | None, open_page: bool) -> None:
    """Score a run on the data it was trained on, and draw its figures and page.

    Where RUN holds the runs of all folds, each is scored, and then all are pooled: every picture is scored by the fold
    that was not trained on it. Where it holds runs of several seeds, their mean is scored.
    """
    from copper_tf.api.analysis import evaluate

    with progress_bar() as progress:
        result = evaluate(run, data=data, progress=progress)
    print_evaluation(result)
    for text in result.caveats:
        warn(text)
    if note := result.hypothesis.note(result.labels.names):
        say(note)
    if result.law_sentence:
        say(result.law_sentence)
    say(result.page)
    give(result)
    if open_page:
        click.launch(str(result.page))
