"""``copper trust``: whether the maps of a run can be believed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from copper_tf.cli.progress import progress_bar
from copper_tf.cli.tables import number, print_table

__all__ = ["command", "print_trust"]

_NOT_SUPPORTED = 1


def print_trust(found: dict[str, Any]) -> None:
    """Every test with value, limits and outcome; then the verdict and its reasons."""
    from copper_tf.report.trust.section import limits

    rows = [[t["title"], number(t["value"]), *limits(t), t["outcome"]] for t in found["tests"]]
    print_table(["test", "value", "passes", "fails", "outcome"], rows)
    click.echo(f"maps: {found['verdict']}")
    for reason in found["reasons"]:
        click.echo(f"- {reason}")
    click.echo(found["basis"])


@click.command("trust")
@click.argument("run", type=click.Path(path_type=Path))
@click.argument("others", nargs=-1, type=click.Path(path_type=Path))
@click.option("--open", "open_page", is_flag=True, help="Open the page in a browser.")
def command(run: Path, others: tuple[Path, ...], open_page: bool) -> int:
    """Say whether the maps of RUN, a segmenter, can be believed; exit code 1 where they are not supported.

    Needs no true masks: test pictures are joined, pasted into, shifted and brightened, and mapped anew. OTHERS are runs
    of other seeds, whose maps must agree; where RUN holds runs of several seeds, the first is tested and the rest are
    the others.
    """
    from copper_tf.runs.run import open_run, seed_runs

    seeds = seed_runs(run)
    tested, *more = [*(seeds or [open_run(run)]), *map(open_run, others)]
    from copper_tf.utils.tensorflow import import_tensorflow

    import_tensorflow()
    from copper_tf.analysis.evaluation import EVALUATION
    from copper_tf.analysis.trust.trust import trust
    from copper_tf.analysis.trust.verdict import NOT_SUPPORTED
    from copper_tf.report.evaluation.page import render_evaluation
    from copper_tf.report.trust.page import render_trust

    with progress_bar() as progress:
        found = trust(tested, more, progress)
    print_trust(found)
    page = render_trust(tested)
    if tested.scores_file(EVALUATION).is_file():
        # Its page has the section too.
        render_evaluation(tested)
    click.echo(page)
    if open_page:
        click.launch(str(page))
    return _NOT_SUPPORTED if found["verdict"] == NOT_SUPPORTED else 0
