"""``copper calibrate``: from potency to peel strength."""

from __future__ import annotations

from pathlib import Path

import click

from copper_tf.api.decisions import CALIBRATION, Calibration, calibrate
from copper_tf.cli.options import Variadic, folder_option, force_option
from copper_tf.cli.output import give, say
from copper_tf.cli.scores import labels_option, print_findings, score_option
from copper_tf.cli.tables import number, print_table

__all__ = ["command"]


def _print(result: Calibration) -> None:
    rows = [[row.name, number(row.error), str(row.sheets)] for row in result.errors]
    print_table(["predicted by", "error on left-out lots", "sheets"], rows)
    print_findings(result.verdicts, result.caveats)


@click.command("calibrate", cls=Variadic)
@click.argument("scores", type=click.Path(path_type=Path))
@click.option("--strength", required=True, help="Column of the measured strength, e.g. peel_N_per_mm.")
@folder_option(f"Where the page, {CALIBRATION} and a workbook go.", default="calibration")
@labels_option
@score_option
@click.option("--lot", default="lot", show_default=True, help="Column of the lot.")
@click.option(
    "--failure", default="failure", show_default=True,
    help="Column that says cohesive where the resin failed, else adhesive; may be absent.",
)  # fmt: skip
@click.option(
    "--beside", multiple=True,
    help="Columns that the score must be better than.  [default: t and etch_depth_um where they are there]",
)  # fmt: skip
@force_option
def command(
    scores: Path, strength: str, output: Path, labels: Path | None, score: str, lot: str, failure: str,
    beside: tuple[str, ...], force: bool,
) -> None:  # fmt: skip
    """Calibrate peel strength by the scores of sheets: will it hold?

    SCORES is a table (CSV) with a score, a sheet, a lot and a strength in every row, or a folder of predictions with
    --labels. The result is a file for `copper predict --calibration`; the page says how well sheets of unseen lots are
    predicted, and whether the picture tells more than age or etch depth alone.
    """
    result = calibrate(
        scores, strength, output=output, labels=labels, score=score, lot=lot, failure=failure, beside=beside or None,
        force=force,
    )  # fmt: skip
    _print(result)
    say(output / CALIBRATION)
    say(result.page)
    give(result)
