"""``copper predict``: grades or potency maps of micrographs."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

import click

from copper_tf.cli.options import flags, folder_option, group_of
from copper_tf.cli.progress import progress_bar
from copper_tf.inference.exported.runtimes import RUNTIMES
from copper_tf.inference.inputs import sources_of
from copper_tf.utils.drawing import PALETTES
from tfds_copper.errors import CopperError, InputError
from tfds_copper.micrograph import ReadSettings

__all__ = ["command"]


@click.command("predict")
@click.argument("model", type=click.Path(path_type=Path))
@click.argument("pictures", type=click.Path(path_type=Path), nargs=-1, required=True)
@folder_option("Tables, maps and overlays.")
@click.option("--table", default="predictions.csv", show_default=True, help="name of the table in it, .csv or .xlsx")
@click.option("--sheet", default="", help="name of the sheet that all these pictures are of")
@flags(ReadSettings)
@click.option("--runtime", type=click.Choice(list(RUNTIMES)), help="what opens an export; else the fastest there is")
@click.option("--palette", type=click.Choice(list(PALETTES)), default="paper", show_default=True, help="colours")
def command(
    model: Path, pictures: tuple[Path, ...], output: Path, table: str, sheet: str, runtime: str | None, palette: str,
    **settings: Any,
) -> None:  # fmt: skip
    """Grade micrographs or map their potency, by MODEL: a run, runs of several seeds, or an export.

    PICTURES are files or folders. A segmenter writes maps/ (float TIFF) and overlays/ (PNG), several seeds also
    scatter/, the standard deviation of their maps at each pixel. Potency is an index
    relative to the end labels of the model's own training: resemblance to the surface at the first t, not adhesion.
    """
    from copper_tf.cli.sources import predictor_from
    from copper_tf.inference.prediction_rows import FOLDERS, OVERLAYS, Drawing, Told, rows_of, told, value_column
    from copper_tf.utils.tables import check_table, sheet_rows, write_tables

    check_table(output / table)
    reading = group_of(ReadSettings, settings)
    sources = list(sources_of(pictures, sheet))
    output.mkdir(parents=True, exist_ok=True)
    predictor = predictor_from(model, runtime)
    rows: list[dict[str, Any]] = []
    failures: list[CopperError] = []
    with (
        progress_bar() as progress,
        contextlib.closing(rows_of(sources, predictor, reading, Drawing(output, palette), progress)) as found,
    ):
        for done, row in enumerate(found, start=1):
            if isinstance(row, CopperError):
                failures.append(row)
            else:
                rows.append(row)
            progress(done, len(sources), "predicting")
    for failure in failures:
        click.echo(f"copper: {failure}", err=True)
    gathered = Told(predictor.pixel_sizes_nm)
    rows = list(told(iter(rows), gathered))
    for text in filter(None, (*predictor.caveats, *gathered.warnings())):
        click.echo(f"warning: {text}")
    if predictor.law_note:
        click.echo(predictor.law_note)
    if rows:
        for file in write_tables(output / table, rows, sheet_rows(rows, value_column(rows[0]))):
            click.echo(file)
        for folder in (FOLDERS[what] for what in FOLDERS if what in rows[0]):
            click.echo(output / folder)
        if "potency" in rows[0]:
            click.echo(output / OVERLAYS)
    if failures:
        raise InputError(f"every picture must be readable; the others are done. Received: {len(failures)} that are not")
