"""``copper compare-groups``: is the new bath as good as the old one?"""

from __future__ import annotations

from pathlib import Path

import click

from copper_tf.api.decisions import GROUPS, GroupComparison, compare_groups
from copper_tf.cli.options import folder_option, force_option
from copper_tf.cli.output import give, say
from copper_tf.cli.scores import labels_option, print_findings, score_option
from copper_tf.cli.tables import number, print_table
from copper_tf.cli.verbs import Verb

__all__ = ["command"]


def _print(result: GroupComparison) -> None:
    rows = [[g.name, str(g.sheets), str(g.pictures), number(g.mean, g.interval)] for g in result.groups]
    print_table(["group", "sheets", "pictures", f"{result.score} [95 %]"], rows)
    needed = [[str(p.pictures), "over 200" if p.sheets is None else str(p.sheets)] for p in result.plan]
    print_findings(result.verdicts, result.caveats)
    say(f"to find a difference of {result.wanted:.2g} four times of five:")
    print_table(["pictures of each sheet", "sheets of each group"], needed)


@click.command("compare-groups", cls=Verb)
@click.argument("scores", type=click.Path(path_type=Path), nargs=-1, required=True)
@folder_option(f"Where the page, {GROUPS} and a workbook go.", default="groups")
@click.option("--by", default="", help="Column that names the group of each sheet, where SCORES is one table.")
@labels_option
@score_option
@click.option("--margin", type=float, help="Differences below it don't matter; tests equivalence.")
@click.option("--difference", type=float, help="Plan sheets and pictures for it.  [default: the margin]")
@force_option
def command(
    scores: tuple[Path, ...], output: Path, by: str, labels: Path | None, score: str, margin: float | None,
    difference: float | None, force: bool,
) -> None:  # fmt: skip
    """Compare groups of sheets, such as two baths, by the scores of their pictures; the unit is the sheet.

    SCORES are tables (CSV) with a score and a sheet in every row, or folders of predictions: one for each group, or
    one table with --by. Differences come with intervals, equivalence within a margin, the smallest difference that can
    be shown, and how many sheets and pictures a wanted one takes.
    """
    result = compare_groups(
        *scores, output=output, by=by, labels=labels, score=score, margin=margin, difference=difference, force=force
    )
    _print(result)
    say(result.page)
    give(result)
