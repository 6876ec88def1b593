"""``copper blindtest``: the paper's section 5.1, experts beside the model."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from copper_tf.analysis.blindtest.folder import KEY, BlindTest, is_test, open_test, read_key
from copper_tf.analysis.blindtest.settings import BlindSettings
from copper_tf.analysis.comparison import DECODINGS
from copper_tf.apps.web.server import serve
from copper_tf.cli.options import explicit, flags, folder_option, group_of
from copper_tf.cli.pages import address_option, port_option
from copper_tf.cli.progress import progress_bar
from copper_tf.cli.tables import number, print_table
from tfds_copper.errors import InputError, OutputError, SettingError

if TYPE_CHECKING:
    from copper_tf.analysis.comparison import Grader

__all__ = ["command"]

_SCORES = ("accuracy", "within_one", "mae", "qwk")


def _runs(sources: tuple[Path, ...]) -> list[Path]:
    """The runs among the sources; none where the source is a dataset.

    Raises:
        InputError: if a source is neither.
    """
    from copper_tf.runs.run import fold_runs, is_run, seed_runs
    from tfds_copper.dataset import is_dataset

    if len(sources) == 1 and is_dataset(sources[0]):
        return []
    for path in sources:
        if fold_runs(path):
            raise InputError(
                f"{path}: every fold has test pictures of its own; name the run of one. Received: all folds"
            )
        if not (is_run(path) or seed_runs(path)):
            what = "nothing there" if not path.exists() else "none of them"
            raise InputError(f"{path}: must be an evaluated run, a dataset, or the folder of a test. Received: {what}")
    return list(sources)


def _prepared(sources: tuple[Path, ...], output: Path, decoding: str, settings: BlindSettings) -> BlindTest:
    """Draws a new test."""
    from copper_tf.analysis.comparison import read_all
    from copper_tf.inference.loading import open_predictor
    from copper_tf.utils.tensorflow import import_tensorflow

    paths = _runs(sources)
    graders: list[Grader] = read_all(paths, decoding)
    import_tensorflow()
    from copper_tf.analysis.blindtest.prepare import prepare
    from copper_tf.runs.datasets import dataset_of
    from copper_tf.runs.run import open_run, seed_runs
    from tfds_copper.dataset import open_dataset

    dataset = dataset_of((seed_runs(paths[0]) or [open_run(paths[0])])[0]) if paths else open_dataset(sources[0])
    segmenters = [path for path, grader in zip(paths, graders, strict=True) if grader.kind == "segmenter"]
    mapped = open_predictor(segmenters[0]) if settings.with_map and segmenters else None
    with progress_bar() as progress:
        return prepare(output, dataset, graders, settings, mapped, progress)


def _same(test: BlindTest, sources: tuple[Path, ...], settings: BlindSettings) -> None:
    """Whether the command that drew a test was given again.

    Raises:
        OutputError: if it was another one.
    """
    key = read_key(test)
    made_of = [path for grader in key["graders"] for path in grader["paths"]]
    others = [str(path) for path in _runs(sources) if str(path.resolve()) not in made_of]
    asked = {n: v for n, v in explicit(settings.to_dict()).items() if test.settings.get(n) != v}
    if others or asked or len(made_of) != len(_runs(sources)):
        what = ", ".join([*others, *(f"{n} {v}" for n, v in asked.items())]) or "other runs"
        raise OutputError(
            f"{test.path}: holds a test that was drawn otherwise; `copper blindtest {test.path}` goes on with it, "
            f"a new test needs a folder of its own. Received: {what}"
        )


def _opened(sources: tuple[Path, ...], output: Path | None, decoding: str, settings: BlindSettings) -> BlindTest:
    """The test that is meant: the one in a folder, or a new one."""
    if len(sources) == 1 and is_test(sources[0]):
        given = explicit({**settings.to_dict(), "decoding": decoding, "output": output})
        if given:
            raise SettingError(
                f"{sources[0]}: a test that is drawn keeps its pictures and order; --{next(iter(given))} is for a new "
                f"one. Received: {', '.join(given)}"
            )
        return open_test(sources[0])
    if output is None:
        _runs(sources)
        raise SettingError("output must be a folder for the new test, by -o. Received: none")
    if not is_test(output):
        return _prepared(sources, output, decoding, settings)
    test = open_test(output)
    _same(test, sources, settings)
    return test


def _print(found: dict[str, Any]) -> None:
    rows = [
        [f"{g['name']}, {g['by']}", *(number(g["scores"][n], g["intervals"][n]) for n in _SCORES)]
        for g in found["graders"]
    ]
    print_table(["grader", *_SCORES], rows)
    for row in found["unfinished"]:
        click.echo(f"not counted: {row['name']}, {row['round']}: {row['answered']} of {row['pictures']} answered")


def _score(test: BlindTest, open_page: bool) -> None:
    from copper_tf.analysis.blindtest.scoring import score
    from copper_tf.report.blindtest.page import render_blindtest, verdicts

    found = score(test)
    _print(found)
    for text in verdicts(found):
        click.echo(text)
    page = render_blindtest(test, found)
    click.echo(page)
    if open_page:
        click.launch(str(page))


@click.command("blindtest")
@click.argument("sources", type=click.Path(path_type=Path), nargs=-1, required=True)
@folder_option("The folder of a new test.", required=False)
@flags(BlindSettings)
@click.option(
    "--decoding", type=click.Choice(list(DECODINGS)), default="median", show_default=True,
    help="How a classifier's probabilities become a grade; a segmenter's map is always decoded by validation means.",
)  # fmt: skip
@click.option("--score", "scored", is_flag=True, help="Score what was submitted, and draw the page of results.")
@address_option
@port_option(5008)
@click.option(
    "--open/--no-open",
    "open_page",
    default=None,
    help="Open the page in a browser; that of a test is, unless --no-open.",
)
def command(
    sources: tuple[Path, ...],
    output: Path | None,
    decoding: str,
    scored: bool,
    address: str,
    port: int,
    open_page: bool | None,
    **values: Any,
) -> None:
    """Let experts grade the test pictures blind, and score them beside the model.

    SOURCES are evaluated runs of one dataset (a segmenter can draw the maps of --with-map), or a dataset alone; with -o
    a new test is drawn from it and its page served. Given the folder of a test, the test goes on. Raters practise on
    training pictures, answer by key or click, and go on after any interruption; --score needs no server.
    """
    test = _opened(sources, output, decoding, group_of(BlindSettings, values))
    if scored:
        _score(test, bool(open_page))
        return

    def opened(page: str) -> None:
        click.echo(f"{page} is the page of the blind test; Ctrl+C stops it, and the same command goes on with it")
        click.echo(f"keep {test.path / KEY} from raters: it holds the answers")
        if open_page is not False:
            click.launch(page)

    def page() -> Any:
        from copper_tf.apps.blindtest.page import Page

        return Page(test).view

    serve(page, address, port, opened, "Blind test")
