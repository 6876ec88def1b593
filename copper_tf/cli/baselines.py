"""``copper baselines``: simpler methods on the splits of a run."""

from __future__ import annotations

from pathlib import Path

import click

from copper_tf.cli.options import data_option
from copper_tf.cli.output import give, say, warn
from copper_tf.cli.progress import progress_bar
from copper_tf.cli.tables import number, print_table
from copper_tf.cli.verbs import Verb

__all__ = ["command"]


@click.command("baselines", cls=Verb)
@click.argument("run", type=click.Path(path_type=Path))
@click.option("--classifier", type=click.Path(path_type=Path), help="A classifier of the same data, for Grad-CAM.")
@data_option
def command(run: Path, classifier: Path | None, data: Path | None) -> None:
    """Grade, and for a segmenter map, the pictures of RUN by simpler methods, on the same splits.

    Graders: first-order histogram, local binary patterns, filter bank. Maps: grey threshold and gradient energy, both
    given each picture's true area, and Grad-CAM of a classifier. The page of the run shows them beside the network.
    """
    from copper_tf.api.analysis import baselines

    with progress_bar() as progress:
        result = baselines(run, classifier, data=data, progress=progress)
    for methods in (result.graders, result.maps):
        names = result.score_titles(methods)
        rows = [
            [m.title, *(number(m.scores.get(n, float("nan")), m.intervals.get(n)) for n in names)]
            for m in methods.values()
        ]
        if rows:
            print_table(["method", *names.values()], rows)
    if result.warning:
        warn(result.warning)
    if result.page:
        say(result.page)
    give(result)
