"""``copper build``: from a SEM folder to a dataset."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from copper_tf.cli.options import flags, folder_option, group_of
from copper_tf.cli.progress import progress_bar
from copper_tf.cli.tables import print_table
from tfds_copper.micrograph import ReadSettings
from tfds_copper.splits.assign import SplitSettings

__all__ = ["command"]


def _print_splits(looked: Any, split: SplitSettings) -> None:
    """Pictures and sheets of every label in every split."""
    from tfds_copper.splits.assign import SPLITS, assign

    pictures = looked.folder.pictures
    where = assign(pictures, split, looked.links)
    rows = []
    for label, name in enumerate(looked.folder.class_names):
        files = [where[p.file] for p in pictures if p.label == label]
        rows.append([name, *(str(files.count(s)) for s in SPLITS)])
    sheets = [len({p.sheet for p in pictures if p.sheet and where[p.file] == s}) for s in SPLITS]
    rows.append(["sheets", *(str(n) if n else "–" for n in sheets)])
    print_table([f"fold {split.fold}, t" if split.folds else "t", *SPLITS], rows)


@click.command("build")
@click.argument("folder", type=click.Path(path_type=Path))
@folder_option("Folder of datasets; FOLDER.tfds beside the pictures where not given.", required=False)
@flags(SplitSettings)
@flags(ReadSettings)
@click.option("--dry-run", is_flag=True, help="Only show what would go where.")
@click.option("--force", is_flag=True, help="Build what `copper check` calls unsound all the same.")
def command(folder: Path, output: Path | None, dry_run: bool, force: bool, **settings: Any) -> None:
    """Convert a SEM folder into a dataset of sharded TFRecords, split by whole sheets where sheets are known."""
    from copper_tf.data.sources import require_sound, survey_folder
    from copper_tf.utils.tensorflow import import_tensorflow
    from tfds_copper.audit.findings import UNSOUND, WARNING, findings

    split, reading = group_of(SplitSettings, settings), group_of(ReadSettings, settings)
    with progress_bar() as progress:
        looked = survey_folder(folder, split, reading, progress)
        found = findings(looked, split)
        if not force:
            require_sound(looked, split)
        if not dry_run:
            import_tensorflow()
            from tfds_copper.copper_sem import build_survey

            target = output or folder.resolve().with_name(f"{folder.resolve().name}.tfds")
            for path in build_survey(looked, target, split, progress):
                click.echo(path)
    for one in split.each_fold:
        _print_splits(looked, one)
    for finding in found:
        click.echo(finding.text if finding.level not in (UNSOUND, WARNING) else f"{finding.level}: {finding.text}")
