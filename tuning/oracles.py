"""KerasTuner's oracles over a finite space: feasible points only, none twice, within a budget of training steps.

All four are functions of their seed and of the results that they are told, in order. So a search that was killed is
gone on with by asking a fresh oracle again: what is trained already answers at once.
"""

from __future__ import annotations

import copy
import random
import warnings
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import keras_tuner
import numpy as np
from sklearn.exceptions import ConvergenceWarning

from tuning.search_space import Space, name_of

if TYPE_CHECKING:
    from tuning.trials import Search

__all__ = ["ORACLES", "Bounded", "epochs_asked", "oracle_of", "point_of", "trains_in_full"]

_RUNNING, _STOPPED = "RUNNING", "STOPPED"
# How far Hyperband has come, in KerasTuner's names and ours.
_PROGRESS = ("_brackets", "_firsts", "_current_bracket", "_current_iteration", "_seed_state", "_inside")
# KerasTuner's own entry of a trial that Hyperband stops early.
_EPOCHS = "tuner/epochs"
# Brackets of Hyperband: the first cut comes after a ninth of the epochs or later. After one epoch of 27 the best of 24
# classifiers was the 17th by its validation loss, after three the second (`benchmarks.search.search`).
_BRACKETS = 3
# Scores of a split of some hundred pictures are known to a few percent of their spread, in squares.
_NOISE = 0.05


def point_of(values: Mapping[str, Any]) -> dict[str, Any]:
    """The searched settings of a trial, without what KerasTuner notes beside them."""
    return {name: value for name, value in values.items() if not name.startswith("tuner/")}


def epochs_asked(values: Mapping[str, Any], epochs: int) -> int:
    """How many epochs of all a trial is to be trained."""
    return int(values.get(_EPOCHS, epochs))


class Bounded(keras_tuner.Oracle):
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
        self, *, space: Space, feasible: list[str], cost: Callable[[str, int], int], budget: float, epochs: int,
        **kwargs: Any,
    ) -> None:  # fmt: skip
        points = space.points()
        self.points = {name: points[name] for name in feasible}
        self.cost, self.budget, self.epochs = cost, budget, epochs
        # Epochs that each point has been asked to be trained so far.
        self.asked: dict[str, int] = {}
        self.spent, self.over = 0, False
        # One trial that fails says nothing of the others.
        super().__init__(
            hyperparameters=space.hyperparameters(), max_consecutive_failed_trials=10 * len(points) + 1, **kwargs
        )
        # It would print every trial.
        self.verbose = 0

    def in_full(self) -> float:
        """Training steps of a point in full, on the average."""
        return sum(self.cost(name, self.epochs) for name in self.points) / max(1, len(self.points))

    def left(self) -> list[dict[str, Any]]:
        """The points that were not proposed yet."""
        return [point for name, point in self.points.items() if name not in self.asked]

    def _random_values(self) -> dict[str, Any] | None:
        """One of the points that are left, in place of KerasTuner's draws that may hit one twice."""
        left = self.left()
        self._seed_state += 1
        return dict(random.Random(self._seed_state).choice(left)) if left else None

    def create_trial(self, tuner_id: str) -> Any:
        """The next trial, none once the budget is used up."""
        trial = super().create_trial(tuner_id)
        if trial.status == _RUNNING:
            name, until = name_of(point_of(trial.hyperparameters.values)), self._until(trial.hyperparameters.values)
            self.asked[name] = max(until, self.asked.get(name, 0))
        return trial

    def _until(self, values: Mapping[str, Any]) -> int:
        return epochs_asked(values, self.epochs)

    def within(self, found: dict[str, Any]) -> dict[str, Any]:
        """A proposal, or the end of the search where there is no budget for it."""
        if found["status"] != _RUNNING:
            return found
        name, until = name_of(point_of(found["values"])), self._until(found["values"])
        steps = self.cost(name, until) - self.cost(name, min(until, self.asked.get(name, 0)))
        self.over = self.over or self.spent + steps > self.budget
        if self.over:
            return {"status": _STOPPED, "values": None}
        self.spent += steps
        return found


class _Grid(Bounded):
    """Every point, in the order of the grid."""

    def populate_space(self, trial_id: str) -> dict[str, Any]:
        """The next point."""
        left = self.left()
        return self.within({"status": _RUNNING, "values": dict(left[0])} if left else {"status": _STOPPED})


class _Random(Bounded, keras_tuner.oracles.RandomSearchOracle):
    """Points drawn at random."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_trials=None, **kwargs)

    def populate_space(self, trial_id: str) -> dict[str, Any]:
        """The next point."""
        return self.within(super().populate_space(trial_id))


class _Bayesian(Bounded, keras_tuner.oracles.BayesianOptimizationOracle):
    """KerasTuner's Gaussian process, asked about every point that is left instead of a continuum that none lies in."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(alpha=_NOISE, max_trials=None, **kwargs)
        # The first third of what can be afforded is drawn at random, as the usual 3 draws a setting would eat it all.
        self.num_initial_points = max(3, round(self.budget / max(self.in_full(), 1) / 3))

    def populate_space(self, trial_id: str) -> dict[str, Any]:
        """The point of the lowest confidence bound of the error."""
        left = self.left()
        done = sum(trial.status == "COMPLETED" for trial in self.trials.values())
        if not left or done < self.num_initial_points:
            return self.within(self._random_populate_space())
        x, y = self._vectorize_trials()
        with warnings.catch_warnings():
            # With few trials a length scale may well end at its bound.
            warnings.simplefilter("ignore", ConvergenceWarning)
            self.gpr.fit(np.nan_to_num(x), np.nan_to_num(y))
        places = np.array([[hp.value_to_prob(p[hp.name]) for hp in self._nonfixed_space()] for p in left])
        mean, sd = self.gpr.predict(places, return_std=True)
        return self.within({"status": _RUNNING, "values": dict(left[int(np.argmin(mean - self.beta * sd))])})


class _Hyperband(Bounded, keras_tuner.oracles.HyperbandOracle):
    """KerasTuner's Hyperband (Li et al. 2018), whose rounds go on with the runs of the rounds before.

    Its first bracket takes as many points as the budget carries to its end, in a small space all of them; where all
    were tried, later brackets start from points that were left off early.
    """

    def __init__(self, **kwargs: Any) -> None:
        self._inside: set[str] = set()
        super().__init__(max_epochs=kwargs["epochs"], hyperband_iterations=None, **kwargs)

    def left(self) -> list[dict[str, Any]]:
        """The points that were not proposed yet, or else those that are not in the bracket and could be trained on."""
        failed = {self._name(trial) for trial in self.trials.values() if trial.status == "FAILED"}
        short = {name for name, epochs in self.asked.items() if epochs < self.epochs}
        short -= self._inside | failed | self._going()
        return super().left() or [point for name, point in self.points.items() if name in short]

    def _name(self, trial: Any) -> str:
        return name_of(point_of(trial.hyperparameters.values))

    def _going(self) -> set[str]:
        """The points that a worker trains just now: no other may write into their run."""
        return {self._name(trial) for trial in self.ongoing_trials.values()}

    def _start_new_bracket(self) -> None:
        number = self._current_bracket
        first = int(super()._get_size(number, 0))
        if number == self._get_num_brackets() - 1:
            first = self._affordable(number)
        # How many points its first round gets.
        self._firsts: dict[int, int] = {**getattr(self, "_firsts", {}), number: min(first, len(self.points))}
        super()._start_new_bracket()

    def _random_trial(self, trial_id: str, bracket: dict[str, Any]) -> dict[str, Any]:
        first = bracket["rounds"][0]
        trials = [self.trials[entry["id"]] for entry in first if entry["id"] in self.trials]
        self._inside = {self._name(trial) for trial in trials}
        if first and not self.left():
            # KerasTuner would end the search here, with no one promoted.
            self._firsts[bracket["bracket_num"]] = len(first)
            return self._next(trial_id)
        return dict(super()._random_trial(trial_id, bracket))

    def _get_num_brackets(self) -> int:
        return min(int(super()._get_num_brackets()), _BRACKETS)

    def _get_size(self, bracket_num: int, round_num: int) -> int:
        return self._kept(self._firsts[bracket_num], round_num)

    def _kept(self, first: int, round_num: int) -> int:
        return max(1, first // self.factor**round_num)

    def _affordable(self, bracket_num: int) -> int:
        """How many points a bracket can start with, so that the budget lasts to its end."""
        epoch = self.in_full() / self.epochs
        rounds = range(self._get_num_rounds(bracket_num))
        ends = [0, *(self._get_epochs(bracket_num, k) for k in rounds)]

        def steps(first: int) -> float:
            return epoch * sum(self._kept(first, k) * (ends[k + 1] - ends[k]) for k in rounds)

        return max((n for n in range(1, len(self.points) + 1) if steps(n) <= self.budget), default=1)

    def _next(self, trial_id: str) -> dict[str, Any]:
        return dict(super().populate_space(trial_id))

    def populate_space(self, trial_id: str) -> dict[str, Any]:
        """The next point to start, or to go on with; one that is still being trained has to be waited for."""
        if self.over:
            # KerasTuner has noted a trial that there was no budget for: it must not be asked again.
            return {"status": _STOPPED, "values": None}
        kept = {name: copy.deepcopy(getattr(self, name)) for name in _PROGRESS}
        found = self._next(trial_id)
        if found["status"] == _RUNNING and name_of(point_of(found["values"])) in self._going():
            for name, value in kept.items():
                setattr(self, name, value)
            return {"status": "IDLE", "values": None}
        return self.within(found)


def trains_in_full(oracle: Bounded) -> bool:
    """Whether the budget of a fresh oracle lets it train at least one point in full, if all were equally good.

    Args:
        oracle: of which nothing was asked yet; it is used up.
    """
    # What KerasTuner would write down of a search that no one does.
    oracle.save = oracle._save_trial = lambda *_: None
    while (trial := oracle.create_trial("tuner0")).status == _RUNNING:
        if epochs_asked(trial.hyperparameters.values, oracle.epochs) == oracle.epochs:
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
        objective=keras_tuner.Objective(search.objective, search.goal.better),
    )  # fmt: skip
