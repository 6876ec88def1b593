"""The scores of a run on its own data, as types: ``scores/evaluation.json``.

``docs/reference/files.md`` is generated from the docstrings of all results. A score that is undefined is NaN, which
JSON writes as null; an interval is a pair of numbers, or None where there are too few groups to resample.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np

from copper_tf.analysis.hypotheses.results import CurveFits
from copper_tf.runs.labels import Labels
from copper_tf.runs.records import HypothesisRecord
from tfds_copper.results import Result, transient

__all__ = [
    "Evaluation",
    "Gap",
    "GradeScores",
    "Interval",
    "LabelMean",
    "OutOfDistribution",
    "PictureColumns",
    "ScoreSummary",
    "SplitScores",
]

Interval = tuple[float, float]


@dataclasses.dataclass(frozen=True)
class ScoreSummary:
    """Scores of some pictures, and how sure they are.

    Attributes:
        pictures: number of pictures.
        groups: number of groups that were resampled whole.
        resampled: what a group is, ``"sheets"`` where all sheets are known, else ``"pictures"``.
        scores: each score by its name.
        intervals: 95 % bootstrap interval of each score.
    """

    pictures: int
    groups: int
    resampled: Literal["sheets", "pictures"]
    scores: dict[str, float]
    intervals: dict[str, Interval | None]


@dataclasses.dataclass(frozen=True)
class GradeScores(ScoreSummary):
    """Scores of grades: ``accuracy``, ``within_one``, ``mae`` (steps), ``qwk`` and ``spearman``.

    Attributes:
        confusion: counts of pictures, ``(K, K)``; rows are true labels, columns grades.
    """

    confusion: tuple[tuple[int, ...], ...]


@dataclasses.dataclass(frozen=True)
class SplitScores(ScoreSummary):
    """Scores of one split; what only the other kind of model has is empty or NaN.

    Attributes:
        confusion: of a classifier, counts of pictures, ``(K, K)``; rows are true labels, columns grades.
        recall: of a classifier, the share of each label's pictures that are graded right, ``(K,)``.
        mean_potency: of a segmenter, mean potency of each label, ``(K,)``.
        reanchored_curve: of a segmenter, a(t) = (m_t - m_T) / (m_0 - m_T), ``(K,)``.
        curve_intervals: 95 % bootstrap interval of that curve at each label, ``(K,)``.
    """

    confusion: tuple[tuple[int, ...], ...] = ()
    recall: tuple[float, ...] = ()
    mean_potency: tuple[float, ...] = ()
    reanchored_curve: tuple[float, ...] = ()
    curve_intervals: tuple[Interval | None, ...] = ()


@dataclasses.dataclass(frozen=True)
class LabelMean:
    """The mean potency of one label on pictures that no weight was learned from.

    Attributes:
        label: rank of t.
        mean: over its sheets, or over its pictures where sheets are unknown.
        interval: 95 %, Student over the same; None for fewer than two.
        groups: number of sheets, or of pictures.
        pictures: their number.
    """

    label: int
    mean: float
    interval: Interval | None
    groups: int
    pictures: int


@dataclasses.dataclass(frozen=True)
class Gap:
    """What a score loses on new pictures.

    Attributes:
        gap: score of the split minus score of the training pictures.
        interval: 95 % interval of the difference.
    """

    gap: float
    interval: Interval | None


@dataclasses.dataclass(frozen=True)
class OutOfDistribution:
    """Which test pictures differ from those of training.

    Attributes:
        pictures: number of test pictures.
        different: (file, in what it differs) of each that does.
        not_compared: number of pictures that could not be compared, by reason.
    """

    pictures: int
    different: tuple[tuple[str, str], ...] = ()
    not_compared: dict[str, int] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class PictureColumns:
    """Every picture of all splits, column by column; ``scores/pictures.csv`` has more columns.

    Attributes:
        file: path of the picture in its SEM folder.
        split: ``"train"``, ``"validation"`` or ``"test"``.
        t: stress time, in the unit of the labels.
        label: rank of t.
        sheet: name of its sheet, empty where unknown.
        grade: of a classifier, the most probable label.
        median_grade: of a classifier, the label in the middle of the probabilities.
        potency: of a segmenter, the mean of the map.
        map_grade: of a segmenter, the label whose mean potency on the validation pictures is nearest.
    """

    file: tuple[str, ...]
    split: tuple[str, ...]
    t: tuple[float, ...]
    label: tuple[int, ...]
    sheet: tuple[str, ...]
    grade: tuple[int, ...] = ()
    median_grade: tuple[int, ...] = ()
    potency: tuple[float, ...] = ()
    map_grade: tuple[int, ...] = ()

    def of_split(self, split: str) -> dict[str, np.ndarray]:
        """The columns that the kind of model has, of one split, as arrays ``(pictures,)``."""
        chosen = np.array(self.split) == split
        return {name: values[chosen] for name, values in self.arrays().items()}

    def arrays(self) -> dict[str, np.ndarray]:
        """The columns that the kind of model has, as arrays ``(pictures,)``."""
        columns = {f.name: getattr(self, f.name) for f in dataclasses.fields(self)}
        return {name: np.array(values) for name, values in columns.items() if len(values) == len(self.file)}


@dataclasses.dataclass(frozen=True)
class Evaluation(Result):
    """All scores of a run on its own data, as `copper_tf.evaluate` gives them.

    Attributes:
        kind: ``"classifier"`` or ``"segmenter"``.
        labels: stress times and their unit.
        hypothesis: the g that it was trained for.
        folds: number of folds whose test pictures are pooled, 0 for a single run.
        caveats: what every reader of the scores must know.
        splits: the scores of ``"train"``, ``"validation"`` and ``"test"``.
        out_of_distribution: which test pictures differ from those of training.
        gaps: of each split but the first and each score, what is lost on new pictures.
        pictures: every picture with its answers.
        map_grading: of a segmenter, the scores of the grades decoded from its maps of the test pictures.
        label_means: of a segmenter, the mean potency of each label that has held-out pictures.
        law: of a segmenter, the families of laws fitted to the mean potencies of the held-out pictures; None where too
            little is known of them for that.
        law_sentence: of a segmenter, that law with 95 % intervals, or why none is named.
        page: the page that shows it; no part of the JSON.
    """

    NAME: ClassVar[str] = "evaluation"
    COMMAND: ClassVar[str] = "evaluate"
    FORMAT: ClassVar[str] = "copper-evaluation 2"

    kind: Literal["classifier", "segmenter"]
    labels: Labels
    hypothesis: HypothesisRecord
    folds: int
    caveats: tuple[str, ...]
    splits: dict[str, SplitScores]
    out_of_distribution: OutOfDistribution
    gaps: dict[str, dict[str, Gap]]
    pictures: PictureColumns
    map_grading: GradeScores | None = None
    label_means: tuple[LabelMean, ...] = ()
    law: CurveFits | None = None
    law_sentence: str = ""
    page: Path | None = transient()
