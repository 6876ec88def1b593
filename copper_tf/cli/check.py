"""``copper check``: what a SEM folder holds, and whether anything sound can be learnt from it."""

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

_UNSOUND = 1


def _print(told: dict[str, Any]) -> None:
    """The terminal's page: a row for each label, what follows t, and what was found."""
    columns = list(told["labels"][0])
    print_table(columns, [[row[c] for c in columns] for row in told["labels"]])
    for fold in told["splits"] or []:
        of = f"fold {fold['fold']}: " if fold["fold"] else ""
        click.echo(of + ", ".join(
            f"{name} {n} pictures" + (f" of {fold['sheets'][name]} sheets" if fold["sheets"][name] else "")
            for name, n in fold["pictures"].items()
        ))  # fmt: skip
    for finding in told["findings"]:
        click.echo(f"{finding['level']}: {finding['text']}")
    problems = [f for f in told["findings"] if f["level"] != "note"]
    click.echo("sound: nothing found that training could trip over" if not problems else
               "sound, with warnings" if told["sound"] else "unsound: a model would learn something else")  # fmt: skip


@click.command("check")
@click.argument("folder", type=click.Path(path_type=Path))
@folder_option("The page and its tables; FOLDER.check beside the pictures where not given.", required=False)
@flags(SplitSettings)
@flags(ReadSettings)
@click.option("--open", "open_page", is_flag=True, help="Open the page in a browser.")
def command(folder: Path, output: Path | None, open_page: bool, **settings: Any) -> int:
    """Say what a SEM folder holds and what is wrong with it; exit code 1 where training would be unsound.

    Writes check.html, check.json and pictures.csv.
    """
    from copper_tf.data.sources import survey_folder
    from tfds_copper.audit.findings import findings
    from tfds_copper.audit.summary import picture_table, summary
    from tfds_copper.files import write_json, write_text

    split, reading = group_of(SplitSettings, settings), group_of(ReadSettings, settings)
    with progress_bar() as progress:
        looked = survey_folder(folder, split, reading, progress)
        told = summary(looked, split, findings(looked, split))
    target = output or folder.resolve().with_name(f"{folder.resolve().name}.check")
    write_json(target / "check.json", told)
    write_text(target / "pictures.csv", picture_table(looked), encoding="utf-8-sig")
    from copper_tf.report.check.page import render_check

    page = render_check(looked, told, target)
    _print(told)
    click.echo(page)
    if open_page:
        click.launch(str(page))
    return 0 if told["sound"] else _UNSOUND
