"""``copper blindtest``: the paper's section 5.1, experts beside the model."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

import click

from copper_tf.api.analysis import DECODINGS
from copper_tf.api.apps import BlindSettings, BlindTest, blindtest, open_in_browser, prepare_blindtest, score_blindtest
from copper_tf.cli.options import data_option, explicit, flags, folder_option
from copper_tf.cli.output import say
from copper_tf.cli.pages import address_option, port_option
from copper_tf.cli.progress import progress_bar
from copper_tf.cli.tables import number, print_table
from copper_tf.cli.verbs import Verb

__all__ = ["command"]

_SCORES = ("accuracy", "within_one", "mae", "qwk")


def _score(test: BlindTest, open_page: bool) -> None:
    """Scores a test and prints the result."""
    result = score_blindtest(test)
    rows = [
        [f"{g.name}, {g.method}", *(number(g.scores[name], g.intervals[name]) for name in _SCORES)]
        for g in result.graders
    ]
    print_table(["grader", *_SCORES], rows)
    for row in result.unfinished:
        say(f"not scored: {row.name}, {row.round}: {row.answered} of {row.pictures} answered")
    for text in result.damaged:
        click.echo(f"copper: not scored: {text}", err=True)
    for text in result.verdicts:
        say(text)
    say(test.page)
    if open_page:
        click.launch(str(test.page))


@click.command("blindtest", cls=Verb, gives=False)
@click.argument("sources", type=click.Path(path_type=Path), nargs=-1, required=True)
@folder_option("Folder of a new test.", required=False)
@flags(BlindSettings)
@click.option(
    "--decoding", type=click.Choice(list(DECODINGS)), default="median", show_default=True,
    help="How a classifier's probabilities become a grade; a segmenter's map is always decoded by validation means.",
)  # fmt: skip
@data_option
@click.option("--score", "scored", is_flag=True, help="Score what was submitted, and write the page of results.")
@address_option
@port_option(5008)
@click.option(
    "--open/--no-open", "open_page", default=None,
    help="Open the page in a browser. That of a test is opened unless --no-open is given.",
)  # fmt: skip
def command(
    sources: tuple[Path, ...], output: Path | None, data: Path | None, scored: bool, address: str, port: int,
    open_page: bool | None, **values: Any,
) -> None:  # fmt: skip
    """Let experts grade the test pictures blind, and score them beside the model.

    SOURCES are evaluated runs of one dataset (a segmenter can draw the maps of --with-map), or a dataset alone; with -o
    a new test is prepared and its page served. Given the folder of a test, that test continues. Raters practise on
    training pictures, answer by key or click, and can resume after any interruption; --score needs no server.
    """
    if scored:
        with progress_bar() as progress:
            test = prepare_blindtest(sources, output, data=data, progress=progress, **explicit(values))
        _score(test, bool(open_page))
        return
    with contextlib.ExitStack() as bar:

        def started(url: str, test: BlindTest) -> None:
            bar.close()
            say(f"{url} is the page of the blind test; Ctrl+C stops it, and the same command continues it")
            say(f"keep {test.key_file} from raters: it holds the answers")
            if open_page is not False:
                open_in_browser(url)

        blindtest(
            sources, output, data=data, address=address, port=port, on_start=started,
            progress=bar.enter_context(progress_bar()), **explicit(values),
        )  # fmt: skip
