"""The result of an architecture search: every trial with its status, the best one, and what the search cost."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, ClassVar

from tfds_copper.results import Result

__all__ = [
    "DONE",
    "FAILED",
    "INFEASIBLE",
    "RUNNING",
    "STATUS",
    "STOPPED",
    "Cost",
    "Effect",
    "Objective",
    "SearchCost",
    "SearchMemory",
    "SearchResult",
    "Trial",
    "ordered",
]

DONE, STOPPED, RUNNING, FAILED, INFEASIBLE = ("done", "stopped", "running", "failed", "infeasible")
# In the order of the table.
STATUS = {
    DONE: "trained in full",
    STOPPED: "stopped early",
    RUNNING: "unfinished",
    FAILED: "failed",
    INFEASIBLE: "infeasible",
}


@dataclass(frozen=True)
class Objective:
    """What a search improves.

    Attributes:
        name: of the score.
        title: for tables and figures.
        better: ``"max"`` or ``"min"``.
    """

    name: str
    title: str
    better: str

    @property
    def sign(self) -> float:
        """1 where more is better, else -1."""
        return 1.0 if self.better == "max" else -1.0


@dataclass(frozen=True)
class Cost:
    """What the objective is weighed against.

    Attributes:
        name: as it is chosen.
        title: for tables and figures.
        unit: of the field.
        field: of a `Trial`.
    """

    name: str
    title: str
    unit: str
    field: str


@dataclass(frozen=True)
class Trial:
    """One configuration of a search.

    Attributes:
        name: of the configuration and its run.
        settings: those that are searched, and the batch where each configuration has its own; any setting's type.
        status: a key of `STATUS`.
        reason: why it failed or is infeasible, else empty.
        epochs: that it was trained.
        steps: training steps that it took.
        objective: its score after the most epochs; None where it has none.
        interval: of the objective, 95 %.
        scores: all scores on the validation pictures, after the most epochs.
        pictures: number of validation pictures.
        memory_bytes: predicted peak memory of a training step.
        parameters: trainable ones.
        receptive_field_px: width of what one output value sees.
        seconds_per_picture: of a validation picture, median.
        seconds_per_epoch: of training, median.
        seconds: of training, in all.
        curve: (epoch, monitored validation score).
        rungs: (epochs, objective) at each stop.
        shared: the objective after `SearchResult.shared_epochs`.
    """

    name: str
    settings: dict[str, Any]
    status: str
    reason: str
    epochs: int
    steps: int
    memory_bytes: int
    parameters: int
    receptive_field_px: int
    objective: float | None = None
    interval: tuple[float, float] | None = None
    scores: dict[str, float] = dataclasses.field(default_factory=dict)
    pictures: int | None = None
    seconds_per_picture: float | None = None
    seconds_per_epoch: float | None = None
    seconds: float | None = None
    curve: tuple[tuple[int, float], ...] = ()
    rungs: tuple[tuple[int, float], ...] = ()
    shared: float | None = None

    @property
    def value(self) -> float:
        """The objective; NaN where it has none."""
        return math.nan if self.objective is None else self.objective


@dataclass(frozen=True)
class Effect:
    """The mean objective over all trials that share one value of a setting.

    Attributes:
        value: of the setting, whatever its type.
        mean: of `Trial.shared`.
        interval: 95 %; None for a single trial.
        count: number of trials.
    """

    value: Any
    mean: float
    interval: tuple[float, float] | None
    count: int


@dataclass(frozen=True)
class SearchCost:
    """What a search took, beside the full grid.

    Attributes:
        steps: training steps.
        grid_steps: those of every feasible configuration in full.
        share: the first over the second.
        seconds: of training.
        grid_seconds: projected; None where no epoch was timed.
    """

    steps: int
    grid_steps: int
    share: float
    seconds: float
    grid_seconds: float | None


@dataclass(frozen=True)
class SearchMemory:
    """The memory limit of a search, and what predicted memory is worth.

    Attributes:
        limit_bytes: None without a limit.
        device: its name.
        measured: whether the prediction was fitted to measurements on such a device.
    """

    limit_bytes: int | None
    device: str
    measured: bool


@dataclass(frozen=True)
class SearchResult(Result):
    """What an architecture search found.

    Attributes:
        kind: ``"classifier"`` or ``"segmenter"``.
        oracle: how configurations were chosen.
        seed: of the search.
        epochs: of a full training.
        policy: precision of the trainings.
        objective: what was improved.
        against: what it is weighed against.
        space: the values of each searched setting.
        monitor: the validation score of the learning curves.
        trials: ordered, see `ordered`.
        best: name of the best trial trained in full; None where there is none.
        pareto: names of the trials that no other beats in both objective and cost, from cheap to expensive.
        within_standard_error: names of the trials within one standard error of the best.
        standard_error: of the best objective.
        shared_epochs: the most epochs that at least half of the trials reached, 0 where none was scored.
        effects: for each searched setting.
        cost: what the search took.
        memory: limit and device.
        caveats: what must be said of the best run.
        command: that trains the best configuration again; empty where there is none.
    """

    FORMAT: ClassVar[str] = "copper-search-result 1"

    kind: str
    oracle: str
    seed: int
    epochs: int
    policy: str
    objective: Objective
    against: Cost
    space: dict[str, tuple[Any, ...]]
    monitor: str
    trials: tuple[Trial, ...]
    best: str | None
    pareto: tuple[str, ...]
    within_standard_error: tuple[str, ...]
    standard_error: float | None
    shared_epochs: int
    effects: dict[str, tuple[Effect, ...]]
    cost: SearchCost
    memory: SearchMemory
    caveats: tuple[str, ...]
    command: str

    @property
    def best_trial(self) -> Trial | None:
        """The best trial that was trained in full."""
        return next((trial for trial in self.trials if trial.name == self.best), None)


def ordered(trials: Iterable[Trial], objective: Objective) -> tuple[Trial, ...]:
    """Trials by status, those trained longer first, then the better, and of equals the cheaper.

    Of those trained in full only the objective counts: with `patience` full may be fewer epochs.

    Args:
        trials: of a search.
        objective: of the search.
    """
    places = list(STATUS)

    def key(trial: Trial) -> tuple[int, int, float, float]:
        epochs = 0 if trial.status == DONE else -trial.epochs
        value = math.inf if trial.objective is None else -objective.sign * trial.objective
        return places.index(trial.status), epochs, value, trial.memory_bytes

    return tuple(sorted(trials, key=key))
