"""What the commands that read score tables share: flags, and how findings are printed."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import click

from copper_tf.cli.output import say, warn

__all__ = ["labels_option", "print_findings", "score_option"]

labels_option = click.option(
    "--labels", type=click.Path(path_type=Path), help="Table of further columns (labels.csv), joined by file or sheet."
)
score_option = click.option(
    "--score", default="", help="Column of the score.  [default: potency, median grade t, grade t or score]"
)


def print_findings(verdicts: Iterable[str], caveats: Iterable[str]) -> None:
    """Prints what was found, and what must be mentioned with it."""
    for text in verdicts:
        say(text)
    for text in caveats:
        warn(text, "note")
