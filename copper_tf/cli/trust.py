"""``copper trust``: whether the maps of a run can be believed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from copper_tf.cli.options import data_option
from copper_tf.cli.output import give, say
from copper_tf.cli.progress import progress_bar
from copper_tf.cli.tables import number, print_table
from copper_tf.cli.verbs import Verb

if TYPE_CHECKING:
    from copper_tf.api.analysis import Trust

__all__ = ["command", "print_trust"]


def print_trust(trust: Trust) -> None:
    """Every test with value, limits and outcome; then the verdict and its reasons."""
    print_table(
        ["test", "value", "passes", "fails", "outcome"],
        [[test.title, number(test.value), *test.limits, test.outcome] for test in trust.tests],
    )
    say(f"maps: {trust.verdict}")
    for reason in trust.reasons:
        say(f"- {reason}")
    say(trust.basis)


@click.command("trust", cls=Verb)
@click.argument("run", type=click.Path(path_type=Path))
@click.argument("others", nargs=-1, type=click.Path(path_type=Path))
@data_option
@click.option("--open", "open_page", is_flag=True, help="Open the page in a browser.")
def command(run: Path, others: tuple[Path, ...], data: Path | None, open_page: bool) -> int:
    """Test whether the maps of RUN, a segmenter, can be believed; exit code 1 where they are not supported.

    Needs no true masks: test pictures are joined, pasted into, shifted and brightened, and mapped again. OTHERS are
    runs of other seeds, whose maps must agree; where RUN holds runs of several seeds, the first is tested and the rest
    are the others.
    """
    from copper_tf.api.analysis import trust

    with progress_bar() as progress:
        result = trust(run, *others, data=data, progress=progress)
    print_trust(result)
    say(result.page)
    give(result)
    if open_page:
        click.launch(str(result.page))
    return int(result.verdict == "not supported")
