"""The page of `copper trust`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from copper_tf.analysis.trust.results import Trust
from copper_tf.reports.common.page import write_page
from copper_tf.reports.common.text import ALTS, CAPTIONS, potency_note
from copper_tf.reports.trust.section import trust_figures, trust_section
from copper_tf.runs.run import TRUST_PAGE, Run

if TYPE_CHECKING:
    from pathlib import Path

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
    run.read(Trust)
    return write_page(
        "trust/page.html.j2",
        run.path / TRUST_PAGE,
        figures=trust_figures(run),
        alts=ALTS,
        captions=CAPTIONS,
        run=run,
        trust=trust_section(run),
        note=potency_note(run.labels, run.hypothesis_record),
    )
