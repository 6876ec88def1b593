"""``copper export``: a model for other programs."""

from __future__ import annotations

from pathlib import Path

import click

from copper_tf.cli.options import folder_option, force_option

__all__ = ["command"]


@click.command("export")
@click.argument("run", type=click.Path(path_type=Path))
@folder_option("The exported model.")
@force_option
def command(run: Path, output: Path, force: bool) -> None:
    """Write a run as a SavedModel that takes raw pictures of any size, and prove that it equals the run."""
    from copper_tf.runs import open_run

    opened = open_run(run)
    from copper_tf.cli.sources import import_tensorflow

    import_tensorflow()
    from copper_tf.export import FORMATS

    difference = FORMATS["savedmodel"](opened, output, force=force)
    click.echo(f"{output}: SavedModel, reloaded and equal to the run within {difference:.1e}")
