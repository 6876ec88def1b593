"""An architecture search: its plan, which points fit into memory, and what a trial is."""

from __future__ import annotations

import dataclasses
import functools
import itertools
import json
import math
import statistics
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tfds_copper.dataset import Dataset
from tfds_copper.errors import CopperError, InputError, RunError
from tfds_copper.files import write_json
from tfds_copper.progress import Progress
from tuning.objectives import OBJECTIVES, Objective
from tuning.search_space import Space
from tuning.sweep import Sweep, open_sweep

if TYPE_CHECKING:
    from copper_tf.runs.run import Run

__all__ = [
    "SEARCH",
    "TRIAL",
    "Search",
    "is_search",
    "open_search",
]

FORMAT = "copper-search 1"
SEARCH = "search.json"
# The scores of a run that the search goes by, after so many epochs each.
TRIAL = "trial"


@dataclass(frozen=True)
class Search:
    """A planned search.

    Attributes:
        sweep: every point of the grid, and the folder; the role of a point is why it is infeasible, empty where not.
        space: the grid.
        oracle: a name in `oracles.ORACLES`.
        objective: a name in `goals.OBJECTIVES`.
        against: a name in `goals.AGAINST`.
        seed: with each point's name, of its weights and crops.
        oracle_seed: of the oracle's choices.
        budget: share of the full grid's training steps that may be taken.
        limit: bytes that a training step may need, None for any.
        auto: whether each point takes the largest batch that fits.
        memory: predicted peak of a training step of each point, in bytes.
        device: the fields of the `memory.Device` that the prediction is for.
    """

    sweep: Sweep
    space: Space
    oracle: str
    objective: str
    against: str
    seed: int
    oracle_seed: int
    budget: float
    limit: int | None
    auto: bool
    memory: Mapping[str, int]
    device: Mapping[str, Any]

    @property
    def goal(self) -> Objective:
        """What is made better."""
        return OBJECTIVES[self.sweep.base.kind][self.objective]

    @property
    def feasible(self) -> list[str]:
        """The points that may be tried."""
        return [name for name, point in self.sweep.plan.items() if not point.role]

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
    def whole(self) -> int:
        """Training steps of every feasible point in full."""
        return sum(self.cost(name, self.sweep.base.training.epochs) for name in self.feasible)

    def spent(self) -> tuple[int, int]:
        """(points that were begun, training steps that they took)."""
        epochs = {name: self.sweep.epochs_of(name) for name in self.feasible}
        return sum(e > 0 for e in epochs.values()), sum(self.cost(name, e) for name, e in epochs.items())

    @property
    def steps(self) -> int:
        """Training steps that may be taken in all."""
        return int(min(1.0, self.budget) * self.whole)

    def look(self) -> tuple[int, int, int, str]:
        """How far the search is: (trials finished, steps done, steps in all, what)."""
        begun, steps = self.spent()
        finished = sum(len(self.rungs(name)) for name in self.feasible)
        return finished, min(steps, self.steps), self.steps, f"{begun} points tried"

    def rungs(self, name: str) -> dict[int, dict[str, Any]]:
        """The validation scores of a point by the epochs after which they were taken.

        Raises:
            RunError: if they are damaged.
        """
        file = self.sweep.folder(name) / "scores" / f"{TRIAL}.json"
        try:
            return {int(k): v for k, v in json.loads(file.read_text()).items()} if file.is_file() else {}
        except (ValueError, AttributeError) as error:
            raise RunError(f"{file}: must be the scores of a trial. Received: {error}") from None

    def result(self, name: str, until: int) -> dict[str, Any] | None:
        """The scores after so many epochs, or the first ones taken later; None where the point must be trained on."""
        rungs = self.rungs(name)
        return rungs[min(k for k in rungs if k >= until)] if any(k >= until for k in rungs) else None

    def perform(self, name: str, until: int, dataset: Dataset, progress: Progress | None = None) -> dict[str, Any]:
        """Trains a point to so many epochs of all, or goes on with it, and scores it on the validation pictures.

        Args:
            name: of the point.
            until: epochs.
            dataset: the search's own.
            progress: called with (done, total, what).

        Raises:
            InputError: if the score isn't a number.
        """
        run = self.sweep.train(name, dataset, until, progress)
        scores = _scored(run, dataset, progress)
        if not math.isfinite(value := scores["scores"][self.objective]):
            raise InputError(f"{run.path}: {self.goal.title} must be a finite number. Received: {value}")
        rungs: dict[int, dict[str, Any]] = self.rungs(name) | {until: scores}
        run.write_scores(TRIAL, {str(k): v for k, v in sorted(rungs.items())})
        return scores

    def write(self) -> None:
        """Writes ``search.json``, atomically; the plan of points has a file of its own."""
        names = [f.name for f in dataclasses.fields(self) if f.name not in ("sweep", "space")]
        content = {"format": FORMAT, "space": self.space.values, **{n: getattr(self, n) for n in names}}
        write_json(self.sweep.path / SEARCH, content)


def _scored(run: Run, dataset: Dataset, progress: Progress | None) -> dict[str, Any]:
    """Scores and intervals on the validation pictures, and what a picture and an epoch took."""
    from copper_tf.analysis.evaluation import validated

    times = [time.perf_counter()]

    def tell(done: int, total: int, text: str) -> None:
        times.append(time.perf_counter())
        if progress:
            progress(done, total, text)

    found = validated(run, dataset, tell)
    seconds = [row["seconds"] for row in run.history()]
    return {
        **{name: found[name] for name in ("scores", "intervals", "pictures", "groups")},
        # The first one also pays for starting.
        "seconds_per_picture": statistics.median(b - a for a, b in itertools.pairwise(times[1:] or times)),
        "seconds_per_epoch": statistics.median(seconds),
        "seconds": sum(seconds),
    }


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
        content = json.loads((path / SEARCH).read_text(encoding="utf-8"))
        if content.pop("format") != FORMAT:
            raise ValueError(f"another format than {FORMAT!r}")
        space = Space({name: tuple(values) for name, values in content.pop("space").items()})
        return Search(sweep=open_sweep(path), space=space, **content)
    except CopperError:
        raise
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise RunError(f"{path / SEARCH}: must be the plan of a search. Received: {error!r}") from None
