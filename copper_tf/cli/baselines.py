"""``copper baselines``: simpler methods on the splits of a run."""

from __future__ import annotations

from pathlib import Path

import click

from copper_tf.cli.progress import progress_bar
from copper_tf.cli.tables import number, print_table

__all__ = ["command"]


@click.command("baselines")
@click.argument("run", type=click.Path(path_type=Path))
@click.option("--classifier", type=click.Path(path_type=Path), help="A classifier of the same data, for Grad-CAM.")
def command(run: Path, classifier: Path | None) -> None:
    """Grade, and for a segmenter map, the pictures of RUN by simpler methods, on the same splits.

    Graders: first-order histogram, local binary patterns, filter bank. Maps: grey threshold and gradient energy, told
    each picture's true area, and Grad-CAM of a classifier. The page of the run shows them beside the net.
    """
    from copper_tf.runs.run import open_run

    opened = open_run(run)
    explained = open_run(classifier) if classifier else None
    from copper_tf.utils.tensorflow import import_tensorflow

    import_tensorflow()
    from copper_tf.analysis.baselines.baselines import baselines
    from copper_tf.analysis.evaluation import EVALUATION
    from copper_tf.report.baselines.section import BASELINE_SCORES, alarm_text, score_names
    from copper_tf.report.evaluation.page import render_evaluation
    from copper_tf.runs.datasets import dataset_of

    with progress_bar() as progress:
        found = baselines(opened, dataset_of(opened), explained, progress)
    for part in (found["graders"], found["maps"]):
        names = score_names(part)
        rows = [
            [m["title"], *(number(m["scores"].get(n), m["intervals"].get(n)) for n in names)] for m in part.values()
        ]
        if rows:
            print_table(["method", *(BASELINE_SCORES[n] for n in names)], rows)
    if found["alarm"]:
        click.echo(f"warning: {alarm_text(found)}")
    if opened.scores_file(EVALUATION).is_file():
        click.echo(render_evaluation(opened))
