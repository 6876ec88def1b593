"""What tuning takes from KerasTuner beyond its public names, and from the system where systems differ.

Each private name of KerasTuner stands in this module alone, under a public name of ours; the tests of this module fail
when KerasTuner renames or drops one.
"""

from __future__ import annotations

import copy
import functools
import os
import random
import time
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import keras_tuner
import numpy as np
from keras_tuner.oracles import BayesianOptimizationOracle, HyperbandOracle
from sklearn.exceptions import ConvergenceWarning

__all__ = [
    "CLIENT_CALLS",
    "EPOCHS_ENTRY",
    "PRIVATE_NAMES",
    "BayesianBase",
    "HyperbandBase",
    "OracleBase",
    "ask_again",
    "keep_in_memory",
    "nvidia_gpus",
    "parent_is_alive",
    "requeue_trial",
]

# KerasTuner's own entry among the values of a trial that Hyperband may stop early.
EPOCHS_ENTRY = "tuner/epochs"
# All private names used below, by the class of KerasTuner that must have them after it is made.
PRIVATE_NAMES: dict[type, tuple[str, ...]] = {
    keras_tuner.Oracle: ("_random_values", "_retry_queue", "_save_trial", "_seed_state"),
    BayesianOptimizationOracle: ("_nonfixed_space", "_random_populate_space", "_vectorize_trials"),
    HyperbandOracle: (
        "_brackets", "_current_bracket", "_current_iteration", "_get_epochs", "_get_num_brackets", "_get_num_rounds",
        "_get_size", "_random_trial", "_start_new_bracket",
    ),
}  # fmt: skip
# What a worker asks its chief; KerasTuner's client has a method for each.
CLIENT_CALLS = (
    "create_trial",
    "end_trial",
    "get_best_trials",
    "get_space",
    "get_trial",
    "update_space",
    "update_trial",
)
# Seconds until a worker asks again. It ends by its heartbeat where the chief is gone for good.
_AGAIN = 1.0
# Where NVIDIA's Linux driver lists the graphics cards, and the variable that says which of them a process may use.
_NVIDIA_GPUS, CUDA_VISIBLE_DEVICES = Path("/proc/driver/nvidia/gpus"), "CUDA_VISIBLE_DEVICES"
# Scores of a split of some hundred pictures are known to a few percent of their spread, in squares.
_NOISE = 0.05


class OracleBase(keras_tuner.Oracle):
    """An oracle that chooses at random from a list, where KerasTuner samples and may propose a point twice."""

    def untried(self) -> list[dict[str, Any]]:
        """The points that may be proposed next."""
        raise NotImplementedError

    def _random_values(self) -> dict[str, Any] | None:
        points = self.untried()
        self._seed_state += 1
        return dict(random.Random(self._seed_state).choice(points)) if points else None


class BayesianBase(BayesianOptimizationOracle):
    """KerasTuner's Gaussian process, which can be asked about given points.

    Args:
        **kwargs: forwarded.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(alpha=_NOISE, max_trials=None, **kwargs)

    def random_proposal(self) -> dict[str, Any]:
        """A point drawn at random, as a proposal."""
        return dict(self._random_populate_space())

    def lower_confidence_bounds(self, points: Sequence[dict[str, Any]]) -> np.ndarray:
        """Fits the process to all trials; the lower confidence bound of the error of each point, ``(points,)``."""
        x, y = self._vectorize_trials()
        with warnings.catch_warnings():
            # With few trials a length scale may well end at its bound.
            warnings.simplefilter("ignore", ConvergenceWarning)
            self.gpr.fit(np.nan_to_num(x), np.nan_to_num(y))
        vectors = np.array([[hp.value_to_prob(p[hp.name]) for hp in self._nonfixed_space()] for p in points])
        mean, sd = self.gpr.predict(vectors, return_std=True)
        return np.asarray(mean - self.beta * sd)


class HyperbandBase(HyperbandOracle):
    """KerasTuner's Hyperband with the size of its brackets open to a subclass.

    Args:
        **kwargs: forwarded.
    """

    # How far Hyperband has come, in KerasTuner's names.
    _STATE: tuple[str, ...] = ("_brackets", "_current_bracket", "_current_iteration", "_seed_state")

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(hyperband_iterations=None, **kwargs)

    def bracket_starts(self, bracket: int) -> None:
        """Called before a bracket of that number is started."""

    def trial_starts(self, bracket: int, started: list[str]) -> bool:
        """Called before a bracket proposes one more new point; False where it must do without.

        Args:
            bracket: its number.
            started: ids of the trials that it has started with so far.
        """
        return True

    def bracket_size(self, bracket: int, round_number: int) -> int:
        """How many points a round of a bracket has."""
        return int(super()._get_size(bracket, round_number))

    def most_brackets(self, brackets: int) -> int:
        """How many brackets of KerasTuner's number are used."""
        return brackets

    def brackets(self) -> int:
        """The number of brackets."""
        return self.most_brackets(int(super()._get_num_brackets()))

    def usual_size(self, bracket: int) -> int:
        """How many points KerasTuner starts a bracket with."""
        return int(super()._get_size(bracket, 0))

    def round_ends(self, bracket: int) -> list[int]:
        """Epochs of all after which each round of a bracket ends."""
        return [int(self._get_epochs(bracket, k)) for k in range(self._get_num_rounds(bracket))]

    def snapshot(self) -> dict[str, Any]:
        """A copy of how far Hyperband has come, for `restore`."""
        return {name: copy.deepcopy(getattr(self, name)) for name in self._STATE}

    def restore(self, snapshot: dict[str, Any]) -> None:
        """Goes back to what `snapshot` gave."""
        for name, value in snapshot.items():
            setattr(self, name, value)

    def _start_new_bracket(self) -> None:
        self.bracket_starts(self._current_bracket)
        super()._start_new_bracket()

    def _random_trial(self, trial_id: str, bracket: dict[str, Any]) -> dict[str, Any]:
        if not self.trial_starts(bracket["bracket_num"], [entry["id"] for entry in bracket["rounds"][0]]):
            # KerasTuner would end the search here, with no one promoted.
            return dict(HyperbandOracle.populate_space(self, trial_id))
        return dict(super()._random_trial(trial_id, bracket))

    def _get_num_brackets(self) -> int:
        return self.brackets()

    def _get_size(self, bracket_num: int, round_num: int) -> int:
        return self.bracket_size(bracket_num, round_num)


@keras_tuner.synchronized
def requeue_trial(oracle: keras_tuner.Oracle, worker: str) -> None:
    """Gives the trial of a worker that is gone to the next worker that asks.

    Args:
        oracle: the chief's.
        worker: its name.
    """
    trial = oracle.ongoing_trials.pop(worker, None)
    if trial is not None:
        oracle._retry_queue.append(trial.trial_id)
    oracle.tuner_ids.discard(worker)


def _asked(call: Callable[..., Any], done: Callable[..., bool], *arguments: Any, **more: Any) -> Any:
    """Asks until there is an answer, or until the chief has done it, its answer alone being lost."""
    from grpc import RpcError, StatusCode

    while True:
        try:
            return call(*arguments, **more)
        except RpcError as error:
            if error.code() != StatusCode.UNAVAILABLE:
                raise
        time.sleep(_AGAIN)
        if done(*arguments, **more):
            return None


def ask_again(client: Any) -> None:
    """Has a worker ask its chief again where the network is cut while it waits for the answer.

    KerasTuner waits for a chief that is not there yet, but takes a lost answer for a trial that failed.

    Args:
        client: KerasTuner's, of a worker.
    """
    get_trial = functools.partial(_asked, client.get_trial, lambda _: False)

    def ended(trial: Any) -> bool:
        return bool(get_trial(trial.trial_id).status != "RUNNING")

    for name in CLIENT_CALLS:
        # Asked twice for a trial, a chief gives the same; a trial that ends twice would be counted twice.
        done = ended if name == "end_trial" else lambda *_, **__: False
        setattr(client, name, functools.partial(_asked, getattr(client, name), done))


def keep_in_memory(oracle: keras_tuner.Oracle) -> None:
    """Keeps an oracle from writing files."""
    oracle.save = oracle._save_trial = lambda *_: None


def parent_is_alive(pid: int) -> bool:
    """Whether the process that started this one still runs.

    Args:
        pid: its process id.
    """
    if os.name == "posix":
        # An orphan gets another parent.
        return os.getppid() == pid
    import psutil

    return bool(psutil.pid_exists(pid))


def nvidia_gpus() -> list[str]:
    """The graphics cards that processes may use, by the numbers that CUDA gives them.

    Outside Linux only those that the environment names are known.
    """
    if CUDA_VISIBLE_DEVICES in os.environ:
        return [card for card in os.environ[CUDA_VISIBLE_DEVICES].split(",") if card.strip()]
    return [str(k) for k, _ in enumerate(_NVIDIA_GPUS.glob("*"))]
