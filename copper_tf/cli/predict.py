"""``copper predict``: grades or potency maps of micrographs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from copper_tf.api.inference import PALETTES, RUNTIMES, predict
from copper_tf.api.settings import ReadSettings
from copper_tf.cli.options import flags, folder_option, force_option, group_of
from copper_tf.cli.output import give, say, warn
from copper_tf.cli.partly import end_of
from copper_tf.cli.progress import progress_bar
from copper_tf.cli.verbs import Verb

__all__ = ["command"]


@click.command("predict", cls=Verb)
@click.argument("model", type=click.Path(path_type=Path))
@click.argument("pictures", type=click.Path(path_type=Path), nargs=-1, required=True)
@folder_option("Tables, maps and overlays.")
@click.option("--table", default="predictions.csv", show_default=True, help="name of the table in it, .csv or .xlsx")
@click.option("--sheet", default="", help="name of the sheet that all these pictures are of")
@click.option(
    "--labels", type=click.Path(path_type=Path),
    help="table of the sheets (labels.csv), joined by file, where it doesn't lie beside the pictures",
)  # fmt: skip
@click.option(
    "--calibration", type=click.Path(path_type=Path),
    help="of copper calibrate; adds the strength of each sheet to the table of sheets",
)  # fmt: skip
@flags(ReadSettings)
@click.option("--runtime", type=click.Choice(list(RUNTIMES)), help="what opens an export; else the fastest there is")
@click.option("--palette", type=click.Choice(list(PALETTES)), default="paper", show_default=True, help="colours")
@force_option
def command(
    model: Path, pictures: tuple[Path, ...], output: Path, table: str, sheet: str, labels: Path | None,
    runtime: str | None, palette: str, calibration: Path | None, force: bool, **settings: Any,
) -> int:  # fmt: skip
    """Grade micrographs or map their potency, by MODEL: a run, runs of several seeds, or an export.

    PICTURES are files or folders. A segmenter writes maps/ (float TIFF) and overlays/ (PNG), several seeds also
    scatter/, the standard deviation of their maps at each pixel. Potency is the area share of the phase of which there
    is more at the first t (with --preset paper an index between the end labels of the training), not adhesion.
    """
    with progress_bar() as progress:
        result = predict(
            model, pictures, output, table=table, sheet=sheet, labels=labels, runtime=runtime, palette=palette,
            calibration=calibration, force=force, read_settings=group_of(ReadSettings, settings), progress=progress,
        )  # fmt: skip
    for failure in result.failures:
        click.echo(f"copper: {failure.reason}", err=True)
    for text in result.warnings:
        warn(text)
    if result.hypothesis_note:
        say(result.hypothesis_note)
    for file in result.files:
        say(file)
    give(result)
    return end_of(len(result.failures), len(result.failures) + len(result.rows))
