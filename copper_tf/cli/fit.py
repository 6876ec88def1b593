"""``copper fit``: from a SEM folder to the report, in one command."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import click

from copper_tf.api.fit import BUDGET, NOT_SUPPORTED, Fit, FitPlan, fit
from copper_tf.api.settings import ReadSettings, SplitSettings
from copper_tf.cli.options import explicit, flags, folder_option, force_option
from copper_tf.cli.output import give, say
from copper_tf.cli.progress import progress_bar
from copper_tf.cli.report import print_report
from copper_tf.cli.tables import print_table
from copper_tf.cli.verbs import Verb

__all__ = ["command", "print_fit", "print_plan"]

_UNBELIEVED = 1


class _Minutes(click.ParamType):
    """A time such as 90, 90m or 1.5h, in minutes."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Minutes, whatever the unit."""
        found = re.fullmatch(r"(\d+(?:\.\d+)?)(m|min|h)?", str(value).strip())
        if not found:
            self.fail(f"must be minutes or hours, as 90, 90m or 1.5h. Received: {value!r}", param, ctx)
        return float(found[1]) * (60 if found[2] == "h" else 1)


def print_plan(plan: FitPlan) -> None:
    """How long each stage will take."""
    rows = [[name, f"{seconds / 60:.1f}"] for name, seconds in plan.seconds.items()]
    print_table(["stage", "minutes, expected"], [*rows, ["in all", f"{plan.minutes:.1f}"]])
    say(", ".join(f"{kind}: {epochs} epochs" for kind, epochs in plan.epochs.items()))


def print_fit(result: Fit) -> None:
    """The verdict, the report, and how long it took."""
    say(f"maps: {result.verdict}")
    for reason in result.reasons:
        say(f"- {reason}")
    assert result.report is not None
    print_report(result.report)
    say(f"{sum(result.seconds.values()) / 60:.1f} minutes in this call; {result.plan.minutes:.1f} were planned")


@click.command("fit", cls=Verb)
@click.argument("folder", type=click.Path(path_type=Path))
@folder_option("Where everything goes.")
@click.option(
    "--budget",
    type=_Minutes(),
    default=f"{BUDGET:g}m",
    show_default=True,
    help="How long it may take, as 90, 90m or 1.5h; where it is short, both models get fewer epochs.",
)
@click.option("--resume", is_flag=True, help="Go on where it was stopped or killed.")
@force_option
@flags(SplitSettings)
@flags(ReadSettings)
@click.option("--open", "open_page", is_flag=True, help="Open the report in a browser.")
def command(folder: Path, output: Path, resume: bool, force: bool, open_page: bool, **settings: Any) -> int:
    """Check and build a SEM folder, train both models, judge them, and write the report and the exports.

    OUT holds check/, dataset/, segmenter/, classifier/, report/, segmenter_model/ and classifier_model/: an ordinary
    dataset, runs, report and exports, that the other commands take. The seed is that of both models, too. With --resume
    what isn't given is the fit's own. Exit code 1 where the maps can't be believed.
    """
    given = explicit(settings)
    with progress_bar() as progress:
        result = fit(
            folder, output, resume=resume, force=force, on_plan=print_plan, progress=progress, **given
        )  # fmt: skip
    print_fit(result)
    give(result)
    if open_page and result.report:
        click.launch(str(result.report.page))
    return _UNBELIEVED if result.verdict == NOT_SUPPORTED else 0
