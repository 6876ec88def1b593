"""What a run keeps of its own training, as typed results."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import ClassVar

from copper_tf.config import ANCHORS, AREAS, ITERATIVE, MIN_BINARITY
from tfds_copper.results import Result

__all__ = ["AreaShares", "BoundaryBias", "FreeEnds", "HypothesisRecord", "RestartTry", "Restarts", "TrainingRecord"]


@dataclasses.dataclass(frozen=True)
class HypothesisRecord(Result):
    """What g is and where it comes from: ``hypothesis.json`` of a run.

    Attributes:
        name: of the hypothesis, or of the one that learning g began with.
        learn: how g was learned, see the setting `learn`.
        g: of each label, NaN at labels that were left out; empty for a classifier.
        initial_g: that learning began with; empty where g was not learned step by step.
        free_ends: whether training left start and end free, and they were read off the maps.
    """

    FORMAT: ClassVar[str] = "copper-hypothesis 1"

    name: str
    learn: str
    g: tuple[float, ...]
    initial_g: tuple[float, ...] = ()
    free_ends: bool = False

    @property
    def ends_are_learned(self) -> bool:
        """Whether where g starts and ends was learned, and not supposed to be 1 and 0."""
        return self.learn == AREAS or (self.free_ends and self.g != self.initial_g)

    def note(self, labels: Sequence[str]) -> str:
        """What every result must mention of a g that was learned; empty for a given hypothesis.

        Args:
            labels: the name of each label, e.g. ``"2.5 h"``.
        """
        if not self.g:
            return ""
        if self.learn == ANCHORS:
            ends = f"t = {labels[0]} (g = 1) and t = {labels[-1]} (g = 0)"
            return f"g was not supposed: the model was trained on {ends} alone"
        pairs = ", ".join(f"{g:.2f} at {t}" for g, t in zip(self.g, labels, strict=True))
        if self.learn == AREAS or (self.learn == ITERATIVE and self.ends_are_learned):
            return f"g was learned as the area share of one phase: {pairs}"
        if self.learn == ITERATIVE:
            return f"g was learned ({self.learn}, from {self.name}): {pairs}"
        if self.ends_are_learned:
            ends = f"{self.g[0]:.2f} at {labels[0]} and {self.g[-1]:.2f} at {labels[-1]}"
            return f"start and end of g ({self.name}) were learned as area shares of one phase: {ends}"
        return ""


@dataclasses.dataclass(frozen=True)
class TrainingRecord(Result):
    """What training took: ``scores/training.json``.

    Attributes:
        epochs: that were trained.
        seconds: of all epochs, tries that were not chosen included.
        seconds_per_epoch: the median.
        peak_memory_mb: largest resident memory of the process, in 10^6 bytes.
        parameters: of the model.
        policy: dtype policy that was used.
        processors: of the machine; None where unknown.
        receptive_field_px: width of what one output value sees.
        mean_chord_px: of the maps of held-out pictures, both phases; None from a classifier, or where maps have one
            phase only.
        mean_chord_rough_px: of the phase of high potency.
        mean_chord_smooth_px: of the phase of low potency.
        reach_px: width of what one output value uses, measured by putting other pictures around places; None from a
            classifier, or where it is unknown or as large as the pictures.
    """

    FORMAT: ClassVar[str] = "copper-training 1"
    NAME: ClassVar[str] = "training"
    COMMAND: ClassVar[str] = "train"

    epochs: int
    seconds: float
    seconds_per_epoch: float
    peak_memory_mb: float
    parameters: int
    policy: str
    processors: int | None
    receptive_field_px: int
    mean_chord_px: float | None = None
    mean_chord_rough_px: float | None = None
    mean_chord_smooth_px: float | None = None
    reach_px: float | None = None


@dataclasses.dataclass(frozen=True)
class AreaShares(Result):
    """The area that first maps mark at each t, from which g was learned: ``scores/area_shares.json``.

    Attributes:
        threshold: the potency at which the first maps were cut in two (Otsu 1979).
        separability: share of the variance of their potency that lies between both parts; 1 is two values only, 0.64
            what normally spread values have, which are no two phases.
        shares: mean area share of each label, over its sheets.
        intervals: 95 % Student interval of each, None where all its pictures are of one sheet.
        g: the falling curve nearest to the shares, which the run is trained for.
        pictures: that were measured, of training and validation.
    """

    FORMAT: ClassVar[str] = "copper-area-shares 1"
    NAME: ClassVar[str] = "area_shares"
    COMMAND: ClassVar[str] = "train"

    threshold: float
    separability: float
    shares: tuple[float, ...]
    intervals: tuple[tuple[float, float] | None, ...]
    g: tuple[float, ...]
    pictures: int


@dataclasses.dataclass(frozen=True)
class FreeEnds(Result):
    """Where g starts and ends, read off the potency of pictures: ``scores/free_ends.json``.

    Attributes:
        start: g of the first t, an area share.
        end: g of the last t.
        start_interval: 95 %, by whole sheets; None for too few of them.
        end_interval: the same of the end.
        shape: of g, from 1 to 0, that was trained for.
        pictures: whose potency was read, of training and validation.
        groups: how many sheets, or pictures where sheets are unknown, they are of.
    """

    FORMAT: ClassVar[str] = "copper-free-ends 1"
    NAME: ClassVar[str] = "free_ends"
    COMMAND: ClassVar[str] = "train"

    start: float
    end: float
    start_interval: tuple[float, float] | None
    end_interval: tuple[float, float] | None
    shape: tuple[float, ...]
    pictures: int
    groups: int


@dataclasses.dataclass(frozen=True)
class RestartTry(Result):
    """One try: a short training from new random weights.

    Attributes:
        seed: of its weights.
        binarity: B of the maps of validation pictures together, see `joint_binarity`; 0 where none has both phases.
        val_nmse: after its last epoch.
        seconds: that it took.
    """

    FORMAT: ClassVar[str] = "copper-restart-try 1"
    NAME: ClassVar[str] = "restart_try"
    COMMAND: ClassVar[str] = "train"

    seed: int
    binarity: float
    val_nmse: float
    seconds: float


@dataclasses.dataclass(frozen=True)
class Restarts(Result):
    """The tries of a run, and which of them it went on from: ``scores/restarts.json``.

    Attributes:
        chosen: index of the most binary try.
        tries: in the order of training.
    """

    FORMAT: ClassVar[str] = "copper-restarts 1"
    NAME: ClassVar[str] = "restarts"
    COMMAND: ClassVar[str] = "train"

    chosen: int
    tries: tuple[RestartTry, ...]

    @property
    def seconds_of_others(self) -> float:
        """Seconds spent on the tries that were not chosen."""
        return float(sum(one.seconds for k, one in enumerate(self.tries) if k != self.chosen))

    @property
    def warning(self) -> str:
        """Why maps may mark the wrong places where every try drew grey ones, else empty."""
        best = max((one.binarity for one in self.tries), default=1.0)
        if best >= MIN_BINARITY:
            return ""
        needed = f"binarity {best:.2f} at best, {MIN_BINARITY:g} needed"
        return (
            f"none of {len(self.tries)} tries drew maps of two phases ({needed}): "
            "this run may mark another texture than the one that decays, or the surface has no two phases; allow more "
            "--restarts, and see what copper trust says"
        )


@dataclasses.dataclass(frozen=True)
class BoundaryBias(Result):
    """What borders of areas add to the potency of a run's maps: ``scores/boundary_bias.json``.

    Attributes:
        excess: added to the mean potency of each label; 0 at the ends, NaN where it could not be measured.
    """

    FORMAT: ClassVar[str] = "copper-boundary-bias 1"
    NAME: ClassVar[str] = "boundary_bias"
    COMMAND: ClassVar[str] = "evaluate"

    excess: tuple[float, ...]
