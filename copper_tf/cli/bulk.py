"""``copper bulk``: very many micrographs by an exported model, restartable, in memory that stays flat."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from copper_tf.api.inference import PALETTES, RUNTIMES, bulk
from copper_tf.api.settings import ReadSettings
from copper_tf.cli.options import flags, folder_option, force_option, group_of
from copper_tf.cli.output import give, say, warn
from copper_tf.cli.partly import end_of
from copper_tf.cli.progress import progress_bar
from copper_tf.cli.verbs import Verb

__all__ = ["command"]


@click.command("bulk", cls=Verb)
@click.argument("model", type=click.Path(path_type=Path))
@click.argument("pictures", nargs=-1, required=True)
@folder_option("Tables, parts of them, and maps.")
@click.option("--sheet", default="", help="name of the sheet that all these pictures are of")
@flags(ReadSettings)
@click.option("--runtime", type=click.Choice(list(RUNTIMES)), help="what opens the export; else the fastest there is")
@click.option("--maps", is_flag=True, help="Write maps/ and overlays/ of a segmenter too.")
@click.option("--palette", type=click.Choice(list(PALETTES)), default="paper", show_default=True, help="their colours")
@click.option("--shard", type=click.IntRange(1), default=100, show_default=True, help="pictures that are one part")
@click.option("--workers", type=click.IntRange(1), default=1, show_default=True, help="processes on this machine")
@click.option("--beam-options", default="", help="options of Apache Beam: runner=FlinkRunner,flink_master=HOST:8081")
@force_option
def command(
    model: Path, pictures: tuple[str, ...], output: Path, sheet: str, runtime: str | None, maps: bool, palette: str,
    shard: int, workers: int, beam_options: str, force: bool, **settings: Any,
) -> int:  # fmt: skip
    """Predict very many micrographs by MODEL, an export, as an Apache Beam pipeline.

    PICTURES are files and folders, patterns in quotes ('new/**.tif'), and folders or patterns of buckets
    (gs://BUCKET/FOLDER). The table has a row for each picture, as that of `copper predict` has; those that can't be
    read are listed in bad.csv. Called again, it goes on where it was killed.
    """
    with progress_bar() as progress:
        result = bulk(
            model, pictures, output, sheet=sheet, runtime=runtime, maps=maps, palette=palette, shard=shard,
            workers=workers, beam_options=beam_options, force=force, read_settings=group_of(ReadSettings, settings),
            progress=progress,
        )  # fmt: skip
    for text in result.warnings:
        warn(text)
    if result.hypothesis_note:
        say(result.hypothesis_note)
    for file in result.files:
        say(file)
    give(result)
    return end_of(result.failures, result.pictures)
