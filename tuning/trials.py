"""An architecture search: its plan, and what a trial is."""

from __future__ import annotations

import dataclasses
import functools
import itertools
import math
import statistics
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from copper_tf.analysis.search_results import Cost, Objective
from copper_tf.config import PAPER
from tfds_copper.dataset import Dataset
from tfds_copper.errors import CopperError, InputError, RunError
from tfds_copper.files import read_json, write_json
from tfds_copper.progress import Progress
from tfds_copper.results import Result
from tuning.search_space import COSTS, OBJECTIVES, SearchSpace
from tuning.sweep import Sweep, SweepStatus, open_sweep

if TYPE_CHECKING:
    from copper_tf.runs.run import Run

__all__ = ["SEARCH", "Search", "TrialScores", "TrialStop", "is_search", "open_search"]

FORMAT = "copper-search 1"
SEARCH = "search.json"


@dataclass(frozen=True)
class TrialStop:
    """The validation scores of a trial after a number of epochs, and what they took.

    Attributes:
        scores: by name.
        intervals: of the scores, 95 %.
        pictures: number of validation pictures.
        groups: number of sheets, or of pictures where sheets are unknown.
        seconds_per_picture: median.
        seconds_per_epoch: median.
        seconds: of training, in all.
    """

    scores: dict[str, float]
    intervals: dict[str, tuple[float, float] | None]
    pictures: int
    groups: int
    seconds_per_picture: float
    seconds_per_epoch: float
    seconds: float


@dataclass(frozen=True)
class TrialScores(Result):
    """``scores/trial.json`` of a run: the scores that the search goes by.

    Attributes:
        stops: by the epochs after which they were taken.
    """

    FORMAT: ClassVar[str] = "copper-trial 1"
    NAME: ClassVar[str] = "trial"

    stops: dict[int, TrialStop]


@dataclass(frozen=True)
class Search:
    """A planned search.

    Attributes:
        sweep: every point of the grid, and the folder.
        space: the grid.
        oracle: a name in `oracles.ORACLES`.
        objective: what is improved.
        against: what the objective is weighed against.
        seed: with each point's name, of its weights and crops.
        oracle_seed: of the oracle's choices.
        budget: share of the full grid's training steps that may be taken.
        limit: bytes that a training step may need, None for any.
        auto_batch: whether each point takes the largest batch that fits.
        memory: predicted peak of a training step of each point, in bytes.
        device: the fields of the `memory.Device` that the prediction is for.
        preset: whose settings its runs began with.
    """

    sweep: Sweep
    space: SearchSpace
    oracle: str
    objective: Objective
    against: Cost
    seed: int
    oracle_seed: int
    budget: float
    limit: int | None
    auto_batch: bool
    memory: Mapping[str, int]
    device: Mapping[str, Any]
    preset: str = PAPER

    @property
    def feasible(self) -> list[str]:
        """The points that may be tried."""
        return [name for name, point in self.sweep.plan.items() if not point.infeasible]

    @functools.cached_property
    def _dataset(self) -> Dataset:
        return self.sweep.dataset()

    @property
    def labels(self) -> int:
        """Number K of labels."""
        return len(self._dataset.times)

    def cost(self, name: str, epochs: int) -> int:
        """Training steps of a point in so many epochs."""
        config = self.sweep.config(name)
        return epochs * -(-self._dataset.split_sizes["train"] * config.data.crops // config.training.batch_size)

    @functools.cached_property
    def grid_steps(self) -> int:
        """Training steps of every feasible point in full."""
        return sum(self.cost(name, self.sweep.base.training.epochs) for name in self.feasible)

    def spent(self) -> tuple[int, int]:
        """(points that were begun, training steps that they took)."""
        epochs = {name: self.sweep.epochs_of(name) for name in self.feasible}
        return sum(e > 0 for e in epochs.values()), sum(self.cost(name, e) for name, e in epochs.items())

    @property
    def steps(self) -> int:
        """Training steps that may be taken in all."""
        return int(min(1.0, self.budget) * self.grid_steps)

    def status(self) -> SweepStatus:
        """How far the search is, in training steps."""
        begun, steps = self.spent()
        finished = sum(len(self.stops(name)) for name in self.feasible)
        return SweepStatus(finished, min(steps, self.steps), self.steps, f"{begun} points tried")

    def _scores_file(self, name: str) -> Path:
        return self.sweep.folder(name) / "scores" / f"{TrialScores.NAME}.json"

    def stops(self, name: str) -> dict[int, TrialStop]:
        """The validation scores of a point by the epochs after which they were taken.

        Raises:
            RunError: if they are damaged.
        """
        file = self._scores_file(name)
        return TrialScores.read(file).stops if file.is_file() else {}

    def result(self, name: str, until: int) -> TrialStop | None:
        """The scores after so many epochs, or the first ones taken later; None where the point must be trained."""
        stops = self.stops(name)
        return stops[min(k for k in stops if k >= until)] if any(k >= until for k in stops) else None

    def perform(self, name: str, until: int, dataset: Dataset, progress: Progress | None = None) -> TrialStop:
        """Trains a point to so many epochs of all, or resumes it, and scores it on the validation pictures.

        Args:
            name: of the point.
            until: epochs.
            dataset: the search's own.
            progress: called with (done, total, what).

        Raises:
            InputError: if the objective isn't a number.
        """
        run = self.sweep.train(name, dataset, until, progress)
        stop = _scored(run, dataset, progress)
        if not math.isfinite(value := stop.scores[self.objective.name]):
            raise InputError(f"{run.path}: {self.objective.title} must be a finite number. Received: {value}")
        TrialScores(dict(sorted({**self.stops(name), until: stop}.items()))).write(self._scores_file(name))
        return stop

    def write(self) -> None:
        """Writes ``search.json``, atomically; the plan of points has a file of its own."""
        own = ("sweep", "space", "objective", "against")
        content = {f.name: getattr(self, f.name) for f in dataclasses.fields(self) if f.name not in own}
        names = {"objective": self.objective.name, "against": self.against.name}
        write_json(self.sweep.path / SEARCH, {"format": FORMAT, "space": self.space.values, **names, **content})


def _seconds_each(times: Sequence[float]) -> float:
    """The median seconds of a picture.

    Args:
        times: when the first one was begun, and when each was done.
    """
    # The first one also pays for starting; it counts where there is no other.
    counted = times[1:] if len(times) > 2 else times
    return statistics.median(b - a for a, b in itertools.pairwise(counted))


def _scored(run: Run, dataset: Dataset, progress: Progress | None) -> TrialStop:
    """Scores and intervals on the validation pictures, and what a picture and an epoch took."""
    from copper_tf.analysis.evaluation import validation_scores

    times = [time.perf_counter()]

    def tell(done: int, total: int, text: str) -> None:
        times.append(time.perf_counter())
        if progress:
            progress(done, total, text)

    validation = validation_scores(run, dataset, tell)
    seconds = [row["seconds"] for row in run.history()]
    return TrialStop(
        **{name: getattr(validation, name) for name in ("scores", "intervals", "pictures", "groups")},
        seconds_per_picture=_seconds_each(times),
        seconds_per_epoch=statistics.median(seconds),
        seconds=sum(seconds),
    )


def is_search(path: Path) -> bool:
    """Whether a folder holds a search."""
    return (path / SEARCH).is_file()


def open_search(path: Path) -> Search:
    """Opens a search.

    Raises:
        RunError: if there is none, it is damaged or of another version.
    """
    if not is_search(path):
        raise RunError(f"{path}: must be a folder of a search, with {SEARCH} in it. Received: no such file")
    try:
        content = read_json(path / SEARCH)
        if content.pop("format") != FORMAT:
            raise ValueError(f"another format than {FORMAT!r}")
        space = SearchSpace({name: tuple(values) for name, values in content.pop("space").items()})
        sweep = open_sweep(path)
        objective = OBJECTIVES[sweep.base.kind][content.pop("objective")]
        against = COSTS[content.pop("against")]
        return Search(sweep=sweep, space=space, objective=objective, against=against, **content)
    except CopperError:
        raise
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise RunError(f"{path / SEARCH}: must be the plan of a search. Received: {error!r}") from None
