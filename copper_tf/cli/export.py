"""``copper export``: a model for other programs."""

from __future__ import annotations

from pathlib import Path

import click

from copper_tf.api.inference import FORMATS, ExportResult, export
from copper_tf.cli.options import data_option, folder_option, force_option
from copper_tf.cli.output import give, say
from copper_tf.cli.progress import progress_bar
from copper_tf.cli.verbs import Verb

__all__ = ["command", "print_formats"]


def print_formats(output: Path, result: ExportResult) -> None:
    """Each format that was written, with its distance from the run."""
    for name, written in result.formats.items():
        say(
            f"{output / written.file}: {name}, reloaded; from the run {written.largest:.1g} at most, "
            f"{written.mean:.1g} on average, potency {written.potency:.1g} ({written.pictures} pictures)"
        )


@click.command("export", cls=Verb)
@click.argument("run", type=click.Path(path_type=Path))
@folder_option("The exported model.")
@click.option(
    "--to",
    default=FORMATS[0],
    show_default=True,
    help=f"formats, separated by commas: {', '.join(FORMATS)}",
)
@click.option("--license", default="", help="Licence of the weights for bioimageio, as SPDX names it.")
@data_option
@force_option
def command(run: Path, output: Path, to: str, license: str, data: Path | None, force: bool) -> None:
    """Write a run for other programs, and verify that each format gives the run's results.

    The models take pictures of any size. All but savedmodel need copper-tf[export].
    """
    with progress_bar() as progress:
        result = export(run, output, to.split(","), license=license, data=data, force=force, progress=progress)
    print_formats(output, result)
    give(result)
