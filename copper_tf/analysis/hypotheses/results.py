"""The result of a comparison of hypotheses: their ranking, the curves they give, and what the data support."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from copper_tf.decay.fitting import Fit
from copper_tf.runs.labels import Labels
from tfds_copper.results import Result

__all__ = [
    "STUDY",
    "AgeingCurve",
    "CurveFits",
    "Difference",
    "FamilyFit",
    "HypothesisStudy",
    "Locality",
    "NullDistribution",
    "Potencies",
    "RankedHypothesis",
    "Verdict",
]

# The file of a study in the folder of its runs.
STUDY = "hypotheses.json"


@dataclass(frozen=True)
class Difference:
    """How much larger the error of a hypothesis is than that of the best one.

    Attributes:
        difference: of the NMSE.
        interval: 95 %, paired; None for the best itself and where there are too few sheets.
        p: two-sided; None as `interval`.
        p_holm: corrected for the number of hypotheses.
    """

    difference: float
    interval: tuple[float, float] | None = None
    p: float | None = None
    p_holm: float | None = None


@dataclass(frozen=True)
class RankedHypothesis:
    """A hypothesis with the error of the models that were trained for it.

    Attributes:
        name: of the hypothesis.
        runs: folders of its runs, one for each seed.
        g: of each label.
        falls: whether g goes down from one label to the next.
        nmse: on the test pictures, the mean over the seeds; NaN where g is constant.
        range: the best and the worst seed.
        interval: of `nmse`, 95 %.
        validation_nmse: the same on the validation pictures.
        binarity: of the maps of the test pictures.
        behind: the difference to the best.
        indistinguishable: names of the hypotheses that neither their floors nor these data tell from this one.
    """

    name: str
    runs: tuple[str, ...]
    g: tuple[float, ...]
    falls: bool
    nmse: float
    range: tuple[float, float]
    interval: tuple[float, float] | None
    validation_nmse: float
    binarity: float
    behind: Difference
    indistinguishable: tuple[str, ...] = ()


@dataclass(frozen=True)
class NullDistribution:
    """The error of hypotheses whose levels were permuted.

    Attributes:
        nmse: on the test pictures, of each order.
        median: None where none was trained.
    """

    nmse: tuple[float, ...]
    median: float | None


@dataclass(frozen=True)
class AgeingCurve:
    """The ageing curve that the runs of one hypothesis, or of one way of learning g, give.

    Attributes:
        name: of the hypothesis or the way of learning.
        learn: where g comes from, one of `config.LEARN`.
        falls: whether g goes down from one label to the next.
        g: of each label, the mean over the runs; NaN at labels that were left out.
        means: mean potency of each label over validation and test pictures.
        each: the same of every run.
        span: how far the means of the end labels lie apart.
        curve: the means put on 1 to 0.
        estimate: the same without what borders of areas likely add.
        excess: what borders add to each mean in composites; None where it was not measured.
        without_borders: the curve without the most that borders may add; None as `excess`.
        errors: standard error of each mean over its sheets; None where a label has fewer than 2 sheets.
        band: 95 % band of the estimate over sheets and seeds; None as `errors`.
    """

    name: str
    learn: str
    falls: bool
    g: tuple[float, ...]
    means: tuple[float, ...]
    each: tuple[tuple[float, ...], ...]
    span: float
    curve: tuple[float, ...]
    estimate: tuple[float, ...]
    excess: tuple[float, ...] | None
    without_borders: tuple[float, ...] | None
    errors: tuple[float, ...] | None
    band: tuple[tuple[float, float], ...] | None


@dataclass(frozen=True)
class FamilyFit(Fit):
    """A family fitted to a curve; its intervals also cover what borders may add and what seeds differ by.

    Attributes:
        behind: QAICc above that of the best family.
    """

    behind: float


@dataclass(frozen=True)
class CurveFits:
    """All families fitted to one curve.

    Attributes:
        time_scale: how they read the stress times, one of `config.TIME_SCALES`.
        fits: the best first.
        indistinguishable: families that the labels can't tell from the best.
        borders: whether it is known what borders of areas add to the curve; the intervals hold that then.
    """

    time_scale: str
    fits: tuple[FamilyFit, ...]
    indistinguishable: tuple[str, ...]
    borders: bool = True


@dataclass(frozen=True)
class Locality:
    """How far the network sees, beside the areas of its maps.

    Attributes:
        receptive_field_px: width of what one output value sees.
        reach_px: width of what it uses, median over the runs of falling g; None where that is the whole picture.
        mean_chord_px: median over the runs of falling g; None where unknown.
        warning: empty where the network is local.
    """

    receptive_field_px: int
    reach_px: float | None
    mean_chord_px: float | None
    warning: str


@dataclass(frozen=True)
class Potencies:
    """The potency of every picture, the mean over the seeds.

    Attributes:
        file: of each picture.
        split: of each picture.
        label: of each picture.
        potency: of each picture, by the name of the curve.
    """

    file: tuple[str, ...]
    split: tuple[str, ...]
    label: tuple[int, ...]
    potency: dict[str, tuple[float, ...]]


@dataclass(frozen=True)
class Verdict:
    """Whether the data support a ranking of hypotheses.

    Attributes:
        verdict: ``"supported"``, ``"not supported"`` or ``"undecided"``.
        kinds: of reasons for a refusal, see `verdict`.
        reasons: the same as sentences, or what is missing for a verdict.
        ranking: one sentence; empty unless the ranking is supported.
    """

    verdict: str
    kinds: tuple[str, ...]
    reasons: tuple[str, ...]
    ranking: str


@dataclass(frozen=True)
class HypothesisStudy(Result):
    """What the runs of several hypotheses say of the decay.

    Attributes:
        labels: stress times and their unit.
        time_scale: how named hypotheses read the stress times, one of `config.TIME_SCALES`.
        seeds: runs of each hypothesis.
        data: path of the dataset.
        fingerprint: of the dataset.
        verdict: see `Verdict`.
        kinds: see `Verdict`.
        reasons: see `Verdict`.
        ranking: see `Verdict`.
        hypotheses: the best first.
        floors: the lowest NMSE of each hypothesis (row) where another is true (column).
        permuted: the error of permuted levels.
        curves: of every hypothesis and way of learning g.
        gap: how far the curves of falling g lie apart; None where there are fewer than two.
        fits: of every falling curve; None where it can't be read.
        source: name of the curve that the law is read off.
        sentence: the law, or why none is named; empty unless the ranking is supported.
        brightness_qwk: QWK of a first-order histogram as a grader of the same pictures; None where it wasn't run.
        locality: how far the network sees.
        pictures: the potency of every picture.
        assumptions: what all of this rests on.
        caveats: what must be said with it.
        failed: why runs are left out, by run.
    """

    FORMAT: ClassVar[str] = "copper-hypotheses 1"

    labels: Labels
    time_scale: str
    seeds: int
    data: str
    fingerprint: str
    verdict: str
    kinds: tuple[str, ...]
    reasons: tuple[str, ...]
    ranking: str
    hypotheses: tuple[RankedHypothesis, ...]
    floors: tuple[tuple[float, ...], ...]
    permuted: NullDistribution
    curves: tuple[AgeingCurve, ...]
    gap: float | None
    fits: dict[str, CurveFits | None]
    source: str
    sentence: str
    brightness_qwk: float | None
    locality: Locality
    pictures: Potencies
    assumptions: tuple[str, ...]
    caveats: tuple[str, ...]
    failed: dict[str, str]

    @property
    def named_fit(self) -> FamilyFit | None:
        """The fit that the law is named after; None where no law is named."""
        fits = self.fits.get(self.source)
        return fits.fits[0] if fits and self.sentence.startswith("f(t)") else None
