"""What gauging microscopes and operators returns, as typed results."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import ClassVar

from tfds_copper.results import Result, transient

__all__ = ["Gauge", "PrecisionPlan", "VarianceComponent"]

Interval = tuple[float, float]


@dataclasses.dataclass(frozen=True)
class VarianceComponent:
    """One source of scatter.

    Attributes:
        name: of the source, e.g. ``operator`` or ``sheet x operator``.
        free: its degrees of freedom in the study.
        sd: standard deviation that it adds to the score of one picture.
        interval: 95 % of that standard deviation.
        share: of the variance of all sources.
    """

    name: str
    free: int
    sd: float
    interval: Interval
    share: float


@dataclasses.dataclass(frozen=True)
class PrecisionPlan:
    """What a number of pictures gives.

    Attributes:
        pictures: of each sheet, by one operator and one microscope.
        precision: half the 95 % interval of the score of a sheet.
        sheets: needed for the mean score of a group to have the wanted precision; None where no number is enough,
            since the operator and the microscope are the same for all of them.
    """

    pictures: int
    precision: float
    sheets: int | None


@dataclasses.dataclass(frozen=True)
class Gauge(Result):
    """Repeatability and reproducibility of a score: ``gauge.json``.

    Attributes:
        score: the column that was studied.
        rows: pictures.
        sheets: how many.
        factors: what differed besides, with the number of its levels.
        components: of the variance; the first is that of the sheets, the last that of single pictures.
        repeatability: standard deviation of one picture after the other, the same operator and microscope.
        reproducibility: standard deviation that operators, microscopes and their interactions with sheets add.
        percent_grr: standard deviation of the measurement in percent of that of all scores.
        percent_grr_interval: 95 %.
        categories: how many classes of sheets one picture tells apart (number of distinct categories); None where the
            measurement doesn't scatter at all.
        mend_first: the largest component of the measurement; empty where it doesn't scatter.
        wanted: half the 95 % interval that numbers are planned for.
        plan: what numbers of pictures and sheets give.
        verdicts: what was found, in sentences.
        caveats: what must be mentioned with it.
        page: path of the page.
    """

    FORMAT: ClassVar[str] = "copper-gauge 1"

    score: str
    rows: int
    sheets: int
    factors: dict[str, int]
    components: tuple[VarianceComponent, ...]
    repeatability: float
    reproducibility: float
    percent_grr: float
    percent_grr_interval: Interval
    categories: int | None
    mend_first: str
    wanted: float
    plan: tuple[PrecisionPlan, ...]
    verdicts: tuple[str, ...]
    caveats: tuple[str, ...]
    page: Path | None = transient()
