"""``copper check``: what a SEM folder holds, and whether anything sound can be learnt from it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from copper_tf.api.data import check
from copper_tf.api.settings import ReadSettings, SplitSettings
from copper_tf.cli.options import flags, folder_option
from copper_tf.cli.output import give, say, warn
from copper_tf.cli.progress import progress_bar
from copper_tf.cli.tables import print_table
from copper_tf.cli.verbs import Verb

if TYPE_CHECKING:
    from copper_tf.reports.check.summary import Check

__all__ = ["command"]

_UNSOUND = 1


def _print(result: Check) -> None:
    """A row for each label, the splits, and the findings."""
    print_table(result.labels[0].titles(), [row.cells() for row in result.labels])
    for counts in result.splits:
        fold = f"fold {counts.fold}: " if counts.fold else ""
        say(fold + ", ".join(
            f"{name} {n} pictures" + (f" of {counts.sheets[name]} sheets" if counts.sheets[name] else "")
            for name, n in counts.pictures.items()
        ))  # fmt: skip
    for k, finding in enumerate(result.findings):
        where = result.whereabouts(k)
        text = finding.text + (f" ({where})" if where else "")
        say(f"note: {text}") if finding.level == "note" else warn(text, finding.level)
    say("sound: nothing found that training could trip over" if not result.problems else
               "sound, with warnings" if result.sound else "unsound: a model would learn something else")  # fmt: skip


@click.command("check", cls=Verb)
@click.argument("folder", type=click.Path(path_type=Path))
@folder_option("The page and its tables; FOLDER.check beside the pictures where not given.", required=False)
@flags(SplitSettings)
@flags(ReadSettings)
@click.option("--open", "open_page", is_flag=True, help="Open the page in a browser.")
def command(folder: Path, output: Path | None, open_page: bool, **settings: Any) -> int:
    """Say what a SEM folder holds and what is wrong with it; exit code 1 where training would be unsound.

    Writes check.html, check.json and pictures.csv.
    """
    with progress_bar() as progress:
        result = check(folder, output, progress=progress, **settings)
    _print(result)
    say(result.page)
    give(result)
    if open_page:
        click.launch(str(result.page))
    return 0 if result.sound else _UNSOUND
