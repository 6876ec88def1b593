"""What the pages of decisions share: sections of texts, figures and tables, and how numbers are written."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from copper_tf.reports.common.page import write_page

if TYPE_CHECKING:
    from pathlib import Path

    from matplotlib.figure import Figure

__all__ = ["Drawn", "Section", "Table", "interval", "number", "write_decision"]


@dataclasses.dataclass(frozen=True)
class Table:
    """A table of a page.

    Attributes:
        caption: what it holds.
        head: of each column.
        rows: of text.
    """

    caption: str
    head: Sequence[str]
    rows: Sequence[Sequence[str]]


@dataclasses.dataclass(frozen=True)
class Section:
    """A part of a page under a heading.

    Attributes:
        title: of the heading.
        texts: paragraphs.
        figures: by name.
        tables: below them.
    """

    title: str
    texts: Sequence[str] = ()
    figures: Sequence[str] = ()
    tables: Sequence[Table] = ()


@dataclasses.dataclass(frozen=True)
class Drawn:
    """A figure with its texts.

    Attributes:
        figure: the drawing.
        alt: what it shows, for those who can't see it.
        caption: how it is read.
    """

    figure: Figure
    alt: str
    caption: str


def number(value: float | None, digits: int = 3) -> str:
    """A number of so many digits, a dash for what is unknown."""
    if value is None or not math.isfinite(value):
        return "–"
    text = f"{value:.{digits}g}" if abs(value) < 1e5 else f"{value:.3e}"
    if "e" in text and abs(value) < 1:
        text = f"{value:.1e}"
    return text.replace("-", "−")


def interval(ends: Sequence[float] | None) -> str:
    """Both ends of an interval."""
    return "–" if ends is None else f"{number(ends[0])} to {number(ends[1])}"


def write_decision(
    file: Path, kind: str, verdicts: Sequence[str], caveats: Sequence[str], sections: Sequence[Section],
    drawn: Mapping[str, Drawn], method: Sequence[str], files: str, alarms: Sequence[int] = (),
) -> Path:  # fmt: skip
    """Writes a page of a decision and its figures as PNG beside it.

    Args:
        file: the page.
        kind: what it is of.
        verdicts: what was found, in sentences.
        caveats: what must be mentioned with it.
        sections: the parts of the page.
        drawn: figures by name.
        method: how it was done, a paragraph each.
        files: which other files lie beside the page.
        alarms: which of the verdicts, by number, are alarms.

    Returns:
        The path of the page.
    """
    return write_page(
        "decisions/page.html.j2",
        file,
        figures={name: one.figure for name, one in drawn.items()},
        alts={name: one.alt for name, one in drawn.items()},
        captions={name: one.caption for name, one in drawn.items()},
        name=file.parent.resolve().name,
        kind=kind,
        verdicts=verdicts,
        caveats=caveats,
        sections=sections,
        method=method,
        files=files,
        alarms=alarms,
    )
