"""The results of a comparison of graders, as types: ``comparison.json``."""

from __future__ import annotations

import dataclasses
from typing import ClassVar, Literal

from copper_tf.analysis.evaluation_results import Interval
from copper_tf.statistics.bootstrap import MIN_GROUPS
from tfds_copper.results import Result

__all__ = [
    "DECODINGS",
    "LEVEL",
    "POWER",
    "ComparedGrader",
    "Comparison",
    "GraderDifference",
    "McNemar",
    "ScoreDifference",
    "Wilcoxon",
]

# How a classifier's probabilities become a grade, and the column of an evaluation that holds it.
DECODINGS = {"median": "median_grade", "argmax": "grade"}
# A difference is detectable if a test at this level finds it with this probability.
LEVEL, POWER = 0.05, 0.8


@dataclasses.dataclass(frozen=True)
class ScoreDifference:
    """One score of a grader minus that of the reference.

    Attributes:
        difference: of the two scores.
        interval: 95 % bootstrap interval of it.
        p: two-sided probability of at least such a difference where there is none, from the bootstrap.
        detectable: the least true difference that one test finds with a probability of 80 %.
        p_holm: `p` corrected for the number of graders.
    """

    difference: float
    interval: Interval | None = None
    p: float | None = None
    detectable: float | None = None
    p_holm: float | None = None


@dataclasses.dataclass(frozen=True)
class McNemar:
    """Exact McNemar test of two graders.

    Attributes:
        only_first: number of pictures that only the reference grades right.
        only_second: number of pictures that only the grader gets right.
        p: two-sided.
        p_holm: `p` corrected for the number of graders.
    """

    only_first: int
    only_second: int
    p: float
    p_holm: float | None = None


@dataclasses.dataclass(frozen=True)
class Wilcoxon:
    """Wilcoxon signed-rank test of the errors of two graders.

    Attributes:
        p: two-sided.
        p_holm: `p` corrected for the number of graders.
    """

    p: float
    p_holm: float | None = None


@dataclasses.dataclass(frozen=True)
class ComparedGrader:
    """One grader of a comparison.

    Attributes:
        name: what it is called.
        kind: ``"classifier"``, ``"segmenter"``, or in a blind test ``"rater"`` or ``"raters"``.
        decoding: where its grades come from.
        runs: the folders of its runs.
        scores: the mean over its runs.
        ranges: the lowest and the highest of its runs.
        intervals: 95 % bootstrap interval of each score.
    """

    name: str
    kind: str
    decoding: str
    runs: tuple[str, ...]
    scores: dict[str, float]
    ranges: dict[str, Interval]
    intervals: dict[str, Interval | None]


@dataclasses.dataclass(frozen=True)
class GraderDifference:
    """A grader minus the reference, paired picture by picture.

    Attributes:
        name: of the grader.
        decoding: where its grades come from.
        reference: name of the grader that it is compared with.
        scores: the difference in each score.
        mcnemar: the test of right and wrong grades, None where a grader has several runs.
        wilcoxon: the test of how many steps the grades are off.
    """

    name: str
    decoding: str
    reference: str
    scores: dict[str, ScoreDifference]
    mcnemar: McNemar | None
    wilcoxon: Wilcoxon


@dataclasses.dataclass(frozen=True)
class Comparison(Result):
    """Graders of the same test pictures side by side, as `copper_tf.compare` gives them.

    Attributes:
        pictures: number of test pictures.
        groups: number of groups that were resampled whole.
        resampled: what a group is, ``"sheets"`` where all sheets are known, else ``"pictures"``.
        graders: each with its scores; the first is the reference.
        differences: every other one minus the reference.
    """

    NAME: ClassVar[str] = "comparison"
    FORMAT: ClassVar[str] = "copper-comparison 1"

    pictures: int
    groups: int
    resampled: Literal["sheets", "pictures"]
    graders: tuple[ComparedGrader, ...]
    differences: tuple[GraderDifference, ...]

    @property
    def power(self) -> str:
        """What so many pictures can show at all, in one sentence."""
        where = f"{self.pictures} test pictures of {self.groups} {self.resampled}"
        if self.groups < MIN_GROUPS:
            return f"{where} are too few for intervals: at least {MIN_GROUPS} {self.resampled} are needed"
        least = {name: [d.scores[name].detectable or 0.0 for d in self.differences] for name in ("accuracy", "mae")}
        ranges = {name: f"{min(v):.2f} to {max(v):.2f}" if len(v) > 1 else f"{v[0]:.2f}" for name, v in least.items()}
        return (
            f"{where} reveal a true difference of {ranges['accuracy']} in accuracy, or of {ranges['mae']} steps of "
            f"MAE, with {POWER:.0%} probability (one test at {LEVEL:.0%}); smaller ones can go unnoticed, so a "
            "difference that isn't seen may still be there"
        )
