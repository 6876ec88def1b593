"""``copper simulate``: a SEM folder whose truth is known."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from copper_tf.api.data import SimulationSettings, simulate
from copper_tf.cli.options import flags
from copper_tf.cli.output import give, say
from copper_tf.cli.progress import progress_bar
from copper_tf.cli.verbs import Verb

__all__ = ["command"]


@click.command("simulate", cls=Verb)
@click.argument("folder", type=click.Path(path_type=Path))
@flags(SimulationSettings)
@click.option("--contact-sheet", type=click.Path(path_type=Path), help="Also write a picture of them all here (PNG).")
def command(folder: Path, contact_sheet: Path | None, **settings: Any) -> None:
    """Simulate a SEM folder whose truth is known: pictures, masks in truth/, labels.csv.

    With --peel, labels.csv also says by whom, where and when each picture was taken, and the etch depth and peel
    strength of its sheet; with --tables, score tables alone are written, in seconds.

    Called again after an interruption with the same settings it goes on where it stopped.
    """
    with progress_bar() as progress:
        simulate(folder, contact_sheet=contact_sheet, progress=progress, **settings)
    tables, pictures = settings["tables"], settings["labels"] * settings["pictures"]
    say(f"{folder}: {f'{tables} score tables, and {tables} of reference sheets' if tables else f'{pictures} pictures'}")
    give({"path": folder, "pictures": 0 if tables else pictures, "settings": settings})
