"""``copper export``: a model for other programs."""

from __future__ import annotations

from pathlib import Path

import click

from copper_tf.cli.options import folder_option, force_option
from copper_tf.cli.progress import progress_bar
from copper_tf.inference.exported.runtimes import FORMATS

__all__ = ["command", "lines"]


def lines(output: Path, found: dict[str, dict[str, object]]) -> list[str]:
    """What to print of the formats written."""
    return [
        f"{output / str(of['file'])}: {name}, reloaded; from the run {of['largest']:.1g} at most, {of['mean']:.1g} on "
        f"average, potency {of['potency']:.1g} ({of['pictures']} pictures)"
        for name, of in found.items()
    ]


@click.command("export")
@click.argument("run", type=click.Path(path_type=Path))
@folder_option("The exported model.")
@click.option(
    "--to",
    default=FORMATS[0],
    show_default=True,
    help=f"formats, separated by commas: {', '.join(FORMATS)}",
)
@force_option
def command(run: Path, output: Path, to: str, force: bool) -> None:
    """Write a run for other programs, and prove that each format says what the run says.

    The models take pictures of any size. All but savedmodel need copper-tf[export].
    """
    from copper_tf.runs.run import open_run

    opened = open_run(run)
    from copper_tf.utils.tensorflow import import_tensorflow

    import_tensorflow()
    from copper_tf.export.export import export_run

    with progress_bar() as progress:
        found = export_run(opened, output, to.split(","), force=force, progress=progress)
    for line in lines(output, found):
        click.echo(line)
