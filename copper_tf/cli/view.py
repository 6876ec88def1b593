"""``copper view``: micrographs and their potency maps in the browser."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

import click

from copper_tf.api.apps import open_in_browser, view
from copper_tf.api.settings import ReadSettings
from copper_tf.cli.options import data_option, flags
from copper_tf.cli.output import say
from copper_tf.cli.pages import address_option, port_option
from copper_tf.cli.progress import progress_bar
from copper_tf.cli.verbs import Verb

__all__ = ["command"]


@click.command("view", cls=Verb, gives=False)
@click.argument("model", type=click.Path(path_type=Path))
@click.argument("pictures", type=click.Path(path_type=Path), nargs=-1)
@click.option(
    "--notes", type=click.Path(path_type=Path), default=None,
    help="Folder of notes and cached maps.  [default: MODEL.view beside MODEL]",
)  # fmt: skip
@data_option
@flags(ReadSettings)
@address_option
@port_option(5007)
@click.option("--open/--no-open", "open_page", default=True, show_default=True, help="Open the page in a browser.")
def command(
    model: Path, pictures: tuple[Path, ...], notes: Path | None, data: Path | None, address: str, port: int,
    open_page: bool, **settings: Any,
) -> None:  # fmt: skip
    """Show micrographs and their potency maps in the browser.

    MODEL is a segmenter: a run, a folder of runs that differ in their seed (with the uncertainty of their maps), or an
    export. PICTURES are files or folders; without any, the test pictures of the run's dataset are shown. More can be
    dropped on the page. Maps are computed while the page is used, and cached for the next time.
    """
    with contextlib.ExitStack() as bar:

        def started(url: str, folder: Path) -> None:
            bar.close()
            say(f"{url} is the page of the viewer; Ctrl+C stops it. Notes and maps are kept in {folder}")
            if open_page:
                open_in_browser(url)

        view(
            model, pictures, folder=notes, data=data, address=address, port=port, on_start=started,
            on_failure=lambda failure: click.echo(f"copper: {failure}", err=True),
            progress=bar.enter_context(progress_bar()), **settings,
        )  # fmt: skip
