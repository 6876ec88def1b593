"""``copper build``: from a SEM folder to a dataset."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from copper_tf.api.data import build_folds, preview_build
from copper_tf.api.settings import ReadSettings, SplitSettings
from copper_tf.cli.options import flags, folder_option
from copper_tf.cli.output import give, say, warn
from copper_tf.cli.progress import progress_bar
from copper_tf.cli.tables import print_table
from copper_tf.cli.verbs import Verb

__all__ = ["command"]


def _print_splits(
    fold: int, labels: Sequence[str], pictures: Mapping[str, Sequence[int]], sheets: Mapping[str, int]
) -> None:
    """Pictures and sheets of every label in every split."""
    rows = [[name, *(str(counts[k]) for counts in pictures.values())] for k, name in enumerate(labels)]
    rows.append(["sheets", *(str(n) if n else "–" for n in sheets.values())])
    print_table([f"fold {fold}, t" if fold else "t", *pictures], rows)


def _print_findings(folder: Path, found: Sequence[tuple[str, str]]) -> None:
    for level, text in found:
        say(text) if level == "note" else warn(text, level)
    if any("such as " in text for _, text in found):
        say(f"all pictures that these are about: copper check {shlex.quote(str(folder))}")


@click.command("build", cls=Verb)
@click.argument("folder", type=click.Path(path_type=Path))
@folder_option("Folder of datasets; FOLDER.tfds beside the pictures where not given.", required=False)
@flags(SplitSettings)
@flags(ReadSettings)
@click.option("--dry-run", is_flag=True, help="Only show what would go where.")
@click.option("--force", is_flag=True, help="Also build what `copper check` calls unsound.")
def command(folder: Path, output: Path | None, dry_run: bool, force: bool, **settings: Any) -> None:
    """Convert a SEM folder into a dataset of sharded TFRecords, split by whole sheets where sheets are known."""
    if dry_run:
        with progress_bar() as progress:
            preview = preview_build(folder, force=force, progress=progress, **settings)
        for counts in preview.splits:
            _print_splits(counts.fold, [row.t for row in preview.labels], counts.per_label, counts.sheets)
        _print_findings(folder, [(f.level, f.text) for f in preview.findings])
        give(preview)
        return
    with progress_bar() as progress:
        datasets = build_folds(folder, output, force=force, progress=progress, **settings)
    for dataset in datasets:
        say(dataset.path)
    for dataset in datasets:
        splits = dataset.metadata.splits
        pictures = {name: counts.per_label for name, counts in splits.items()}
        sheets = {name: len(counts.sheets) for name, counts in splits.items()}
        _print_splits(dataset.fold, dataset.class_names, pictures, sheets)
    _print_findings(folder, [(f.level, f.text) for f in datasets[0].metadata.findings])
    give(datasets)
