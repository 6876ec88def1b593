"""``copper simulate``: a SEM folder whose truth is known."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from copper_tf.cli.options import flags, group_of
from copper_tf.cli.progress import progress_bar
from copper_tf.simulation import SimulationSettings, simulate

__all__ = ["command"]


@click.command("simulate")
@click.argument("folder", type=click.Path(path_type=Path))
@flags(SimulationSettings)
@click.option("--contact-sheet", type=click.Path(path_type=Path), help="Also write a picture of them all here (PNG).")
def command(folder: Path, contact_sheet: Path | None, **settings: Any) -> None:
    """Draw a SEM folder whose truth is known: pictures, masks in truth/, labels.csv.

    Called again after an interruption with the same settings it goes on where it stopped.
    """
    with progress_bar() as progress:
        simulate(folder, group_of(SimulationSettings, settings), progress=progress)
    if contact_sheet:
        from copper_tf.simulation import contact_sheet as draw
        from tfds_copper.files import replacing

        with replacing(contact_sheet) as file:
            draw(folder).save(file, "PNG")
    click.echo(f"{folder}: {settings['labels'] * settings['pictures']} pictures")
