"""``copper chart``: has the line drifted, or the microscope?"""

from __future__ import annotations

from pathlib import Path

import click

from copper_tf.api.decisions import CHART, chart
from copper_tf.cli.options import folder_option
from copper_tf.cli.output import give, say
from copper_tf.cli.scores import labels_option, print_findings, score_option
from copper_tf.cli.verbs import Verb

__all__ = ["command"]


@click.command("chart", cls=Verb)
@click.argument("scores", type=click.Path(path_type=Path), nargs=-1, required=True)
@folder_option("Folder of the chart; a later call adds to what is there.", default="chart")
@labels_option
@score_option
@click.option("--date", default="date", show_default=True, help="Column of the day on which a picture was taken.")
@click.option("--reference", help="Name of the sheet that is imaged each time.  [default: that of the chart, or none]")
@click.option("--baseline", type=int, help="Days that limits are taken from.  [default: that of the chart, or 20]")
@click.option("--only", help="COLUMN=VALUE of the sheets that are charted.  [default: that of the chart, or all]")
@click.option("--open", "open_page", is_flag=True, help="Open the page in a browser.")
def command(
    scores: tuple[Path, ...], output: Path, labels: Path | None, score: str, date: str, reference: str | None,
    baseline: int | None, only: str | None, open_page: bool,
) -> int:  # fmt: skip
    """Chart the sheets of a line over the days, beside a reference sheet; exit code 1 on an alarm.

    SCORES are tables (CSV) with a score, a sheet and a date in every row, or folders of predictions with --labels. A
    call adds the sheets that are new; those that are there already are not added again.
    """
    result = chart(
        *scores, output=output, labels=labels, score=score, date=date, reference=reference, baseline=baseline, only=only
    )
    say(f"{result.added} sheets added, {result.known} were there already; {len(result.points)} days")
    print_findings(result.verdicts, result.caveats)
    say(output / CHART)
    say(result.page)
    give(result)
    if open_page:
        click.launch(str(result.page))
    return int(any(text.startswith("ALARM") for text in result.verdicts))
