"""``copper build``: from a SEM folder to a dataset."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from copper_tf.cli.options import flags, folder_option, group_of
from copper_tf.cli.progress import progress_bar
from copper_tf.cli.tables import print_table
from tfds_copper.splits import SplitSettings

__all__ = ["command"]


@click.command("build")
@click.argument("folder", type=click.Path(path_type=Path))
@folder_option("Folder of datasets; FOLDER.tfds beside the pictures where not given.", required=False)
@flags(SplitSettings)
@click.option("--dry-run", is_flag=True, help="Only show what would go where.")
def command(folder: Path, output: Path | None, dry_run: bool, **settings: Any) -> None:
    """Convert a SEM folder into a dataset of sharded TFRecords, split by whole sheets where sheets are known."""
    from tfds_copper.folder import scan
    from tfds_copper.splits import SPLITS, assign

    split = group_of(SplitSettings, settings)
    found = scan(folder)
    where = assign(found.pictures, split)
    if not dry_run:
        from copper_tf.cli.sources import import_tensorflow
        from tfds_copper.copper_sem import build

        import_tensorflow()
        target = output or folder.resolve().with_name(f"{folder.resolve().name}.tfds")
        with progress_bar() as progress:
            click.echo(build(folder, target, split, progress))
    rows = []
    for label, name in enumerate(found.class_names):
        files = [where[p.file] for p in found.pictures if p.label == label]
        rows.append([name, *(str(files.count(s)) for s in SPLITS)])
    sheets = [len({p.sheet for p in found.pictures if p.sheet and where[p.file] == s}) for s in SPLITS]
    rows.append(["sheets", *(str(n) if n else "–" for n in sheets)])
    print_table(["t", *SPLITS], rows)
    if not any(sheets):
        click.echo("no sheets known: pictures of one sheet may lie in two splits, and scores may flatter")
    for reason, count in found.skipped.items():
        click.echo(f"skipped {count}: {reason}")
