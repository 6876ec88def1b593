"""KerasTuner's engine, in a single process or as chief or worker of several.

What is done is read from the run folders and not from KerasTuner's own files, so a kill at any moment costs at most the
epoch in flight, and what is done is never repeated. It takes any oracle that is a function of the results it is given:
one that lists the runs of a sweep, or one that searches a space.
"""

from __future__ import annotations

import contextlib
import gc
import io
import logging
import time
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import keras
import keras_tuner
from keras_tuner.errors import FailedTrialError

from copper_tf.data.pictures import kept_pictures
from copper_tf.utils.compat import interrupt_on_sigterm
from tfds_copper.files import lock_folder
from tfds_copper.progress import Progress
from tuning.cluster import check_address, is_worker
from tuning.compat import ask_again
from tuning.heartbeat import Heartbeat
from tuning.hparams import write_columns, write_scores, write_search_columns, write_trial_scores
from tuning.oracles import epochs_of, oracle_of, point_of
from tuning.search_space import name_of
from tuning.sweep import UNITS, Sweep, open_sweep
from tuning.trials import Search, open_search

__all__ = ["run_search", "run_sweep"]

_PROJECT = "keras_tuner"
# Seconds between the requests of a worker that has nothing to do.
_PAUSE = 0.2


class _Job(Protocol):
    """What trials are."""

    sweep: Sweep

    def run_name(self, values: Mapping[str, Any]) -> str:
        """The name of the run that a trial is of."""

    def result(self, values: Mapping[str, Any]) -> dict[str, float] | None:
        """The result of a trial that is done already."""

    def perform(self, values: Mapping[str, Any], dataset: Any, progress: Progress) -> dict[str, float]:
        """Performs a trial."""

    def progress_of(self, name: str, fraction: float, text: str) -> tuple[int, int, str]:
        """(done, total, text) of the whole, where a fraction of the run of that name is done."""


class _SweepJob:
    """Every run of a sweep."""

    def __init__(self, sweep: Sweep) -> None:
        self.sweep, self.finished = sweep, 0

    def run_name(self, values: Mapping[str, Any]) -> str:
        """See `_Job`."""
        name = str(values["run"])
        if name not in self.sweep.plan:
            # The chief has added to the plan since.
            self.sweep = open_sweep(self.sweep.path)
        self.finished = sum(self.sweep.is_done(n) or bool(self.sweep.failure(n)) for n in self.sweep.plan)
        return name

    def result(self, values: Mapping[str, Any]) -> dict[str, float] | None:
        """See `_Job`."""
        return {"done": 1.0} if self.sweep.is_done(str(values["run"])) else None

    def perform(self, values: Mapping[str, Any], dataset: Any, progress: Progress) -> dict[str, float]:
        """See `_Job`."""
        write_scores(self.sweep.perform(str(values["run"]), dataset, progress))
        return {"done": 1.0}

    def progress_of(self, name: str, fraction: float, text: str) -> tuple[int, int, str]:
        """See `_Job`."""
        done, total = self.finished, len(self.sweep.plan)
        return int(UNITS * (done + fraction)), UNITS * total, f"runs {done} of {total} done, {name}: {text}"


class _SearchJob:
    """The points that an oracle proposes."""

    def __init__(self, search: Search) -> None:
        self.search, self.sweep = search, search.sweep
        self.begun, self.steps = 0, 0

    def _proposal(self, values: Mapping[str, Any]) -> tuple[str, int]:
        return name_of(point_of(values)), epochs_of(values, self.sweep.base.training.epochs)

    def run_name(self, values: Mapping[str, Any]) -> str:
        """See `_Job`."""
        name = self._proposal(values)[0]
        if name not in self.sweep.plan:
            # The chief has enlarged the space since.
            self.search = open_search(self.sweep.path)
            self.sweep = self.search.sweep
        self.begun, self.steps = self.search.spent()
        return name

    def result(self, values: Mapping[str, Any]) -> dict[str, float] | None:
        """See `_Job`."""
        stop, objective = self.search.result(*self._proposal(values)), self.search.objective.name
        return None if stop is None else {objective: stop.scores[objective]}

    def perform(self, values: Mapping[str, Any], dataset: Any, progress: Progress) -> dict[str, float]:
        """See `_Job`."""
        (name, until), objective = self._proposal(values), self.search.objective.name
        stop = self.search.perform(name, until, dataset, progress)
        write_trial_scores(self.search, name, until, stop)
        return {objective: stop.scores[objective]}

    def progress_of(self, name: str, fraction: float, text: str) -> tuple[int, int, str]:
        """See `_Job`."""
        total = self.search.steps
        return min(self.steps, total), total, f"{self.begun} points tried, {name}: {text}"


class _ListOracle(keras_tuner.Oracle):
    """Hands out the runs of a list, in its order."""

    def __init__(self, names: Sequence[str]) -> None:
        space = keras_tuner.HyperParameters()
        space.Choice("run", list(names))
        super().__init__(
            objective=keras_tuner.Objective("done", "max"), max_trials=len(names), hyperparameters=space,
            # One run that fails says nothing of the others.
            max_consecutive_failed_trials=len(names) + 1,
        )  # fmt: skip
        self.names = list(names)

    def populate_space(self, trial_id: str) -> dict[str, Any]:
        """The next run."""
        return {"status": "RUNNING", "values": {"run": self.names[int(trial_id)]}}


class _Tuner(keras_tuner.Tuner):
    """Performs the trials that the oracle hands out."""

    def __init__(self, job: _Job, oracle: keras_tuner.Oracle, progress: Progress | None) -> None:
        self.job, self.progress = job, progress
        self.dataset = job.sweep.dataset()
        super().__init__(oracle, directory=str(job.sweep.path), project_name=_PROJECT, overwrite=not is_worker())
        if is_worker():
            ask_again(self.oracle)

    def pre_create_trial(self) -> None:
        """Spares a chief that has nothing to hand out yet."""
        if is_worker():
            time.sleep(_PAUSE)

    def run_trial(self, trial: Any, *arguments: Any, **more: Any) -> dict[str, float]:
        """Performs one trial; why it fails, if it does, is kept."""
        values = trial.hyperparameters.values
        name = self.job.run_name(values)
        result = self.job.result(values)
        if result is not None:
            return result
        sweep = self.job.sweep
        if sweep.failure(name) or not sweep.count_attempt(name):
            raise FailedTrialError(sweep.failure(name))
        fraction = 0.0

        def progress(done: int, total: int, text: str) -> None:
            nonlocal fraction
            if "epoch" in text:
                fraction = 0.95 * done / total
            if self.progress:
                self.progress(*self.job.progress_of(name, fraction, text))

        try:
            result = self.job.perform(values, self.dataset, progress)
            sweep.reset(name)
            return result
        except KeyboardInterrupt:
            # A run that is stopped on purpose hasn't failed.
            sweep.reset(name)
            raise
        except Exception as error:
            reason = str(error).splitlines()[0] if str(error) else type(error).__name__
            sweep.record_failure(name, reason)
            raise FailedTrialError(reason) from None
        finally:
            keras.backend.clear_session()
            gc.collect()


def _run(job: _Job, oracle: keras_tuner.Oracle, progress: Progress | None) -> None:
    """Lets KerasTuner hand out trials until its oracle has no more."""
    check_address()
    # Every run traces its own graphs, which TensorFlow takes for a slip.
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
    path = job.sweep.path
    # Workers share the folder with their chief.
    claim = contextlib.nullcontext() if is_worker() else lock_folder(path)
    # KerasTuner prints where it reloads.
    quiet = contextlib.redirect_stdout(io.StringIO())
    with claim, interrupt_on_sigterm(), Heartbeat(path, oracle), quiet, kept_pictures():
        _Tuner(job, oracle, progress).search(verbose=0)


def run_sweep(sweep: Sweep, progress: Progress | None = None) -> None:
    """Performs every run of a sweep that isn't done, in this process, or, as chief, hands them out to workers.

    Args:
        sweep: the plan, written.
        progress: called with (done, total, what).

    Raises:
        RunError: if, among several machines, the others stop answering.
        OutputError: if another process works in the folder.
    """
    if not is_worker():
        # A failure of an earlier call is tried again.
        sweep.reset_failures()
    left = [name for name in sweep.plan if not sweep.is_done(name)]
    if not left:
        return
    if not is_worker():
        write_columns(sweep)
    _run(_SweepJob(sweep), _ListOracle(left), progress)


def run_search(search: Search, progress: Progress | None = None) -> None:
    """Performs a search, in this process, or, as chief, hands its trials out to workers.

    Args:
        search: the plan, written.
        progress: called with (done, total, what).

    Raises:
        RunError: if, among several machines, the others stop answering.
        OutputError: if another process works in the folder.
    """
    if not is_worker():
        search.sweep.reset_failures()
        write_search_columns(search)
    _run(_SearchJob(search), oracle_of(search), progress)
