"""``copper compare``: runs of one dataset as graders, side by side."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from copper_tf.api.analysis import COMPARISON, DECODINGS, Comparison
from copper_tf.cli.options import folder_option, force_option
from copper_tf.cli.output import give, say
from copper_tf.cli.tables import number, print_table
from copper_tf.cli.verbs import Verb

__all__ = ["command"]


def _cell(grader: Any, name: str) -> str:
    """A score with its interval, and the range over the seeds where there are several."""
    text = number(grader.scores[name], grader.intervals[name])
    low, high = grader.ranges[name]
    return f"{text} ({low:.3f} to {high:.3f})" if len(grader.runs) > 1 else text


def _p(test: Any) -> str:
    return "–" if test is None or test.p_holm is None else f"{test.p_holm:.3f}"


def _print(comparison: Comparison) -> None:
    graders, differences = comparison.graders, comparison.differences
    names = list(graders[0].scores)
    rows = [[g.name, g.decoding, str(len(g.runs)), *(_cell(g, n) for n in names)] for g in graders]
    print_table(["grader", "by", "runs", *names], rows)
    say(f"minus {graders[0].name}, p in brackets after it (corrected for {len(differences)}):")
    rows = [
        [
            row.name,
            *(f"{number(s.difference, s.interval)} ({_p(s)})" for s in (row.scores[n] for n in names)),
            _p(row.mcnemar),
            _p(row.wilcoxon),
        ]
        for row in differences
    ]
    print_table(["grader", *names, "McNemar p", "Wilcoxon p"], rows)
    say(comparison.power)


@click.command("compare", cls=Verb)
@click.argument("runs", type=click.Path(path_type=Path), nargs=-1, required=True)
@folder_option(f"Where {COMPARISON} goes.", default="comparison")
@click.option(
    "--decoding", type=click.Choice(list(DECODINGS)), default="median", show_default=True,
    help="How a classifier's probabilities become a grade; a segmenter's map is always decoded by validation means.",
)  # fmt: skip
@click.option("--group-seeds", is_flag=True, help="Take runs that differ in their seed alone as one, by their mean.")
@force_option
def command(runs: tuple[Path, ...], output: Path, decoding: Any, group_seeds: bool, force: bool) -> None:
    """Compare evaluated runs of one dataset as graders of the same test pictures.

    RUNS are classifiers, segmenters, or folders of folds or seeds. Differences are those to the first of them.
    """
    from copper_tf.api.analysis import compare

    comparison = compare(*runs, output=output, decoding=decoding, group_seeds=group_seeds, force=force)
    _print(comparison)
    say(output / COMPARISON)
    give(comparison)
