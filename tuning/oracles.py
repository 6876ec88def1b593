"""KerasTuner's oracles over a finite space: feasible points only, none twice, within a budget of training steps.

All four are functions of their seed and of the results that they are given, in order. So a search that was killed is
resumed by asking a fresh oracle again: what is trained already answers at once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import keras_tuner
import numpy as np

from tuning.compat import EPOCHS_ENTRY, BayesianBase, HyperbandBase, OracleBase, keep_in_memory
from tuning.search_space import SearchSpace, name_of

if TYPE_CHECKING:
    from tuning.trials import Search

__all__ = ["ORACLES", "Bounded", "epochs_of", "oracle_of", "point_of", "trains_in_full"]

_RUNNING, _STOPPED = "RUNNING", "STOPPED"
# Brackets of Hyperband: the first cut comes after a ninth of the epochs or later. After one epoch of 27 the best of 24
# classifiers was the 17th by its validation loss, after three the second (`benchmarks.search.search`).
_BRACKETS = 3


def point_of(values: Mapping[str, Any]) -> dict[str, Any]:
    """The searched settings of a trial, without what KerasTuner notes beside them."""
    return {name: value for name, value in values.items() if not name.startswith("tuner/")}


def epochs_of(values: Mapping[str, Any], epochs: int) -> int:
    """To how many epochs of all a trial is to be trained."""
    return int(values.get(EPOCHS_ENTRY, epochs))


class Bounded(OracleBase):
    """What the oracles below add to KerasTuner's own.

    Args:
        space: the whole grid.
        feasible: names of the points that may be proposed.
        cost: (name of a point, epochs) -> training steps.
        budget: training steps that all trials together may take.
        epochs: of a full training.
        **kwargs: forwarded.
    """

    def __init__(
        self, *, space: SearchSpace, feasible: list[str], cost: Callable[[str, int], int], budget: float, epochs: int,
        **kwargs: Any,
    ) -> None:  # fmt: skip
        points = space.points()
        self.points = {name: points[name] for name in feasible}
        self.cost, self.budget, self.epochs = cost, budget, epochs
        # To how many epochs each point was proposed so far.
        self.proposed: dict[str, int] = {}
        self.spent, self.exhausted = 0, False
        # One trial that fails says nothing of the others.
        super().__init__(
            hyperparameters=space.hyperparameters(), max_consecutive_failed_trials=10 * len(points) + 1, **kwargs
        )
        # It would print every trial.
        self.verbose = 0

    def steps_in_full(self) -> float:
        """Training steps of a point in full, on average."""
        return sum(self.cost(name, self.epochs) for name in self.points) / max(1, len(self.points))

    def untried(self) -> list[dict[str, Any]]:
        """The points that were not proposed yet."""
        return [point for name, point in self.points.items() if name not in self.proposed]

    def create_trial(self, tuner_id: str) -> Any:
        """The next trial, none once the budget is used up."""
        trial = super().create_trial(tuner_id)
        if trial.status == _RUNNING:
            values = trial.hyperparameters.values
            name = name_of(point_of(values))
            self.proposed[name] = max(epochs_of(values, self.epochs), self.proposed.get(name, 0))
        return trial

    def within_budget(self, proposal: dict[str, Any]) -> dict[str, Any]:
        """A proposal, or the end of the search where there is no budget for it."""
        if proposal["status"] != _RUNNING:
            return proposal
        name, until = name_of(point_of(proposal["values"])), epochs_of(proposal["values"], self.epochs)
        steps = self.cost(name, until) - self.cost(name, min(until, self.proposed.get(name, 0)))
        self.exhausted = self.exhausted or self.spent + steps > self.budget
        if self.exhausted:
            return {"status": _STOPPED, "values": None}
        self.spent += steps
        return proposal


class _Grid(Bounded):
    """Every point, in the order of the grid."""

    def populate_space(self, trial_id: str) -> dict[str, Any]:
        """The next point."""
        points = self.untried()
        return self.within_budget({"status": _RUNNING, "values": dict(points[0])} if points else {"status": _STOPPED})


class _Random(Bounded, keras_tuner.oracles.RandomSearchOracle):
    """Points drawn at random."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_trials=None, **kwargs)

    def populate_space(self, trial_id: str) -> dict[str, Any]:
        """The next point."""
        return self.within_budget(super().populate_space(trial_id))


class _Bayesian(Bounded, BayesianBase):
    """KerasTuner's Gaussian process, asked about every untried point in place of a continuum that holds none."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        # The first third of what can be afforded is drawn at random, as the usual 3 draws a setting would eat it all.
        self.num_initial_points = max(3, round(self.budget / max(self.steps_in_full(), 1) / 3))

    def populate_space(self, trial_id: str) -> dict[str, Any]:
        """The point of the lowest confidence bound of the error."""
        untried = self.untried()
        completed = sum(trial.status == "COMPLETED" for trial in self.trials.values())
        if not untried or completed < self.num_initial_points:
            return self.within_budget(self.random_proposal())
        best = int(np.argmin(self.lower_confidence_bounds(untried)))
        return self.within_budget({"status": _RUNNING, "values": dict(untried[best])})


class _Hyperband(Bounded, HyperbandBase):
    """KerasTuner's Hyperband (Li et al. 2018), whose rounds continue the runs of the rounds before.

    Its first bracket takes as many points as the budget carries to its end, in a small space all of them; where all
    were tried, later brackets start from points that were stopped early.
    """

    _STATE = (*HyperbandBase._STATE, "_first_sizes", "_in_bracket")

    def __init__(self, **kwargs: Any) -> None:
        self._in_bracket: set[str] = set()
        # How many points the first round of each bracket gets.
        self._first_sizes: dict[int, int] = {}
        super().__init__(max_epochs=kwargs["epochs"], **kwargs)

    def untried(self) -> list[dict[str, Any]]:
        """The points that were not proposed yet, or else those outside the bracket that can be trained further."""
        failed = {self._name(trial) for trial in self.trials.values() if trial.status == "FAILED"}
        short = {name for name, epochs in self.proposed.items() if epochs < self.epochs}
        short -= self._in_bracket | failed | self._ongoing()
        return super().untried() or [point for name, point in self.points.items() if name in short]

    def _name(self, trial: Any) -> str:
        return name_of(point_of(trial.hyperparameters.values))

    def _ongoing(self) -> set[str]:
        """The points that a worker trains just now: no other may write into their run."""
        return {self._name(trial) for trial in self.ongoing_trials.values()}

    def bracket_starts(self, bracket: int) -> None:
        """Decides how many points it starts with."""
        first = self._affordable(bracket) if bracket == self.brackets() - 1 else self.usual_size(bracket)
        self._first_sizes = {**self._first_sizes, bracket: min(first, len(self.points))}

    def trial_starts(self, bracket: int, started: list[str]) -> bool:
        """Notes what is in the bracket, which goes on with that where nothing else is left."""
        self._in_bracket = {self._name(self.trials[trial_id]) for trial_id in started if trial_id in self.trials}
        if started and not self.untried():
            self._first_sizes[bracket] = len(started)
            return False
        return True

    def most_brackets(self, brackets: int) -> int:
        """No more than `_BRACKETS`."""
        return min(brackets, _BRACKETS)

    def bracket_size(self, bracket: int, round_number: int) -> int:
        """A share of the first round."""
        return self._promoted(self._first_sizes[bracket], round_number)

    def _promoted(self, first: int, round_number: int) -> int:
        return max(1, first // self.factor**round_number)

    def _affordable(self, bracket: int) -> int:
        """How many points a bracket can start with, so that the budget lasts to its end."""
        steps_per_epoch = self.steps_in_full() / self.epochs
        ends = [0, *self.round_ends(bracket)]

        def steps(first: int) -> float:
            rounds = range(len(ends) - 1)
            return steps_per_epoch * sum(self._promoted(first, k) * (ends[k + 1] - ends[k]) for k in rounds)

        return max((n for n in range(1, len(self.points) + 1) if steps(n) <= self.budget), default=1)

    def populate_space(self, trial_id: str) -> dict[str, Any]:
        """The next point to start or to continue; one that is still being trained has to be waited for."""
        if self.exhausted:
            # KerasTuner has noted a trial that there was no budget for: it must not be asked again.
            return {"status": _STOPPED, "values": None}
        before = self.snapshot()
        proposal = dict(super().populate_space(trial_id))
        if proposal["status"] == _RUNNING and name_of(point_of(proposal["values"])) in self._ongoing():
            self.restore(before)
            return {"status": "IDLE", "values": None}
        return self.within_budget(proposal)


def trains_in_full(oracle: Bounded) -> bool:
    """Whether the budget of a fresh oracle lets it train at least one point in full, if all were equally good.

    Args:
        oracle: fresh; it can't be used afterwards.
    """
    keep_in_memory(oracle)
    while (trial := oracle.create_trial("tuner0")).status == _RUNNING:
        if epochs_of(trial.hyperparameters.values, oracle.epochs) == oracle.epochs:
            return True
        oracle.update_trial(trial.trial_id, {oracle.objective.name: 0.0})
        trial.status = "COMPLETED"
        oracle.end_trial(trial)
    return False


ORACLES: dict[str, type[Bounded]] = {
    "grid": _Grid,
    "random": _Random,
    "bayesian": _Bayesian,
    "hyperband": _Hyperband,
}


def oracle_of(search: Search) -> Bounded:
    """A fresh oracle for a search.

    Args:
        search: its space, points, costs, budget, objective and seed are taken.
    """
    return ORACLES[search.oracle](
        space=search.space, feasible=search.feasible, cost=search.cost, budget=search.steps,
        epochs=search.sweep.base.training.epochs,
        # KerasTuner takes a seed of 0 for none.
        seed=search.oracle_seed + 1,
        objective=keras_tuner.Objective(search.objective.name, search.objective.better),
    )  # fmt: skip
