"""``copper gauge``: can this microscope tell two sheets apart?"""

from __future__ import annotations

from pathlib import Path

import click

from copper_tf.api.decisions import GAUGE, Gauge, gauge
from copper_tf.cli.options import Variadic, folder_option, force_option
from copper_tf.cli.output import give, say
from copper_tf.cli.scores import labels_option, print_findings, score_option
from copper_tf.cli.tables import number, print_table

__all__ = ["command"]


def _print(result: Gauge) -> None:
    rows = [[c.name, number(c.sd, c.interval), f"{100 * c.share:.0f} %"] for c in result.components]
    print_table(["source", "standard deviation [95 %]", "of all variance"], rows)
    print_findings(result.verdicts, result.caveats)
    say(f"sheets for a mean known to ±{result.wanted:.2g}, one operator and microscope:")
    needed = [[str(p.pictures), f"{p.precision:.3f}", "–" if p.sheets is None else str(p.sheets)] for p in result.plan]
    print_table(["pictures of each sheet", "score of a sheet known to ±", "sheets"], needed)


@click.command("gauge", cls=Variadic)
@click.argument("scores", type=click.Path(path_type=Path))
@folder_option(f"Where the page, {GAUGE} and a workbook go.", default="gauge")
@labels_option
@score_option
@click.option(
    "--factor", "factors", multiple=True,
    help="Columns that every sheet meets in several levels.  [default: operator and microscope where they are there]",
)  # fmt: skip
@click.option(
    "--repeat", default="repeat", show_default=True,
    help="Column of the number of the re-imaging, where one has several pictures; may be absent.",
)  # fmt: skip
@click.option("--precision", type=float, help="Plan for it, ± in the score.  [default: the scatter of sheets]")
@force_option
def command(
    scores: Path, output: Path, labels: Path | None, score: str, factors: tuple[str, ...], repeat: str,
    precision: float | None, force: bool,
) -> None:  # fmt: skip
    """Gauge repeatability and reproducibility of scores: sheets, operators, microscopes, pictures.

    SCORES is a table (CSV) with a score, a sheet, an operator and a microscope in every row, or a folder of
    predictions with --labels. Every sheet must be imaged by several of them, and more than once.
    """
    result = gauge(
        scores, output=output, labels=labels, score=score, factors=factors or None, repeat=repeat, precision=precision,
        force=force,
    )  # fmt: skip
    _print(result)
    say(result.page)
    give(result)
