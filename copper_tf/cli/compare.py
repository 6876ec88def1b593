"""``copper compare``: runs of one dataset as graders, side by side."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from copper_tf.analysis.comparison import DECODINGS, LEVEL, POWER, SCORES, compare, grouped, read_all
from copper_tf.cli.options import folder_option, force_option
from copper_tf.cli.tables import number, print_table
from copper_tf.statistics.scores import MIN_GROUPS
from tfds_copper.errors import OutputError
from tfds_copper.files import write_json

__all__ = ["command"]

_FILE = "comparison.json"


def _cell(scores: dict[str, Any], name: str) -> str:
    """A score with its interval, and the range over the seeds where there are several."""
    text = number(scores["scores"][name], scores["intervals"][name])
    low, high = scores["ranges"][name]
    return f"{text} ({low:.3f} to {high:.3f})" if len(scores["runs"]) > 1 else text


def _p(found: dict[str, Any] | None) -> str:
    return "–" if not found or found["p"] is None else f"{found['p_holm']:.3f}"


def _print(found: dict[str, Any]) -> None:
    graders, differences = found["graders"], found["differences"]
    rows = [[g["name"], g["decoding"], str(len(g["runs"])), *(_cell(g, n) for n in SCORES)] for g in graders]
    print_table(["grader", "by", "runs", *SCORES], rows)
    click.echo(f"minus {graders[0]['name']}, p in brackets after it (corrected for {len(differences)}):")
    rows = [
        [
            row["name"],
            *(f"{number(s['difference'], s['interval'])} ({_p(s)})" for s in (row["scores"][n] for n in SCORES)),
            _p(row["mcnemar"]),
            _p(row["wilcoxon"]),
        ]
        for row in differences
    ]
    print_table(["grader", *SCORES, "McNemar p", "Wilcoxon p"], rows)


def _limits(found: dict[str, Any]) -> str:
    """What so many pictures can show at all."""
    where = f"{found['pictures']} test pictures of {found['groups']} {found['resampled']}"
    if found["groups"] < MIN_GROUPS:
        return f"{where} are too few for intervals: at least {MIN_GROUPS} {found['resampled']} are needed"
    least = {name: [row["scores"][name]["detectable"] for row in found["differences"]] for name in ("accuracy", "mae")}
    ranges = {name: f"{min(v):.2f} to {max(v):.2f}" if len(v) > 1 else f"{v[0]:.2f}" for name, v in least.items()}
    return (
        f"{where} find a true difference of {ranges['accuracy']} in accuracy, or of {ranges['mae']} steps of MAE, with "
        f"{POWER:.0%} probability (one test at {LEVEL:.0%}); smaller ones can hide, so no difference seen isn't none"
    )


@click.command("compare")
@click.argument("runs", type=click.Path(path_type=Path), nargs=-1, required=True)
@folder_option(f"Where {_FILE} goes.", default="comparison")
@click.option(
    "--decoding", type=click.Choice(list(DECODINGS)), default="median", show_default=True,
    help="How a classifier's probabilities become a grade; a segmenter's map is always decoded by validation means.",
)  # fmt: skip
@click.option("--group-seeds", is_flag=True, help="Take runs that differ in their seed alone as one, by their mean.")
@force_option
def command(runs: tuple[Path, ...], output: Path, decoding: str, group_seeds: bool, force: bool) -> None:
    """Compare evaluated runs of one dataset as graders of the same test pictures.

    RUNS are classifiers, segmenters, or folders of folds or seeds. Differences are those to the first of them.
    """
    if (output / _FILE).exists() and not force:
        raise OutputError(f"{output / _FILE}: --force replaces it. Received: a comparison that is there already")
    graders = read_all(runs, decoding)
    found = compare(grouped(graders) if group_seeds else graders)
    write_json(output / _FILE, found)
    _print(found)
    click.echo(_limits(found))
    click.echo(output / _FILE)
