"""``copper report``: everything that is known of the runs of one dataset, as a page, a PDF and a model card."""

from __future__ import annotations

from pathlib import Path

import click

from copper_tf.api.reports import Report, report
from copper_tf.cli.options import data_option, folder_option, force_option
from copper_tf.cli.output import give, say
from copper_tf.cli.progress import progress_bar
from copper_tf.cli.verbs import Verb

__all__ = ["command", "print_report"]


def print_report(result: Report) -> None:
    """The answer in one sentence, what is missing, and the files."""
    for path in result.newly_evaluated or ():
        say(f"{path}: not evaluated yet, so that came first")
    say(result.sentence)
    for part in result.missing:
        say(f"missing: {part.what}: {part.how}")
    say(f"{result.page}\n{result.card}\n{result.pdf or result.pdf_problem}")


@click.command("report", cls=Verb)
@click.argument("runs", type=click.Path(path_type=Path), nargs=-1, required=True)
@click.option("--blindtest", type=click.Path(path_type=Path), help="A scored blind test on the same data.")
@click.option("--hypotheses", type=click.Path(path_type=Path), help="A folder of `copper hypotheses` on the same data.")
@click.option("--calibration", type=click.Path(path_type=Path), help="Of `copper calibrate`, by one of RUNS.")
@click.option("--license", default="", help="Licence of the weights for the model card, as SPDX names it.")
@data_option
@folder_option("Where the report goes.", default="report")
@force_option
@click.option("--open", "open_page", is_flag=True, help="Open the page in a browser.")
def command(
    runs: tuple[Path, ...], blindtest: Path | None, hypotheses: Path | None, calibration: Path | None, license: str,
    data: Path | None, output: Path, force: bool, open_page: bool,
) -> None:  # fmt: skip
    """Write all that is known of RUNS, runs of one dataset, as one page that can be handed on.

    Writes report.html (all figures in it), report.pdf where a Chromium or Chrome is on PATH, MODEL_CARD.md, report.json
    and figures/. RUNS are classifiers, segmenters, or folders of folds or seeds; the first segmenter is shown on page
    one. What was not evaluated is evaluated first. Results of `copper trust` and `copper baselines` are taken in where
    they are; the page says what is missing.
    """
    with progress_bar() as progress:
        result = report(
            runs, output, blindtest=blindtest, hypotheses=hypotheses, calibration=calibration, license=license,
            data=data, force=force, progress=progress,
        )  # fmt: skip
    print_report(result)
    give(result)
    if open_page:
        click.launch(str(result.page))
