"""The result of `copper report`: everything that is known of the runs of one dataset, as ``report.json`` holds it."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path
from typing import Any, ClassVar

from copper_tf.analysis.blindtest.results import BlindTestResult
from copper_tf.analysis.comparison_results import Comparison
from copper_tf.analysis.decisions.calibration_results import Calibration
from copper_tf.analysis.evaluation_results import Gap, LabelMean, OutOfDistribution, SplitScores
from copper_tf.analysis.hypotheses.results import HypothesisStudy
from copper_tf.runs.labels import Labels
from copper_tf.runs.provenance import TrainingCost, WeightsFile
from copper_tf.runs.records import HypothesisRecord
from tfds_copper.copper_sem.metadata import DatasetMetadata
from tfds_copper.results import Result, transient

__all__ = [
    "REPORT",
    "Acquisition",
    "AcquisitionSetting",
    "ExamplePicture",
    "MissingPart",
    "Report",
    "ReportDataset",
    "ReportedModel",
    "SeedScores",
    "SheetMean",
]

# The file of a report.
REPORT = "report.json"


@dataclasses.dataclass(frozen=True)
class AcquisitionSetting:
    """One setting of the microscope, over all pictures.

    Attributes:
        name: of the setting.
        value: the values, with how many pictures have each, or their range.
        known: number of pictures it is known of.
    """

    name: str
    value: str
    known: int


@dataclasses.dataclass(frozen=True)
class Acquisition:
    """How the pictures of a dataset were taken.

    Attributes:
        pictures: their number.
        settings: those that are known, in the order of the table.
        unknown: names of the settings that are known of no picture.
        pixel_size_nm: the smallest and the largest; None where unknown.
    """

    pictures: int
    settings: tuple[AcquisitionSetting, ...]
    unknown: tuple[str, ...]
    pixel_size_nm: tuple[float, float] | None


@dataclasses.dataclass(frozen=True)
class ExamplePicture:
    """A test picture of page one.

    Attributes:
        role: ``"typical"`` (the median error), ``"best"`` or ``"worst"``.
        file: its path in the SEM folder.
        label: rank of t.
        sheet: its sheet, empty where unknown.
        answer: potency, or the rank of the grade by the median.
        target: g, or the rank of t.
        error: how far they lie apart.
        shape: height and width in px.
        pixel_size_nm: NaN where unknown.
    """

    role: str
    file: str
    label: int
    sheet: str
    answer: float
    target: float
    error: float
    shape: tuple[int, int] = (0, 0)
    pixel_size_nm: float = math.nan


@dataclasses.dataclass(frozen=True)
class MissingPart:
    """What a report could say and this one can't.

    Attributes:
        what: is missing.
        how: the command that makes it.
    """

    what: str
    how: str


@dataclasses.dataclass(frozen=True)
class SheetMean:
    """The mean potency of a sheet, over its test pictures.

    Attributes:
        sheet: its name.
        label: rank of t.
        pictures: their number.
        mean: of the potency.
        interval: 95 %; None where no sheet of the label has two pictures.
    """

    sheet: str
    label: int
    pictures: int
    mean: float
    interval: tuple[float, float] | None


@dataclasses.dataclass(frozen=True)
class SeedScores:
    """The scores of runs that differ in their seed alone.

    Attributes:
        name: of the first run.
        runs: their number.
        scores: mean of each score.
        ranges: the worst and the best of each score.
    """

    name: str
    runs: int
    scores: dict[str, float]
    ranges: dict[str, tuple[float, float]]


@dataclasses.dataclass(frozen=True)
class ReportDataset:
    """The dataset of a report.

    Attributes:
        name: of its SEM folder.
        metadata: of the dataset, of its first fold where there are several.
        fingerprints: of all folds.
        pictures: their number.
        folds: their number, 0 where there are none.
    """

    name: str
    metadata: DatasetMetadata
    fingerprints: tuple[str, ...]
    pictures: int
    folds: int


@dataclasses.dataclass(frozen=True)
class ReportedModel:
    """One model of a report: a run, or the runs of several folds or seeds together.

    Attributes:
        name: of its folder.
        kind: ``"classifier"`` or ``"segmenter"``.
        grouping: ``"one run"``, ``"folds"`` or ``"seeds"``.
        runs: their number.
        seeds: of each run.
        config: every setting by its name, whatever its type.
        hypothesis: the g that it was trained for.
        hypothesis_note: what must be mentioned of a g that was learned.
        caveats: that every reader of its scores must know.
        splits: the scores of each split.
        gaps: what each score loses on new pictures.
        reference: (name, value) of the pictures that others are compared with, see `ood`.
        out_of_distribution: which test pictures differ from those of training.
        cost: what the training of each run took, as far as it is known.
        weights: of each run.
        trust: the verdict of the trust tests; None where it was not tested.
        baselines: whether simpler methods were run beside it.
        trust_reasons: the sentences that the verdict rests on.
        label_means: of a segmenter, the mean potency of each label on held-out pictures.
        law: of a segmenter, the law that these follow in one sentence, or why none is named.
    """

    name: str
    kind: str
    grouping: str
    runs: int
    seeds: tuple[int, ...]
    config: dict[str, Any]
    hypothesis: HypothesisRecord
    hypothesis_note: str
    caveats: tuple[str, ...]
    splits: dict[str, SplitScores]
    gaps: dict[str, dict[str, Gap]]
    reference: tuple[tuple[str, str], ...]
    out_of_distribution: OutOfDistribution
    cost: tuple[TrainingCost, ...]
    weights: tuple[WeightsFile, ...]
    trust: str | None
    baselines: bool
    trust_reasons: tuple[str, ...] = ()
    label_means: tuple[LabelMean, ...] = ()
    law: str = ""

    @property
    def test(self) -> SplitScores:
        """The scores of the test pictures."""
        return self.splits["test"]


@dataclasses.dataclass(frozen=True)
class Report(Result):
    """Everything that is known of the runs of one dataset, as `copper_tf.report` gives it.

    Attributes:
        created: when, in UTC.
        labels: stress times and their unit.
        first: name of the model that is shown on page one.
        models: in the order in which they were named.
        sheets: mean potency of the sheets of the test pictures; empty where sheets are unknown.
        examples: the test pictures of page one.
        acquisition: how the pictures were taken.
        dataset: of all models.
        comparison: the models as graders of the same pictures; None where there is one.
        seeds: where all runs differ in their seed alone, their scores.
        hypotheses: of `copper hypotheses` on the same data; None where it was not given.
        blindtest: of `copper blindtest` on the same data; None where it was not given.
        missing: what the report can't say, with the command that makes it.
        commands: that make all of it again, in their order.
        software: versions by name.
        calibration: of `copper calibrate`, of strength by the score of one of the models; None where it was not given.
        sentence: the verdict in one sentence, from the scores on the test pictures and the trust tests.
        page: the page; no part of the JSON, as the fields below.
        card: the model card.
        pdf: the page as a PDF; None where none could be printed.
        pdf_problem: why there is no PDF.
        newly_evaluated: folders of the models that had to be evaluated first.
    """

    FORMAT: ClassVar[str] = "copper-report 1"

    created: str
    labels: Labels
    first: str
    models: tuple[ReportedModel, ...]
    sheets: tuple[SheetMean, ...]
    examples: tuple[ExamplePicture, ...]
    acquisition: Acquisition
    dataset: ReportDataset
    comparison: Comparison | None
    seeds: SeedScores | None
    hypotheses: HypothesisStudy | None
    blindtest: BlindTestResult | None
    missing: tuple[MissingPart, ...]
    commands: tuple[str, ...]
    software: dict[str, str]
    calibration: Calibration | None = None
    sentence: str = ""
    page: Path | None = transient()
    card: Path | None = transient()
    pdf: Path | None = transient()
    pdf_problem: str | None = transient()
    newly_evaluated: tuple[Path, ...] | None = transient()

    @property
    def first_model(self) -> ReportedModel:
        """The model that is shown on page one."""
        return next(model for model in self.models if model.name == self.first)

    def of_kind(self, kind: str) -> ReportedModel | None:
        """The first model of a kind."""
        return next((model for model in self.models if model.kind == kind), None)
