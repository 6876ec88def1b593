"""What comparing groups of sheets returns, as typed results."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import ClassVar

from tfds_copper.results import Result, transient

__all__ = ["Group", "GroupComparison", "GroupDifference", "PlannedSize", "SheetMean"]

Interval = tuple[float, float]


@dataclasses.dataclass(frozen=True)
class SheetMean:
    """The score of one sheet.

    Attributes:
        group: that it belongs to.
        sheet: its name.
        pictures: that were scored.
        mean: of their scores.
    """

    group: str
    sheet: str
    pictures: int
    mean: float


@dataclasses.dataclass(frozen=True)
class Group:
    """A group of sheets.

    Attributes:
        name: of the group.
        sheets: how many it has.
        pictures: how many of all of them.
        mean: of the sheets' scores, every sheet counting once.
        sd: standard deviation of the sheets' scores.
        interval: 95 % Student interval of the mean.
    """

    name: str
    sheets: int
    pictures: int
    mean: float
    sd: float
    interval: Interval


@dataclasses.dataclass(frozen=True)
class GroupDifference:
    """Two groups compared.

    Attributes:
        first: name of the one that is subtracted.
        second: name of the other.
        difference: of the means, second minus first.
        interval: 95 %; for more than two groups all intervals hold together.
        p: that the means are the same; for more than two groups corrected for their number.
        different: whether they differ at 5 %.
        detectable: the smallest difference that so many sheets and pictures would show four times of five.
        equivalence_p: that the means differ by the margin or more, corrected for the number of pairs; None without a
            margin.
        equivalent: whether they differ by less than the margin, at 5 %; None without a margin.
    """

    first: str
    second: str
    difference: float
    interval: Interval
    p: float
    different: bool
    detectable: float
    equivalence_p: float | None = None
    equivalent: bool | None = None


@dataclasses.dataclass(frozen=True)
class PlannedSize:
    """What a group needs for a wanted difference to be found four times of five.

    Attributes:
        pictures: of each sheet.
        sheets: of each group; None where more than 200 are needed.
    """

    pictures: int
    sheets: int | None


@dataclasses.dataclass(frozen=True)
class GroupComparison(Result):
    """Groups of sheets compared: ``groups.json``.

    Attributes:
        score: the column that was compared.
        groups: in the order given.
        differences: of every pair.
        sheets: the score of every sheet.
        sheet_sd: standard deviation of sheets within their groups, without that of pictures.
        picture_sd: standard deviation of single pictures within their sheets; None where no sheet has two.
        margin: below which a difference doesn't matter; None where none was given.
        wanted: the difference that sizes are planned for.
        plan: sheets and pictures that find it.
        verdicts: what the comparison says, in sentences.
        caveats: what must be mentioned with it.
        page: path of the page.
    """

    FORMAT: ClassVar[str] = "copper-group-comparison 1"
    COMMAND: ClassVar[str] = "compare-groups"

    score: str
    groups: tuple[Group, ...]
    differences: tuple[GroupDifference, ...]
    sheets: tuple[SheetMean, ...]
    sheet_sd: float
    picture_sd: float | None
    margin: float | None
    wanted: float
    plan: tuple[PlannedSize, ...]
    verdicts: tuple[str, ...]
    caveats: tuple[str, ...]
    page: Path | None = transient()
