"""The page of `copper trust`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from copper_tf.analysis.trust.verdict import TRUST
from copper_tf.report.common.page import template, written
from copper_tf.report.common.text import CAPTIONS, POTENCY_NOTE
from copper_tf.report.trust.section import trust_figures, trust_section
from tfds_copper.files import write_text

if TYPE_CHECKING:
    from pathlib import Path

    from copper_tf.runs.run import Run

__all__ = ["render_trust"]


def render_trust(run: Run) -> Path:
    """Writes ``report/trust.html`` and its figures as PNG beside it.

    Args:
        run: a run whose maps were tested.

    Returns:
        The path of the page.

    Raises:
        RunError: if they were not.
    """
    run.read_scores(TRUST)
    names = run.labels.names
    page = run.path / "report" / "trust.html"
    text = template("trust/page.html.j2").render(
        run=run,
        trust=trust_section(run),
        figures=written(run, trust_figures(run)),
        captions=CAPTIONS,
        note=POTENCY_NOTE.format(first=names[0], last=names[-1]),
    )
    write_text(page, text)
    return page
