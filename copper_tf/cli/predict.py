"""``copper predict``: grades or potency maps of micrographs."""

from __future__ import annotations

import contextlib
import math
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from copper_tf.cli.options import flags, folder_option, group_of
from copper_tf.cli.pictures import Source, sources_of
from copper_tf.cli.progress import Progress, progress_bar
from copper_tf.draw import PALETTES
from copper_tf.export import RUNTIMES
from tfds_copper.errors import CopperError, InputError
from tfds_copper.micrograph import Opened, ReadSettings, open_windows

__all__ = ["command"]

# The folders of the maps, by column of the table: of potency, and of how far the members of an ensemble lie apart.
FOLDERS = {"potency": "maps", "scatter": "scatter"}
OVERLAYS = "overlays"
# The column that says in what a picture is unlike those of training.
UNLIKE = "unlike training"


def _row(source: Source, picture: Opened, predictor: Any) -> dict[str, Any]:
    from copper_tf.prediction import caution, trained_scale

    height, width = picture.windows.shape
    row = {"file": source.name, "sheet": source.sheet, "width": width, "height": height}
    row |= {"pixel_size_nm": picture.pixel_size_nm, "notes": "; ".join(picture.notes)}
    scale = trained_scale(predictor.pixel_sizes_nm)
    return row | {UNLIKE: caution(picture.windows, picture.pixel_size_nm, predictor.familiar, scale)}


def _graded(probabilities: Any, labels: Any) -> dict[str, Any]:
    """The results of a classifier."""
    from copper_tf.prediction import Prediction

    found = Prediction(None, probabilities)
    grades = {"grade t": labels.times[found.grade], "median grade t": labels.times[found.median_grade]}
    return grades | {f"p(t={t:g})": float(p) for t, p in zip(labels.times, probabilities, strict=True)}


def _mapped(pieces: Iterator[Any], picture: Opened, output: Path, name: str, palette: str) -> dict[str, float]:
    """The results of a segmenter, written and averaged as its pieces come."""
    from copper_tf.maps import Overview, map_file

    stem = Path(re.sub(r"[<>:\"|?*]", "_", name)).with_suffix("")
    shape, size = picture.windows.shape, picture.pixel_size_nm
    overview, sums = Overview(shape), dict.fromkeys(FOLDERS, 0.0)
    with contextlib.ExitStack() as stack:
        files: dict[str, Any] = {}
        for piece in pieces:
            for what in FOLDERS:
                values = getattr(piece, what)
                if values is None:
                    continue
                if what not in files:
                    folder = output / FOLDERS[what] / stem
                    files[what] = stack.enter_context(map_file(folder.with_name(f"{stem.name}.tif"), shape, size))
                files[what](piece.rows, piece.columns, values)
                sums[what] += float(values.sum(dtype="float64"))
            overview.add(piece.rows, piece.columns, picture.windows.read(piece.rows, piece.columns), piece.potency)
    overview.write((output / OVERLAYS / stem).with_name(f"{stem.name}.png"), size, palette)
    return {what: sums[what] / math.prod(shape) for what in files}


def _one(
    source: Source, predictor: Any, output: Path, palette: str, reading: ReadSettings, progress: Progress
) -> dict[str, Any]:
    with open_windows(source.path, reading, source.pixel_size_nm, progress) as picture:
        name, tell = str(source.path), progress if picture.windows.large else None
        if predictor.kind == "classifier":
            probabilities = predictor.grades(picture.windows, name, tell)
            return _row(source, picture, predictor) | _graded(probabilities, predictor.labels)
        pieces = predictor.pieces(picture.windows, name, tell)
        return _row(source, picture, predictor) | _mapped(pieces, picture, output, source.name, palette)


def _other_scale(rows: list[dict[str, Any]], trained: dict[str, int]) -> str:
    """What to say where pictures are of another pixel size than those of training; empty where they aren't."""
    from copper_tf.prediction import scale_text, trained_scale

    scale = trained_scale(trained)
    other = [row for row in rows if row[UNLIKE].other_scale]
    if scale is None or not other:
        return ""
    return (
        f"{len(other)} of {len(rows)} pictures are of another pixel size than those of training "
        f"({scale_text(scale)}), such as {other[0]['file']} of {other[0]['pixel_size_nm']:g} nm: their results "
        "mean nothing"
    )


def _unlike(rows: list[dict[str, Any]]) -> Iterator[str]:
    """What to say where pictures are unlike those of training, or where that isn't known."""
    said = [(row["file"], reason) for row in rows for reason in row[UNLIKE].reasons[row[UNLIKE].other_scale :]]
    if said:
        why = Counter(reason.split(": ")[0] for _, reason in said).most_common()
        yield (
            f"{len(said)} of {len(rows)} pictures are unlike those of training "
            f"({', '.join(f'{group} {count}' for group, count in why)}), such as {said[0][0]} ({said[0][1]}): their "
            f"results may mean nothing; see the column {UNLIKE!r}"
        )
    for untold, count in Counter(filter(None, (row[UNLIKE].untold for row in rows))).items():
        yield f"{count} of {len(rows)} pictures were {untold}"


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
    from copper_tf.tables import check_table, sheet_rows, write_tables

    check_table(output / table)
    reading = group_of(ReadSettings, settings)
    sources = list(sources_of(pictures, sheet))
    output.mkdir(parents=True, exist_ok=True)
    predictor = predictor_from(model, runtime)
    rows, failures = [], []
    with progress_bar() as progress:
        for done, source in enumerate(sources, start=1):
            try:
                rows.append(_one(source, predictor, output, palette, reading, progress))
            except CopperError as error:
                failures.append(error)
            progress(done, len(sources), "predicting")
    for failure in failures:
        click.echo(f"copper: {failure}", err=True)
    for text in filter(None, (*predictor.caveats, _other_scale(rows, predictor.pixel_sizes_nm), *_unlike(rows))):
        click.echo(f"warning: {text}")
    rows = [row | {UNLIKE: row[UNLIKE].text} for row in rows]
    if predictor.law_note:
        click.echo(predictor.law_note)
    if rows:
        value = "potency" if "potency" in rows[0] else "median grade t"
        for file in write_tables(output / table, rows, sheet_rows(rows, value)):
            click.echo(file)
        for folder in (FOLDERS[what] for what in FOLDERS if what in rows[0]):
            click.echo(output / folder)
        if "potency" in rows[0]:
            click.echo(output / OVERLAYS)
    if failures:
        raise InputError(f"every picture must be readable; the others are done. Received: {len(failures)} that are not")
