"""``copper evaluate``: scores, figures, and one page."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from copper_tf.cli.progress import progress_bar
from copper_tf.cli.tables import number, print_table

__all__ = ["command", "print_scores"]


def print_scores(scores: dict[str, Any]) -> None:
    """The scores of every split with their intervals, one score a row."""
    splits = scores["splits"]
    names = list(splits["test"]["scores"])
    rows = [[n, *(number(s["scores"][n], s["intervals"][n]) for s in splits.values())] for n in names]
    print_table(["score", *splits], rows)
    if "map_grading" in scores:
        part = scores["map_grading"]
        rows = [[name, number(value, part["intervals"][name])] for name, value in part["scores"].items()]
        print_table(["map decoded to a grade", "test"], rows)


@click.command("evaluate")
@click.argument("run", type=click.Path(path_type=Path))
@click.option("--open", "open_page", is_flag=True, help="Open the page in a browser.")
def command(run: Path, open_page: bool) -> None:
    """Score a run on the data it was trained on, and draw its figures and page.

    Where RUN holds the runs of all folds, each is scored, and then all pooled: every picture by the fold that has not
    seen it. Where it holds runs of several seeds, their mean is.
    """
    from copper_tf.runs.run import fold_runs, open_run, seed_runs

    folds, seeds = fold_runs(run), seed_runs(run)
    opened = None if folds or seeds else open_run(run)
    from copper_tf.utils.tensorflow import import_tensorflow

    import_tensorflow()
    from copper_tf.analysis.ensembles import evaluate_seeds
    from copper_tf.analysis.evaluation import evaluate, evaluate_folds
    from copper_tf.report.evaluation.page import render_evaluation
    from copper_tf.runs.datasets import dataset_of

    with progress_bar() as progress:
        if opened is None:
            opened, scores = evaluate_folds(run, folds, progress) if folds else evaluate_seeds(run, seeds, progress)
        else:
            scores = evaluate(opened, dataset_of(opened), progress)
    for part in folds:
        render_evaluation(part)
    print_scores(scores)
    for text in scores["caveats"]:
        click.echo(f"warning: {text}")
    if opened.hypothesis_note:
        click.echo(opened.hypothesis_note)
    page = render_evaluation(opened)
    click.echo(page)
    if open_page:
        click.launch(str(page))
