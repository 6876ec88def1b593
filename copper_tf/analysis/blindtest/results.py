"""The results of a blind test: scores of raters and models on the same pictures, their differences and agreement."""

from __future__ import annotations

import dataclasses
from typing import ClassVar

from copper_tf.analysis.blindtest.settings import BlindSettings
from copper_tf.analysis.comparison_results import GraderDifference
from copper_tf.analysis.evaluation_results import GradeScores
from copper_tf.runs.labels import Labels
from tfds_copper.results import Result

__all__ = [
    "RATER",
    "BlindTestResult",
    "GraderResult",
    "ModelDifferences",
    "PairAgreement",
    "PairedDifference",
    "PictureTable",
    "PracticeResult",
    "RoundAgreement",
    "UnfinishedRound",
]

# The kind of a grader that is a person.
RATER = "rater"

Interval = tuple[float, float] | None


@dataclasses.dataclass(frozen=True)
class PictureTable:
    """The test pictures, one entry each, in the order of their numbers.

    Attributes:
        file: name of the file in the dataset.
        sheet: "" where unknown.
        label: rank of t.
        t: stress time.
    """

    file: tuple[str, ...]
    sheet: tuple[str, ...]
    label: tuple[int, ...]
    t: tuple[float, ...]


@dataclasses.dataclass(frozen=True)
class GraderResult(GradeScores):
    """One submitted round of a rater, or a model, against the truth.

    Attributes:
        name: of the rater or the model.
        kind: ``"rater"``, ``"classifier"`` or ``"segmenter"``.
        method: the round of a rater; how the output of a model became grades.
        grades: rank of t for each picture.
        median_seconds: per picture; None for a model, as are the next two.
        total_seconds: over all pictures.
        changed: answers that were replaced before they were submitted.
    """

    name: str
    kind: str
    method: str
    grades: tuple[int, ...]
    median_seconds: float | None = None
    total_seconds: float | None = None
    changed: int | None = None


@dataclasses.dataclass(frozen=True)
class PairedDifference(GraderDifference):
    """A grader minus another on the same pictures.

    Attributes:
        changed: answers that differ between the rounds of a rater; None elsewhere.
    """

    changed: int | None = None


@dataclasses.dataclass(frozen=True)
class ModelDifferences:
    """Every round of every rater minus a model.

    Attributes:
        model: its name.
        method: how its output became grades.
        differences: of each round, and of all raters together.
    """

    model: str
    method: str
    differences: tuple[PairedDifference, ...]


@dataclasses.dataclass(frozen=True)
class PairAgreement:
    """How far two raters agree.

    Attributes:
        first: name of a rater.
        second: name of another.
        kappa: quadratic-weighted (Cohen 1968).
        interval: 95 %.
        same: share of equal answers.
    """

    first: str
    second: str
    kappa: float
    interval: Interval
    same: float


@dataclasses.dataclass(frozen=True)
class RoundAgreement:
    """How far the raters of a round agree.

    Attributes:
        round: its name.
        pairs: every pair of raters.
        alpha: Krippendorff's alpha of all raters, squared steps.
        alpha_interval: 95 %.
    """

    round: str
    pairs: tuple[PairAgreement, ...]
    alpha: float
    alpha_interval: Interval


@dataclasses.dataclass(frozen=True)
class PracticeResult:
    """How much a rater practised, and how well.

    Attributes:
        name: of the rater.
        pictures: practice answers.
        accuracy: share of correct ones; None without an answer.
    """

    name: str
    pictures: int
    accuracy: float | None


@dataclasses.dataclass(frozen=True)
class UnfinishedRound:
    """A round that was not submitted and is not scored.

    Attributes:
        name: of the rater.
        round: its name.
        started: whether the rater began it.
        answered: pictures answered so far.
        pictures: of the round.
    """

    name: str
    round: str
    started: bool
    answered: int
    pictures: int


@dataclasses.dataclass(frozen=True)
class BlindTestResult(Result):
    """The scores of a blind test.

    Attributes:
        path: folder of the test.
        created: when the test was prepared, UTC.
        scored: when it was scored, UTC.
        settings: of the test.
        labels: of the dataset.
        dataset: its path.
        fingerprint: of the dataset.
        caveats: that accompany every result.
        practice_pictures: number of practice pictures.
        pictures: the test pictures.
        graders: raters, a row for each submitted round, then models.
        differences: raters minus each model.
        map_effect: answers with the map minus those without it, for raters who submitted both rounds.
        agreement: between raters, by round.
        practice: of every rater.
        unfinished: rounds that are not scored.
        verdicts: the results in sentences.
        damaged: the files of answers that are not scored, and why.
    """

    FORMAT: ClassVar[str] = "copper-blindtest-results 1"

    path: str
    created: str
    scored: str
    settings: BlindSettings
    labels: Labels
    dataset: str
    fingerprint: str
    caveats: tuple[str, ...]
    practice_pictures: int
    pictures: PictureTable
    graders: tuple[GraderResult, ...]
    differences: tuple[ModelDifferences, ...]
    map_effect: tuple[PairedDifference, ...]
    agreement: tuple[RoundAgreement, ...]
    practice: tuple[PracticeResult, ...]
    unfinished: tuple[UnfinishedRound, ...]
    verdicts: tuple[str, ...] = ()
    damaged: tuple[str, ...] = ()

    @property
    def rounds(self) -> int:
        """How many rounds the test has."""
        return 2 if self.settings.with_map else 1
